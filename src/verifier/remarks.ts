/**
 * Remarks: what a check adds to its outcome, as keys with values, so that every language can say
 * it. This file has the English.
 */

/**
 * The English of every remark. `{name}` is a placeholder. Translated catalogues must have all of
 * them.
 */
export const REMARKS = {
  earlier: 'an earlier check did not pass',
  receiptNone: 'there is no receipt',
  receiptUnreadable: 'the receipt could not be read',
  statementUnreadable: 'the statement could not be read',
  proofUnreadable: 'the proof could not be read',
  checkpointUnreadable: 'there is no checkpoint that could be read',
  documentsNone: 'the statement lists no documents',
  fileNone: 'no file was given',
  fileOther: 'this file is not one of the documents that the receipt lists',
  fileUnchanged: 'unchanged',
  fileReformatted: 'same content, formatted differently',
  statementType: '{type}',
  included: 'index {index} of {size}',
  originOther: 'the checkpoint is from {origin}, but the policy is for {expected}',
  originUnlisted: 'the checkpoint is from {origin}, which the list “{list}” does not know',
  policyNewer:
    'the checkpoint is from {origin}, and the policy of “{entry}” in the list “{list}” is of a kind that this version does not know',
  signed: 'size {size}, signed by {keys}',
  witnessesUnasked: 'the policy asks for no witnesses',
  witnesses: "{count} of the policy's witnesses signed, {quorum} are needed",
  anchorsFew: 'the policy has too few anchors for this tree size',
  chainUnserved: 'chain {chainId}: none of the given endpoints serves it',
  chainSilent: 'chain {chainId}: {answered} of {named} endpoints answered ({endpoints})',
  chainDisagrees: 'chain {chainId}: the endpoints {endpoints} disagree',
  codeNone: 'chain {chainId}: there is no contract at {contract}',
  codeOther: 'chain {chainId}: other code at {contract}',
  anchorMissing: 'chain {chainId}: not anchored at {contract} ({answered} of {named} endpoints answered)',
  anchorDisowned: 'chain {chainId}: the owner closed the log at {contract} and does not vouch for this size',
  anchored: 'chain {chainId}: anchored at {contract} ({answered} of {named} endpoints answered)',
  anchorNone: 'there is no anchor to be final',
  notFinal: 'chain {chainId}: not final yet',
  final: 'chain {chainId}: final ({answered} of {named} endpoints answered)',
  stampNone: '{name}: no time stamp of this list',
  stampMalformed: '{name}: the time stamp cannot be read',
  stampOtherData: '{name}: the time stamp is of something else',
  stampPolicy: '{name}: the time stamp was made under a policy that does not count',
  stampCertificate: '{name}: the certificate of the time stamp is not one for time stamps alone',
  stampChain: '{name}: the certificate of the time stamp does not lead to one that your policy names',
  stampSignature: '{name}: the signature of the time stamp is wrong',
  stampUnsupported: '{name}: the time stamp uses an algorithm that does not count',
  stampUnable: '{name}: the time stamp cannot be checked here',
  stampShared: '{name}: its time stamp was signed with the same key as another one, so the two count once',
  stampFinal: '{name}: a time stamp is final',
  testAuthority: '{name}: a test authority',
  stamped: '{name}: time stamp of {time}; not checked whether its certificate was revoked, or whether it is qualified',
  testNetwork: 'a test network',
  versionsNone: 'this statement has no versions',
  versionsUnasked: 'newer versions not checked',
  versionsUnanswered: 'newer versions not checked: {reason}',
  versionsUnsigned: 'newer versions not checked: the newest checkpoint of the source does not verify by the policy',
  versionsBehind: 'newer versions not checked: the source has {size} entries, but the receipt is for {needed}',
  versionsUnlisted: 'newer versions not checked: the source does not list the entry {index} itself',
  versionsMany: 'more statements of this record are reported than could be read',
  versionUnverified: 'the statement reported at index {index} does not verify by the policy',
  versionErased: 'the statement at index {index} has been erased',
  tombstoneUnverified: 'the notice that the statement at index {index} was erased does not verify by the policy',
  versionsSeparated: 'a statement between two publications of this version has been erased',
  newest: 'no other statement changes this version',
  withdrawn: 'withdrawn by the statement at index {index}: {reason}',
  edited: 'published with different content at index {index}, under the same version',
  editedElsewhere: 'another document of this version was published with different content at index {index}',
  amended: 'replaced by the statement at index {index}',
  publishedLater: 'a later version was published at index {index}',
  documentAdded: 'a document was added at index {index}',
  reformattedLater: 'published again, formatted differently, at index {index}',
} as const

/** The name of a remark. */
export type RemarkKey = keyof typeof REMARKS

/** One remark with the values for its placeholders. */
export type Remark = { readonly key: RemarkKey; readonly values: { readonly [name: string]: string | number } }

/** Makes a remark. */
export function remark(key: RemarkKey, values: Remark['values'] = {}): Remark {
  return { key, values }
}

/** The remarks in English. */
export function formatRemarks(remarks: readonly Remark[]): string {
  return remarks.map(({ key, values }) => fillIn(REMARKS[key], values)).join('; ')
}

/** Fills in the placeholders of a sentence. A placeholder without a value is left as it is. */
export function fillIn(sentence: string, values: Remark['values']): string {
  return sentence.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole))
}

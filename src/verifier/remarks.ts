/** What a check has to say of its outcome, as keys with values, so that every language can say it. English stands here. */

/** The English of every note. `{name}` is a placeholder. A translated catalogue must offer each of them. */
export const NOTES = {
  earlier: 'an earlier check did not pass',
  receiptNone: 'there is no receipt',
  receiptUnreadable: 'the receipt could not be read',
  statementUnreadable: 'the statement could not be read',
  proofUnreadable: 'the proof could not be read',
  checkpointUnreadable: 'there is no checkpoint that could be read',
  documentsNone: 'the statement lists no documents',
  fileNone: 'no file was given',
  fileOther: 'this file is none of the documents that the receipt lists',
  fileUnchanged: 'unchanged',
  fileReformatted: 'same content, formatted differently',
  statementType: '{type}',
  included: 'index {index} of {size}',
  originOther: 'the checkpoint is of {origin}, the policy speaks of {expected}',
  signed: 'size {size}, signed by {keys}',
  witnessesUnasked: 'the policy asks for no witness',
  witnesses: "{count} of the policy's witnesses, {quorum} are needed",
  anchorsFew: 'the policy has too few anchors for this tree size',
  chainUnserved: 'chain {chainId}: none of the endpoints given serves it',
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
  testNetwork: 'a test network',
  versionsNone: 'this statement has no versions',
  versionsUnasked: 'newer versions not checked',
  versionsUnanswered: 'newer versions not checked: {reason}',
  versionsUnsigned: 'newer versions not checked: the newest checkpoint of the source does not verify by the policy',
  versionsBehind: 'newer versions not checked: the source knows {size} entries, and the receipt is of {needed}',
  versionsUnlisted: 'newer versions not checked: the source does not list the entry {index} itself',
  versionsMany: 'more statements of this record are reported than could be read',
  versionUnverified: 'the statement that is reported at index {index} does not verify by the policy',
  versionErased: 'the statement at index {index} has been erased',
  newest: 'no other statement changes this version',
  withdrawn: 'withdrawn by the statement at index {index}: {reason}',
  edited: 'published with different content at index {index}, under the same version',
  editedElsewhere: 'another document of this version was published with different content at index {index}',
  amended: 'replaced by the statement at index {index}',
  publishedLater: 'a later version was published at index {index}',
  documentAdded: 'a document was added at index {index}',
  reformattedLater: 'published again, formatted differently, at index {index}',
} as const

/** The name of a note. */
export type NoteKey = keyof typeof NOTES

/** One note with the values for its placeholders. */
export type Note = { readonly key: NoteKey; readonly values: { readonly [name: string]: string | number } }

/** Makes a note. */
export function note(key: NoteKey, values: Note['values'] = {}): Note {
  return { key, values }
}

/** The notes in English. */
export function formatNotes(notes: readonly Note[]): string {
  return notes.map(({ key, values }) => fillIn(NOTES[key], values)).join('; ')
}

/** A sentence with its placeholders filled; one without a value stays as it stands. */
export function fillIn(sentence: string, values: Note['values']): string {
  return sentence.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole))
}

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
  chainSilent: 'chain {chainId}: no endpoint answered',
  chainDisagrees: 'chain {chainId}: the endpoints {endpoints} disagree',
  codeOther: 'chain {chainId}: other code at {contract}',
  anchorMissing: 'chain {chainId}: not anchored at {contract}',
  anchored: 'chain {chainId}: anchored at {contract}',
  anchorNone: 'there is no anchor to be final',
  notFinal: 'chain {chainId}: not final yet',
  final: 'chain {chainId}: final',
  testNetwork: 'a test network',
  versionsNone: 'this statement has no versions',
  versionsUnasked: 'newer versions not checked',
  versionsUnanswered: 'newer versions not checked: {reason}',
  newest: 'no later statement about this version',
  stillListed: 'still listed by the statement at index {index}',
  withdrawn: 'withdrawn by the statement at index {index}: {reason}',
  amended: 'amended by the statement at index {index}',
  silentlyEdited: 'published again with other documents at index {index}, without an amendment: a silent edit',
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

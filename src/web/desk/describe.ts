/** Facts that the desk learns from files: how a statement lists them, and what they state. */
import type { DocumentRef } from '../../core/statements/statement.ts'
import { mediaTypeOf } from '../../documents/media-type.ts'
import { brokenJson, type DocumentReading, holdsMany } from '../../documents/reading.ts'
import type { ReadFile } from '../../verifier/index.ts'
import { type Draft, FIELDS, type Field, type ReadField, readAt } from './draft.ts'
import { MAX_REMARKS, remarksOf } from './remarks.ts'

/** A file as its bytes describe it. */
export type DescribedFile = {
  /** Its path. */
  readonly name: string
  readonly reading: DocumentReading
  readonly document: DocumentRef
}

/** Describes a file that was read whole. */
export function describeFile(path: string, { digest: { bytes, sha256, jcs } }: ReadFile, reading: DocumentReading): DescribedFile {
  // As `openseal submit` names it, so that both make the same statement.
  const name = path.slice(path.lastIndexOf('/') + 1).normalize('NFC')
  return { name: path, reading, document: { name, mediaType: mediaTypeOf(name), bytes, sha256, ...(jcs !== undefined && { jcs }) } }
}

/** The first file that must not be submitted, with the reason in English. */
export function findBroken(
  files: readonly DescribedFile[],
): { readonly name: string; readonly code: string; readonly detail: string } | undefined {
  for (const { document, reading } of files) {
    const broken = brokenJson(reading)
    if (broken !== undefined) return { name: document.name, ...broken }
  }
  return undefined
}

/**
 * Adds files to a draft, with those inside of them. Typed words count first, then the file that
 * states the record, or the first that states anything: a form with parts of two records would be
 * wrong in both.
 */
export function addFiles(draft: Draft, files: readonly DescribedFile[]): Draft {
  const stating =
    files.find(({ reading }) => reading.members.record !== undefined) ?? files.find(({ reading }) => reading.stated.length > 0)
  const documents = files.flatMap(({ document, reading }) => [document, ...reading.inner])
  const all = files.flatMap(({ document: { name }, reading }) => {
    const isOther = versionOf(reading) !== '' && stating !== undefined && versionOf(reading) !== versionOf(stating.reading)
    return [
      ...(isOther ? [{ name, code: 'other' as const, value: versionOf(reading) }] : []),
      ...(holdsMany(reading) ? [{ name, code: 'many' as const }] : []),
      ...remarksOf(name, reading),
    ]
  })
  return { ...draft, ...(stating && fillIn(draft, stating)), documents, remarks: all.slice(0, MAX_REMARKS) }
}

function versionOf({ members: { record, revision } }: DocumentReading): string {
  return record === undefined ? '' : [record, revision].filter(Boolean).join(' ')
}

/**
 * The draft's fields, where nothing was typed those that a file states, with their places in it.
 */
function fillIn(draft: Draft, { reading, document }: DescribedFile): Pick<Draft, 'action' | 'fields' | 'read'> {
  const { identifiers, reason, action, ...members } = reading.members
  const stated: { readonly [field in Field]?: string | undefined } = {
    ...members,
    identifiers: identifiers?.map(({ scheme, value }) => `${scheme}=${value}`).join('\n'),
    reason: reason?.code,
  }
  const fields: { [field in Field]?: string } = { ...draft.fields }
  const read: { [field in Field | 'action']?: ReadField } = {}
  const note = (member: Field | 'action', value: string) => {
    const place = reading.stated.find(each => each.member === member)
    if (place !== undefined) read[member] = readAt(member, value, [document.name, place.at].filter(Boolean).join(' '))
  }
  for (const field of FIELDS) {
    const value = stated[field]
    if (value === undefined || fields[field] !== undefined) continue
    fields[field] = value
    note(field, value)
  }
  const isChange = draft.action === 'publish' && action === 'amend'
  if (isChange) note('action', action)
  return { action: isChange ? action : draft.action, fields, read }
}

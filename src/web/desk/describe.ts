/** What the desk learns from files: how a statement lists them, and what they state. */
import type { DocumentRef } from '../../core/statements/statement.ts'
import { mediaTypeOf } from '../../documents/media-type.ts'
import type { DocumentReading } from '../../documents/reading.ts'
import type { ReadFile } from '../../verifier/index.ts'
import { type Draft, FIELDS, type Field } from './draft.ts'

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

/**
 * Why a file must not be submitted, in English; undefined if it may. JSON that does not parse is no
 * record for anyone. Any other file counts by its bytes, even if it cannot be understood.
 */
export function faultOf({ reading: { refused } }: DescribedFile): string | undefined {
  return refused?.code.startsWith('JSON_') ? `${refused.detail} (${refused.code})` : undefined
}

/**
 * Adds files to a draft, with those inside of them. What was typed counts first, then the first
 * file that states a field.
 */
export function addFiles(draft: Draft, files: readonly DescribedFile[]): Draft {
  const fields: { [field in Field]?: string } = { ...draft.fields }
  const at: { [field: string]: string } = {}
  const add = (field: Field, value: string | undefined, where: string | undefined) => {
    if (value === undefined || fields[field] !== undefined) return
    fields[field] = value
    if (where !== undefined) at[field] = where
  }
  let { action } = draft
  for (const { reading, document } of files) {
    const { identifiers, reason, ...members } = reading.members
    const whereOf = (member: string) => {
      const stated = reading.stated.find(each => each.member === member)
      return stated && [document.name, stated.at].filter(Boolean).join(' ')
    }
    for (const field of FIELDS) {
      const value = field in members ? members[field as keyof typeof members] : undefined
      add(field, value, whereOf(field))
    }
    add('identifiers', identifiers?.map(({ scheme, value }) => `${scheme}=${value}`).join('\n'), whereOf('identifiers'))
    add('reason', reason?.code, whereOf('reason'))
    if (action !== 'publish' || members.action !== 'amend') continue
    action = 'amend'
    at.action = whereOf('action') ?? document.name
  }
  const documents = files.flatMap(({ document, reading }) => [document, ...reading.inner])
  return { ...draft, action, fields, at, documents }
}

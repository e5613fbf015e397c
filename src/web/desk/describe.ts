/** What the desk learns from files: how a statement lists them, and what they state. */

import type { DocumentRef } from '../../core/statements/statement.ts'
import { mediaTypeOf } from '../../documents/media-type.ts'
import type { ReadFile } from '../../verifier/index.ts'
import type { Draft } from './draft.ts'

/** A file as its bytes describe it. `at` says where in the file a field was read. */
export type DescribedFile = { readonly document: DocumentRef; readonly fields: Draft['fields']; readonly at: Draft['at'] }

/** Describes a file that was read whole. */
export function describeFile(name: string, { digest: { bytes, sha256, jcs } }: ReadFile): DescribedFile {
  // As `openseal submit` names it, so that both make the same statement.
  const base = name.slice(name.lastIndexOf('/') + 1).normalize('NFC')
  return { document: { name: base, mediaType: mediaTypeOf(base), bytes, sha256, ...(jcs !== undefined && { jcs }) }, fields: {}, at: {} }
}

/** Adds files to a draft. What was typed counts first, then the first file that states a field. */
export function addFiles(draft: Draft, files: readonly DescribedFile[]): Draft {
  const stated = files.toReversed().reduce((all, file) => ({ fields: { ...all.fields, ...file.fields }, at: { ...all.at, ...file.at } }), {
    fields: {},
    at: {},
  } as Pick<Draft, 'fields' | 'at'>)
  const at = Object.fromEntries(Object.entries(stated.at).filter(([field]) => !(field in draft.fields)))
  return { ...draft, fields: { ...stated.fields, ...draft.fields }, at, documents: files.map(({ document }) => document) }
}

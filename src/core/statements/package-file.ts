/** Statements about the whole file of a package, whose releases have statements of their own. */
import type { Statement } from './statement.ts'

/**
 * Whether a statement is about a whole file of releases, which readers of lists rarely want: its
 * record is the digest of its only document (design §3.2, OCDS).
 */
export function isPackageFile({ action, kind, record, revision, documents }: Statement): boolean {
  const [document] = documents
  if (action !== 'publish' || kind !== 'procurement' || revision !== undefined || documents.length !== 1) return false
  return record === `urn:sha256:${document?.sha256}`
}

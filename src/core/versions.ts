/** Versions of one record: what a later statement is to an earlier one. Design §3.2. */

import type { DocumentRef, Statement } from './statement.ts'

/**
 * What a later statement is to an earlier one of the same record: `silent-edit` when it publishes the same revision with other documents,
 * `reformatted` when only their bytes differ, `repeat` when nothing does, `none` when the two cannot collide: an amendment or withdrawal
 * says openly what it does, and without a revision only two publications speak of the same version.
 */
export function compareVersions(earlier: Statement, later: Statement): 'repeat' | 'reformatted' | 'silent-edit' | 'none' {
  const sameVersion = earlier.agency === later.agency && earlier.record === later.record && earlier.revision === later.revision
  if (!sameVersion || later.action !== 'publish' || earlier.action === 'withdraw') return 'none'
  if (later.revision === undefined && earlier.action !== 'publish') return 'none'
  if (sameDocuments(earlier, later)) return 'repeat'
  if (earlier.documents.length !== later.documents.length) return 'silent-edit'
  const before = { documents: unmatched(earlier, later, d => d.sha256) }
  const after = { documents: unmatched(later, earlier, d => d.sha256) }
  return unmatched(before, after, d => d.jcs).length === 0 ? 'reformatted' : 'silent-edit'
}

/** True when both list the same files, whatever their order and names. */
function sameDocuments(a: Statement, b: Statement): boolean {
  return unmatched(a, b, d => d.sha256).length === 0 && a.documents.length === b.documents.length
}

/** The documents of `a` that have no partner with the same digest in `b`, each partner used once. */
function unmatched(
  a: Pick<Statement, 'documents'>,
  b: Pick<Statement, 'documents'>,
  digest: (d: DocumentRef) => string | undefined,
): DocumentRef[] {
  const partners = b.documents.map(digest)
  return a.documents.filter(document => {
    const mine = digest(document)
    const at = mine === undefined ? -1 : partners.indexOf(mine)
    if (at >= 0) partners.splice(at, 1)
    return at < 0
  })
}

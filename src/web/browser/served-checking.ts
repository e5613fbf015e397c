/**
 * The same for a served page, which also asks its ledger, and loads the reader for ZIP archives
 * when one is given.
 */
import type { OpenArchive } from './open-archive.ts'

export { createLedgerReader as openLedger } from '../../verifier/index.ts'
export * from './checking.ts'

/** Loads the reader for archives first. */
export const openArchive: OpenArchive = async (...asked) => (await import('./open-archive.ts')).openArchive(...asked)

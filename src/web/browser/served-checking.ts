/**
 * The same for a served page, which also asks its ledger, and loads the reader for ZIP archives
 * when one is given.
 */
import type { OpenZip } from '../../verifier/index.ts'

export { createLedgerReader as openLedger } from '../../verifier/index.ts'
export * from './checking.ts'

/** Loads the reader for archives first. */
export const openZip: OpenZip = async bytes => (await import('../../verifier/app/receipt-zip.ts')).readReceiptZip(bytes)

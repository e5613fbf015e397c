/** The same for the page that a ledger serves, which asks that ledger, and loads what reads ZIP archives where one is given. */
import type { OpenZip } from '../../verifier/index.ts'

export { createLedgerReader as openLedger } from '../../verifier/index.ts'
export * from './checking.ts'

/** Loads the reader of archives first. */
export const openZip: OpenZip = async bytes => (await import('../../verifier/app/receipt-zip.ts')).readReceiptZip(bytes)

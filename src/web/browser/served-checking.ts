/** The same for the page that a ledger serves, which asks that ledger. */
export { createLedgerReader as openLedger } from '../../verifier/index.ts'
export * from './checking.ts'

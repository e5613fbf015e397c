/** The script of the verify page as a ledger serves it: beside the chain it asks that ledger. */
import { createLedgerReader } from '../../verifier/index.ts'
import { startPage } from './verify-page.ts'

void startPage({ openLedger: createLedgerReader })

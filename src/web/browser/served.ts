/** The script of the verify page as a ledger serves it: beside the chain it asks that ledger. What checks is loaded once it is needed. */
import { startPage } from './verify-page.ts'

void startPage({ load: () => import('./served-checking.ts') })

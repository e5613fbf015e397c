/** The script of the offline verifier: it asks no ledger, and brings its own languages and frame, and all that checks. */
import * as checking from './checking.ts'
import * as frame from './offline-frame.ts'
import { startPage } from './verify-page.ts'

void startPage({ frame, load: async () => checking })

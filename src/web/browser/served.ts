/**
 * The script of a served verify page: besides the chain, it asks that ledger. The checks are loaded
 * when needed.
 */
import { startPage } from './verify-page.ts'

void startPage({
  load: () => import('./served-checking.ts'),
  keep: () => import('./keeping.ts'),
  searchWords: async (...asked) => (await import('../../documents/search-words.ts')).searchWords(...asked),
})

/** Builds a ledger in a folder, with the given number of records. Arguments: folder, records. */
import { openLevelStore } from '../src/store/level/level.ts'
import { fillStore } from './fill.ts'
import { openBenchLedger } from './open.ts'
import { statementOf } from './statements.ts'

const [folder = '', wanted = ''] = process.argv.slice(2)
// Begins the log with its genesis.
await (await openBenchLedger(folder)).ledger.close()
const store = await openLevelStore(folder)
const size = await fillStore(store, Number(wanted), index => statementOf('built', index))
await store.close()
process.send?.({ size }, () => process.exit(0))

/**
 * Builds a ledger in a folder, with the given number of records: as the ledger itself would write
 * it, but in commits as large as memory allows, and without reading each back. Arguments: folder,
 * records.
 */

import { randomBytes } from 'node:crypto'
import { createSalts, prepare } from '../src/log/prepare.ts'
import { EMPTY_STATE, grow, restore } from '../src/log/tree-state.ts'
import { openLevelStore } from '../src/store/level/level.ts'
import { openBenchLedger } from './open.ts'
import { statementOf } from './statements.ts'

const COMMIT = 32_768
const [folder = '', wanted = ''] = process.argv.slice(2)
// Begins the log with its genesis.
await (await openBenchLedger(folder)).ledger.close()
const store = await openLevelStore(folder)
const salt = createSalts(count => randomBytes(count))
const row = await store.readHead()
let tree = (row && restore(row.head, row.edge)) ?? EMPTY_STATE
while (tree.head.size < Number(wanted)) {
  const { size } = tree.head
  const batch = Array.from(
    { length: Math.min(COMMIT, Number(wanted) - size) },
    (_, i) => prepare(statementOf('built', size + i), salt).prepared,
  )
  const { state, tiles, bundles } = grow(
    tree,
    batch.map(({ entry }) => entry),
  )
  const records = batch.map((prepared, i) => ({ ...prepared, index: size + i }))
  await store.commit({ previous: tree.head, next: state.head, edge: state.edge, tiles, bundles, records, timeMs: Date.now() })
  tree = state
}
await store.close()
process.send?.({ size: tree.head.size }, () => process.exit(0))

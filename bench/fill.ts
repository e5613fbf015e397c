/**
 * Fills a store with records: as the ledger itself would write them, but in commits as large as
 * memory allows, and without reading each back.
 */
import { randomBytes } from 'node:crypto'
import type { Statement } from '../src/core/statements/statement.ts'
import { createSalts, prepare } from '../src/log/prepare.ts'
import { EMPTY_STATE, grow, restore } from '../src/log/tree-state.ts'
import type { Store } from '../src/store/port/port.ts'

const COMMIT = 32_768

/**
 * Fills a store until its log has this many entries. `statementOf` gives the statement at an index.
 * Returns the log's size.
 */
export async function fillStore(store: Store, wanted: number, statementOf: (index: number) => Statement): Promise<number> {
  const salt = createSalts(count => randomBytes(count))
  const row = await store.readHead()
  let tree = (row && restore(row.head, row.edge)) ?? EMPTY_STATE
  while (tree.head.size < wanted) {
    const { size } = tree.head
    const batch = Array.from({ length: Math.min(COMMIT, wanted - size) }, (_, i) => prepare(statementOf(size + i), salt).prepared)
    const { state, tiles, bundles } = grow(
      tree,
      batch.map(({ entry }) => entry),
    )
    const records = batch.map((prepared, i) => ({ ...prepared, index: size + i }))
    await store.commit({ previous: tree.head, next: state.head, edge: state.edge, tiles, bundles, records, timeMs: Date.now() })
    tree = state
  }
  return tree.head.size
}

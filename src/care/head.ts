/**
 * The doctor's check of the head row, which has the ledger's size and root. All other checks depend
 * on it.
 */
import { equalBytes, fromHex } from '../core/bytes.ts'
import { TILE_WIDTH } from '../core/tlog/tile.ts'
import { type Committed, createCheckedNodes, rootAt } from '../log/checked-nodes.ts'
import { restore } from '../log/tree-state.ts'
import { sizeKey } from '../store/port/documents.ts'
import { StoreError } from '../store/port/errors.ts'
import type { EmbeddedStore } from '../store/port/port.ts'
import { type Complaint, FROM_BACKUP } from './complaint.ts'
import { deriveHead } from './derive-head.ts'
import { markRestored, readRestored } from './restored.ts'

/** A damaged head: what is wrong, and what can be read of its row. */
type Ailing = { readonly detail: string; readonly left?: Committed }

/** Collections with known roots of the tree besides the head. */
const KNOWN_ROOTS = ['final-anchors', 'anchors']

/**
 * The head for all other checks, and the findings about it. A damaged head is derived from the
 * other rows and, with `repair`, written back. The ledger is then marked, because the newest commit
 * may have been lost with the head without a trace.
 */
export async function treatHead(store: EmbeddedStore, repair: boolean): Promise<{ committed?: Committed; complaint: Complaint[] }> {
  const found = await readHead(store)
  if (!('detail' in found)) return { committed: found, complaint: [] }
  const { detail, left } = found
  const complaint = { code: 'DOCTOR_HEAD', detail }
  const derived = await deriveHead(store, left)
  const why = 'why' in derived ? derived.why : await contradiction(store, derived.committed)
  if ('why' in derived || why !== undefined)
    return { complaint: [{ ...complaint, repaired: false, advice: `The head cannot be derived from the rest. ${why} ${FROM_BACKUP}` }] }
  const { committed } = derived
  if (!repair) {
    const advice = `It can be derived from the rest: ${committed.head.size} entries. Copy the data folder first, then run openseal doctor --repair.`
    return { committed, complaint: [{ ...complaint, repaired: false, advice }] }
  }
  if ((await readRestored(store)) === undefined)
    await markRestored(store, { why: 'had a damaged head that was derived from the rest', size: committed.head.size })
  await store.putHead(committed.head, committed.edge)
  return { committed, complaint: [{ ...complaint, repaired: true }] }
}

async function readHead(store: EmbeddedStore): Promise<Committed | Ailing> {
  try {
    const left = await store.readHead()
    if (left === undefined) return { detail: 'the store holds no ledger' }
    if (restore(left.head, left.edge) === undefined)
      return { detail: 'the growing edge does not match the size and root of the head', left }
    const newest = (await store.lastSize()) ?? 0
    if (newest <= left.head.size) return left
    return { detail: `the head has ${left.head.size} entries, but a newer commit led to ${newest}`, left }
  } catch (error) {
    if (error instanceof StoreError) return { detail: error.message }
    throw error
  }
}

/**
 * An anchor within the last bundle whose root is not that of the derived tree. Earlier ones are
 * checked with the rest of the ledger.
 */
async function contradiction(store: EmbeddedStore, { head, edge }: Committed): Promise<string | undefined> {
  const nodes = createCheckedNodes(store, () => ({ head, edge }))
  const after = sizeKey(head.size - (head.size % TILE_WIDTH))
  for (const collection of KNOWN_ROOTS)
    for (const { value } of await store.listDocuments(collection, { after })) {
      const { size, root }: { size: number; root: string } = JSON.parse(value)
      if (size <= head.size && !equalBytes(await rootAt(nodes, size), fromHex(root)))
        return `The root of the anchor of size ${size} does not follow from the rest of the store.`
    }
  return undefined
}

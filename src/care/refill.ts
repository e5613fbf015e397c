/**
 * Fills a ledger that is behind, such as a restored backup, from another copy. Everything taken
 * must be signed by the log's key, or by a key that this one introduced.
 */
import { equalBytes } from '../core/bytes.ts'
import { type Hash, hashLeaf } from '../core/hash.ts'
import { encodeEntry } from '../core/statements/entry.ts'
import type { Checkpoint } from '../core/tlog/checkpoint.ts'
import { extendTree } from '../core/tlog/extension.ts'
import { decodeBundle, TILE_WIDTH } from '../core/tlog/tile.ts'
import { rootFromRange } from '../core/tlog/tree.ts'
import type { Host } from '../host.ts'
import { keepKeyChange, readLog } from '../log/log-keys.ts'
import { recordOf } from '../log/prepare.ts'
import { createSequencer, type Sequencer } from '../log/sequencer.ts'
import { createLogSigner } from '../log/signer.ts'
import { restore, type TreeState } from '../log/tree-state.ts'
import { type LogView, openLogView } from '../log/view.ts'
import type { Documents } from '../store/port/documents.ts'
import type { LogStore } from '../store/port/log.ts'
import { type Copy, RefillError } from './copy.ts'
import { type NewChange, readSignedCheckpoint } from './follow-keys.ts'

const STATEMENTS_AT_ONCE = 1024

/** The entries to append, from `from` on, and the changes of the log's key among them. */
type Missing = { readonly from: number; readonly entries: readonly Uint8Array[]; readonly changes: readonly NewChange[] }

/**
 * Appends what the copy has and the store lacks; returns the number of entries. Before it writes
 * anything, verifies that all of it leads to the copy's signed checkpoint.
 * @throws RefillError REFILL_FORK, REFILL_UNSIGNED, REFILL_MISSING
 */
export async function refill(store: LogStore & Documents, copy: Copy, host: Host): Promise<number> {
  const row = await store.readHead()
  const state = row && restore(row.head, row.edge)
  if (state === undefined) throw new RefillError('REFILL_FORK', 'The head of this ledger is damaged, so nothing can be appended to it.')
  const log = await readLog(store)
  if (log === undefined) throw new RefillError('REFILL_FORK', 'This ledger has no genesis, so nothing can be appended to it.')
  const { origin } = log
  const { checkpoint, changes } = await readSignedCheckpoint(copy, log)
  // A throwaway key: nobody sees what is signed while a ledger is at rest, so the log's key is not
  // needed.
  const signer = createLogSigner(origin, host.randomBytes(32))
  const view = await openLogView({ store, signer, origin })
  const sequencer = createSequencer({ store, view, host })
  const from = state.head.size
  const entries = checkpoint.size > from ? await readEntries(copy, from, checkpoint.size) : []
  const leaves = entries.map(hashLeaf)
  for (const shown of [...changes.map(change => change.checkpoint), checkpoint])
    if (!(await isOfTree(shown, view, state, leaves)))
      throw new RefillError(
        'REFILL_FORK',
        `The other copy has another history: our entries do not lead to its signed root of size ${shown.size}.`,
      )
  await append(store, sequencer, copy, { from, entries, changes })
  return entries.length
}

/** Whether a checkpoint belongs to our tree once the leaves are appended. */
async function isOfTree({ size, root }: Checkpoint, view: LogView, { head, range }: TreeState, leaves: readonly Hash[]) {
  if (size > head.size + leaves.length) return false
  if (size <= head.size) return equalBytes(await view.rootAt(size), root)
  return equalBytes(rootFromRange(extendTree(head.size, range, leaves.slice(0, size - head.size)).range), root)
}

/**
 * A change of the key ends its batch, and is stored before anything is appended to it. After a
 * crash in between it is found as one that was begun.
 */
async function append(store: LogStore & Documents, sequencer: Sequencer, copy: Copy, { from, entries, changes }: Missing): Promise<void> {
  for (const change of changes) if (change.index < from) await keepKeyChange(store, change)
  const end = from + entries.length
  for (let at = from; at < end; ) {
    const change = changes.find(({ index }) => index >= at)
    const to = Math.min(end, at + STATEMENTS_AT_ONCE, (change?.index ?? end) + 1)
    const statements = await copy.statements(at, to)
    const batch = entries.slice(at - from, to - from).map((entry, i) => {
      const statement = statements[i]
      if (statement === undefined || !equalBytes(encodeEntry(statement), entry))
        throw new RefillError('REFILL_MISSING', `The other copy does not have the statement of entry ${at + i}: try another one.`)
      return { ...recordOf(at + i, statement), entry }
    })
    await sequencer.seal(batch)
    if (change?.index === to - 1) await keepKeyChange(store, change)
    at = to
  }
}

async function readEntries(copy: Copy, from: number, to: number): Promise<Uint8Array[]> {
  const entries: Uint8Array[] = []
  for (let index = Math.floor(from / TILE_WIDTH); index * TILE_WIDTH < to; index++) {
    const width = Math.min(TILE_WIDTH, to - index * TILE_WIDTH)
    const bundle = decodeBundle(await copy.bundle(index, width), width)
    entries.push(...bundle.slice(Math.max(0, from - index * TILE_WIDTH)))
  }
  return entries
}

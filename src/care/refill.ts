/**
 * Fills a ledger that is behind, such as a restored backup, from another copy. Everything taken
 * must be signed by the log's key, or by a key that this one introduced.
 */
import { equalBytes } from '../core/bytes.ts'
import { type Hash, hashLeaf } from '../core/hash.ts'
import { parseJson } from '../core/json.ts'
import { encodeEntry } from '../core/statements/entry.ts'
import { KEY_CHANGE } from '../core/statements/key-change.ts'
import { typeOf } from '../core/statements/statement.ts'
import type { Checkpoint } from '../core/tlog/checkpoint.ts'
import { extendTree } from '../core/tlog/extension.ts'
import { decodeBundle, TILE_WIDTH } from '../core/tlog/tile.ts'
import { rootFromRange } from '../core/tlog/tree.ts'
import type { Host } from '../host.ts'
import { erasureDocuments, type RecordedErasure } from '../log/erasures.ts'
import { keepKeyChange, readLog, readOpenChange } from '../log/log-keys.ts'
import { type Prepared, recordOf } from '../log/prepare.ts'
import { createSequencer, type Sequencer } from '../log/sequencer.ts'
import { createLogSigner } from '../log/signer.ts'
import { restore, type TreeState } from '../log/tree-state.ts'
import { type LogView, openLogView } from '../log/view.ts'
import type { DocumentChange, Documents } from '../store/port/documents.ts'
import type { ErasedRecord, LogStore } from '../store/port/log.ts'
import { type Copy, RefillError } from './copy.ts'
import { erasureOf, heldRecord, placeholderOf, type SaidErased, tombstoneIn } from './erased.ts'
import { type NewChange, readSignedCheckpoint } from './follow-keys.ts'

const STATEMENTS_AT_ONCE = 1024

/** The entries to append, from `from` on, and the changes of the log's key among them. */
type Missing = {
  readonly from: number
  readonly entries: readonly Uint8Array[]
  readonly changes: readonly NewChange[]
  readonly nowMs: number
}

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
  await append(store, sequencer, copy, { from, entries, changes, nowMs: host.nowMs() })
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
 * crash in between, it is found as one that was begun. If a copy withholds the receipt of a change,
 * nothing above the change is taken from it: the change's row would be missing forever.
 */
async function append(store: LogStore & Documents, sequencer: Sequencer, copy: Copy, missing: Missing): Promise<void> {
  const { from, entries, changes } = missing
  // A copy cannot say whether the old key still signs as well. The new one is enough.
  const keep = (change: NewChange) => keepKeyChange(store, { ...change, hasGrace: false })
  for (const change of changes) if (change.index < from) await keep(change)
  const end = from + entries.length
  for (let at = from; at < end; ) {
    if ((await readOpenChange(store, at)) !== undefined) throw withoutReceipt(at - 1)
    const { batch, erase, changes: documents } = await readBatch(store, copy, missing, at, Math.min(end, at + STATEMENTS_AT_ONCE))
    await sequencer.seal(batch, { erase, documents: { changes: documents, unless: [] } })
    at += batch.length
    const change = changes.find(({ index }) => index === at - 1)
    if (change !== undefined) await keep(change)
  }
  await store.purge()
}

/**
 * The entries from `at` on with their statements, up to the first change of the key or tombstone, so
 * that what it erases is gone before the same statement comes again. A tombstone erases what this
 * store still holds.
 */
async function readBatch(store: LogStore & Documents, copy: Copy, missing: Missing, at: number, to: number) {
  const said = await copy.statements(at, to)
  const batch: Prepared[] = []
  const erase: ErasedRecord[] = []
  const changes: DocumentChange[] = []
  for (const [i, entry] of missing.entries.slice(at - missing.from, to - missing.from).entries()) {
    const index = at + i
    const statement = said[i]
    if (statement === undefined || (statement instanceof Uint8Array && !equalBytes(encodeEntry(statement), entry))) throw lacking(index)
    if (!(statement instanceof Uint8Array)) {
      const gone = placeholderOf(entry)
      batch.push(gone)
      erase.push({ index, identity: gone.identity, subject: undefined, digests: [] })
      changes.push(...erasureDocuments(await provenErasure(copy, missing, index, statement)))
      continue
    }
    const record = recordOf(index, statement)
    batch.push({ ...record, entry })
    if (record.subject === undefined && typeOf(parseJson(statement)) === KEY_CHANGE) break
    const tombstone = tombstoneIn(statement)
    if (tombstone === undefined) continue
    const held = tombstone.index < at ? await heldRecord(store, tombstone.index) : undefined
    if (held === undefined) continue
    const [told] = await copy.statements(held.index, held.index + 1)
    erase.push(held)
    changes.push(...erasureDocuments(erasureOf(tombstone, index, missing.nowMs, told instanceof Uint8Array ? undefined : told)))
    break
  }
  return { batch, erase, changes }
}

/** The erasure of an entry, by a tombstone that is proven to be among the missing entries. */
async function provenErasure(copy: Copy, { from, entries, nowMs }: Missing, index: number, said: SaidErased): Promise<RecordedErasure> {
  const entry = entries[said.erased - from]
  const statement = entry && said.erased > index ? (await copy.statements(said.erased, said.erased + 1))[0] : undefined
  if (entry === undefined || !(statement instanceof Uint8Array) || !equalBytes(encodeEntry(statement), entry)) throw lacking(index)
  const tombstone = tombstoneIn(statement)
  if (tombstone?.index !== index) throw lacking(index)
  return erasureOf(tombstone, said.erased, nowMs, said)
}

function lacking(index: number): RefillError {
  return new RefillError('REFILL_MISSING', `The other copy does not have the statement of entry ${index}: try another one.`)
}

function withoutReceipt(index: number): RefillError {
  const fact = `The other copy does not have the receipt of entry ${index}, which changed the key of the log: try another one.`
  return new RefillError('REFILL_MISSING', fact)
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

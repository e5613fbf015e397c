/**
 * The sequencer: the only place where the log grows. It takes a batch, gives indexes, extends the tree, commits, signs, reads back what is
 * on disk, and only then lets the submitters be answered.
 */
import { equalBytes } from '../core/bytes.ts'
import { OpenSealError } from '../core/errors.ts'
import type { Hash } from '../core/hash.ts'
import { formatCheckpoint } from '../core/tlog/checkpoint.ts'
import { type Signer, signNote } from '../core/tlog/note.ts'
import { rootFromRange, rootNodes } from '../core/tlog/tree.ts'
import { type Head, type NewRecord, type Store, StoreError } from '../store/port/port.ts'
import { LedgerError } from './errors.ts'
import { createNodes, type Nodes } from './nodes.ts'
import { rederive } from './read-back.ts'
import { EMPTY_STATE, type Growth, grow, restore, type TreeState } from './tree-state.ts'

/** A statement ready to be logged. */
export type Prepared = Omit<NewRecord, 'index'> & { readonly entry: Uint8Array }

/** Where a statement stands in the log; `known` when it stood there before. */
export type Submission = { readonly index: number; readonly known: boolean }

/** The newest committed head with its signed checkpoint. */
export type SignedHead = Head & { readonly note: string }

export type Sequencer = {
  /** Seals a batch of distinct statements; when it returns, each is durable, signed for and read back. Never called twice at once. */
  seal(batch: readonly Prepared[]): Promise<Submission[]>
  head(): SignedHead
  /** The tree's nodes up to the newest head. */
  readonly nodes: Nodes
  edge(): TreeState['edge']
  /** Promise 7: no batch is sealed from now on. The first reason is kept. */
  stop(reason: string, code?: string): void
  stopped(): string | undefined
  /** The stable code of that reason. */
  stopCode(): string | undefined
  /** Why nothing can be sealed until the store has told what became of a failed write; it is asked again and again. */
  unsettled(): string | undefined
}

type Deps = { readonly store: Store; readonly signer: Signer; readonly origin: string; readonly nowMs: () => number }

/** How often a batch is tried again when another node's commit came first. */
const MOVED_RETRIES = 100
const ASK_STORE_AGAIN_MS = 1000

/** Opens the sequencer on what the store holds; reads a bounded number of keys. @throws LedgerError LEDGER_CORRUPT */
export async function openSequencer({ store, signer, origin, nowMs }: Deps): Promise<Sequencer> {
  let tree = await readTree(store)
  let nodes = createNodes(store, tree.head, tree.edge)
  let signed = signHead(tree.head)
  let stopReason: string | undefined
  let stopCode: string | undefined
  /** Promise 7: a commit's outcome is not known, so nothing is built upon the head until the store has told it. */
  let unsettled: string | undefined
  let settling: Promise<void> | undefined

  /** Signs a head, and is only ever given a committed one. Ed25519 is deterministic: a head has one checkpoint, whoever signs it when. */
  function signHead(head: Head): SignedHead {
    return { ...head, note: signNote(formatCheckpoint({ origin, ...head }), signer) }
  }

  async function sealBatch(batch: readonly Prepared[]): Promise<Submission[]> {
    // Look up who is known, on the head that the commit below insists on. A crash here leaves nothing behind.
    const known = await store.findIdentities(batch.map(statement => statement.identity))
    const fresh = batch.filter((_, i) => known[i] === undefined)
    const submissions = numberFrom(tree.head.size, known)
    if (fresh.length === 0) return submissions

    // Extend the tree in memory, beside the one in use. A crash here leaves nothing behind.
    const growth = grow(
      tree,
      fresh.map(statement => statement.entry),
    )

    // Commit statements, look-ups, tiles and head at once. A crash leaves all of the batch or none of it. Where it landed, its submitters
    // have no answer; they send again and are answered "known". Nothing else needs repair, so starting after a crash is just starting.
    await commit(growth, fresh)

    // Sign the committed head. A crash leaves it unsigned; the next start signs it, with the same bytes.
    const next = signHead(growth.state.head)

    // Read the batch back from the store and re-derive the head. A crash leaves a sound commit; a mismatch stops the ledger, unanswered.
    await rederive(store, tree, growth.state.head)

    // From here on the batch is public: reads, proofs and the checkpoint see it, and the submitters are answered. A crash leaves a sound, signed commit;
    // whoever has no answer yet sends again and is answered "known".
    tree = growth.state
    nodes.add(growth.nodes)
    signed = next
    return submissions
  }

  /** Commits, and where the store could not say what came of it, learns that from the head. Returns only when the batch is in. */
  async function commit(growth: Growth, fresh: readonly Prepared[]): Promise<void> {
    const records = fresh.map((statement, i) => ({ ...statement, index: tree.head.size + i }))
    const { tiles, bundles, state } = growth
    try {
      await store.commit({ previous: tree.head, next: state.head, edge: state.edge, tiles, bundles, records, timeMs: nowMs() })
    } catch (cause) {
      const found = (await readHeadOr(cause))?.head ?? EMPTY_STATE.head
      if (equalHeads(found, state.head)) return
      if (equalHeads(found, tree.head))
        throw new LedgerError('LEDGER_COMMIT_FAILED', 'The batch could not be written; nothing of it was kept. Send it again.', { cause })
      throw new HeadMoved('HEAD_MOVED', `the head moved to size ${found.size}`, { cause })
    }
  }

  async function readHeadOr(cause: unknown) {
    try {
      return await store.readHead()
    } catch (error) {
      throw isUnsettled(error) ? unsettledError(error, cause) : error
    }
  }

  /** From here on nothing is sealed until the head was read. Asked for by the next batch, and by the clock where none comes. */
  function unsettledError(error: StoreError, cause: unknown): LedgerError {
    unsettled = error.message
    setTimeout(() => {
      if (unsettled !== undefined) settle().catch(() => {})
    }, ASK_STORE_AGAIN_MS).unref()
    return new LedgerError('LEDGER_UNSETTLED', `${error.message} A record without an answer is not lost by being sent again.`, { cause })
  }

  function settle(): Promise<void> {
    settling ??= follow()
      .then(
        () => {
          unsettled = undefined
        },
        error => {
          throw isUnsettled(error) ? unsettledError(error, error.cause) : failStopped(error)
        },
      )
      .finally(() => {
        settling = undefined
      })
    return settling
  }

  /** Takes over a head that another node committed, once it is shown to extend ours. */
  async function follow(): Promise<void> {
    const found = await readTree(store)
    const foundNodes = createNodes(store, found.head, found.edge)
    const extendsOurs = found.head.size >= tree.head.size && equalBytes(await rootAt(foundNodes, tree.head.size), tree.head.root)
    if (!extendsOurs)
      throw new LedgerError('LEDGER_CORRUPT', `the store's head of size ${found.head.size} does not extend ours of size ${tree.head.size}`)
    tree = found
    nodes = foundNodes
    signed = signHead(found.head)
  }

  async function seal(batch: readonly Prepared[]): Promise<Submission[]> {
    for (let tries = 0; tries < MOVED_RETRIES; tries++) {
      if (stopReason !== undefined) throw stoppedError(stopReason, stopCode)
      if (unsettled !== undefined) await settle()
      try {
        return await sealBatch(batch)
      } catch (error) {
        if (error instanceof LedgerError && (error.code === 'LEDGER_COMMIT_FAILED' || error.code === 'LEDGER_UNSETTLED')) throw error
        // The store could not be read: nothing was written, and the next batch finds out whether it can be again.
        if (isUnsettled(error)) throw unsettledError(error, error.cause)
        if (!(error instanceof HeadMoved)) throw failStopped(error)
      }
      await settle()
    }
    throw new LedgerError('LEDGER_BUSY', 'Other nodes kept sealing first. Send it again.')
  }

  /** The first reason stays, but for the owner's last word on the log. */
  function stop(reason: string, code = 'LEDGER_STOPPED'): void {
    if (stopReason !== undefined && code !== 'LOG_CLOSED') return
    stopCode = code
    stopReason = reason
  }

  function failStopped(cause: unknown): LedgerError {
    stop(cause instanceof Error ? cause.message : String(cause), cause instanceof OpenSealError ? cause.code : 'INTERNAL')
    return stoppedError(stopReason ?? '', stopCode, cause)
  }

  return {
    seal,
    head: () => signed,
    nodes: { read: wanted => nodes.read(wanted), fullTile: (level, index) => nodes.fullTile(level, index), add: added => nodes.add(added) },
    edge: () => tree.edge,
    stop,
    stopped: () => stopReason,
    stopCode: () => stopCode,
    unsettled: () => unsettled,
  }
}

/** Root hash of the tree's first `size` entries. */
export async function rootAt(nodes: Pick<Nodes, 'read'>, size: number): Promise<Hash> {
  return rootFromRange(await nodes.read(rootNodes(size)))
}

async function readTree(store: Store): Promise<TreeState> {
  // Read before the head, which another node may move meanwhile.
  const newest = (await store.lastSize()) ?? 0
  const row = await store.readHead()
  if (row === undefined) return EMPTY_STATE
  const tree = restore(row.head, row.edge)
  if (tree === undefined) throw corruptHead('The growing edge in the store does not give the size and root of its head.')
  // Whoever seals upon an old head signs another tree than the one that was signed.
  if (newest > row.head.size)
    throw corruptHead(`The head in the store is of ${row.head.size} entries, and a newer commit led to ${newest}.`)
  return tree
}

function corruptHead(what: string): LedgerError {
  return new LedgerError('LEDGER_CORRUPT', `${what} Stop the service, copy the data folder, and run "openseal doctor".`)
}

/** New statements get the next indexes, in the batch's order; known ones keep theirs. */
function numberFrom(size: number, known: readonly (number | undefined)[]): Submission[] {
  let next = size
  return known.map(index => (index === undefined ? { index: next++, known: false } : { index, known: true }))
}

function equalHeads(a: Head, b: Head): boolean {
  return a.size === b.size && equalBytes(a.root, b.root)
}

function isUnsettled(error: unknown): error is StoreError {
  return error instanceof StoreError && error.code === 'STORE_UNSETTLED'
}

/** What a submission is told. `code`: why the ledger has stopped; one that is closed never goes on. */
export function stoppedError(reason: string, code: string | undefined, cause?: unknown): LedgerError {
  return new LedgerError(code === 'LOG_CLOSED' ? code : 'LEDGER_STOPPED', `The ledger has stopped accepting records: ${reason}`, {
    cause,
  })
}

/** Inside the sequencer only: another node's commit came first. */
class HeadMoved extends OpenSealError {}

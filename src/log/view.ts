/**
 * The log as this node knows it: the newest head that it has taken over and signed, and the tree
 * below it. Several nodes may seal on one store, so a view can be behind. A read beyond what this
 * node knows asks the store once.
 */
import { equalBytes } from '../core/bytes.ts'
import type { Hash } from '../core/hash.ts'
import type { Edge, Head, LogStore, StoredTree } from '../store/port/log.ts'

import { LedgerError } from './errors.ts'
import { keepLast } from './kept.ts'
import { createNodes } from './nodes.ts'
import { type LogSigner, signCheckpoint } from './signer.ts'
import { EMPTY_STATE, type Growth, restore, type TreeState } from './tree-state.ts'
import { extendsHead, type Readers, verifiedRoot } from './verified.ts'

/** A committed head with its signed checkpoint. */
export type SignedHead = Head & { readonly note: string }

/** The view for readers. */
export type LogView = {
  /** The newest head that this node knows. */
  head(): SignedHead
  /** The growing edge of that head. */
  edge(): Edge
  /** The tree's nodes up to that head. */
  readonly nodes: Readers
  /**
   * Root hash of the first `size` entries, at most those of the head, verified against the head's.
   * @throws DamageError
   */
  rootAt(size: number): Promise<Hash>
  /**
   * Whether the log has at least this many entries. Asks the store once if this node does not know.
   * @throws what `refresh` throws
   */
  reaches(size: number): Promise<boolean>
  /**
   * Takes over the store's head, after the store has confirmed it and it was verified to extend the
   * one that this node knows.
   * @throws LedgerError LEDGER_CORRUPT if it does not; StoreError
   */
  refresh(): Promise<void>
  /**
   * The same, and has the store confirm its head also if this node knows it. No fail-over takes
   * back what was read from the store before the call, so it may be acknowledged.
   */
  confirm(): Promise<void>
}

/** The view for sealing, which can advance it. */
export type OwnView = LogView & {
  tree(): TreeState
  /**
   * The tree of a head that the store has shown, to build a batch on: this node's own, or one that
   * was verified to extend it. `known` is the head of this node before the store was asked. The
   * commit of that batch confirms it. Undefined if this node may not sign it, or knows more.
   * @throws LedgerError LEDGER_CORRUPT
   */
  treeAt(stored: StoredTree, known: Head): Promise<TreeState | undefined>
  /** Whether a head is the one that this node has taken over, or an earlier one of the same tree. */
  includes(head: Head): Promise<boolean>
  /** Advances the tree by a batch, after its commit was read back. */
  advance(growth: Growth): Promise<void>
  /** Signs the head again, because the signer has other keys now. */
  signAgain(): void
}

type Deps = {
  readonly store: LogStore
  readonly signer: LogSigner
  readonly origin: string
  /**
   * The largest size that the signer may sign, asked about each head that another node has
   * committed. Missing: every size.
   */
  readonly signsUpTo?: (found: Head) => Promise<number>
  /** Told of each head that this node has signed since it was opened. */
  readonly onSigned?: (() => void) | undefined
}

const KEPT_ROOTS = 1024
/** A limit that no store reaches: so many fail-overs in a row. */
const READ_TRIES = 3

/**
 * Opens a view of the store's log. Reads a bounded number of keys.
 * @throws LedgerError LEDGER_CORRUPT
 */
export async function openLogView({
  store,
  signer,
  origin,
  signsUpTo = async () => Number.POSITIVE_INFINITY,
  onSigned,
}: Deps): Promise<OwnView> {
  let tree = restored(await readRow(store, 'confirmHead'))
  const nodes = createNodes(store, tree)
  let signed = signHead(tree.head)
  /** Roots of former sizes, which never change. Receipts ask for that of the newest anchor. */
  const roots = keepLast<number, Hash>(KEPT_ROOTS)
  let refreshing: Promise<void> | undefined
  let nextRefresh: Promise<void> | undefined
  /** The newest tree to build a batch on that was verified to extend `of`, which was this node's own. */
  let ahead: { readonly tree: TreeState; readonly of: TreeState } | undefined
  /** Whether the next refresh has the store confirm a head that this node knows. */
  let isToConfirm = false

  /** Signs a head, which must be committed. Every node with the same keys makes the same text. */
  function signHead(head: Head): SignedHead {
    return { ...head, note: signCheckpoint({ origin, ...head }, signer) }
  }

  async function rootAt(size: number): Promise<Hash> {
    const root = roots.get(size) ?? (await verifiedRoot(nodes, size, tree.head))
    if (size !== tree.head.size) roots.set(size, root)
    return root
  }

  async function refreshNow(): Promise<void> {
    // The store's head is never older than one known before the store was asked.
    const known = tree.head
    const isConfirming = isToConfirm
    isToConfirm = false
    // A store on one disk confirms from memory, which is much faster than to read its newest commit.
    const seen = isConfirming ? ((await store.confirmHead()) ?? EMPTY_STATE) : await readRow(store, 'readHead')
    if (equalHeads(seen.head, known)) return
    const row = await readRow(store, 'confirmHead')
    const found = restored(row)
    await follows(found, known, { mayBeEnded: true, take: () => moveTo(found) })
  }

  function moveTo(next: TreeState): void {
    nodes.moveTo(next)
    tree = next
    sign()
  }

  function sign(): void {
    signed = signHead(tree.head)
    onSigned?.()
  }

  /**
   * Whether this node may move on to a tree, which must extend `known` and what this node has sealed
   * or followed meanwhile. `mayBeEnded`: another node has committed it, and may have ended the key.
   * `take` is called before anything else can happen.
   */
  async function follows(
    found: TreeState,
    known: Head,
    { mayBeEnded, take }: { readonly mayBeEnded: boolean; readonly take: () => void },
  ): Promise<boolean> {
    const [limit] = await Promise.all([mayBeEnded ? signsUpTo(found.head) : Number.POSITIVE_INFINITY, assertExtends(found, known)])
    if (found.head.size > limit) return false
    for (let asserted = known; asserted !== tree.head; ) {
      if (found.head.size <= tree.head.size) return false
      asserted = tree.head
      await assertExtends(found, asserted)
    }
    if (found.head.size <= tree.head.size) return false
    take()
    return true
  }

  async function assertExtends(found: TreeState, known: Head): Promise<void> {
    // Reads only through the tiles, so that no node in this process's memory vouches for itself.
    if (await extendsHead(createNodes(store, found), known, found.head)) return
    throw new LedgerError('LEDGER_CORRUPT', `the store's head of size ${found.head.size} does not extend ours of size ${known.size}`)
  }

  function refresh(): Promise<void> {
    // A running refresh may have read the head before the commit that this caller knows of. Callers
    // from now on share the next one.
    const begin = () => {
      nextRefresh = undefined
      refreshing = refreshNow().finally(() => {
        refreshing = undefined
      })
      return refreshing
    }
    if (refreshing === undefined) return begin()
    nextRefresh ??= refreshing.then(begin, begin)
    return nextRefresh
  }

  return {
    head: () => signed,
    edge: () => tree.edge,
    nodes,
    rootAt,
    async reaches(size) {
      if (size > tree.head.size) await refresh()
      return size <= tree.head.size
    },
    refresh,
    confirm() {
      isToConfirm = true
      return refresh()
    },
    tree: () => tree,
    signAgain: sign,
    async treeAt(stored = EMPTY_STATE, known) {
      if (equalHeads(stored.head, tree.head)) return tree
      const found = restored(stored)
      const take = () => {
        ahead = { tree: found, of: tree }
      }
      return (await follows(found, known, { mayBeEnded: true, take })) ? found : undefined
    },
    includes: async head => equalHeads(head, tree.head) || (head.size < tree.head.size && equalBytes(await rootAt(head.size), head.root)),
    async advance(growth) {
      const { before, state } = growth
      // Its commit has confirmed the tree that it was built on.
      if (before === ahead?.tree && tree === ahead.of) {
        nodes.moveTo(before)
        tree = before
      }
      if (tree === before) {
        nodes.grow(growth)
        tree = state
        return sign()
      }
      // A refresh may have seen the commit before its read-back ended. Then this node already knows
      // as much, or more.
      if (state.head.size > tree.head.size) await follows(state, tree.head, { mayBeEnded: false, take: () => moveTo(state) })
    },
  }
}

/**
 * The store's head and edge.
 * @throws LedgerError LEDGER_CORRUPT if a newer commit led to another head
 */
async function readRow(store: LogStore, call: 'readHead' | 'confirmHead'): Promise<{ readonly head: Head; readonly edge: Edge }> {
  for (let tries = 1; ; tries++) {
    // Read before the head, which another node may move meanwhile.
    const newest = (await store.lastSize()) ?? 0
    const row = (await store[call]()) ?? EMPTY_STATE
    // Sealing on an old head would sign a tree that contradicts the one already signed.
    if (newest <= row.head.size) return row
    // Between the two, a fail-over may have taken back that commit.
    if (tries === READ_TRIES) throw corruptHead(`The head in the store has ${row.head.size} entries, but a newer commit led to ${newest}.`)
  }
}

function restored({ head, edge }: { readonly head: Head; readonly edge: Edge }): TreeState {
  if (head.size === 0) return EMPTY_STATE
  const tree = restore(head, edge)
  if (tree === undefined) throw corruptHead('The growing edge in the store does not match the size and root of its head.')
  return tree
}

function equalHeads(a: Head, b: Head): boolean {
  return a.size === b.size && equalBytes(a.root, b.root)
}

function corruptHead(what: string): LedgerError {
  return new LedgerError(
    'LEDGER_CORRUPT',
    `${what} Stop the service and copy the data folder or the database. Then run "openseal doctor", which treats a data folder, or restore the database.`,
  )
}

/**
 * The sequencer: the only place where the log grows. It takes a batch, gives it indexes, extends
 * the tree, commits, reads back what is on disk and signs. Only then are the submitters answered.
 */
import { equalBytes } from '../core/bytes.ts'
import { OpenSealError } from '../core/errors.ts'
import type { BackgroundTask, Host } from '../host.ts'
import { isDocumentChanged } from '../store/port/documents.ts'
import { StoreError } from '../store/port/errors.ts'
import type { Commit, Head, LogStore, StoredTree } from '../store/port/log.ts'
import { BeginAgain, type BegunBatch, beginBatch } from './begun.ts'
import { LedgerError } from './errors.ts'
import type { Prepared } from './prepare.ts'
import { isIn } from './read-back.ts'
import { EMPTY_STATE, type Growth, grow, type TreeState } from './tree-state.ts'
import type { OwnView } from './view.ts'

/**
 * A statement's index in the log; `known` if it was there before. `isFirst`: it is new, and no
 * statement of its record was there before.
 */
export type Submission = { readonly index: number; readonly known: boolean; readonly isFirst?: true }

/** The outcome of a submission: the statement's index, or the error of sealing. */
export type SubmissionOutcome = Submission | { readonly error: unknown }

/** The parts of a commit besides statements. */
type Also = Pick<Commit, 'erase' | 'documents'>

/** An entry of the log's own, with what changes in its commit. */
export type NextEntry = Also & { readonly entry: Prepared }

export type Sequencer = {
  /**
   * Seals a batch of distinct statements. When it returns, each is durable, signed and read back,
   * or has the error STATEMENT_ERASED. The caller seals nothing else at the same time.
   * @throws LedgerError; StoreError STORE_DOCUMENT_CHANGED: nothing was written
   */
  seal(batch: readonly Prepared[], also?: Also): Promise<SubmissionOutcome[]>
  /**
   * Seals an entry that depends on its own index, in the same way. `make` is called with that index
   * while the head is locked, so it must end soon. It is called again if another node came first.
   * If it makes none, nothing is sealed, and this node has followed the log that far. Resolves to
   * the entry's index.
   * @throws what `seal` throws
   */
  sealNext(make: (index: number) => Promise<NextEntry | undefined>): Promise<number | undefined>
  /** Promise 7: no batch is sealed from now on. The first reason is kept. */
  stop(reason: string, code?: string): void
  stopped(): string | undefined
  /** The stable code of that reason. */
  stopCode(): string | undefined
  /** Whether it was stopped with this code, also if another reason came first. */
  wasStoppedBy(code: string): boolean
  /**
   * Why nothing can be sealed for now: the store has not settled a failed or late write, or this
   * node lacks the log's key. A following sequencer tries again every second.
   */
  unsettled(): string | undefined
  /** The stable code of that reason: LEDGER_UNSETTLED or LEDGER_KEY_ENDED. */
  unsettledCode(): string | undefined
  /** Asks the store every second for its head: another node may have moved it. */
  follow(): BackgroundTask
}

/** The key that signs what is sealed, which another process may end. */
export type SigningKey = {
  /** Why nothing can be sealed with it now; undefined if it can. */
  waits(): string | undefined
  /** Takes up the next key if this node waits for it and has it now. */
  follow(): Promise<void>
}

type Deps = {
  readonly store: LogStore
  readonly view: OwnView
  readonly host: Pick<Host, 'nowMs' | 'sleep' | 'spawn'>
  /** Missing: the key of the view signs forever. */
  readonly key?: SigningKey
  /** Whether statements with these identities were erased, and may not come back. */
  readonly wereErased?: (identities: readonly string[]) => Promise<readonly boolean[]>
}

/** `mayGoOn`: whether batches may still be sealed. */
type BatchDeps = Deps & { readonly mayGoOn: () => boolean }

/** How often a batch is tried again after another node's commit came first. */
const MOVED_RETRIES = 100
/** How often an idle node asks the store for its head. */
const FOLLOW_MS = 1000

/** Creates the sequencer, which advances a view. */
export function createSequencer(deps: Deps): Sequencer {
  const { view, host, key } = deps
  const waits = () => key?.waits()
  const stops = createStops()
  const mayGoOn = () => stops.reason() === undefined && waits() === undefined
  /**
   * Promise 7: the outcome of a commit is unknown, so nothing is built on the head until the store
   * has settled it.
   */
  let unsettled: string | undefined
  let settling: Promise<void> | undefined

  function unsettledError(error: StoreError): LedgerError {
    unsettled = error.message
    return new LedgerError('LEDGER_UNSETTLED', `${error.message} It is safe to send a record without an answer again.`, {
      cause: error,
    })
  }

  /** Reads the store's head, which settles a write and shows how far another node has gone. */
  function settle(): Promise<void> {
    settling ??= (key?.follow() ?? Promise.resolve())
      .then(() => view.refresh())
      .then(
        () => {
          unsettled = undefined
        },
        error => {
          throw isUnsettled(error) ? unsettledError(error) : stops.failed(error)
        },
      )
      .finally(() => {
        settling = undefined
      })
    return settling
  }

  /** Tries again after another node has come first. */
  async function sealing<T>(attempt: (deps: BatchDeps) => Promise<T>): Promise<T> {
    for (let tries = 0; tries < MOVED_RETRIES; tries++) {
      stops.refuse()
      if ((unsettled ?? waits()) !== undefined) await settle()
      const lacking = waits()
      if (lacking !== undefined) throw new LedgerError('LEDGER_KEY_ENDED', lacking)
      try {
        return await attempt({ ...deps, mayGoOn })
      } catch (error) {
        if (error instanceof LedgerError && error.code === 'LEDGER_COMMIT_FAILED') throw error
        if (isDocumentChanged(error)) throw error
        // The store could not be read, or a commit is late. The next batch finds out what became
        // of this one.
        if (isUnsettled(error)) throw unsettledError(error)
        if (!(error instanceof BeginAgain)) throw stops.failed(error)
      }
      await settle()
    }
    throw new LedgerError('LEDGER_BUSY', 'Other nodes kept sealing first. Send it again.')
  }

  return {
    seal: (batch, also = {}) => sealing(each => onHead(each, batch, begun => sealOn(begun, each, batch, also))),
    async sealNext(make) {
      // What `make` cannot read is no reason to stop sealing.
      let failure: unknown
      const index = await sealing(each =>
        onHead(each, [], async begun => {
          const made = await make(begun.tree.head.size).catch(cause => {
            failure = cause
          })
          if (made === undefined) return undefined
          const { entry, ...also } = made
          await sealOn(begun, each, [entry], also)
          return begun.tree.head.size
        }),
      )
      if (failure !== undefined) throw failure
      if (index === undefined) await settle()
      return index
    },
    follow: () =>
      host.spawn('follow the log', async signal => {
        for (;;) {
          await host.sleep(FOLLOW_MS, signal)
          // A failure here is kept, and told to the next submitter.
          await settle().catch(() => {})
        }
      }),
    stop: stops.stop,
    stopped: stops.reason,
    stopCode: stops.code,
    wasStoppedBy: stops.has,
    unsettled: () => unsettled ?? waits(),
    unsettledCode: () => (unsettled !== undefined ? 'LEDGER_UNSETTLED' : waits() === undefined ? undefined : 'LEDGER_KEY_ENDED'),
  }
}

/** Begins a batch of distinct statements, works on it with the head locked, and ends it. */
async function onHead<T>(deps: BatchDeps, batch: readonly Prepared[], work: (begun: BegunBatch) => Promise<T>): Promise<T> {
  // Look up known statements on the head that the commit below requires. A crash here leaves
  // nothing behind: a store that nodes share gives up the lock of a node that is gone.
  const begun = await beginBatch(deps, batch)
  try {
    // Meanwhile the ledger may have been stopped, or another node may have ended the key.
    if (!deps.mayGoOn()) throw new BeginAgain('BEGIN_AGAIN', 'nothing may be sealed now')
    return await work(begun)
  } finally {
    begun.end()
  }
}

/** Seals a batch that has begun: its known statements were looked up. */
async function sealOn(begun: BegunBatch, deps: Deps, batch: readonly Prepared[], also: Also) {
  const { store, view, host, wereErased = async () => [] } = deps
  const { tree, known } = begun

  // Look up those that were erased, and number the others. A crash here leaves nothing behind.
  const refused = await wereErased(batch.map(statement => statement.identity))
  const fresh = batch.filter((_, i) => known[i] === undefined && refused[i] !== true)
  const submissions = numberFrom(tree.head.size, batch, begun, refused)
  if (fresh.length === 0) {
    // Nothing of this batch is written, so give up the lock, and have the store confirm what was only
    // read before it is acknowledged. A fail-over may have taken it back. A crash here leaves nothing
    // behind.
    begun.end()
    await view.confirm()
    if (!(await view.includes(tree.head))) throw new BeginAgain('BEGIN_AGAIN', 'the store has lost what it knew')
    return submissions
  }

  // Extend the tree in memory, beside the current one. A crash here leaves nothing behind.
  const growth = grow(
    tree,
    fresh.map(statement => statement.entry),
  )

  // Commit statements, look-ups, tiles and head at once. A crash leaves all of the batch or none
  // of it. If it is in, its submitters have no answer; they send again and get "known". Nothing
  // else needs repair, so a start after a crash is an ordinary start.
  const written = await commit(begun, growth, fresh, { timeMs: host.nowMs(), ...also })

  // Ask the store whether the batch is in, even after a clean commit. Its tree at the new size,
  // read back, must re-derive to the new root, however far another node has moved the head since.
  // Without a clean commit, the store confirms the head first, because a fail-over could take back
  // what is only read. A crash leaves a sound commit; a mismatch stops the ledger without an answer.
  const stored = 'cause' in written ? await store.confirmHead() : written.stored
  if (!(await isIn(store, stored, tree, growth.state.head))) throw notInError(tree, stored?.head, written)

  // Sign the committed head. The batch is public from here on: reads, proofs and the checkpoint
  // include it, and the submitters are answered. A crash leaves a sound commit, which the next
  // start signs with the same bytes; submitters without an answer send again.
  await view.advance(growth)
  return submissions
}

/** What became of a commit: the head that was read back, or an error after which that is unknown. */
type Written = { readonly stored: StoredTree } | { readonly cause: unknown }

async function commit(
  begun: BegunBatch,
  { before, state, tiles, bundles }: Growth,
  fresh: readonly Prepared[],
  also: Also & Pick<Commit, 'timeMs'>,
): Promise<Written> {
  const records = fresh.map((statement, i) => ({ ...statement, index: before.head.size + i }))
  try {
    return { stored: await begun.commit({ previous: before.head, next: state.head, edge: state.edge, tiles, bundles, records, ...also }) }
  } catch (cause) {
    if (cause instanceof StoreError && cause.code === 'STORE_HEAD_MOVED') throw new BeginAgain('BEGIN_AGAIN', cause.message, { cause })
    if (isDocumentChanged(cause)) throw cause
    return { cause }
  }
}

/**
 * The error for a batch that is not in. After a clean commit, the store has lost it. A late commit
 * may still land, which the head will show. After any other failure, the batch can be sent or
 * sealed again.
 */
function notInError(tree: TreeState, found: Head = EMPTY_STATE.head, written: Written): Error {
  if (!('cause' in written)) return new LedgerError('LEDGER_CORRUPT', 'the head in the store is not the committed one')
  if (isUnsettled(written.cause)) return written.cause
  if (equalHeads(found, tree.head))
    return new LedgerError('LEDGER_COMMIT_FAILED', 'The batch could not be written, and nothing of it was kept. Send it again.', written)
  return new BeginAgain('BEGIN_AGAIN', `the head moved to size ${found.size}`, written)
}

/** Why nothing is sealed any more. */
function createStops() {
  let kept: { readonly reason: string; readonly code: string } | undefined
  const codes = new Set<string>()

  /** The first reason is kept, except that closing by the owner replaces it. */
  function stop(reason: string, code = 'LEDGER_STOPPED'): void {
    codes.add(code)
    if (kept === undefined || code === 'LOG_CLOSED') kept = { reason, code }
  }

  return {
    stop,
    reason: () => kept?.reason,
    code: () => kept?.code,
    has: (code: string) => codes.has(code),
    /** @throws LedgerError if there is a reason */
    refuse() {
      if (kept !== undefined) throw stoppedError(kept.reason, kept.code)
    },
    /** Stops because of an error. Returns the error for the submitters. */
    failed(cause: unknown): LedgerError {
      stop(cause instanceof Error ? cause.message : String(cause), cause instanceof OpenSealError ? cause.code : 'INTERNAL')
      return stoppedError(kept?.reason ?? '', kept?.code, cause)
    },
  }
}

/** New statements get the next indexes, in the batch's order. Known ones keep theirs. */
function numberFrom(
  size: number,
  batch: readonly Prepared[],
  { known, isFirst }: BegunBatch,
  refused: readonly boolean[],
): SubmissionOutcome[] {
  let next = size
  return batch.map((_, i) => {
    const index = known[i]
    if (index !== undefined) return { index, known: true }
    if (refused[i] === true) return { error: statementErased() }
    return { index: next++, known: false, ...(isFirst[i] && { isFirst: true as const }) }
  })
}

/** The error for a statement that was erased and is sent again. */
export function statementErased(): LedgerError {
  return new LedgerError(
    'STATEMENT_ERASED',
    'This statement was erased at the request of its agency or of the operator. It is not accepted again. State the record without what had to be removed.',
  )
}

function equalHeads(a: Head, b: Head): boolean {
  return a.size === b.size && equalBytes(a.root, b.root)
}

/** Whether the store may still do what it was asked to do, and the head will show it. */
function isUnsettled(error: unknown): error is StoreError {
  return error instanceof StoreError && (error.code === 'STORE_UNSETTLED' || error.code === 'STORE_LATE')
}

/**
 * The error for a submission to a stopped ledger. `code` says why it stopped: a closed log never
 * accepts again.
 */
export function stoppedError(reason: string, code: string | undefined, cause?: unknown): LedgerError {
  return new LedgerError(code === 'LOG_CLOSED' ? code : 'LEDGER_STOPPED', `The ledger has stopped accepting records: ${reason}`, {
    cause,
  })
}

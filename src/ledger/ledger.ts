/**
 * The ledger, as the service, the command line and the tests use it. It joins pool, sequencer,
 * prover and anchors over one store.
 */

import type { AnchoredLedger } from '../anchor/anchored.ts'
import type { Closing } from '../anchor/chain.ts'
import { anchorHint, type FinalAnchor, openFinalAnchors } from '../anchor/final-anchors.ts'
import { createRow } from '../at-once.ts'
import { type Hash, hashLeaf } from '../core/hash.ts'
import { canonicalJson, parseJson } from '../core/json.ts'
import type { PolicyKey } from '../core/policy.ts'
import { formatReceipt } from '../core/receipt.ts'
import { encodeEntry } from '../core/statements/entry.ts'
import { GENESIS, type GenesisAnchor } from '../core/statements/genesis.ts'
import { parseAnyStatement } from '../core/statements/registry.ts'
import { identityOf, type Statement, statementBody } from '../core/statements/statement.ts'
import { formatTime } from '../core/time.ts'
import { formatVkey, type Signer } from '../core/tlog/note.ts'
import type { Host } from '../host.ts'
import { readStatement } from '../log/checked-statements.ts'
import { LedgerError } from '../log/errors.ts'
import {
  keysAfter,
  type LoggedChange,
  logKeyChange,
  readKeyChanges,
  readOpenChange,
  rethrowUnlessMoved,
  signsUpTo,
} from '../log/log-keys.ts'
import { createPool, type Outcome } from '../log/pool.ts'
import { createSalts, prepare, prepareOwn } from '../log/prepare.ts'
import { createProver, type Prover } from '../log/prover.ts'
import { createSequencer, type Prepared, type Submission, stoppedError } from '../log/sequencer.ts'
import { openLogView } from '../log/view.ts'
import type { Store } from '../store/port/port.ts'
import { type History, readHistory } from './versions.ts'

export type Ledger = Prover &
  AnchoredLedger & {
    readonly origin: string
    readonly vkey: string
    /** The keys that signed this log, oldest first, as a policy lists them. */
    logKeys(): readonly PolicyKey[]
    /** For each change of the log's key, a receipt under the key that it ended, oldest first. */
    keyReceipts(): Promise<{ readonly index: number; readonly receipt: string }[]>
    /**
     * Ends the current key: the next start needs the new one. Nothing may be submitted after this.
     */
    changeKey(newKey: string): Promise<LoggedChange>
    /**
     * Logs a statement once: the same statement again has the same index, even with another salt.
     * Resolves when it is durable, signed and read back.
     * @throws LedgerError LEDGER_STOPPED, LEDGER_BUSY, LEDGER_COMMIT_FAILED, LEDGER_UNSETTLED
     */
    submit(statement: Statement): Promise<Submission>
    /**
     * The same, with the receipt's text without its newline. Throws what `submit` throws, and
     * RECORD_ERASED if the statement is known and was erased.
     */
    submitForReceipt(statement: Statement): Promise<Submission & { readonly receipt: string }>
    /**
     * The same for a stream of many: `tell` is called once, later, with the result.
     * @throws LedgerError LEDGER_STOPPED, LEDGER_BUSY
     */
    submitEach(statement: Statement, tell: (outcome: Outcome) => void): void
    /**
     * The index of a statement that is known; undefined if a submission would log it.
     * @throws LedgerError LEDGER_STOPPED
     */
    findKnown(statement: Statement): Promise<number | undefined>
    /**
     * The canonical text of a statement; undefined if it was erased.
     * @throws LedgerError RECORD_NOT_FOUND beyond the head
     */
    statement(index: number): Promise<string | undefined>
    /**
     * The receipt's text, anchored as soon as a final anchor covers the index.
     * @throws LedgerError RECORD_NOT_FOUND, RECORD_ERASED
     */
    receipt(index: number): Promise<string>
    /**
     * The history of a statement's record, and what changed for this version; empty for the
     * genesis.
     * @throws LedgerError RECORD_NOT_FOUND
     */
    history(index: number): Promise<History>
    /** Oldest first. */
    findByDigest(sha256: string, limit: number): Promise<number[]>
    /** Newest first, below `before`, like the ones after it. */
    listByDigest(sha256: string, before: number, limit: number): Promise<number[]>
    /** As the store's. */
    digestsWithPrefix: Store['digestsWithPrefix']
    listByRecord(agency: string, record: string, before: number, limit: number): Promise<number[]>
    listByAgency(agency: string, before: number, limit: number): Promise<number[]>
    /** A final anchor of exactly this size, of whichever chain. */
    anchorAtSize(size: number): Promise<FinalAnchor | undefined>
    /** The first final anchor that covers an index. */
    anchorOf(index: number): Promise<FinalAnchor | undefined>
    /** How the log was closed, if it was. */
    closing(): Closing | undefined
    /** The number of statements that wait to be sealed. */
    waiting(): number
    /**
     * Why nothing can be sealed for now: a write has failed and the disk still refuses writes. It
     * ends without help.
     */
    unsettled(): string | undefined
    /** Seals everything that was submitted, then closes the store. */
    close(): Promise<void>
  }

export type LedgerDeps = {
  readonly store: Store
  readonly signer: Signer
  readonly origin: string
  /** The log's place on the chain, which the genesis binds. */
  readonly anchors: readonly GenesisAnchor[]
  readonly host: Host
  /** Called after each sealed batch, for metrics. */
  readonly onSeal?: (batch: { readonly records: number; readonly durationMs: number }) => void
}

/** Each may hold some megabytes of statements in memory. */
const HISTORIES_AT_ONCE = 4
const KEY_ENDED = 'the log key was changed: start this node with the new one'

/**
 * Opens the ledger in a store, or begins it with its genesis entry.
 * @throws LedgerError LEDGER_ORIGIN_CHANGED, LEDGER_KEY_CHANGED, LEDGER_ANCHOR_CHANGED,
 * LEDGER_CORRUPT
 */
export async function openLedger(deps: LedgerDeps): Promise<Ledger> {
  const { store, signer, origin, host } = deps
  const vkey = formatVkey(signer.vkey)
  /**
   * The changes of the log's key. A change that this node did not know at its start ends its own
   * key.
   */
  let changes: readonly LoggedChange[] = []
  const view = await openLogView({
    store,
    signer,
    origin,
    signsUpTo: async ({ size }) => {
      const limit = await signsUpTo(store, vkey, size)
      if (Number.isFinite(limit)) {
        sequencer.stop(KEY_ENDED)
        changes = await readKeyChanges(store)
      }
      return limit
    },
  })
  const sequencer = createSequencer({ store, view, nowMs: host.nowMs })
  const prover = createProver({ store, view, signer, origin })
  const finalAnchors = await openFinalAnchors(store, host)

  async function sealTimed(batch: readonly Prepared[]): Promise<Submission[]> {
    const startMs = host.steadyMs()
    const submissions = await sequencer.seal(batch)
    deps.onSeal?.({ records: batch.length, durationMs: host.steadyMs() - startMs })
    return submissions
  }
  const pool = createPool(sealTimed)
  const salt = createSalts(host.randomBytes)
  const inRow = createRow(HISTORIES_AT_ONCE)
  let closing: Closing | undefined
  /** For a closed log: the newest final anchor up to its last good size. */
  let newestGood: FinalAnchor | undefined
  const latestAnchor = () => (closing === undefined ? finalAnchors.latest() : newestGood)
  const anchorAtSize = async (size: number) => (await finalAnchors.list(size - 1, 1)).find(anchor => anchor.size === size)
  const newestUpTo = async (size: number) => (await finalAnchors.newest(size + 1, 1))[0]

  if (view.head().size === 0) {
    const genesis = { type: GENESIS, origin, logKey: vkey, anchors: deps.anchors, created: formatTime(host.nowMs()), salt: salt() } as const
    // If another node has begun the log at the same time, its genesis counts.
    await sequencer.seal([prepareOwn(genesis)], 0).catch(rethrowUnlessMoved)
  }
  const first = await readFirstKey(deps)
  // Before the changes are read: a change without its row may have it a moment later.
  if ((await readOpenChange(store, view.head().size)) !== undefined)
    sequencer.stop('a change of the log key was begun: run "openseal rotate log-key" again')
  changes = await readKeyChanges(store)
  assertKey(keysAfter(first, changes).at(-1)!.vkey, vkey)

  const statement = async (index: number): Promise<string | undefined> => {
    if (!Number.isSafeInteger(index) || index < 0 || !(await view.reaches(index + 1)))
      throw new LedgerError('RECORD_NOT_FOUND', `There is no record ${index} in this ledger.`)
    const bytes = await readStatement(store, view.nodes, index)
    return bytes === undefined ? undefined : decodeText(bytes)
  }

  /**
   * The first final anchor over an index, ignoring those that the owner of a closed log has
   * disowned.
   */
  const covering = async (index: number): Promise<FinalAnchor | undefined> => {
    const anchor = await finalAnchors.covering(index)
    return anchor !== undefined && closing !== undefined && anchor.size > closing.lastGoodSize ? undefined : anchor
  }

  const receiptOf = async (index: number, statementText: string): Promise<string> => {
    const anchor = await covering(index)
    const size = anchor?.size ?? view.head().size
    const note = await prover.checkpointAt(size)
    const proof = { index, proof: await prover.inclusionHashes(index, size, leafOf(statementText)), note }
    return formatReceipt({ statementText, proof, anchors: anchor === undefined ? [] : [anchorHint(anchor)] })
  }

  const receipt = async (index: number): Promise<string> => {
    const statementText = await statement(index)
    if (statementText === undefined)
      throw new LedgerError('RECORD_ERASED', `The statement of record ${index} was erased. Receipts handed out before stay valid.`)
    return `${await receiptOf(index, statementText)}\n`
  }

  const keyReceipt = async ({ index, note }: LoggedChange): Promise<string> => {
    const statementText = await statement(index)
    if (statementText === undefined) throw new LedgerError('RECORD_ERASED', `Entry ${index} was erased.`)
    const proof = { index, proof: await prover.inclusionHashes(index, index + 1, leafOf(statementText)), note }
    const anchor = await anchorAtSize(index + 1)
    return `${formatReceipt({ statementText, proof, anchors: anchor === undefined ? [] : [anchorHint(anchor)] })}\n`
  }

  const assertAccepting = () => {
    const reason = sequencer.stopped()
    if (reason !== undefined) throw stoppedError(reason, sequencer.stopCode())
  }

  const submitEach: Ledger['submitEach'] = (submitted, tell) => {
    assertAccepting()
    pool.submit(prepare(submitted, salt).prepared, tell)
  }

  return {
    ...prover,
    origin,
    vkey,
    logKeys: () => keysAfter(first, changes),
    keyReceipts: async () =>
      Promise.all((await readKeyChanges(store)).map(async change => ({ index: change.index, receipt: await keyReceipt(change) }))),
    async changeKey(newKey) {
      await pool.drained()
      const unsalted = { origin, oldKey: vkey, newKey, created: formatTime(host.nowMs()) }
      const change = await logKeyChange(store, { view, sequencer }, unsalted, salt())
      sequencer.stop(KEY_ENDED)
      return change
    },
    head: () => view.head(),
    async refresh() {
      await view.refresh()
      await finalAnchors.refresh()
    },
    submit: async submitted => whenTold(tell => submitEach(submitted, tell)),
    async submitForReceipt(submitted) {
      assertAccepting()
      const { text, prepared } = prepare(submitted, salt)
      const submission = await whenTold(tell => pool.submit(prepared, tell))
      // The stored statement has the salt of its first submission.
      const receiptText = submission.known ? (await receipt(submission.index)).trimEnd() : await receiptOf(submission.index, text)
      return { ...submission, receipt: receiptText }
    },
    submitEach,
    async findKnown(submitted) {
      assertAccepting()
      const [index] = await store.findIdentities([identityOf(statementBody(submitted))])
      return index
    },
    statement,
    sealedMs: index => store.committedMs(index),
    receipt,
    history: index => inRow(() => readHistory(store, index, statement)),
    findByDigest: (sha256, limit) => store.findByDigest(sha256, limit),
    listByDigest: (sha256, before, limit) => store.listByDigest(sha256, before, limit),
    digestsWithPrefix: (prefix, range) => store.digestsWithPrefix(prefix, range),
    listByRecord: (agency, record, before, limit) => store.listByRecord(agency, record, before, limit),
    listByAgency: (agency, before, limit) => store.listByAgency(agency, before, limit),
    latestAnchor,
    anchorOf: covering,
    anchorAt: finalAnchors.of,
    anchorAtSize,
    async nextToAnchor(previous) {
      await view.refresh()
      const head = view.head().size
      const size = changes.map(({ index }) => index + 1).find(end => end > previous && end < head) ?? head
      return { size, root: await prover.rootAt(size) }
    },
    listAnchors: (after, limit) => finalAnchors.list(after, limit),
    newestAnchors: (before, limit) => finalAnchors.newest(Math.min(before, (latestAnchor()?.size ?? 0) + 1), limit),
    async setFinal(anchor) {
      await finalAnchors.add(anchor)
      if (closing !== undefined) newestGood = await newestUpTo(closing.lastGoodSize)
    },
    dropFinal: finalAnchors.remove,
    async disown(found) {
      closing = found
      sequencer.stop(closedReason(found), 'LOG_CLOSED')
      newestGood = await newestUpTo(found.lastGoodSize)
    },
    closing: () => closing,
    waiting: () => pool.waiting(),
    stop: (reason, code) => sequencer.stop(reason, code),
    stopped: () => sequencer.stopped(),
    stopCode: () => sequencer.stopCode(),
    unsettled: () => sequencer.unsettled(),
    async close() {
      await pool.drained()
      await store.close()
    },
  }
}

/**
 * Why a closed log accepts nothing, as the rest of a sentence after "the ledger has stopped
 * accepting records:".
 */
function closedReason({ lastGoodSize, successor }: Closing): string {
  const next = successor === undefined ? '' : ` It continues in the log ${successor} of the same contract.`
  return `the owner of this log has closed it on its chain. Its entries are good up to tree size ${lastGoodSize}.${next}`
}

/** Turns a callback into a promise. */
function whenTold(act: (tell: (outcome: Outcome) => void) => void): Promise<Submission> {
  return new Promise((resolve, reject) => act(outcome => ('error' in outcome ? reject(outcome.error) : resolve(outcome))))
}

/**
 * The key in the first entry. Promise 3: the service must be started with the origin and anchors
 * that this entry binds.
 */
async function readFirstKey({ store, origin, anchors }: LedgerDeps): Promise<string> {
  const bytes = await store.readStatement(0)
  const genesis = bytes === undefined ? undefined : parseStatement(decodeText(bytes))
  if (genesis?.type !== GENESIS)
    throw new LedgerError('LEDGER_CORRUPT', 'The first entry of the ledger is not a genesis: restore the data from a backup.')
  if (genesis.origin !== origin)
    throw new LedgerError(
      'LEDGER_ORIGIN_CHANGED',
      `This ledger's origin is ${genesis.origin} forever, but OPENSEAL_ORIGIN is ${origin}. Set it back, or use another data folder.`,
    )
  if (canonicalJson(genesis.anchors) !== canonicalJson(anchors))
    throw new LedgerError(
      'LEDGER_ANCHOR_CHANGED',
      `This ledger is anchored at ${canonicalJson(genesis.anchors)}, but this service was started with ${canonicalJson(anchors)}.`,
    )
  return genesis.logKey
}

function assertKey(wanted: string, vkey: string): void {
  if (wanted === vkey) return
  const advice = 'Restore that key or, if a change of the key was interrupted, run "openseal rotate log-key" again.'
  throw new LedgerError('LEDGER_KEY_CHANGED', `The log key is not the one that signs this ledger (${wanted}). ${advice}`)
}

function leafOf(statementText: string): Hash {
  return hashLeaf(encodeEntry(statementText))
}

function parseStatement(text: string) {
  return parseAnyStatement(parseJson(text))
}

function decodeText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
}

/**
 * The ledger, as the service, the command line and the tests use it. It joins the log, its
 * submissions, statements and anchors over one store.
 */
import type { AnchoredLedger } from '../anchor/anchored.ts'
import type { Closing } from '../anchor/chain.ts'
import type { FinalAnchor } from '../anchor/final-anchors.ts'
import type { RoundRule } from '../anchor/round-rule.ts'
import { createRounds, type Rounds } from '../anchor/rounds.ts'
import { type FinalRound, listFinal, openVouched, type VouchedRound, type VouchedRounds } from '../anchor/vouched.ts'
import { createRow } from '../at-once.ts'
import { parseJson } from '../core/json.ts'
import type { PolicyKey } from '../core/policy.ts'
import type { LoggedAnchor } from '../core/statements/anchors-change.ts'
import type { GenesisAnchor } from '../core/statements/genesis.ts'
import { typeOf } from '../core/statements/statement.ts'
import { TIMESTAMP } from '../core/statements/timestamp.ts'
import type { Signer } from '../core/tlog/note.ts'
import type { Host } from '../host.ts'
import type { EndedKey } from '../log/grace.ts'
import { readAnchorsChanges } from '../log/log-anchors.ts'
import { type LoggedChange, readKeyChanges } from '../log/log-keys.ts'
import { createSalts } from '../log/prepare.ts'
import { createProver, type Prover } from '../log/prover.ts'
import type { Documents } from '../store/port/documents.ts'
import type { LogStore } from '../store/port/log.ts'
import type { Lookups } from '../store/port/lookups.ts'
import type { Store } from '../store/port/port.ts'
import { createErasures, type Erasures } from './erasure/erasures.ts'
import { createRequests } from './erasure/requests.ts'
import { createSuppression } from './erasure/suppression.ts'
import { type KeyChangeOptions, openOwnLog } from './own-log.ts'
import { createStatements, type Statements } from './statements.ts'
import { createSubmissions, type OnSeal, type Submissions } from './submissions.ts'
import { type History, readHistory } from './versions.ts'

export type Ledger = Prover &
  AnchoredLedger &
  Pick<Statements, 'statement' | 'heldStatement' | 'receipt'> &
  Omit<Submissions, 'drained' | 'alone'> &
  Erasures &
  Lookups & {
    readonly origin: string
    /** The key that signs now: another one after a change that another process has made. */
    readonly vkey: string
    /** The keys that signed this log, oldest first, as a policy lists them. */
    logKeys(): readonly PolicyKey[]
    /** For each change of the log's key, a receipt under the key that it ended, oldest first. */
    keyReceipts(): Promise<{ readonly index: number; readonly receipt: string }[]>
    /**
     * Ends the current key: the next start needs the new one. Nothing may be submitted after this.
     */
    changeKey(newKey: string, options?: KeyChangeOptions): Promise<LoggedChange>
    /** For each change of the log's anchors, its receipt, oldest first. */
    anchorsReceipts(): Promise<{ readonly index: number; readonly receipt: string }[]>
    /** The index of the first change of the log's anchors since this ledger was opened, if there is one. */
    unknownAnchorsChange(): Promise<number | undefined>
    /** Logs the whole list of the log's anchors from here on, and returns the index of that entry. */
    changeAnchors(anchors: readonly LoggedAnchor[]): Promise<number>
    /**
     * The history of a statement's record, and what changed for this version; empty for the
     * genesis.
     * @throws LedgerError RECORD_NOT_FOUND
     */
    history(index: number): Promise<History>
    /**
     * Whether the log has an entry with this index. Beyond what this node knows it asks the store,
     * because another node may have logged the entry.
     */
    hasEntry(index: number): Promise<boolean>
    /** The earliest final anchor of exactly this size. */
    anchorAtSize(size: number): Promise<FinalAnchor | undefined>
    /**
     * The first final round that covers an index: it dates it. With its earliest anchor that counts,
     * if a chain has one.
     */
    roundOf(index: number): Promise<(FinalRound & { readonly anchor: FinalAnchor | undefined }) | undefined>
    /** What vouches for a size; nothing if there is no round of this size. */
    roundAt(size: number): Promise<VouchedRound>
    /** Final rounds in ascending order of size, only those above `after`. */
    listFinalRounds(after: number, limit: number): Promise<readonly FinalRound[]>
    /** How the log was closed, if it was. */
    closing(): Closing | undefined
    /**
     * Why nothing can be sealed for now: the store still refuses writes, or this node lacks the
     * log's new key. It goes on by itself.
     */
    unsettled(): string | undefined
    /**
     * Whether the store lacks what its key has signed or its chain holds, and the operator has not
     * decided yet. It may hold statements that were erased since.
     */
    isBehind(): boolean
    /** Seals everything that was submitted, then closes the store. */
    close(): Promise<void>
  }

export type LedgerDeps = {
  readonly store: Store
  readonly signer: Signer
  /** The key that this node has now: another one after a change. Missing: always `signer`. */
  readonly readSigner?: () => Promise<Signer | undefined>
  /** The old key of a change, while it signs beside the new one. Missing: it never does. */
  readonly endedKey?: EndedKey
  readonly origin: string
  /** The log's places on its chains, which the genesis binds. */
  readonly anchors: readonly GenesisAnchor[]
  /** When a round is final by the ledger's own policy; missing: with one anchor of any chain. */
  readonly rule?: RoundRule | undefined
  readonly host: Host
  readonly onSeal?: OnSeal
  /** Called for each head that this node has signed, whichever node sealed it. */
  readonly onSigned?: () => void
  /** Called when this node has erased a statement, before the request is answered. */
  readonly onErased?: () => void
  /** Missing: what is asked for is erased at once, and nothing keeps it from coming back. */
  readonly erasure?: { readonly key: Uint8Array; readonly delayMs: number; readonly periodMs: number } | undefined
}

/** Each may hold some megabytes of statements in memory. */
const HISTORIES_AT_ONCE = 4
/** How many final rounds are read at once. */
const FINAL_AT_ONCE = 16

/**
 * Opens the ledger in a store, or begins it with its genesis entry. Throws what `openOwnLog`
 * throws.
 */
export async function openLedger(deps: LedgerDeps): Promise<Ledger> {
  const { store, origin, anchors: places, rule, host, onSeal, onErased, erasure } = deps
  const newSalt = createSalts(host.randomBytes)
  const suppression = createSuppression({ store, host, key: erasure?.key, periodMs: erasure?.periodMs ?? 0 })
  const { wereErased } = suppression
  const rounds = createRounds(store)
  const finalRounds = (after: number) => readFinalRounds(store, rounds, after)
  const log = await openOwnLog({ ...deps, anchors: places, newSalt, wereErased, finalRounds })
  const { view, sequencer, signer } = log
  const prover = createProver({ store, view, signer, origin })
  const vouched = await openVouched(store, host, { rule, confirm: view.confirm })
  let closing: Closing | undefined
  const requests = createRequests({ store, host })
  const { keyReceipt, receiptOf, ...statements } = createStatements({ store, view, prover, vouched, requests })
  const { drained, alone, ...submissions } = createSubmissions({
    ...{ store, sequencer, newSalt, host, wereErased, onSeal },
    statements: { receiptOf, ...statements },
  })
  const erasures = createErasures({
    ...{ store, view, sequencer, newSalt, host, requests, suppression, alone, onErased },
    read: statements.heldStatement,
    delayMs: erasure?.delayMs ?? 0,
  })
  // A change of anchors is made by a start of the ledger, so that this node knows all of them.
  const knownLists = (await readAnchorsChanges(store)).map(({ index }) => index)
  const listEnds = knownLists.map(index => index + 1)
  const ends = () => [...log.keys().flatMap(({ toSize }) => toSize ?? []), ...listEnds].sort((a, b) => a - b)
  const inRow = createRow(HISTORIES_AT_ONCE)
  const following = sequencer.follow()

  return {
    ...prover,
    ...statements,
    ...submissions,
    ...erasures,
    ...roundsOf(vouched),
    rounds,
    ...lookupsOf(store),
    origin,
    get vkey() {
      return log.vkey()
    },
    logKeys: log.keys,
    keyReceipts: async () =>
      Promise.all((await readKeyChanges(store)).map(async change => ({ index: change.index, receipt: await keyReceipt(change) }))),
    async changeKey(newKey, options) {
      await drained()
      return log.changeKey(newKey, options)
    },
    anchorsReceipts: async () =>
      Promise.all((await readAnchorsChanges(store)).map(async ({ index }) => ({ index, receipt: await statements.receipt(index) }))),
    unknownAnchorsChange: async () => (await readAnchorsChanges(store)).find(({ index }) => !knownLists.includes(index))?.index,
    changeAnchors: async list => (await log.changeAnchors(list)).index,
    head: view.head,
    async refresh() {
      await view.refresh()
      await vouched.refresh()
    },
    hasEntry: index => view.reaches(index + 1),
    async nextCheckpoint(previous) {
      await view.refresh()
      const head = view.head().size
      const size = ends().find(end => end > previous && end < head) ?? head
      // The last one of a key that ended is shown as that key signed it: a witness or reader who
      // knows no other key yet needs it to follow.
      const kept = log.keys().some(({ toSize }) => toSize === size)
        ? (await readKeyChanges(store)).find(({ index }) => index + 1 === size)
        : undefined
      return { size, root: await prover.rootAt(size), checkpoint: kept?.note ?? (await prover.checkpointAt(size)) }
    },
    ends,
    firstNews: (from, to) => firstNews(store, from, to),
    async disown(chainId, found) {
      closing = found
      sequencer.stop(closedReason(found), 'LOG_CLOSED')
      await vouched.disown(chainId, found)
    },
    closing: () => closing,
    sealedMs: async index => (await store.readCommits(index, index + 1))[0]?.timeMs,
    history: index => inRow(() => readHistory({ ...lookupsOf(store), ...erasures, ...statements, host }, index)),
    stop: sequencer.stop,
    stopped: sequencer.stopped,
    stopCode: sequencer.stopCode,
    unsettled: sequencer.unsettled,
    unsettledCode: sequencer.unsettledCode,
    isBehind: () =>
      sequencer.wasStoppedBy('MARK_BEHIND') || (sequencer.wasStoppedBy('LEDGER_RESTORED') && sequencer.wasStoppedBy('LEDGER_AT_ODDS')),
    async close() {
      await drained()
      await following.stop()
      await store.close()
    },
  }
}

/** What the ledger shows of its rounds. */
function roundsOf({ latest, covering, cosigned: _cosigned, at, listFinal, refresh: _refresh, disown: _disown, ...vouched }: VouchedRounds) {
  return {
    ...vouched,
    latestRound: latest,
    roundAt: at,
    listFinalRounds: listFinal,
    anchorAtSize: async (size: number) => (await at(size)).anchors[0],
    roundOf: async (index: number) => {
      const { size, time, anchor } = (await covering(index)) ?? {}
      return size === undefined || time === undefined ? undefined : { size, time, anchor }
    },
  }
}

/** Some final rounds above a size as the index has them, with their checkpoints. */
async function readFinalRounds(store: Documents, rounds: Rounds, after: number) {
  const found = await Promise.all((await listFinal(store, after, FINAL_AT_ONCE)).map(({ size }) => rounds.at(size)))
  return found.filter(round => round !== undefined)
}

/** The first entry from `from` up to `to` that is not a logged time stamp. One that was erased is not. */
async function firstNews(store: LogStore, from: number, to: number): Promise<number | undefined> {
  for (let index = from; index < to; index++) {
    const bytes = await store.readStatement(index)
    if (bytes === undefined || typeOf(parseJson(bytes)) !== TIMESTAMP) return index
  }
  return undefined
}

function lookupsOf(store: Lookups): Lookups {
  return {
    findByDigest: (sha256, limit) => store.findByDigest(sha256, limit),
    listByDigest: (sha256, before, limit) => store.listByDigest(sha256, before, limit),
    digestsWithPrefix: (prefix, range) => store.digestsWithPrefix(prefix, range),
    listByRecord: (agency, record, before, limit) => store.listByRecord(agency, record, before, limit),
    listByAgency: (agency, before, limit) => store.listByAgency(agency, before, limit),
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

/**
 * The ledger, as the service, the command line and the tests use it. It joins the log, its
 * submissions, statements and anchors over one store.
 */
import type { AnchoredLedger } from '../anchor/anchored.ts'
import type { Closing } from '../anchor/chain.ts'
import type { FinalAnchor } from '../anchor/final-anchors.ts'
import { createRow } from '../at-once.ts'
import type { PolicyKey } from '../core/policy.ts'
import type { GenesisAnchor } from '../core/statements/genesis.ts'
import type { Signer } from '../core/tlog/note.ts'
import type { Host } from '../host.ts'
import { type LoggedChange, readKeyChanges } from '../log/log-keys.ts'
import { createSalts } from '../log/prepare.ts'
import { createProver, type Prover } from '../log/prover.ts'
import type { Lookups } from '../store/port/lookups.ts'
import type { Store } from '../store/port/port.ts'
import { createErasures, type Erasures } from './erasure/erasures.ts'
import { createRequests } from './erasure/requests.ts'
import { createSuppression } from './erasure/suppression.ts'
import { openOwnLog } from './own-log.ts'
import { openShownAnchors, type ShownAnchors } from './shown-anchors.ts'
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
    changeKey(newKey: string): Promise<LoggedChange>
    /**
     * The history of a statement's record, and what changed for this version; empty for the
     * genesis.
     * @throws LedgerError RECORD_NOT_FOUND
     */
    history(index: number): Promise<History>
    /** The earliest final anchor of exactly this size. */
    anchorAtSize(size: number): Promise<FinalAnchor | undefined>
    /** The earliest final anchor of the first round that covers an index: it dates it. */
    anchorOf(index: number): Promise<FinalAnchor | undefined>
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
  readonly origin: string
  /** The log's places on its chains, which the genesis binds. */
  readonly anchors: readonly GenesisAnchor[]
  readonly host: Host
  readonly onSeal?: OnSeal
  /** Told of each head that this node has signed, whichever node sealed it. */
  readonly onSigned?: () => void
  /** Told when this node has erased a statement, before the request is answered. */
  readonly onErased?: () => void
  /** Missing: what is asked for is erased at once, and nothing keeps it from coming back. */
  readonly erasure?: { readonly key: Uint8Array; readonly delayMs: number; readonly periodMs: number } | undefined
}

/** Each may hold some megabytes of statements in memory. */
const HISTORIES_AT_ONCE = 4

/**
 * Opens the ledger in a store, or begins it with its genesis entry. Throws what `openOwnLog`
 * throws.
 */
export async function openLedger(deps: LedgerDeps): Promise<Ledger> {
  const { store, origin, anchors: places, host, onSeal, onErased, erasure } = deps
  const newSalt = createSalts(host.randomBytes)
  const suppression = createSuppression({ store, host, key: erasure?.key, periodMs: erasure?.periodMs ?? 0 })
  const { wereErased } = suppression
  const log = await openOwnLog({ ...deps, anchors: places, newSalt, wereErased })
  const { view, sequencer, signer } = log
  const prover = createProver({ store, view, signer, origin })
  const onClosing = (found: Closing) => sequencer.stop(closedReason(found), 'LOG_CLOSED')
  const anchors = await openShownAnchors({ store, view, host, onClosing })
  const requests = createRequests({ store, host })
  const { keyReceipt, receiptOf, ...statements } = createStatements({ store, view, prover, anchors, requests })
  const { drained, alone, ...submissions } = createSubmissions({
    ...{ store, sequencer, newSalt, host, wereErased, onSeal },
    statements: { receiptOf, ...statements },
  })
  const erasures = createErasures({
    ...{ store, view, sequencer, newSalt, host, requests, suppression, alone, onErased },
    read: statements.heldStatement,
    delayMs: erasure?.delayMs ?? 0,
  })
  const inRow = createRow(HISTORIES_AT_ONCE)
  const following = sequencer.follow()

  return {
    ...prover,
    ...statements,
    ...submissions,
    ...erasures,
    ...anchorsOf(anchors),
    ...lookupsOf(store),
    origin,
    get vkey() {
      return log.vkey()
    },
    logKeys: log.keys,
    keyReceipts: async () =>
      Promise.all((await readKeyChanges(store)).map(async change => ({ index: change.index, receipt: await keyReceipt(change) }))),
    async changeKey(newKey) {
      await drained()
      return log.changeKey(newKey)
    },
    head: view.head,
    async refresh() {
      await view.refresh()
      await anchors.refresh()
    },
    async nextToAnchor(previous) {
      await view.refresh()
      const head = view.head().size
      const ends = log.keys().flatMap(({ toSize }) => toSize ?? [])
      const size = ends.find(end => end > previous && end < head) ?? head
      return { size, root: await prover.rootAt(size) }
    },
    sealedMs: index => store.committedMs(index),
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

function anchorsOf({ covering, roundAt, refresh: _refresh, ...anchors }: ShownAnchors) {
  return {
    ...anchors,
    anchorAtSize: async (size: number) => (await roundAt(size))?.anchors[0],
    anchorOf: async (index: number) => (await covering(index))?.anchors[0],
  }
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

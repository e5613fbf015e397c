/**
 * The log under this node's key: begun with its genesis, or taken up again after its beginning and
 * its key were compared with what this node was started with.
 */
import { canonicalJson, parseJson } from '../core/json.ts'
import type { PolicyKey } from '../core/policy.ts'
import type { LoggedAnchor } from '../core/statements/anchors-change.ts'
import { GENESIS, type GenesisAnchor } from '../core/statements/genesis.ts'
import { parseAnyStatement } from '../core/statements/registry.ts'
import { formatTime } from '../core/time.ts'
import type { Signer } from '../core/tlog/note.ts'
import type { Host } from '../host.ts'
import { LedgerError } from '../log/errors.ts'
import type { GraceDeps } from '../log/grace.ts'
import { type LoggedAnchorsChange, logAnchorsChange } from '../log/log-anchors.ts'
import { type LoggedChange, logKeyChange } from '../log/log-keys.ts'
import { createOwnKey } from '../log/own-key.ts'
import { prepareOwn } from '../log/prepare.ts'
import { createSequencer, type Sequencer } from '../log/sequencer.ts'
import type { LogSigner } from '../log/signer.ts'
import { type LogView, openLogView } from '../log/view.ts'
import type { Documents } from '../store/port/documents.ts'
import type { LogStore } from '../store/port/log.ts'

export type OwnLog = {
  /** Signs with the keys of the moment: after a change of the log's key, with the next one. */
  readonly signer: LogSigner
  vkey(): string
  readonly view: LogView
  readonly sequencer: Sequencer
  /** The keys that signed this log, oldest first, as a policy lists them. */
  keys(): readonly PolicyKey[]
  /**
   * Ends the current key: the next start needs the new one. Nothing may be submitted after this.
   * A stolen key has no grace: it does not sign beside the new one.
   */
  changeKey(newKey: string, options?: KeyChangeOptions): Promise<LoggedChange>
  /** Logs the whole list of the log's anchors from here on. */
  changeAnchors(anchors: readonly LoggedAnchor[]): Promise<LoggedAnchorsChange>
}

/** Circumstances of a change of the log's key. */
export type KeyChangeOptions = { readonly isStolen?: boolean }

type Deps = {
  readonly store: LogStore & Documents
  readonly signer: Signer
  readonly origin: string
  /** The log's places on its chains, which the genesis binds. */
  readonly anchors: readonly GenesisAnchor[]
  readonly host: Host
  readonly newSalt: () => string
  /** The key that this node has now: another one after a change. Missing: always `signer`. */
  readonly readSigner?: (() => Promise<Signer | undefined>) | undefined
  /** Whether statements with these identities were erased. */
  readonly wereErased: (identities: readonly string[]) => Promise<readonly boolean[]>
  /** Called for each head that this node has signed. */
  readonly onSigned?: (() => void) | undefined
} & GraceDeps

const KEY_ENDED = 'the log key was changed: start this node with the new one'

/**
 * Opens the log in a store, or begins it with its genesis entry.
 * @throws LedgerError LEDGER_ORIGIN_CHANGED, LEDGER_KEY_CHANGED, LEDGER_ANCHOR_CHANGED,
 * LEDGER_CORRUPT
 */
export async function openOwnLog(deps: Deps): Promise<OwnLog> {
  const { store, origin, host, newSalt, wereErased, onSigned } = deps
  const key = createOwnKey({ ...deps, onChange: () => view.signAgain() })
  const { signer, vkey } = key
  const view = await openLogView({ store, signer, origin, signsUpTo: key.signsUpTo, onSigned })
  const sequencer = createSequencer({ store, view, host, key, wereErased })
  const created = () => formatTime(host.nowMs())

  if (view.head().size === 0) {
    const genesis = { type: GENESIS, origin, logKey: vkey(), anchors: deps.anchors, created: created(), salt: newSalt() } as const
    // If another node has begun the log at the same time, its genesis counts.
    await sequencer.sealNext(async index => (index === 0 ? { entry: prepareOwn(genesis) } : undefined))
  }
  await assertBegun(deps)
  await key.open(view.head().size)
  assertKey(key.keys().at(-1)!.vkey, vkey())

  return {
    signer,
    vkey,
    view,
    sequencer,
    keys: key.keys,
    async changeKey(newKey, { isStolen = false } = {}) {
      const unsalted = { origin, oldKey: vkey(), newKey, created: created() }
      const change = await logKeyChange(store, { view, sequencer }, unsalted, { salt: newSalt(), hasGrace: !isStolen })
      sequencer.stop(KEY_ENDED)
      return change
    },
    changeAnchors: list => logAnchorsChange(sequencer, { origin, anchors: list, created: created() }, newSalt()),
  }
}

/**
 * Promise 3: the service must be started with the origin and anchors
 * that this entry binds.
 */
async function assertBegun({ store, origin, anchors }: Pick<Deps, 'store' | 'origin' | 'anchors'>): Promise<void> {
  const bytes = await store.readStatement(0)
  const genesis = bytes === undefined ? undefined : parseAnyStatement(parseJson(bytes))
  if (genesis?.type !== GENESIS)
    throw new LedgerError('LEDGER_CORRUPT', 'The first entry of the ledger is not a genesis: restore the data from a backup.')
  if (genesis.origin !== origin)
    throw new LedgerError(
      'LEDGER_ORIGIN_CHANGED',
      `This ledger's origin is ${genesis.origin} forever, but OPENSEAL_ORIGIN is ${origin}. Set it back, or use another data folder or database.`,
    )
  if (canonicalJson(genesis.anchors) !== canonicalJson(anchors))
    throw new LedgerError(
      'LEDGER_ANCHOR_CHANGED',
      `This ledger is anchored at ${canonicalJson(genesis.anchors)}, but this service was started with ${canonicalJson(anchors)}. Set OPENSEAL_RPC and OPENSEAL_CONTRACT back, or use another data folder or database.`,
    )
}

function assertKey(wanted: string, vkey: string): void {
  if (wanted === vkey) return
  const advice =
    'Restore that key, or use another data folder or database for another ledger. If a change of the key was interrupted, run "openseal rotate log-key" again.'
  throw new LedgerError('LEDGER_KEY_CHANGED', `The log key is not the one that signs this ledger (${wanted}). ${advice}`)
}

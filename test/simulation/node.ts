/** A node: the real ledger and the real anchorer, on a simulated store, chain and host. */
import { type Anchoring, createAnchoring } from '../../src/anchor/anchoring.ts'
import type { AnchorChain } from '../../src/anchor/chain.ts'
import { createLease } from '../../src/anchor/lease.ts'
import { toHex } from '../../src/core/bytes.ts'
import { OpenSealError } from '../../src/core/errors.ts'
import { formatVkey, type Signer } from '../../src/core/tlog/note.ts'
import type { Host } from '../../src/host.ts'
import { type Agencies, createAgencies } from '../../src/ledger/agencies/agencies.ts'
import { type Ledger, openLedger } from '../../src/ledger/ledger.ts'
import { resumeKeyChange } from '../../src/log/log-keys.ts'
import { createLogSigner } from '../../src/log/signer.ts'
import { silentLog } from '../../src/logger.ts'
import { compare } from '../../src/server/compare.ts'
import { startErasing } from '../../src/server/erasing.ts'
import { withDeadlines } from '../../src/store/deadlines.ts'
import type { SharedStore } from '../../src/store/port/port.ts'
import { CHAIN_ID, CONTRACT, LOG_ID } from './chain.ts'
import type { NodeLine } from './faulty-store.ts'
import type { Random } from './random.ts'

export const ORIGIN = 'ledger.example/simulated'
export const PLACE = { type: 'evm', chainId: CHAIN_ID, contract: CONTRACT, logId: LOG_ID } as const
/** The keys of the log, in the order of their use. */
export const SIGNERS = [5, 7].map(byte => createLogSigner(ORIGIN, new Uint8Array(32).fill(byte))) as [Signer, Signer]
const ERASURE_KEY = new Uint8Array(32).fill(6)
const INTERVAL_MS = 12_000
/** How long a call of the store may take. */
export const DEADLINE_MS = 3000

/** How long a new log key takes to the folders of keys, which may be on other machines. */
const KEY_ARRIVES_MS = 1000

/** A running node. */
export type RunningNode = {
  readonly ledger: Ledger
  readonly anchorer: Anchoring
  readonly agencies: Agencies
  notAccepting(): string | undefined
}

/** The host of one process: `wallMs` is its wall clock, `steadyMs` the scheduler's. */
export function simulatedHost(line: NodeLine, random: Random, clocks: Pick<Host, 'nowMs' | 'steadyMs'>): Host {
  return {
    ...clocks,
    nextTurn: () => new Promise(resolve => line.after(0, `${line.name} turn`, resolve)),
    breathe: () => undefined,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        line.after(ms, `${line.name} wakes`, () => {
          if (signal?.aborted !== true) resolve()
        })
        signal?.addEventListener('abort', () => reject(signal.reason), { once: true })
      }),
    randomBytes: length => random.bytes(length),
    spawn(_name, run) {
      const controller = new AbortController()
      // A task that fails has ended, as with the system's host.
      const ended = run(controller.signal).catch(() => {})
      return {
        async stop() {
          controller.abort()
          await ended
        },
      }
    },
  }
}

/** The file of the log's key, which all nodes read. */
export type KeyFile = { signer: Signer }

type Deps = {
  readonly keys: KeyFile
  readonly store: SharedStore
  readonly chain: AnchorChain
  readonly host: Host
  /** Called with the name under which this process holds the lease. */
  readonly onHolder: (holder: string) => void
}

/** Starts a node, as `src/server` does. Rejects if the store or what is in it prevents it. */
export async function startNode(deps: Deps): Promise<RunningNode> {
  const { chain, host } = deps
  const { ledger, anchorer, store } = await openNode(deps)
  await startErasing({ ledger, isFinderClean: async () => true, host, log: silentLog })
  const { notAccepting } = compare({ anchorer, chains: [chain], config: { startWithoutChain: false }, host, log: silentLog })
  return { ledger, anchorer, agencies: createAgencies({ store, host }), notAccepting }
}

/**
 * Changes the log's key, as `openseal rotate log-key` does while nodes run. After an interruption it
 * is called again. Returns the last size that the old key may sign.
 */
export async function rotateKey(deps: Deps, next: Signer): Promise<number> {
  const { keys, host } = deps
  const store = withDeadlines(deps.store, host, DEADLINE_MS)
  const [oldKey, newKey] = [formatVkey(keys.signer.vkey), formatVkey(next.vkey)]
  const made = await resumeKeyChange(store, { oldKey, newKey, isStolen: false })
  const { change } = made ?? (await changeKey(deps, newKey))
  await host.sleep(KEY_ARRIVES_MS)
  keys.signer = next
  return change.fromSize - 1
}

async function changeKey(deps: Deps, newKey: string) {
  const { ledger, anchorer } = await openNode(deps)
  await anchorer.compareWithChain()
  const reason = ledger.stopped()
  if (reason !== undefined) throw new OpenSealError('LEDGER_STOPPED', reason)
  return ledger.changeKey(newKey)
}

async function openNode({ keys, store, chain, host, onHolder }: Deps) {
  const guarded = withDeadlines(store, host, DEADLINE_MS)
  const holder = toHex(host.randomBytes(8))
  onHolder(holder)
  const erasure = { key: ERASURE_KEY, delayMs: 0, periodMs: 1e12 }
  const { signer } = keys
  // The old key is in its file before the next one takes its place, and stays there.
  const endedKey = { read: async () => (keys.signer === SIGNERS[0] ? undefined : SIGNERS[0]), lacks: () => {}, done: () => {} }
  const own = { signer, readSigner: async () => keys.signer, endedKey, origin: ORIGIN }
  const parts = { store: guarded, ...own, anchors: [PLACE], host, erasure }
  const ledger = await openLedger(parts)
  const lease = createLease({ store: guarded, name: 'rounds', holder })
  const anchorer = createAnchoring({
    ...{ ledger, store: guarded, chains: [{ name: 'chain', chain }], host, lease },
    intervalMs: INTERVAL_MS,
    minBatch: 1,
    log: silentLog,
  })
  return { ledger, anchorer, store: guarded }
}

type ChainFaults = {
  readonly isDown: () => boolean
  /** Whether a second endpoint answers now, and lies. */
  readonly isContradicted: () => boolean
  readonly later: (ms: number, label: string, act: () => unknown) => void
}

/** The chain as a node reaches it: late, sometimes not at all, and answers may be lost. */
export function faultyChain(
  chain: AnchorChain,
  line: NodeLine,
  random: Random,
  { isDown, isContradicted, later }: ChainFaults,
): AnchorChain {
  const lies: Readonly<Record<string, () => object>> = {
    heads: () => ({ size: 1_000_000, root: random.bytes(32), time: 0 }),
    closings: () => ({ lastGoodSize: 0 }),
  }
  const heard = (name: string, value: unknown) => (lies[name] && isContradicted() ? [...(value as unknown[]), lies[name]()] : value)
  const unreachable = () => new OpenSealError('CHAIN_UNREACHABLE', 'no endpoint of the chain answers')
  const calls = Object.entries(chain).map(([name, act]) => {
    if (typeof act !== 'function' || name === 'close') return [name, act]
    const call = (...args: unknown[]) =>
      new Promise((resolve, reject) => {
        later(1 + random.below(30), `${line.name} ${name}`, async () => {
          if (isDown()) return line.after(0, `${line.name} ${name} fails`, () => reject(unreachable()))
          const outcome = await (act as (...args: unknown[]) => Promise<unknown>)(...args).then(
            value => () => resolve(heard(name, value)),
            error => () => reject(error),
          )
          const isLost = isDown()
          line.after(1 + random.below(30), `${line.name} ${name} is answered`, isLost ? () => reject(unreachable()) : outcome)
        })
      })
    return [name, call]
  })
  return Object.fromEntries(calls) as AnchorChain
}

/** A node: the real ledger and the real anchorer, on a simulated store, chain and host. */
import { type Anchoring, createAnchoring } from '../../src/anchor/anchoring.ts'
import type { AnchorChain } from '../../src/anchor/chain.ts'
import { createLease } from '../../src/anchor/lease.ts'
import { toHex } from '../../src/core/bytes.ts'
import { OpenSealError } from '../../src/core/errors.ts'
import type { Host } from '../../src/host.ts'
import { type Agencies, createAgencies } from '../../src/ledger/agencies/agencies.ts'
import { type Ledger, openLedger } from '../../src/ledger/ledger.ts'
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
export const signer = createLogSigner(ORIGIN, new Uint8Array(32).fill(5))
const ERASURE_KEY = new Uint8Array(32).fill(6)
const INTERVAL_MS = 12_000
const DEADLINE_MS = 3000

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

type Deps = {
  readonly line: NodeLine
  readonly store: SharedStore
  readonly chain: AnchorChain
  readonly host: Host
  /** Called with the name under which this process holds the lease. */
  readonly onHolder: (holder: string) => void
}

/** Starts a node, as `src/server` does. Rejects if the store or what is in it prevents it. */
export async function startNode({ store, chain, host, onHolder }: Deps): Promise<RunningNode> {
  const guarded = withDeadlines(store, host, DEADLINE_MS)
  const holder = toHex(host.randomBytes(8))
  onHolder(holder)
  const erasure = { key: ERASURE_KEY, delayMs: 0, periodMs: 1e12 }
  const ledger = await openLedger({ store: guarded, signer, origin: ORIGIN, anchors: [PLACE], host, erasure })
  await startErasing({ ledger, isFinderClean: async () => true, host, log: silentLog })
  const lease = createLease({ store: guarded, name: 'rounds', holder })
  const anchorer = createAnchoring({
    ...{ ledger, store: guarded, chains: [{ name: 'chain', chain }], host, lease },
    intervalMs: INTERVAL_MS,
    minBatch: 1,
    log: silentLog,
  })
  const { notAccepting } = compare({ anchorer, chains: [chain], config: { startWithoutChain: false }, host, log: silentLog })
  return { ledger, anchorer, agencies: createAgencies({ store: guarded, host }), notAccepting }
}

/** The chain as a node reaches it: late, sometimes not at all, and answers may be lost. */
export function faultyChain(
  chain: AnchorChain,
  line: NodeLine,
  random: Random,
  { isDown, later }: { readonly isDown: () => boolean; readonly later: (ms: number, label: string, act: () => unknown) => void },
): AnchorChain {
  const unreachable = () => new OpenSealError('CHAIN_UNREACHABLE', 'no endpoint of the chain answers')
  const calls = Object.entries(chain).map(([name, act]) => {
    if (typeof act !== 'function' || name === 'close') return [name, act]
    const call = (...args: unknown[]) =>
      new Promise((resolve, reject) => {
        later(1 + random.below(30), `${line.name} ${name}`, async () => {
          if (isDown()) return line.after(0, `${line.name} ${name} fails`, () => reject(unreachable()))
          const outcome = await (act as (...args: unknown[]) => Promise<unknown>)(...args).then(
            value => () => resolve(value),
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

/** The chains of a ledger, each with its anchorer, and how they meet in the same rounds. */
import { toHex } from '../core/bytes.ts'
import type { Host } from '../host.ts'
import { type Log, withFields } from '../logger.ts'
import type { Documents } from '../store/port/documents.ts'
import type { AnchoredLedger } from './anchored.ts'
import { type Anchorer, createAnchorer } from './anchorer.ts'
import type { AnchorChain } from './chain.ts'
import { nextRound } from './next-round.ts'
import { PATIENCE } from './round-clock.ts'
import type { Tenure } from './tenure.ts'

/** A chain of the ledger. */
export type LedgerChain = {
  readonly name: string
  readonly chain: AnchorChain
  /** It takes part in every n-th round; missing: in each. */
  readonly everyRounds?: number
  /** The size from which it vouches for the ledger; missing: from the first. */
  readonly fromSize?: number
  /** The last size for which it vouches, if it was retired. Then nothing about it is an alarm. */
  readonly toSize?: number | undefined
}

/** A chain with its anchorer. */
export type TendedChain = LedgerChain & { readonly anchorer: Anchorer; readonly everyRounds: number }

type Deps = {
  readonly ledger: AnchoredLedger
  readonly store: Documents
  readonly chains: readonly LedgerChain[]
  readonly tenure: Tenure
  readonly intervalMs: number
  readonly host: Host
  readonly log: Log
}

/** Makes an anchorer for each chain. `ledger` writes only what rests on the lease. */
export function tendChains({ ledger, store, chains, tenure, intervalMs, host, log }: Deps): TendedChain[] {
  const common = chains.length > 1 ? commonOf(chains) : undefined
  return chains.map(each => {
    const { name, chain, everyRounds = 1, fromSize = 0, toSize } = each
    const taking = { everyRounds, fromSize, toSize, ...(common !== undefined && { common }) }
    const anchorer = createAnchorer({
      ...{ ledger: chains.length > 1 ? named(ledger, name) : ledger, store, chain, tenure, host },
      log: chains.length > 1 ? withFields(log, { chain: name }) : log,
      roundMs: (PATIENCE + 3) * intervalMs * everyRounds,
      async nextRound(previous) {
        await adoptRound({ ledger, tenure, host }, previous)
        return nextRound(ledger.rounds, previous, ledger.ends(), taking)
      },
    })
    return { ...each, anchorer, everyRounds }
  })
}

/**
 * A chain holds a larger checkpoint than the newest round: the store was restored from a backup.
 * The ledger agrees with it, so it becomes a round again.
 */
async function adoptRound({ ledger, tenure, host }: Pick<Deps, 'ledger' | 'host' | 'tenure'>, size: number): Promise<void> {
  if (size <= ((await ledger.rounds.newest())?.size ?? 0)) return
  const [root, checkpoint] = [toHex(await ledger.rootAt(size)), await ledger.checkpointAt(size)]
  await ledger.rounds.open({ size, root, checkpoint, openedMs: host.nowMs() }, tenure.fence())
}

/** The ledger, which a chain of several stops with its name. */
function named(ledger: AnchoredLedger, name: string): AnchoredLedger {
  return { ...ledger, stop: (reason, code) => ledger.stop(`${name}: ${reason}`, code) }
}

/** Every chain takes part in each round whose ordinal is a multiple of this. */
export function commonOf(chains: readonly Pick<LedgerChain, 'everyRounds'>[]): number {
  return chains.reduce((common, { everyRounds = 1 }) => (common * everyRounds) / divisorOf(common, everyRounds), 1)
}

/** The greatest common divisor. */
function divisorOf(a: number, b: number): number {
  return b === 0 ? a : divisorOf(b, a % b)
}

/**
 * Compares a log's checkpoints with its contracts: what `openseal witness --watch-chain` adds. A
 * contract that holds another root at a size that was cosigned, or is about to be, shows a fork.
 */
import { equalBytes, toHex } from '../core/bytes.ts'
import type { Hash } from '../core/hash.ts'
import type { Policy } from '../core/policy.ts'
import type { PolicyChain } from '../core/policy-anchors.ts'
import type { Checkpoint } from '../core/tlog/checkpoint.ts'
import type { Log } from '../logger.ts'
import type { Mark } from '../mark.ts'
import { openAnchoredReader } from './anchored.ts'

export type ChainWatch = {
  /**
   * The contradiction between these checkpoints of a log and those in a contract of its policy, in a
   * sentence. Undefined if there is none. Also undefined if no endpoint answered, which is then logged.
   */
  contradiction(policy: Policy, checkpoints: readonly Checkpoint[]): Promise<string | undefined>
}

type Options = { readonly urls: readonly string[]; readonly fetch: typeof fetch; readonly steadyMs: () => number; readonly log: Log }
type Look = { readonly atMs: number; readonly found: Promise<readonly Mark[]> }

/** Requests are not authenticated, and must not make us ask an endpoint each time. */
const AGAIN_MS = 10_000

/** Watches by these endpoints, whichever chains they serve. */
export function createChainWatch({ urls, fetch, steadyMs, log }: Options): ChainWatch {
  const endpoints = urls.map(url => openAnchoredReader({ url, fetch }))
  const looks = new Map<string, Look>()

  /** What the endpoints that serve this chain and contract say. Others say nothing of it. */
  async function look(anchor: PolicyChain, origin: string): Promise<readonly Mark[]> {
    const { chainId, contract } = anchor
    const place = { origin, chainId, contract }
    const answers = await Promise.allSettled(endpoints.map(endpoint => endpoint.read(anchor)))
    const found = answers.flatMap(answer => (answer.status === 'fulfilled' ? [answer.value] : []))
    if (found.length === 0) {
      const reasons = answers.flatMap(answer => (answer.status === 'rejected' ? [answer.reason] : []))
      log.warn('chain not compared', { ...place, reasons })
    }
    const missed = found.map(({ missed }) => missed)
    if (found.length > 0 && !missed.includes(undefined)) log.warn('older anchors not compared', { ...place, reasons: missed })
    return found.flatMap(({ marks }) => marks)
  }

  function lookAgain(anchor: PolicyChain, origin: string): Promise<readonly Mark[]> {
    const key = `${origin} ${anchor.chainId} ${anchor.contract} ${anchor.logId}`
    const last = looks.get(key)
    if (last !== undefined && steadyMs() - last.atMs < AGAIN_MS) return last.found
    const found = look(anchor, origin)
    looks.set(key, { atMs: steadyMs(), found })
    return found
  }

  return {
    async contradiction({ origin, anchors }, checkpoints) {
      const roots = new Map(checkpoints.map(({ size, root }) => [size, root]))
      const chains = anchors.filter(anchor => anchor.type === 'evm')
      const seen = await Promise.all(chains.map(async anchor => ({ anchor, marks: await lookAgain(anchor, origin) })))
      for (const { anchor, marks } of seen) {
        const other = marks.find(({ size, root }) => isOther(roots.get(size), root))
        if (other === undefined) continue
        const { chainId, contract } = anchor
        log.error('chain holds another root', { origin, chainId, contract, size: other.size, root: toHex(other.root) })
        return `The contract ${contract} on chain ${chainId} holds another root of this log at ${other.size} entries: compare this store with the chain.`
      }
      return undefined
    },
  }
}

function isOther(own: Hash | undefined, root: Hash): boolean {
  return own !== undefined && !equalBytes(own, root)
}

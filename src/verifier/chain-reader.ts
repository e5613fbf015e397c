/** How the verifier asks a chain: one endpoint, and the answers of all those that serve one chain. */

import { type Attempt, attemptAsync } from '../core/attempt.ts'
import { OpenSealError } from '../core/errors.ts'
import type { Hash } from '../core/hash.ts'
import type { PolicyAnchor } from '../core/policy.ts'

/** The last second of the year 9999, in Unix seconds: no four-digit year can say more. */
const LATEST_TIME = 253_402_300_799

/** A block: the newest, the newest that is final by the chain's own rule, or one by its number. */
export type BlockTag = 'latest' | 'finalized' | number

/** A log of a contract. Hex is lower-case. */
export type LogPlace = { readonly contract: string; readonly logId: string; readonly block: BlockTag }

/** One endpoint of a chain. Its functions reject with an OpenSealError when it gives no usable answer. */
export type ChainReader = {
  /** Its scheme, host and port, for people. Readers of one name are one endpoint; a reader without a name is one by itself. */
  readonly name?: string
  chainId(): Promise<number>
  /** SHA-256, lower-case hex, of the runtime code at a contract's address; of no bytes where there is none. */
  codeSha256(contract: string): Promise<string>
  /** When the contract was given this size and root, in Unix seconds; 0 when it was not. */
  anchoredAt(query: LogPlace & { readonly size: number; readonly root: Hash }): Promise<number>
  /** The largest size that the owner of a closed log vouches for; undefined while the log is open. */
  lastGoodSize(query: LogPlace): Promise<number | undefined>
  blockNumber(): Promise<number>
}

/** The endpoints of one chain: those that serve it, and how many there are by name, with those that do not say what they serve. */
export type Endpoints = { readonly readers: readonly NamedReader[]; readonly named: readonly string[] }

/** A reader with the name that it is counted by. */
export type NamedReader = { readonly name: string; readonly reader: ChainReader }

/** An answer, by the name of the endpoint that gave it. */
export type Named<T> = { readonly name: string; readonly value: T }

/**
 * The endpoints of each chain. One that does not say which chain it serves may be any: it is taken for a chain that no other serves while there is one,
 * and else it counts for every chain, so that an endpoint which falls silent never makes one answer of two enough.
 */
export async function findEndpoints(chain: readonly ChainReader[], chainIds: readonly number[]): Promise<ReadonlyMap<number, Endpoints>> {
  const readers = chain.map((reader, at) => ({ name: reader.name ?? `endpoint ${at + 1}`, reader }))
  const ids = await Promise.all(readers.map(({ reader }) => attemptAsync(() => reader.chainId())))
  const serving = (chainId: number) => readers.filter((_, at) => ids[at]?.value === chainId)
  const silent = namesOf(readers.filter((_, at) => ids[at]?.error !== undefined))
  const unserved = new Set(chainIds.filter(chainId => serving(chainId).length === 0))
  const isOneMissing = silent.length > unserved.size
  return new Map(
    chainIds.map(chainId => {
      const served = serving(chainId)
      const others = isOneMissing || unserved.has(chainId) ? silent : []
      return [chainId, { readers: served, named: [...new Set([...namesOf(served), ...others])] }]
    }),
  )
}

/** The answers of those that gave one. */
export async function askAll<T>(readers: readonly NamedReader[], ask: (reader: ChainReader) => Promise<T>): Promise<Named<T>[]> {
  const answers: Attempt<T>[] = await Promise.all(readers.map(({ reader }) => attemptAsync(() => ask(reader))))
  return readers.flatMap(({ name }, at) => {
    const answer = answers[at]
    return answer === undefined || answer.error ? [] : [{ name, value: answer.value }]
  })
}

/** The names, each once. */
export function namesOf(those: readonly { readonly name: string }[]): string[] {
  return [...new Set(those.map(({ name }) => name))]
}

/** A block of which the policy says that it is final; undefined while the chain is shorter than the confirmations asked for. */
export async function finalBlock(reader: ChainReader, { finality }: PolicyAnchor): Promise<BlockTag | undefined> {
  if (finality === 'finalized') return finality
  const block = (await reader.blockNumber()) - finality.confirmations
  return block < 0 ? undefined : block
}

/** When a checkpoint was anchored, as of a block; 0 as of none. */
export async function readTime(
  reader: ChainReader,
  { contract, logId }: PolicyAnchor,
  { size, root }: { readonly size: number; readonly root: Hash },
  block: BlockTag | undefined,
): Promise<number> {
  if (block === undefined) return 0
  const time = await reader.anchoredAt({ contract, logId, size, root, block })
  if (!Number.isSafeInteger(time) || time < 0 || time > LATEST_TIME) throw new AnchorError('ANCHOR_TIME', `${time} is no time of a block`)
  return time
}

/** ANCHOR_TIME. */
export class AnchorError extends OpenSealError {}

/**
 * How the verifier reads a chain: one endpoint, and the joint answers of all endpoints of a chain.
 */

import { type Attempt, attemptAsync } from '../core/attempt.ts'
import { OpenSealError } from '../core/errors.ts'
import type { Hash } from '../core/hash.ts'
import type { PolicyChain } from '../core/policy-anchors.ts'

/** SHA-256 of no bytes: the code hash of an address without code. */
export const NO_CODE = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
/** The last second of the year 9999 in Unix seconds. Years have four digits here. */
const LATEST_TIME = 253_402_300_799

/** A block: the newest, the newest final one by the chain's own rule, or one by number. */
export type BlockTag = 'latest' | 'finalized' | number

/** A log of a contract. Hex is lower-case. */
export type LogPlace = { readonly contract: string; readonly logId: string; readonly block: BlockTag }

/**
 * One endpoint of a chain. Its functions reject with an OpenSealError when it gives no usable
 * answer.
 */
export type ChainReader = {
  /**
   * Its scheme, host and port, for people. Readers with the same name are one endpoint. A reader
   * without a name is an endpoint of its own.
   */
  readonly name?: string
  /** The only chain that it is for, if that is known beforehand. It is not asked about any other. */
  readonly serves?: number | undefined
  chainId(): Promise<number>
  /**
   * SHA-256, lower-case hex, of the runtime code at an address; of no bytes if there is no code.
   */
  codeSha256(contract: string): Promise<string>
  /** When the contract recorded this size and root, in Unix seconds; 0 if it did not. */
  anchoredAt(query: LogPlace & { readonly size: number; readonly root: Hash }): Promise<number>
  /** The last good size of a closed log, by its owner's word; undefined while the log is open. */
  lastGoodSize(query: LogPlace): Promise<number | undefined>
  blockNumber(): Promise<number>
}

/**
 * The endpoints that serve one chain, and the number of names among them and the endpoints that do
 * not say what they serve.
 */
export type Endpoints = { readonly readers: readonly NamedReader[]; readonly named: readonly string[] }

/** A reader and the name under which it counts. */
export type NamedReader = { readonly name: string; readonly reader: ChainReader }

/** An answer and the name of the endpoint that gave it. */
export type Named<T> = { readonly name: string; readonly value: T }

/**
 * Finds the endpoints of each chain. An endpoint that does not say which chain it serves could
 * serve any. If one chain has no other endpoint, it is taken for that chain's. Otherwise it counts
 * for every chain, so that an endpoint that falls silent never makes one answer of two enough. One
 * that is known beforehand to be for a chain counts for that chain only, whatever becomes of it.
 */
export async function findEndpoints(chain: readonly ChainReader[], chainIds: readonly number[]): Promise<ReadonlyMap<number, Endpoints>> {
  // A policy of witnesses and time stamps alone needs no network.
  if (chainIds.length === 0) return new Map()
  const named = chain.map((reader, at) => ({ name: reader.name ?? `endpoint ${at + 1}`, reader }))
  const readers = named.filter(({ reader: { serves } }) => serves === undefined || chainIds.includes(serves))
  const ids = await Promise.all(readers.map(({ reader }) => attemptAsync(() => reader.chainId())))
  const isFor = ({ serves }: ChainReader, chainId: number) => serves === undefined || serves === chainId
  const serving = (chainId: number) => readers.filter(({ reader }, at) => ids[at]?.value === chainId && isFor(reader, chainId))
  const silent = namesOf(readers.filter(({ reader }, at) => ids[at]?.error !== undefined && reader.serves === undefined))
  /** Those that were known to be for a chain and do not serve it. */
  const failing = (chainId: number) => readers.filter(({ reader }, at) => reader.serves === chainId && ids[at]?.value !== chainId)
  const unserved = new Set(chainIds.filter(chainId => serving(chainId).length === 0))
  const isOneMissing = silent.length > unserved.size
  return new Map(
    chainIds.map(chainId => {
      const served = serving(chainId)
      const others = isOneMissing || unserved.has(chainId) ? silent : []
      return [chainId, { readers: served, named: [...new Set([...namesOf([...served, ...failing(chainId)]), ...others])] }]
    }),
  )
}

/** The answers of all readers that gave one. */
export async function askAll<T>(readers: readonly NamedReader[], ask: (reader: ChainReader) => Promise<T>): Promise<Named<T>[]> {
  const answers: Attempt<T>[] = await Promise.all(readers.map(({ reader }) => attemptAsync(() => ask(reader))))
  return readers.flatMap(({ name }, at) => {
    const answer = answers[at]
    return answer === undefined || answer.error ? [] : [{ name, value: answer.value }]
  })
}

/** The names, without repeats. */
export function namesOf(those: readonly { readonly name: string }[]): string[] {
  return [...new Set(those.map(({ name }) => name))]
}

/**
 * A block that is final by the policy; undefined while the chain is shorter than the confirmations
 * asked for.
 */
export async function finalBlock(reader: ChainReader, { finality }: PolicyChain): Promise<BlockTag | undefined> {
  if (finality === 'finalized') return finality
  const block = (await reader.blockNumber()) - finality.confirmations
  return block < 0 ? undefined : block
}

/** When a checkpoint was anchored, as of a block; 0 if no block is given. */
export async function readTime(
  reader: ChainReader,
  { contract, logId }: PolicyChain,
  { size, root }: { readonly size: number; readonly root: Hash },
  block: BlockTag | undefined,
): Promise<number> {
  if (block === undefined) return 0
  const time = await reader.anchoredAt({ contract, logId, size, root, block })
  if (!Number.isSafeInteger(time) || time < 0 || time > LATEST_TIME)
    throw new AnchorTimeError('ANCHOR_TIME', `${time} is not the time of a block`)
  return time
}

/** ANCHOR_TIME. */
export class AnchorTimeError extends OpenSealError {}

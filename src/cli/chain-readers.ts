/**
 * The chain endpoints of a command: the named ones, otherwise those of the environment, otherwise
 * this machine's development chain.
 */
import type { Policy } from '../core/policy.ts'
import { type ChainReader, chainsKnown, createJsonRpcReader, type NamedEndpoint, readEndpoint, type TrustList } from '../verifier/index.ts'
import { UsageError } from './command.ts'

const TIMEOUT_MS = 15_000
/**
 * Chain id of a local development chain, which is asked at its usual address if no other is named.
 */
export const LOCAL_CHAIN_ID = 31337

/** The endpoints. Throws UsageError for an invalid one. */
export function endpointsFor(named: readonly string[] | undefined, policy: Policy | TrustList): NamedEndpoint[] {
  const given = namedEndpoints(named)
  return given.length > 0 ? given : localEndpoints(policy)
}

/** This machine's development chain, if the policy has it. */
export function localEndpoints(policy: Policy | TrustList): NamedEndpoint[] {
  if (!chainsKnown(policy).includes(LOCAL_CHAIN_ID)) return []
  return [{ url: `http://127.0.0.1:${process.env.OPENSEAL_CHAIN_PORT || 8545}` }]
}

/** Those that the command or the environment names. Throws UsageError for an invalid one. */
export function namedEndpoints(named: readonly string[] | undefined): NamedEndpoint[] {
  const given = (named ?? (process.env.OPENSEAL_RPC ?? '').split(',')).map(url => url.trim()).filter(url => url !== '')
  return given.map(url => {
    const endpoint = readEndpoint(url)
    if (endpoint !== undefined) return endpoint
    throw new UsageError(`--rpc must be an address such as https://rpc.example or 1=https://rpc.example, not ${JSON.stringify(url)}`)
  })
}

/** One reader for each endpoint. Throws UsageError for an invalid address. */
export function openChainReaders(named: readonly string[] | undefined, policy: Policy): ChainReader[] {
  return endpointsFor(named, policy).map(endpoint => createJsonRpcReader({ ...endpoint, fetch, timeoutMs: TIMEOUT_MS }))
}

/**
 * The basis of a check, as the command line names it: the policy, whose it is, the endpoints of
 * the chain, and how long everything may take.
 */
import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { attemptAsync } from '../core/attempt.ts'
import { decodeText } from '../core/encoding.ts'
import { OpenSealError } from '../core/errors.ts'
import { canonicalJson } from '../core/json.ts'
import type { Policy } from '../core/policy.ts'
import {
  createJsonRpcReader,
  createLedgerReader,
  fetchUntil,
  type GivenPolicy,
  isTrustList,
  type Means,
  type NamedEndpoint,
  type PolicySource,
  readPolicy,
  readReport,
  type TrustEntry,
  type TrustList,
} from '../verifier/index.ts'
import { endpointsFor } from './chain-readers.ts'
import { createClient } from './client.ts'
import { collect, LOCAL_LEDGER, namedLedger, readSeconds, UsageError } from './command.ts'
import { FileError } from './hash-file.ts'
import { readServedPolicy } from './policy-file.ts'

export type CheckOptions = {
  readonly ledger?: string
  readonly policy?: string
  readonly trustLedger?: boolean
  readonly rpc?: readonly string[]
  readonly timeout: number
}

/** The policy, whose it is, and who is asked. */
export type CheckSetting = {
  /**
   * The address of the ledger at hand. Undefined if the reader named none and the list does not
   * have exactly one address: then only the ledgers of the list are asked.
   */
  readonly url: string | undefined
  /** The address at which the ledger of a list's entry is asked. */
  readonly urlOf: (entry: TrustEntry) => string | undefined
  readonly policy: Policy | TrustList
  readonly policySource: PolicySource | undefined
  readonly trust: 'policy' | 'ledger'
  readonly named: readonly NamedEndpoint[]
  /** Addresses of the chain's endpoints, without possible secrets. */
  readonly endpoints: readonly string[]
}

/** The parts that ask, until the time of one check is over. */
export type CheckSources = Pick<Means, 'chain' | 'ledgerOf' | 'ledger'> & { readonly signal: AbortSignal }

/** For one question to a ledger or a chain. */
const TIMEOUT_MS = 15_000

/** Adds --ledger, --policy, --trust-ledger, --rpc and --timeout. */
export function withCheckOptions(command: Command, { deadlineSeconds }: { readonly deadlineSeconds: number }): Command {
  return command
    .option(
      '--ledger <url>',
      `address of the ledger (or OPENSEAL_LEDGER; otherwise the addresses in a trust list, or else ${LOCAL_LEDGER})`,
      namedLedger(),
    )
    .option('--policy <file>', 'your copy of the policy, or a trust list (see: openseal policy)')
    .option('--trust-ledger', "take the ledger's own word for the policy; the answer says so")
    .option('--rpc <url>', 'an endpoint of the chain, or CHAIN=URL; may be repeated (or OPENSEAL_RPC, separated by commas)', collect)
    .option('--timeout <seconds>', 'how long the whole check may take', readSeconds, deadlineSeconds)
}

/** Reads the policy from its file, or asks the ledger for it. */
export async function readCheckSetting({ ledger, policy: file, trustLedger, rpc }: CheckOptions): Promise<CheckSetting> {
  if ((file === undefined) === (trustLedger === undefined))
    throw new UsageError("choose what to trust: either --policy FILE, or --trust-ledger for the ledger's own word")
  const given = file === undefined ? undefined : await readPolicyFile(file)
  const atHand = ledger ?? (given !== undefined && isTrustList(given.policy) ? onlyAddress(given.policy) : LOCAL_LEDGER)
  const client = atHand === undefined ? undefined : createClient(atHand)
  const policy = given?.policy ?? (await readServedPolicy(client ?? createClient(LOCAL_LEDGER))).policy
  const named = endpointsFor(rpc, policy)
  return {
    url: client?.url,
    urlOf: ({ ledger: listed = client?.url }) => listed,
    policy,
    policySource: given?.source,
    trust: trustLedger ? 'ledger' : 'policy',
    named,
    endpoints: named.map(({ url: rpcUrl }) => new URL(rpcUrl).origin),
  }
}

/** Opens the readers of the chain and of the ledgers, for one check. */
export function openCheckMeans({ url, policy, named, urlOf }: CheckSetting, timeoutSeconds: number): CheckSources {
  const signal = AbortSignal.timeout(timeoutSeconds * 1000)
  const chain = named.map(endpoint => createJsonRpcReader({ ...endpoint, fetch: fetchUntil(signal, fetch), timeoutMs: TIMEOUT_MS }))
  const open = (at: string, origin: string) => createLedgerReader({ url: at, origin, fetch, timeoutMs: TIMEOUT_MS, signal })
  // By a list, the origin of each receipt says which ledger is asked about newer versions.
  return {
    chain,
    ledger: url === undefined ? undefined : open(url, isTrustList(policy) ? '' : policy.origin),
    ledgerOf: entry => {
      const at = urlOf(entry)
      return at === undefined ? undefined : open(at, entry.origin)
    },
    signal,
  }
}

/** The address of a list in which only one ledger can be asked. */
function onlyAddress({ entries }: TrustList): string | undefined {
  const addresses = entries.flatMap(({ ledger, policy }) => (ledger === undefined || policy === undefined ? [] : [ledger]))
  return addresses.length === 1 ? addresses[0] : undefined
}

async function readPolicyFile(path: string): Promise<GivenPolicy> {
  const { value, error } = await attemptAsync(async () => {
    const bytes = await readBytes(path)
    // A reader who names a report chooses the policy in it.
    const report = bytes[0] === '<'.charCodeAt(0) ? readReport(decodeText(bytes)) : undefined
    return readPolicy(path, report === undefined ? bytes : canonicalJson(report.policy))
  })
  if (!error) return value
  if (error instanceof FileError) throw new UsageError(error.message, { cause: error })
  throw new OpenSealError(error.code, `${path}: ${error.message}`, { cause: error })
}

async function readBytes(path: string): Promise<Uint8Array> {
  return readFile(path).catch(error => {
    if (error.code === 'ENOENT') throw new FileError('FILE_NOT_FOUND', `there is no file ${path}`, { cause: error })
    throw new FileError('FILE_UNREADABLE', `${path} cannot be read (${error.code})`, { cause: error })
  })
}

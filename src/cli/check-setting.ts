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
  type LedgerReader,
  type Means,
  type NamedEndpoint,
  type PolicySource,
  readPolicy,
  readReport,
  type TrustList,
} from '../verifier/index.ts'
import { endpointsFor } from './chain-readers.ts'
import { createClient } from './client.ts'
import { collect, readSeconds, UsageError } from './command.ts'
import { FileError } from './hash-file.ts'
import { readServedPolicy } from './policy-file.ts'

export type CheckOptions = {
  readonly ledger: string
  readonly policy?: string
  readonly trustLedger?: boolean
  readonly rpc?: readonly string[]
  readonly timeout: number
}

/** The policy, whose it is, and who is asked. */
export type CheckSetting = {
  readonly url: string
  readonly policy: Policy | TrustList
  readonly policySource: PolicySource | undefined
  readonly trust: 'policy' | 'ledger'
  readonly named: readonly NamedEndpoint[]
  /** Addresses of the chain's endpoints, without possible secrets. */
  readonly endpoints: readonly string[]
}

/** The parts that ask, until the time of one check is over. */
export type CheckSources = Pick<Means, 'chain' | 'ledgerOf'> & { readonly ledger: LedgerReader; readonly signal: AbortSignal }

/** For one question to a ledger or a chain. */
const TIMEOUT_MS = 15_000

/** Adds --policy, --trust-ledger, --rpc and --timeout. */
export function withCheckOptions(command: Command, { deadlineSeconds }: { readonly deadlineSeconds: number }): Command {
  return command
    .option('--policy <file>', 'your copy of the policy, or a trust list (see: openseal policy)')
    .option('--trust-ledger', "take the ledger's own word for the policy; the answer says so")
    .option('--rpc <url>', 'an endpoint of the chain, or CHAIN=URL; may be repeated (or OPENSEAL_RPC, separated by commas)', collect)
    .option('--timeout <seconds>', 'how long the whole check may take', readSeconds, deadlineSeconds)
}

/** Reads the policy from its file, or asks the ledger for it. */
export async function readCheckSetting({ ledger, policy: file, trustLedger, rpc }: CheckOptions): Promise<CheckSetting> {
  if ((file === undefined) === (trustLedger === undefined))
    throw new UsageError("choose what to trust: either --policy FILE, or --trust-ledger for the ledger's own word")
  const client = createClient(ledger)
  const given = file === undefined ? undefined : await readPolicyFile(file)
  const policy = given?.policy ?? (await readServedPolicy(client)).policy
  const named = endpointsFor(rpc, policy)
  return {
    url: client.url,
    policy,
    policySource: given?.source,
    trust: trustLedger ? 'ledger' : 'policy',
    named,
    endpoints: named.map(({ url: rpcUrl }) => new URL(rpcUrl).origin),
  }
}

/** Opens them for one check. */
export function openCheckMeans({ url, policy, named }: CheckSetting, timeoutSeconds: number): CheckSources {
  const signal = AbortSignal.timeout(timeoutSeconds * 1000)
  const chain = named.map(endpoint => createJsonRpcReader({ ...endpoint, fetch: fetchUntil(signal, fetch), timeoutMs: TIMEOUT_MS }))
  const open = (at: string, origin: string) => createLedgerReader({ url: at, origin, fetch, timeoutMs: TIMEOUT_MS, signal })
  // By a list, the origin of each receipt says which ledger is asked about newer versions.
  return {
    chain,
    ledger: open(url, isTrustList(policy) ? '' : policy.origin),
    ledgerOf: ({ ledger, origin }) => open(ledger ?? url, origin),
    signal,
  }
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

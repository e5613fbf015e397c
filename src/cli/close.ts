/** `openseal close`: the owner of a log closes it for good, on each chain of the ledger. */
import type { Command } from 'commander'
import type { LogToClose } from '../chain/owner.ts'
import { OpenSealError } from '../core/errors.ts'
import type { Policy } from '../core/policy.ts'
import { isChain } from '../core/policy-anchors.ts'
import { endpointsFor } from './chain-readers.ts'
import { readGivenGood, readLastGood } from './close-size.ts'
import { CommandError, collect, EXIT_USAGE, parseIndex, UsageError, withExample, withLedger } from './command.ts'
import { print, printJson, remark } from './output.ts'
import { ask } from './policy-add.ts'
import { readPinnedPolicy } from './policy-file.ts'
import { warningLog } from './warning-log.ts'

type Options = {
  readonly policy: string
  readonly ledger: string
  readonly receipt?: string
  readonly size?: number
  readonly successor?: string
  readonly rpc?: readonly string[]
  readonly dryRun?: boolean
  readonly yes?: boolean
  readonly json?: boolean
}

/** One log: what closing it would write, or how it ended, or why it stays open. */
type Plan = {
  readonly of: LogToClose
  readonly state: 'open' | 'closed' | 'closed before'
  readonly lastGoodSize: number
  readonly successor?: string
  /** Up to which size the contract has anchors; missing if it was not asked. */
  readonly anchored?: number
  readonly transaction?: string
  /** Why the log is left out. */
  readonly trouble?: OpenSealError
}

const CHAIN_TIMEOUT_MS = 15_000

/** Fills the command. */
export function addClose(command: Command, setExit: (code: number) => void): void {
  withLedger(withExample(command, EXAMPLE))
    .requiredOption('--policy <file>', 'your copy of the policy, which names the log on each chain')
    .option('--size <n>', 'the last good tree size; the ledger has an anchor of it (default: its newest one on each chain)', readSize)
    .option('--receipt <file>', 'take the size from this receipt, if the ledger is gone')
    .option('--successor <log>', 'the policy file of the ledger that goes on, or the id of its log in the same contract')
    .option('--rpc <url>', 'an endpoint of a chain; may be repeated (or OPENSEAL_RPC, separated by commas)', collect)
    .option('--dry-run', 'only show what would be closed; needs no key')
    .option('--yes', 'close without asking; needs --size or --receipt')
    .action(async (options: Options) => setExit(await close(options)))
}

async function close(options: Options): Promise<number> {
  const isSizeGiven = (options.size ?? options.receipt) !== undefined
  if (options.yes && !isSizeGiven)
    throw new UsageError('--yes needs --size or --receipt: a thief who has the ledger would name a tree of their own')
  const { readSignerConfig } = await import('../config.ts')
  const signing = readSignerConfig(process.env)
  if (signing === undefined && !options.dryRun)
    throw new UsageError("set OPENSEAL_ANCHOR_KEY_FILE (or _KEY, _KEYSTORE, _SIGNER): the key of the log's owner")
  const policy = await readPinnedPolicy(options.policy)
  const [{ closeLog, readClosable }, { openSigner }] = await Promise.all([import('../chain/owner.ts'), import('../chain/signer.ts')])
  const signer = signing === undefined ? undefined : await openSigner(signing)
  const endpoints = await groupEndpoints(options, policy)
  const plans = await plan(options, policy, { endpoints, address: await signer?.address() })
  const open = plans.filter(each => each.state === 'open' && each.trouble === undefined)
  if (signer === undefined || options.dryRun || open.length === 0) return tell(policy, plans, options)
  remark(...shown(policy.origin, plans))
  if (!isSizeGiven) remark('The ledger names these sizes. If somebody else may have its keys, name the last good size with --size.')
  if (!options.yes && !/^y(?:es)?$/i.test(await ask('Close for good? This can never be taken back. [y/N] ', '--yes')))
    throw new CommandError(EXIT_USAGE, 'NOT_CONFIRMED', 'nothing was sent')
  const done: Plan[] = []
  for (const each of plans) {
    const act = async (): Promise<Plan> => {
      const { of } = each
      const rpcUrls = endpoints.get(of.chainId)!
      requireNamed(options, each, (await readClosable(rpcUrls, of, {})).size)
      const sent = await closeLog({ rpcUrls, signer, log: warningLog, of, closing: each })
      return { ...each, state: 'closed', ...sent }
    }
    done.push(open.includes(each) ? await orTrouble(each, act) : each)
  }
  return tell(policy, done, options)
}

/** Asks each chain whether its log can be closed. A chain in trouble does not hold up the others. */
async function plan(
  options: Options,
  policy: Policy,
  { endpoints, address }: { readonly endpoints: ReadonlyMap<number, string[]>; readonly address: string | undefined },
): Promise<Plan[]> {
  const logs = logsOf(policy)
  if (logs.length === 0) throw new UsageError(`${options.policy} names no log on a chain`)
  const successors = options.successor === undefined ? [] : await readSuccessors(options.successor, logs)
  const goods = options.receipt === undefined ? await readLastGood(options, policy, logs) : await readGivenGood(options, policy, logs)
  const { readClosable } = await import('../chain/owner.ts')
  return Promise.all(
    logs.map((of, at) => {
      const [checkpoint, successor] = [goods[at], successors[at]]
      const named = successor === undefined ? {} : { successor }
      const begun: Plan = { of, state: 'open', lastGoodSize: checkpoint?.size ?? 0, ...named }
      return orTrouble(begun, async () => {
        const rpcUrls = endpoints.get(of.chainId)
        if (rpcUrls === undefined)
          throw new CloseError('CHAIN_UNREACHABLE', `No endpoint of chain ${of.chainId} answers: name one with --rpc.`)
        const asked = { ...named, ...(address !== undefined && { address }), ...(checkpoint && { checkpoint }) }
        const { size, closing } = await readClosable(rpcUrls, of, asked)
        if (closing !== undefined) return { of, state: 'closed before', anchored: size, ...closing }
        requireNamed(options, begun, size)
        return { ...begun, anchored: size }
      })
    }),
  )
}

/**
 * What a ledger leaves out of its list, or anchors while its owner reads the question, must not be
 * disowned without a word from its owner.
 */
function requireNamed({ size: named, receipt }: Options, { of: { chainId }, lastGoodSize }: Plan, size: number): void {
  if (size <= lastGoodSize || receipt !== undefined || named === lastGoodSize) return
  const upTo = named === undefined ? '' : `, up to size ${named},`
  throw new CloseError(
    'CHAIN_NO_ANCHOR',
    `The log on chain ${chainId} has an anchor of size ${size}, and the newest final one that the ledger has there${upTo} is of size ${lastGoodSize}. If it is yours, wait until it is final. If not, name the last good size there with --size; 0 leaves nothing there good.`,
  )
}

async function orTrouble(plan: Plan, act: () => Promise<Plan>): Promise<Plan> {
  try {
    return await act()
  } catch (cause) {
    if (!(cause instanceof OpenSealError)) throw cause
    return { ...plan, trouble: cause }
  }
}

/** The logs of a policy. One that was retired and added again is there once. */
function logsOf({ anchors }: Policy): LogToClose[] {
  const logs = anchors.filter(isChain).map(({ chainId, contract, codeSha256, logId }) => ({ chainId, contract, codeSha256, logId }))
  return [...new Map(logs.map(log => [`${log.chainId} ${log.contract} ${log.logId}`, log])).values()]
}

/** The successor of each log. The contract knows its own logs only, so some may have none. */
async function readSuccessors(given: string, logs: readonly LogToClose[]): Promise<readonly (string | undefined)[]> {
  if (/^0x[0-9a-f]{64}$/i.test(given)) return logs.map(() => given.toLowerCase())
  const next = (await readPinnedPolicy(given)).anchors.filter(isChain).filter(({ toSize }) => toSize === undefined)
  const found = logs.map(({ chainId, contract }) => next.find(each => each.chainId === chainId && each.contract === contract)?.logId)
  if (found.every(logId => logId === undefined))
    throw new UsageError(
      `the policy ${given} names no log in a contract of this ledger: leave out --successor, and publish where it goes on`,
    )
  return found
}

/** Which endpoints serve which chain. Those that do not answer are left out. */
async function groupEndpoints({ rpc }: Options, policy: Policy): Promise<Map<number, string[]>> {
  const { readChainId } = await import('../chain/endpoints.ts')
  const named = await Promise.all(
    endpointsFor(rpc, policy).map(async ({ url, serves }) => ({
      url,
      chainId: serves ?? (await readChainId([url], CHAIN_TIMEOUT_MS).catch(() => undefined)),
    })),
  )
  const urls = new Map<number, string[]>()
  for (const { url, chainId } of named) if (chainId !== undefined) urls.set(chainId, [...(urls.get(chainId) ?? []), url])
  return urls
}

/** Prints the state of each log. 0: each is closed, or could be. 2: some are left out. 1: all are. */
function tell({ origin }: Policy, plans: readonly Plan[], { json, dryRun }: Options): number {
  const left = plans.filter(({ trouble }) => trouble !== undefined)
  if (json) printJson({ origin, logs: plans.map(jsonOf) })
  else if (dryRun) print(...shown(origin, plans))
  else
    print(
      ...plans.flatMap(lines),
      ...(left.length > 0
        ? ['Run the same command again for what is left open: a log that is closed is left as it is.']
        : ['Leave the ledger running for its readers. It accepts no more records, and says why.']),
    )
  if (left.length === 0) return 0
  return left.length === plans.length ? 1 : EXIT_USAGE
}

function jsonOf({ of: { chainId, contract, logId }, trouble, ...plan }: Plan) {
  return { chainId, contract, logId, ...plan, ...(trouble && { code: trouble.code, detail: trouble.message }) }
}

function shown(origin: string, plans: readonly Plan[]): string[] {
  return [`The log of ${origin}:`, ...plans.flatMap(lines)]
}

function lines({ of: { chainId, contract, logId }, state, lastGoodSize, successor, anchored = 0, transaction, trouble }: Plan): string[] {
  const is =
    trouble !== undefined
      ? `left open. ${trouble.message} [${trouble.code}]`
      : state === 'open'
        ? 'can be closed'
        : `${state === 'closed' ? 'is closed now' : 'was closed before'}${transaction === undefined ? '' : `, by transaction ${transaction}`}`
  return [
    `  chain ${chainId}: ${is}`,
    `    contract ${contract}`,
    `    log ${logId}`,
    ...(trouble === undefined
      ? [
          lastGoodSize === 0 ? '    nothing there is good' : `    good up to tree size ${lastGoodSize}`,
          ...(anchored > lastGoodSize ? [`    what is anchored above it, up to size ${anchored}, is disowned`] : []),
          successor === undefined ? '    no log is named as its successor' : `    goes on in log ${successor}`,
        ]
      : []),
  ]
}

function readSize(text: string): number {
  const size = parseIndex(text)
  if (size === undefined) throw new UsageError(`--size is a tree size, a number from 0 on, and ${JSON.stringify(text)} is not one`)
  return size
}

/** CHAIN_UNREACHABLE or CHAIN_NO_ANCHOR, before anything is signed. */
class CloseError extends OpenSealError {}

const EXAMPLE = `export OPENSEAL_ANCHOR_KEY_FILE=owner.key
openseal close --policy openseal.policy.json --rpc https://rpc.example \\
  --successor next.policy.json --dry-run`

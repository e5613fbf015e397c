/**
 * `openseal audit`: re-derives a whole ledger from what it serves, and compares it with the chain
 * and with what it showed before.
 */
import { writeFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { audit, unbegun } from '../audit/audit.ts'
import type { AuditChain } from '../audit/chain.ts'
import { AuditError, type AuditFinding, type Notice, type Unfinished, unreadable } from '../audit/finding.ts'
import { type AuditFacts, factsOf, formatAuditReport, sayVerdict } from '../audit/report.ts'
import type { AuditReport, Progress } from '../audit/run.ts'
import { createHttpSource } from '../audit/source.ts'
import { type AuditState, createMemoryState, openAuditState } from '../audit/state.ts'
import { openAuditReader } from '../chain/audit-reader.ts'
import { deploymentFile, readDeployment } from '../chain/deploy.ts'
import { readChainId } from '../chain/endpoints.ts'
import { OpenSealError } from '../core/errors.ts'
import { type Policy, parsePolicy } from '../core/policy.ts'
import { isChain } from '../core/policy-anchors.ts'
import { parseReceipt, receiptIndex } from '../core/receipt.ts'
import type { AuditMessageKey } from '../messages/audit/en.ts'
import { type SayAudit, sayDetail, sayTold, speakAudit } from '../messages/audit/speak.ts'
import { ExtendError, extendPolicy, type NamedEndpoint } from '../verifier/index.ts'
import { LOCAL_CHAIN_ID, localEndpoints, namedEndpoints, openChainReaders } from './chain-readers.ts'
import { type Client, createClient } from './client.ts'
import { collect, readSeconds, UsageError, withExample, withLedger } from './command.ts'
import { FileError } from './hash-file.ts'
import { chooseLanguage, withLanguage } from './locale.ts'
import { print, printJson, remark, startProgress } from './output.ts'
import { readKeyChanges } from './policy-extend.ts'
import { readOrigin, readPinnedPolicy } from './policy-file.ts'

type Options = {
  ledger: string
  json?: boolean
  policy?: string
  trustLedger?: boolean
  rpc?: string[]
  state?: string
  report?: string
  lang?: string
  timeout: number
}

const TIMEOUT_MS = 60_000
/** For a whole audit. A ledger that always answers, and never ends, must not hold an audit forever. */
const DEADLINE_SECONDS = 86_400
const RPC_TIMEOUT_MS = 20_000
const RETRIES = 4
const RPC_RETRIES = 2
const PARALLEL = 8
const EXIT_UNFINISHED = 6

/** Fills the command. */
export function addAudit(command: Command, setExit: (code: number) => void): void {
  withLanguage(withLedger(withExample(command, EXAMPLE)))
    .option('--policy <file>', 'your copy of the policy (see: openseal policy --out)')
    .option('--trust-ledger', "take the ledger's own word for the policy; the answer says so")
    .option('--rpc <url>', 'an endpoint of a chain, or CHAIN=URL; may be repeated (or OPENSEAL_RPC, separated by commas)', collect)
    .option('--state <dir>', 'remember the results in this folder: the next run reads only what is new, and notices a rewritten history')
    .option('--report <file>', 'write a report for people to this HTML file')
    .option('--timeout <seconds>', 'how long the whole audit may take', readSeconds, DEADLINE_SECONDS)
    .addHelpText('after', '\nExit codes: 0 clean, 5 inconsistent, 6 could not finish.')
    .action(async (options: Options) => {
      if ((options.policy === undefined) === (options.trustLedger === undefined))
        throw new UsageError("choose what to trust: either --policy FILE, or --trust-ledger for the ledger's own word")
      setExit(await runAudit(options))
    })
}

async function runAudit(options: Options): Promise<number> {
  const say = speakAudit(chooseLanguage(options.lang))
  const client = createClient(options.ledger)
  const { url } = client
  const named = namedEndpoints(options.rpc)
  const pinned = options.policy === undefined ? undefined : await readPinnedPolicy(options.policy, () => readOrigin(client))
  const ended = AbortSignal.timeout(options.timeout * 1000)
  const source = createHttpSource({ url, fetch, timeoutMs: TIMEOUT_MS, retries: RETRIES, parallel: PARALLEL, ended })
  const bars = createBars()
  let state: AuditState | undefined
  const [onBlocks, onProgress] = [bars.show(say('progress.chain')), bars.show(say('progress'))]
  try {
    const followed = pinned === undefined ? undefined : await followKeys(client, pinned, options.rpc)
    const policy = followed?.policy ?? parseServedPolicy(await source.policy())
    state = options.state === undefined ? createMemoryState() : await openAuditState(options.state, policy.origin)
    const chains = await openChains(named.length > 0 ? named : localEndpoints(policy), policy, ended)
    const report = await audit({
      source,
      policy,
      chains,
      state,
      noticed: followed?.noticed ?? [],
      parallel: PARALLEL,
      onBlocks,
      onProgress,
    }).finally(bars.stop)
    await tell(report, options, { ledger: url, trust: trustOf(options), time: now() }, say)
    return report.exit
  } catch (error) {
    if (!(error instanceof AuditError)) throw error
    // Without a policy or a state, no audit can begin. That is neither a finding nor a defect.
    await tell(unbegun(pinned?.origin ?? url, error), options, { ledger: url, trust: trustOf(options), time: now() }, say)
    return EXIT_UNFINISHED
  } finally {
    source.close()
    await state?.close()
  }
}

/**
 * A pinned policy with the log's next keys, if each change can be believed (design §3.4). If one is
 * false, the audit uses the pinned policy, and finds what does not match it.
 * @throws AuditError AUDIT_KEY_UNCHECKED if the chain does not vouch for a change that the old key
 * signed
 */
async function followKeys(
  client: Client,
  pinned: Policy,
  rpc: readonly string[] | undefined,
): Promise<{ policy: Policy; noticed: Notice[] }> {
  const noticed: Notice[] = []
  let policy = pinned
  try {
    for (const receipt of await readKeyChanges(client)) {
      const extended = await extendPolicy(policy, [receipt], openChainReaders(rpc, pinned))
      const added = extended.logKeys.at(-1)!.vkey
      const before = policy.logKeys.at(-1)!.vkey
      if (extended.logKeys.length > policy.logKeys.length)
        noticed.push({
          code: 'AUDIT_KEY_FOLLOWED',
          detail: 'keyChange',
          values: { index: receiptIndex(parseReceipt(receipt)), before, after: added },
        })
      policy = extended
    }
  } catch (error) {
    if (error instanceof ExtendError && ['EXTEND_UNCHECKED', 'EXTEND_NOT_ANCHORED'].includes(error.code))
      throw new AuditError('AUDIT_KEY_UNCHECKED', 'none', {}, { cause: error })
    // A mirror of only the tree reports no keys. A change that cannot be believed leaves the policy
    // as it was pinned.
    if (!(error instanceof OpenSealError) || error instanceof UsageError) throw error
  }
  return { policy, noticed }
}

/** One progress bar at a time, named after the current work. */
function createBars() {
  let bar: ReturnType<typeof startProgress> | undefined
  let shown = ''
  const stop = () => bar?.stop()
  const show =
    (label: string) =>
    ({ done, total }: Progress) => {
      if (label !== shown) {
        stop()
        bar = startProgress(label, total)
        shown = label
      }
      bar?.update(done)
    }
  return { show, stop }
}

async function tell(report: AuditReport, options: Options, facts: AuditFacts, say: SayAudit): Promise<void> {
  if (options.report !== undefined) await writeReport(options.report, formatAuditReport(report, facts, say))
  if (options.json)
    printJson({
      ...facts,
      ...report,
      findings: report.findings.map(inWords),
      notices: report.notices.map(inWords),
      unfinished: report.unfinished.map(inWords),
    })
  else print(...describe(report, facts, say))
  if (report.testNetwork && report.anchors.length > 0) remark('', say('shows.test'))
  if (report.rounds?.testAuthorities && report.rounds.stamps > 0) remark('', say('shows.stamps.test'))
  if (facts.trust === 'ledger') remark('', say('remark.trust'))
  if (options.state === undefined) remark('', say('remark.state'))

  function inWords<T extends AuditFinding | Notice | Unfinished>(told: T) {
    return { ...told, sentence: say(told.code), where: sayDetail(say, told) }
  }
}

/** The audit's verdict, then the facts, then each finding. */
function describe(report: AuditReport, facts: AuditFacts, say: SayAudit): string[] {
  const rows = factsOf(say, report, facts).map(([name, value]) => [say(name), value] as const)
  const width = Math.max(...rows.map(([name]) => name.length)) + 2
  const list = (heading: AuditMessageKey, items: readonly string[]) =>
    items.length === 0 ? [] : ['', say(heading), ...items.map(item => `  - ${item}`)]
  const inWords = (told: AuditFinding | Notice | Unfinished) => `${sayTold(say, told)} [${told.code}]`
  return [
    sayVerdict(say, report),
    '',
    ...rows.map(([name, value]) => `  ${name.padEnd(width)}${value}`),
    ...list('heading.findings', report.findings.map(inWords)),
    ...list('heading.notices', report.notices.map(inWords)),
    ...list('heading.unfinished', report.unfinished.map(inWords)),
    ...list('heading.evidence', report.evidence),
  ]
}

function trustOf({ trustLedger }: Options): 'policy' | 'ledger' {
  return trustLedger ? 'ledger' : 'policy'
}

function now(): string {
  return new Date().toISOString().replace(/\.\d+/, '')
}

function parseServedPolicy(text: string): Policy {
  try {
    return parsePolicy(text)
  } catch (cause) {
    if (!(cause instanceof OpenSealError)) throw cause
    throw unreadable('/policy.json', cause.message, cause)
  }
}

/**
 * A reader for each log of the policy at each endpoint of its chain. If an endpoint does not
 * answer, it is tried for its chain, or for every chain if the user did not say which one it serves.
 */
async function openChains(endpoints: readonly NamedEndpoint[], policy: Policy, ended: AbortSignal): Promise<AuditChain[]> {
  const chains = policy.anchors.filter(isChain)
  const logs = new Map(chains.map(anchor => [`${anchor.chainId} ${anchor.contract} ${anchor.logId}`, anchor]))
  const readers: AuditChain[] = []
  for (const { url, serves } of endpoints) {
    const served = await readChainId([url], RPC_TIMEOUT_MS).catch(() => undefined)
    for (const { chainId, contract, logId, finality } of logs.values()) {
      if ([served, serves].some(id => id !== undefined && id !== chainId)) continue
      const firstBlock = await deploymentBlock(chainId, contract)
      readers.push(
        openAuditReader({ url, chainId, contract, logId, finality, firstBlock, timeoutMs: RPC_TIMEOUT_MS, retries: RPC_RETRIES, ended }),
      )
    }
  }
  return readers
}

/** The known block of a deployment, otherwise 0. */
async function deploymentBlock(chainId: number, contract: string): Promise<number> {
  // Each data folder has its own development chain, so the deployment file may be another chain's.
  if (chainId === LOCAL_CHAIN_ID) return 0
  const deployment = await readDeployment(deploymentFile(chainId))
  return deployment?.address.toLowerCase() === contract ? deployment.block : 0
}

async function writeReport(file: string, html: string): Promise<void> {
  await writeFile(file, html).catch(cause => {
    throw new FileError('FILE_UNWRITABLE', `${file} cannot be written (${cause.code})`, { cause })
  })
}

const EXAMPLE = `openseal audit --policy openseal.policy.json --rpc https://rpc.example \\
  --state audit-state --report audit.html
openseal audit --trust-ledger`

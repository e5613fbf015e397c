/** `openseal audit`: re-derives a whole ledger from what it serves, and compares it with the chain and with what it showed before. */
import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { audit } from '../audit/audit.ts'
import { FINDINGS } from '../audit/finding.ts'
import { formatAuditReport } from '../audit/report.ts'
import type { AuditReport } from '../audit/run.ts'
import { createHttpSource } from '../audit/source.ts'
import { createMemoryState, openAuditState } from '../audit/state.ts'
import { openAuditReader } from '../chain/audit-reader.ts'
import { readDeployment } from '../chain/deploy.ts'
import { readChainId } from '../chain/endpoints.ts'
import { OpenSealError } from '../core/errors.ts'
import { type Policy, parsePolicy } from '../core/policy.ts'
import { createClient } from './client.ts'
import { addCommand, collect, UsageError, withLedger } from './command.ts'
import { FileError } from './hash-file.ts'
import { print, printJson, remark, startProgress } from './output.ts'

type Options = {
  ledger: string
  json?: boolean
  policy?: string
  trustLedger?: boolean
  rpc?: string[]
  state?: string
  report?: string
}

type Reader = ReturnType<typeof openAuditReader>

const TIMEOUT_MS = 60_000
const RPC_TIMEOUT_MS = 20_000
const RETRIES = 4
const PARALLEL = 8
const EXIT_UNFINISHED = 6
/** Chain id of a local development chain, which is asked at its usual place when no other is named. */
const LOCAL_CHAIN_ID = 31337

/** Adds the command. */
export function addAudit(program: Command, setExit: (code: number) => void): void {
  withLedger(addCommand(program, 'audit', 'check the whole ledger: every entry, tile, root, statement and anchor', EXAMPLE))
    .option('--policy <file>', 'what you trust: a policy that you keep (see: openseal policy --out)')
    .option('--trust-ledger', "take the ledger's own word for the policy; the answer says so")
    .option('--rpc <url>', 'an endpoint of a chain; may be repeated (or OPENSEAL_RPC, by commas)', collect)
    .option('--state <dir>', 'remember in this folder: the next run reads what is new, and a rewritten history is caught')
    .option('--report <file>', 'write a report for people to this HTML file')
    .addHelpText('after', '\nExit codes: 0 clean, 5 inconsistent, 6 could not finish.')
    .action(async (options: Options) => {
      if ((options.policy === undefined) === (options.trustLedger === undefined))
        throw new UsageError("say what to trust: either --policy FILE, or --trust-ledger for the ledger's own word")
      setExit(await runAudit(options))
    })
}

async function runAudit(options: Options): Promise<number> {
  const { url } = createClient(options.ledger) // for its check of the address
  const source = createHttpSource({ url, fetch, timeoutMs: TIMEOUT_MS, retries: RETRIES })
  const trust = options.trustLedger ? 'ledger' : 'policy'
  let policy: Policy
  try {
    policy = parsePolicy(options.policy === undefined ? await source.policy() : await readPolicyFile(options.policy))
  } catch (error) {
    if (options.policy !== undefined || !(error instanceof OpenSealError)) throw error
    if (options.json) printJson({ verdict: 'unfinished', exit: EXIT_UNFINISHED, unfinished: [error.message], findings: [] })
    else print('The audit could not be finished.', '', `  - ${error.message}`)
    return EXIT_UNFINISHED
  }
  const state = options.state === undefined ? createMemoryState() : await openAuditState(options.state, policy.origin)
  const chains = await openChains(namedEndpoints(options.rpc, policy), policy)
  let bar: ReturnType<typeof startProgress> | undefined
  const onProgress = ({ done, total }: { done: number; total: number }) => {
    bar ??= startProgress('auditing', total)
    bar.update(done)
  }
  const report = await audit({ source, policy, chains, state, parallel: PARALLEL, onProgress }).finally(() => {
    bar?.stop()
    for (const chain of chains) chain.close()
  })
  const facts = { ledger: url, trust, time: new Date().toISOString().replace(/\.\d+/, '') } as const
  if (options.report !== undefined) await writeReport(options.report, formatAuditReport(report, facts))
  if (options.json) printJson({ ...facts, ...report })
  else print(...describe(report, url))
  if (trust === 'ledger') remark('', "The policy is the ledger's own word: keep a copy to hold it to (openseal policy --out FILE).")
  if (options.state === undefined)
    remark('', 'Nothing was remembered: with --state DIR a later run can tell whether history was rewritten.')
  return report.exit
}

/** The sentence that an audit ends in, then the facts, then each finding. */
function describe(report: AuditReport, url: string): string[] {
  const sentence = {
    clean: `The ledger is consistent: ${count(report.size, 'entry gives', 'entries give')} the root that it signs.`,
    inconsistent: `The ledger is NOT consistent: ${count(report.findings.length, 'finding', 'findings')}.`,
    unfinished: 'The audit could not be finished.',
  }[report.verdict]
  const facts: [string, string | number][] = [
    ['ledger', `${report.origin} at ${url}`],
    ['entries', report.from === 0 ? report.size : `${report.size}, of which those from ${report.from} on were read now`],
    ['root', report.root],
    ['statements', `${report.statements}${report.erased === 0 ? '' : `, ${report.erased} of them erased`}`],
    ['tiles', report.tiles],
    ['anchors', report.anchors.length],
  ]
  return [
    sentence,
    '',
    ...facts.map(([name, value]) => `  ${name.padEnd(12)}${value}`),
    ...(report.findings.length === 0 ? [] : ['', 'Findings:']),
    ...report.findings.map(({ code, detail }) => `  - ${FINDINGS[code]} ${detail} [${code}]`),
    ...(report.unfinished.length === 0 ? [] : ['', 'Not looked at:']),
    ...report.unfinished.map(reason => `  - ${reason}`),
    ...(report.evidence.length === 0 ? [] : ['', 'Evidence:']),
    ...report.evidence.map(file => `  - ${file}`),
  ]
}

function count(number: number, one: string, many: string): string {
  return `${number} ${number === 1 ? one : many}`
}

function namedEndpoints(named: readonly string[] | undefined, policy: Policy): string[] {
  const given = (named ?? (process.env.OPENSEAL_RPC ?? '').split(',')).map(url => url.trim()).filter(url => url !== '')
  const wrong = given.find(url => !/^https?:\/\//.test(url) || !URL.canParse(url))
  if (wrong !== undefined) throw new UsageError(`--rpc wants an address like https://rpc.example, not ${JSON.stringify(wrong)}`)
  const isLocal = policy.anchors.some(({ chainId }) => chainId === LOCAL_CHAIN_ID)
  return given.length > 0 || !isLocal ? given : [`http://127.0.0.1:${process.env.OPENSEAL_CHAIN_PORT || 8545}`]
}

/** A reader for each log of the policy at each endpoint of its chain. An endpoint that does not answer is tried for every chain. */
async function openChains(urls: readonly string[], policy: Policy): Promise<Reader[]> {
  const logs = new Map(policy.anchors.map(anchor => [`${anchor.chainId} ${anchor.contract} ${anchor.logId}`, anchor]))
  const readers: Reader[] = []
  for (const url of urls) {
    const served = await readChainId([url], RPC_TIMEOUT_MS).catch(() => undefined)
    for (const { chainId, contract, logId } of logs.values()) {
      if (served !== undefined && served !== chainId) continue
      readers.push(
        openAuditReader({ url, chainId, contract, logId, fromBlock: await deploymentBlock(chainId, contract), timeoutMs: RPC_TIMEOUT_MS }),
      )
    }
  }
  return readers
}

/** The block that a deployment is known to be in, else 0. */
async function deploymentBlock(chainId: number, contract: string): Promise<number> {
  // A development chain begins anew with every data folder: its file may be another chain's.
  if (chainId === LOCAL_CHAIN_ID) return 0
  const file = fileURLToPath(new URL(`../../contracts/deployments/${chainId}.json`, import.meta.url))
  const deployment = await readDeployment(file)
  return deployment?.address.toLowerCase() === contract ? deployment.block : 0
}

async function readPolicyFile(file: string): Promise<Uint8Array> {
  return readFile(file).catch(cause => {
    throw new FileError('FILE_NOT_FOUND', `${file} cannot be read (${cause.code})`, { cause })
  })
}

async function writeReport(file: string, html: string): Promise<void> {
  await writeFile(file, html).catch(cause => {
    throw new FileError('FILE_UNWRITABLE', `${file} cannot be written (${cause.code})`, { cause })
  })
}

const EXAMPLE = `openseal audit --policy openseal.policy.json --rpc https://rpc.example --state audit-state --report audit.html
openseal audit --trust-ledger`

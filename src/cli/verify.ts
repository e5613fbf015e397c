/** `openseal verify`: checks a file by its receipt, a policy and the chain. With all three at hand no ledger is needed. */
import { createReadStream } from 'node:fs'
import { readFile as readBytesOf } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import type { Command } from 'commander'
import { type Policy, parsePolicy } from '../core/policy.ts'
import { speak } from '../messages/language.ts'
import type { Say } from '../messages/say.ts'
import {
  type Answer,
  type Answers,
  type ChainReader,
  createJsonRpcReader,
  createLedgerReader,
  type GivenReceipt,
  partOf,
  planChecks,
  type ReadFile,
  readReceipt,
  readReceiptLine,
} from '../verifier/index.ts'
import { createClient, unreachable } from './client.ts'
import { addCommand, collect, UsageError, withLedger } from './command.ts'
import { formatAnswers, markOf } from './finding-text.ts'
import { FileError, readFile } from './hash-file.ts'
import { chooseLanguage, withLanguage } from './locale.ts'
import { print, printJson, remark, startByteProgress, startProgress, startWordLine } from './output.ts'
import { receiptPath, receiptsPath } from './receipt-file.ts'

type Options = {
  readonly ledger: string
  readonly json?: boolean
  readonly receipt?: string
  readonly policy?: string
  readonly trustLedger?: boolean
  readonly rpc?: readonly string[]
  readonly lang?: string
}

const TIMEOUT_MS = 15_000
/** Chain id of a local development chain, which is asked at its usual place when no other is named. */
const LOCAL_CHAIN_ID = 31337
const EXIT_INVALID = 5

/** Adds the command. */
export function addVerify(program: Command, setExit: (code: number) => void): void {
  withLanguage(withLedger(addCommand(program, 'verify <file>', 'check a file: is it on the record, and unchanged since when?', EXAMPLE)))
    .option('--receipt <file>', 'its receipt (default: FILE.receipt.json or FILE.receipts.ndjson, else the ledger is asked by the hash)')
    .option('--policy <file>', 'what you trust: a policy that you keep (see: openseal policy --out)')
    .option('--trust-ledger', "take the ledger's own word for the policy; the answer says so")
    .option('--rpc <url>', 'an endpoint of the chain; may be repeated (or OPENSEAL_RPC, by commas)', collect)
    .addHelpText('after', RELEASES)
    .action(async (file: string, options: Options) => {
      if ((options.policy === undefined) === (options.trustLedger === undefined)) {
        throw new UsageError("say what to trust: either --policy FILE, or --trust-ledger for the ledger's own word")
      }
      const say = speak(chooseLanguage(options.lang))
      const client = createClient(options.ledger)
      const policy = parsePolicy(options.policy === undefined ? await client.readText('/policy.json') : await readBytes(options.policy))
      const chain = openChain(options.rpc, policy)
      const answers = await verifyFile(file, options, { url: client.url, policy, chain, say })
      if (answers.own.some(({ problem }) => problem === 'ledger-gone')) throw unreachable(client.url)
      setExit(exitOf(answers))
      if (options.json) return printJson(asJson(file, client.url, answers))
      print(...formatAnswers(say, answers))
      const [main] = answers.own
      if (main?.finding?.isFresher) remark('', `openseal receipt --upgrade ${file}`)
      if (main?.finding?.result.verdict === 'unchecked' && chain.length === 0)
        remark('', 'No endpoint of the chain was named: add --rpc URL.')
    })
}

type Setting = { readonly url: string; readonly policy: Policy; readonly chain: readonly ChainReader[]; readonly say: Say }

async function verifyFile(path: string, options: Options, { url, policy, chain, say }: Setting): Promise<Answers> {
  const read = digestNamed(path) ?? (await readWithProgress(path))
  const receipts = await readReceipts(path, read, options)
  const ledger = createLedgerReader({ url, origin: policy.origin, fetch, timeoutMs: TIMEOUT_MS })
  const trust = options.trustLedger ? 'ledger' : 'policy'
  const means = { policy, trust, chain, ledger } as const
  const [task] = planChecks([{ name: path, read }], receipts, means)
  if (task === undefined) throw new Error('bug: nothing to check for a file')
  const line = startWordLine()
  const releases = startProgress(path, read.releases.length > 100 ? read.releases.length : 0)
  try {
    return await task.run({
      onCheck: ({ name, status }) => line.add(`${markOf(status)} ${say(`check.${name}`)}`),
      onPart: done => releases.update(done),
    })
  } finally {
    line.stop()
    releases.stop()
  }
}

async function readWithProgress(path: string): Promise<ReadFile> {
  const hashing = startByteProgress(`hashing ${path}`)
  return readFile(path, hashing.report).finally(hashing.stop)
}

/** What is known of a file that was named by its SHA-256; undefined for the path of one. */
function digestNamed(text: string): ReadFile | undefined {
  const [, sha256] = /^sha256:([0-9a-f]{64})$/.exec(text) ?? []
  return sha256 === undefined ? undefined : { digest: { bytes: 0, sha256 }, releases: [], releasesLeftOut: 0 }
}

/** The receipt that was named, else those beside the file; none: the ledger is to be asked. */
async function readReceipts(path: string, read: ReadFile, { receipt }: Options): Promise<GivenReceipt[]> {
  if (receipt !== undefined) {
    return receipt.endsWith('.ndjson') ? readLines(receipt, read, true) : [readReceipt(receipt, await readBytes(receipt))]
  }
  const beside = await readBytesOf(receiptPath(path)).catch(() => undefined)
  const lines = await readLines(receiptsPath(path), read, false)
  return beside === undefined ? lines : [readReceipt(receiptPath(path), beside), ...lines]
}

/** The receipts of a package that are of this file or of a release in it; the first one where none is and they were asked for by name. */
async function readLines(path: string, { digest, pdf, releases }: ReadFile, isNamed: boolean): Promise<GivenReceipt[]> {
  const hashes = [
    digest.sha256,
    digest.jcs,
    ...(pdf?.states ?? []).map(({ sha256 }) => sha256),
    ...releases.map(each => each.digest?.sha256),
  ]
  const wanted = new Set(hashes.filter(hash => hash !== undefined))
  const found: GivenReceipt[] = []
  let first: GivenReceipt | undefined
  const stream = createReadStream(path)
  try {
    for await (const line of createInterface({ input: stream })) {
      if (line.trim() === '') continue
      const receipt = readReceiptLine(path, line)
      first ??= receipt
      if (receipt.digests.some(hash => wanted.has(hash))) found.push(receipt)
    }
  } catch (error) {
    if (!isNamed) return []
    throw new FileError('FILE_NOT_FOUND', `${path} cannot be read (${(error as NodeJS.ErrnoException).code})`, { cause: error })
  } finally {
    stream.destroy()
  }
  return found.length > 0 || !isNamed ? found : [first ?? readReceipt(path, '')]
}

/** That of the file's own verdict, unless the receipt of a release in it does not fit. */
function exitOf({ own, parts }: Answers): number {
  const isInvalid = ({ finding }: Answer) => finding?.part?.kind === 'release' && finding.result.verdict === 'invalid'
  if (parts.some(isInvalid)) return EXIT_INVALID
  const [main] = own
  if (main?.finding === undefined) throw new Error('bug: a file without a verdict')
  return main.finding.result.exit
}

/** The file's own result; `others` where more records name it, `earlierState` of a PDF, `releases` of a package. */
function asJson(file: string, url: string, { own, parts }: Answers) {
  const plain = (answer: Answer) => {
    const { finding, problem, code, reason } = answer
    const { kind: _, ...place } = partOf(answer) ?? {}
    if (finding === undefined) return { ...place, problem, code, reason }
    return { ...place, receipt: finding.receiptName ?? url, ...(finding.isFresher && { fresher: true }), ...finding.result }
  }
  const [main, ...others] = own
  const state = parts.find(answer => partOf(answer)?.kind === 'state')
  const releases = parts.filter(answer => partOf(answer)?.kind === 'release')
  return {
    file,
    ...(main && plain(main)),
    ...(main?.finding?.pdf && { signedPdf: main.finding.pdf.isSigned }),
    ...(others.length > 0 && { others: others.map(plain) }),
    ...(state && { earlierState: plain(state) }),
    ...(releases.length > 0 && { releases: releases.map(plain) }),
  }
}

function openChain(named: readonly string[] | undefined, policy: Policy): ChainReader[] {
  const fromEnvironment = (process.env.OPENSEAL_RPC ?? '').split(',').map(url => url.trim())
  const local = policy.anchors.some(({ chainId }) => chainId === LOCAL_CHAIN_ID)
    ? [`http://127.0.0.1:${process.env.OPENSEAL_CHAIN_PORT || 8545}`]
    : []
  const given = (named ?? fromEnvironment).filter(url => url !== '')
  return (given.length > 0 ? given : local).map(url => {
    if (!/^https?:\/\//.test(url) || !URL.canParse(url))
      throw new UsageError(`--rpc wants an address like https://rpc.example, not ${JSON.stringify(url)}`)
    return createJsonRpcReader({ url, fetch, timeoutMs: TIMEOUT_MS })
  })
}

async function readBytes(path: string): Promise<Uint8Array> {
  return readBytesOf(path).catch(error => {
    if (error.code === 'ENOENT') throw new FileError('FILE_NOT_FOUND', `there is no file ${path}`, { cause: error })
    throw new FileError('FILE_UNREADABLE', `${path} cannot be read (${error.code})`, { cause: error })
  })
}

const EXAMPLE = `openseal verify decision.pdf --trust-ledger
openseal verify decision.pdf --policy openseal.policy.json --rpc https://rpc.example
openseal verify sha256:<64 digits> --policy openseal.policy.json`
const RELEASES = `
Every release of an OCDS package gets its own verdict. The exit code is that of the file's own,
or 5 where the receipt of a release does not fit.`

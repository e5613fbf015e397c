/** `openseal verify`: checks a file by its receipt, a policy and the chain. With all three at hand no ledger is needed. */
import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import type { Command } from 'commander'
import { type Policy, parsePolicy } from '../core/policy.ts'
import { parseReceipt, type Receipt } from '../core/receipt.ts'

import { type ChainReader, type CurrencyReader, createJsonRpcReader, type FileDigest, type Result, verify } from '../verifier/index.ts'
import { type Client, ClientError, createClient } from './client.ts'
import { addCommand, collect, UsageError, withLedger } from './command.ts'
import { FileError, hashFile } from './hash-file.ts'
import { formatResult, print, printJson, remark, startByteProgress } from './output.ts'
import { receiptPath, receiptsPath, sameRecord } from './receipt-file.ts'

type Options = { ledger: string; json?: boolean; receipt?: string; policy?: string; trustLedger?: boolean; rpc?: string[] }
type Found = { readonly bytes?: Uint8Array; readonly from: string }

const RPC_TIMEOUT_MS = 15_000
/** Chain id of a local development chain, which is asked at its usual place when no other is named. */
const LOCAL_CHAIN_ID = 31337

/** Adds the command. */
export function addVerify(program: Command, setExit: (code: number) => void): void {
  withLedger(addCommand(program, 'verify <file>', 'check a file: is it on the record, and unchanged since when?', EXAMPLE))
    .option('--receipt <file>', 'its receipt (default: FILE.receipt.json, else the ledger is asked by the hash)')
    .option('--policy <file>', 'what you trust: a policy that you keep (see: openseal policy --out)')
    .option('--trust-ledger', "take the ledger's own word for the policy; the answer says so")
    .option('--rpc <url>', 'an endpoint of the chain; may be repeated (or OPENSEAL_RPC, by commas)', collect)
    .action(async (file: string, options: Options) => {
      if ((options.policy === undefined) === (options.trustLedger === undefined)) {
        throw new UsageError("say what to trust: either --policy FILE, or --trust-ledger for the ledger's own word")
      }
      const client = createClient(options.ledger)
      const policy = parsePolicy(options.policy === undefined ? await client.readText('/policy.json') : await readBytes(options.policy))
      const chain = openChain(options.rpc, policy)
      const { result, from, fresher } = await verifyFile(file, options, client, policy, chain)
      setExit(result.exit)
      if (options.json) return printJson({ file, receipt: from, ...result })
      print(...formatResult(result, file))
      if (fresher)
        remark('', `The receipt in ${from} is sealed only; the ledger had the anchored one. Keep it: openseal receipt --upgrade ${file}`)
      if (result.verdict === 'unchecked' && chain.length === 0) remark('', 'No endpoint of the chain was named: add --rpc URL.')
    })
}

type Answer = { readonly result: Result; readonly from: string; readonly fresher: boolean }

async function verifyFile(path: string, options: Options, client: Client, policy: Policy, chain: readonly ChainReader[]): Promise<Answer> {
  const progress = startByteProgress(`hashing ${path}`)
  const file = await hashFile(path, progress.report).finally(progress.stop)
  const found = await findReceipt(path, file, options, client)
  const currency = createCurrencyReader(client, policy)
  const trust = options.trustLedger ? 'ledger' : 'policy'
  const result = await verify({ file, receipt: found.bytes, policy, chain, currency, trust })
  if (result.verdict !== 'sealed' || found.bytes === undefined) return { result, from: found.from, fresher: false }

  // Sealed only: the ledger may have the anchored receipt by now. It is checked just as this one was.
  const fresh = await fetchFresher(client, parseReceipt(found.bytes), result.index!)
  if (fresh === undefined) return { result, from: found.from, fresher: false }
  const again = await verify({ file, receipt: fresh, policy, chain, currency, trust })
  const isBetter = again.verdict !== 'invalid' && again.verdict !== 'unsupported'
  return isBetter ? { result: again, from: found.from, fresher: true } : { result, from: found.from, fresher: false }
}

/** The receipt that was named, else the one beside the file, else what the ledger has for the file's hash; without `bytes` there is none. */
async function findReceipt(path: string, file: FileDigest, { receipt }: Options, client: Client): Promise<Found> {
  if (receipt !== undefined) {
    return { from: receipt, bytes: receipt.endsWith('.ndjson') ? await pickLine(receipt, file, true) : await readBytes(receipt) }
  }
  const beside = await readFile(receiptPath(path)).catch(() => undefined)
  if (beside !== undefined) return { from: receiptPath(path), bytes: beside }
  const line = await pickLine(receiptsPath(path), file, false)
  if (line !== undefined) return { from: receiptsPath(path), bytes: line }
  for (const hash of new Set([file.sha256, ...(file.jcs === undefined ? [] : [file.jcs])])) {
    const { records } = (await client.readJson(`/v1/records?sha256=${hash}`)) as { records: readonly { index: number }[] }
    if (records.length === 0) continue
    const index = Math.min(...records.map(record => record.index))
    return { from: client.url, bytes: new TextEncoder().encode(await client.readText(`/v1/records/${index}/receipt`)) }
  }
  return { from: client.url }
}

/** The receipt among a package's that lists the file; the first one where none does and one was asked for by name. */
async function pickLine(path: string, file: FileDigest, isNamed: true): Promise<Uint8Array>
async function pickLine(path: string, file: FileDigest, isNamed: boolean): Promise<Uint8Array | undefined>
async function pickLine(path: string, file: FileDigest, isNamed: boolean): Promise<Uint8Array | undefined> {
  const stream = createReadStream(path)
  let first: string | undefined
  try {
    for await (const line of createInterface({ input: stream })) {
      first ??= line
      const isOfFile = line.includes(file.sha256) || (file.jcs !== undefined && line.includes(file.jcs))
      if (isOfFile) return new TextEncoder().encode(line)
    }
  } catch (error) {
    if (!isNamed) return undefined
    throw new FileError('FILE_NOT_FOUND', `${path} cannot be read (${(error as NodeJS.ErrnoException).code})`, { cause: error })
  } finally {
    stream.destroy()
  }
  return isNamed ? new TextEncoder().encode(first ?? '') : undefined
}

async function fetchFresher(client: Client, before: Receipt, index: number): Promise<string | undefined> {
  try {
    const text = await client.readText(`/v1/records/${index}/receipt`)
    const after = parseReceipt(text)
    return after.anchors.length > before.anchors.length && sameRecord(before, after) ? text : undefined
  } catch {
    return undefined // the ledger is an extra here: what is at hand stands by itself
  }
}

function createCurrencyReader(client: Client, policy: Policy): CurrencyReader {
  return async (statement, index) => {
    const { origin } = (await client.readJson('/v1/status')) as { origin: string }
    // Another ledger would know of no newer version, and its silence would look like an answer.
    if (origin !== policy.origin) throw new ClientError('LEDGER_OTHER', `the ledger at ${client.url} is ${origin}, not ${policy.origin}`)
    const later: number[] = []
    let cursor: string | undefined
    do {
      const query = new URLSearchParams({ agency: statement.agency, record: statement.record, ...(cursor === undefined ? {} : { cursor }) })
      const page = (await client.readJson(`/v1/records?${query}`)) as { records: readonly { index: number }[]; cursor?: string }
      later.push(...page.records.map(record => record.index).filter(found => found > index))
      cursor = page.cursor
    } while (cursor !== undefined)
    return Promise.all(later.map(async found => ({ index: found, receiptText: await client.readText(`/v1/records/${found}/receipt`) })))
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
    return createJsonRpcReader({ url, fetch, timeoutMs: RPC_TIMEOUT_MS })
  })
}

async function readBytes(path: string): Promise<Uint8Array> {
  return readFile(path).catch(error => {
    if (error.code === 'ENOENT') throw new FileError('FILE_NOT_FOUND', `there is no file ${path}`, { cause: error })
    throw new FileError('FILE_UNREADABLE', `${path} cannot be read (${error.code})`, { cause: error })
  })
}

const EXAMPLE = `openseal verify decision.pdf --trust-ledger
openseal verify decision.pdf --policy openseal.policy.json --rpc https://rpc.example`

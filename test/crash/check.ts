/**
 * The rules that hold after every crash: the whole ledger can be re-derived, and every answer to a
 * submitter is kept.
 */
import { audit } from '../../src/audit/audit.ts'
import { createHttpSource } from '../../src/audit/source.ts'
import { openAuditState } from '../../src/audit/state.ts'
import { openAuditReader } from '../../src/chain/audit-reader.ts'
import { parsePolicy } from '../../src/core/policy.ts'
import { isChain } from '../../src/core/policy-anchors.ts'
import { createJsonRpcReader, digestsOf, verify } from '../../src/verifier/index.ts'
import type { Load, Sent } from './load.ts'

export type Checked = { readonly entries: number; readonly receipts: number; readonly anchors: number }

/** How many of the newest acknowledged receipts are checked each time. */
const FRESH = 100
/** Verdicts of a receipt that fits: every check passed, on a test network. */
const FITS = ['test-network', 'sealed']
const TIMEOUT_MS = 30_000

/**
 * A checker that verifies `sample` receipts each time, besides those acknowledged since the last,
 * and that remembers, between the lives of a ledger, every checkpoint that it saw and every receipt
 * that it verified.
 */
export function createChecker(folder: string, load: Load, sample = 20) {
  const verified = new Set<number>()

  /** @throws Error with a sentence for each broken promise. */
  return async function check(url: string, chainUrl: string): Promise<Checked> {
    const source = createHttpSource({ url, fetch, timeoutMs: TIMEOUT_MS, retries: 2, parallel: 4 })
    const state = await openAuditState(folder, 'ledger.example/crash')
    const policy = parsePolicy(await source.policy())
    const [anchor] = policy.anchors.filter(isChain)
    const chain = openAuditReader({ url: chainUrl, ...anchor!, firstBlock: 0, timeoutMs: TIMEOUT_MS, retries: 2 })
    const report = await audit({ source, policy, chains: [chain], state, parallel: 4 }).finally(() => {
      source.close()
      state.close()
    })
    const broken = [...report.findings, ...report.unfinished].map(found => `audit: ${JSON.stringify(found)}`)

    broken.push(...load.contradictions, ...(await misplaced(load, url, report.size)))

    const reader = createJsonRpcReader({ url: chainUrl, fetch, timeoutMs: TIMEOUT_MS })
    const wanted = chooseReceipts(load, verified, sample)
    for (const { number, record, content } of wanted) {
      const index = load.indexOf(number)
      const receipt = await (await fetch(`${url}/v1/records/${index}/receipt`)).text()
      const result = await verify({ file: digestsOf(Buffer.from(content)), receipt, policy, chain: [reader], trust: 'policy' })
      if (!FITS.includes(result.verdict) || result.index !== index) broken.push(`the receipt of ${record} at ${index} is ${result.verdict}`)
      else verified.add(number)
    }
    if (broken.length > 0) throw new Error(broken.slice(0, 20).join('\n'))
    return { entries: report.size, receipts: wanted.length, anchors: report.anchors.length }
  }
}

/** Every acknowledged record once and in its place, and nothing that nobody sent. */
async function misplaced(load: Load, url: string, size: number): Promise<string[]> {
  const broken: string[] = []
  /** By number, where each was found: its index, and one more so that 0 is nowhere. */
  const places = new Float64Array(load.sent() + 1)
  for await (const { record, index } of readRecords(url, size)) {
    const number = Number(/^r([1-9]\d*)$/.exec(record)?.[1] ?? 0)
    if (number === 0 || number > load.sent()) broken.push(`${record} is there at ${index} and was never sent`)
    else if (places[number] !== 0) broken.push(`${record} is there twice: at ${places[number]! - 1} and at ${index}`)
    else places[number] = index + 1
  }
  for (let number = 1; number <= load.sent(); number++) {
    const index = load.indexOf(number)
    if (index !== undefined && places[number] !== index + 1) broken.push(`r${number} was acknowledged at ${index} and is not there`)
  }
  return broken
}

async function* readRecords(url: string, size: number): AsyncGenerator<{ record: string; index: number }> {
  for (let from = 0; from < size; from += 5000) {
    const text = await (await fetch(`${url}/v1/statements/${from}/${Math.min(size, from + 5000)}`)).text()
    for (const line of text.trimEnd().split('\n')) {
      const { index, statement } = JSON.parse(line)
      if (statement?.record !== undefined) yield { record: statement.record, index }
    }
  }
}

/** The newest that were acknowledged since the last look, and some of all. */
function chooseReceipts(load: Load, verified: ReadonlySet<number>, sample: number): Sent[] {
  const chosen = new Set<number>()
  for (let number = load.sent(); number > 0 && chosen.size < FRESH; number--)
    if (load.indexOf(number) !== undefined && !verified.has(number)) chosen.add(number)
  const step = Math.max(1, Math.floor(load.sent() / sample))
  for (let number = 1; number <= load.sent(); number += step) if (load.indexOf(number) !== undefined) chosen.add(number)
  return [...chosen].map(load.statement)
}

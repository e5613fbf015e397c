/** What must hold after every crash: the whole ledger re-derived, and every word that its submitters were given kept. */
import { audit } from '../../src/audit/audit.ts'
import { createHttpSource } from '../../src/audit/source.ts'
import { openAuditState } from '../../src/audit/state.ts'
import { openAuditReader } from '../../src/chain/audit-reader.ts'
import { parsePolicy } from '../../src/core/policy.ts'
import { createJsonRpcReader, digestsOf, verify } from '../../src/verifier/index.ts'
import type { Load, Sent } from './load.ts'

export type Checked = { readonly entries: number; readonly receipts: number; readonly anchors: number }

/** Verdicts of a receipt that fits: every check passed, on a test network. */
const FITS = ['test-network', 'sealed']
const TIMEOUT_MS = 30_000

/** A checker that verifies `sample` receipts each time, besides those acknowledged since the last, and that remembers, between the lives of a ledger, every checkpoint that it saw and every receipt that it verified. */
export function createChecker(folder: string, load: Load, sample = 20) {
  const verified = new Set<string>()

  /** @throws Error with a sentence for each broken promise. */
  return async function check(url: string, chainUrl: string): Promise<Checked> {
    const source = createHttpSource({ url, fetch, timeoutMs: TIMEOUT_MS, retries: 2, parallel: 4 })
    const state = await openAuditState(folder, 'ledger.example/crash')
    const policy = parsePolicy(await source.policy())
    const [anchor] = policy.anchors
    const chain = openAuditReader({ url: chainUrl, ...anchor!, firstBlock: 0, timeoutMs: TIMEOUT_MS, retries: 2 })
    const report = await audit({ source, policy, chains: [chain], state, parallel: 4 }).finally(() => {
      source.close()
      state.close()
    })
    const broken = [...report.findings, ...report.unfinished].map(found => `audit: ${JSON.stringify(found)}`)

    const found = await readRecords(url, report.size)
    broken.push(...load.contradictions, ...misplaced(load, found))

    const reader = createJsonRpcReader({ url: chainUrl, fetch, timeoutMs: TIMEOUT_MS })
    const wanted = chooseReceipts(load, verified, sample)
    for (const { record, content, index } of wanted) {
      const receipt = await (await fetch(`${url}/v1/records/${index}/receipt`)).text()
      const result = await verify({ file: digestsOf(Buffer.from(content)), receipt, policy, chain: [reader], trust: 'policy' })
      if (!FITS.includes(result.verdict) || result.index !== index) broken.push(`the receipt of ${record} at ${index} is ${result.verdict}`)
      else verified.add(record)
    }
    if (broken.length > 0) throw new Error(broken.slice(0, 20).join('\n'))
    return { entries: report.size, receipts: wanted.length, anchors: report.anchors.length }
  }
}

/** Every acknowledged record once and in its place, and nothing that nobody sent. */
function misplaced({ sent }: Load, found: ReadonlyMap<string, readonly number[]>): string[] {
  const broken: string[] = []
  for (const { record, index } of sent.values()) {
    const at = found.get(record) ?? []
    if (index !== undefined && at[0] !== index) broken.push(`${record} was acknowledged at ${index} and is at ${at[0] ?? 'no index'}`)
    if (at.length > 1) broken.push(`${record} is there ${at.length} times: at ${at.join(', ')}`)
  }
  for (const record of found.keys()) if (!sent.has(record)) broken.push(`${record} is there and was never sent`)
  return broken
}

async function readRecords(url: string, size: number): Promise<Map<string, number[]>> {
  const found = new Map<string, number[]>()
  for (let from = 0; from < size; from += 5000) {
    const text = await (await fetch(`${url}/v1/statements/${from}/${Math.min(size, from + 5000)}`)).text()
    for (const line of text.trimEnd().split('\n')) {
      const { index, statement } = JSON.parse(line)
      if (statement?.record === undefined) continue
      found.set(statement.record, [...(found.get(statement.record) ?? []), index])
    }
  }
  return found
}

function chooseReceipts({ sent }: Load, verified: ReadonlySet<string>, sample: number): Sent[] {
  const acknowledged = [...sent.values()].filter(({ index }) => index !== undefined)
  const fresh = acknowledged.filter(({ record }) => !verified.has(record)).slice(-100)
  const step = Math.max(1, Math.floor(acknowledged.length / sample))
  return [...new Set([...fresh, ...acknowledged.filter((_, i) => i % step === 0)])]
}

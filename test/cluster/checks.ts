/**
 * The checks of a whole ledger that the drill and the move make, each with the command that anybody
 * would use, and the phases that they print.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { runAlone } from '../cli/commands.ts'
import { AGENCY, fileOf } from './submitters.ts'

type Figures = Readonly<Record<string, string | number>>
/** One line of the result. */
export type PhaseResult = { readonly phase: string; readonly seconds: number } & Figures
/** Where a run tells its phases, and how to end everything that it started. */
export type Told = {
  readonly told: (what: string) => void
  readonly done: (result: PhaseResult) => void
  readonly started: (stop: () => Promise<void>) => void
}
/** A ledger, and its chain. */
export type Place = { readonly ledger: string; readonly rpc: string }

const LOOK_MS = 200
/** A chain on this machine is no evidence, which `openseal verify` says with this code. */
const TEST_NETWORK_EXIT = 3
const CHECKS = ['document', 'statement', 'inclusion', 'checkpoint', 'anchor', 'finality', 'currency']
type Check = { readonly name: string; readonly status: string }

/** Runs phases one after the other. `done` hears of each with its time and its figures. */
export function createPhases(done: Told['done']) {
  return async (phase: string, act: () => Promise<Figures>) => {
    const began = performance.now()
    const figures = await act()
    done({ phase, seconds: Math.round((performance.now() - began) / 100) / 10, ...figures })
  }
}

/** The phases as a table in Markdown. */
export function formatPhases(results: readonly PhaseResult[]): string {
  const rows = results.map(({ phase, seconds, ...figures }) => {
    const found = Object.entries(figures).map(
      ([name, figure]) => `${name} ${typeof figure === 'number' ? figure.toLocaleString('en') : figure}`,
    )
    return `| ${phase} | ${seconds} s | ${found.join(', ')} |`
  })
  return ['| phase | time | found |', '| --- | ---: | --- |', ...rows].join('\n')
}

/** Runs `openseal`, which must end with this code. Returns the JSON that it prints. */
export async function command<T>(args: readonly string[], env: Readonly<Record<string, string>> = {}, wanted = 0): Promise<T> {
  const { code, out, err } = await runAlone(args, { env })
  if (code !== wanted) throw new Error(`openseal ${args.join(' ')} ended with ${code}: ${out}${err}`)
  return JSON.parse(out) as T
}

/** The whole ledger, re-derived by the command. */
export async function audit({ ledger, rpc }: Place) {
  const asked = ['audit', '--trust-ledger', '--json', '--ledger', ledger, '--rpc', rpc]
  const { verdict, size, root } = await command<{ verdict: string; size: number; root: string }>(asked)
  return { verdict, entries: size, root }
}

/** Adds the agency of the submitters at a node. Returns an API key. */
export async function addAgency(url: string, keys: string): Promise<string> {
  const operator = readFileSync(join(keys, 'operator.key'), 'utf8').trim()
  const post = async (path: string, body: object) => {
    const headers = { authorization: `Bearer ${operator}`, 'content-type': 'application/json' }
    return (await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) })).json() as Promise<{ key: string }>
  }
  await post('/v1/agencies', { id: AGENCY, name: 'Transport' })
  return (await post(`/v1/agencies/${AGENCY}/keys`, {})).key
}

/** Keeps the file of record `n`, and its receipt. */
export async function keepReceipt(folder: string, ledger: string, n: number, index: number): Promise<void> {
  const receipt = await (await read(`${ledger}/v1/records/${index}/receipt`)).text()
  writeFileSync(fileIn(folder, n), fileOf(n))
  writeFileSync(`${fileIn(folder, n)}.receipt.json`, receipt)
}

/** Upgrades the kept receipts of these records, and verifies them with every check. */
export async function verifyReceipts(folder: string, { ledger, rpc }: Place, records: readonly number[]): Promise<void> {
  const from = ['--json', '--ledger', ledger, '--rpc', rpc]
  for (const n of records) {
    await command(['receipt', '--upgrade', fileIn(folder, n), ...from])
    const asked = ['verify', fileIn(folder, n), '--trust-ledger', ...from]
    const { checks } = await command<{ checks: readonly Check[] }>(asked, {}, TEST_NETWORK_EXIT)
    const missing = CHECKS.filter(name => !checks.some(check => check.name === name && check.status === 'passed'))
    if (missing.length > 0) throw new Error(`the receipt of record ${n} does not pass: ${missing.join(', ')}`)
  }
}

/** Resolves when the record at an index is anchored. */
export async function untilAnchored(ledger: string, index: number): Promise<void> {
  while (((await (await read(`${ledger}/v1/records/${index}`)).json()) as { state: string }).state !== 'anchored') await sleep(LOOK_MS)
}

/** Asks until the answer is 200. */
export async function read(url: string): Promise<Response> {
  for (;;) {
    const answer = await fetch(url).catch(() => undefined)
    if (answer?.ok) return answer
    await sleep(LOOK_MS)
  }
}

function fileIn(folder: string, n: number): string {
  return join(folder, `record-${n}.txt`)
}

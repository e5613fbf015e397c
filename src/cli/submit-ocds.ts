/** `openseal submit --ocds`: first every file is read to its end, then its statements are sent as one stream. */

import { createReadStream, existsSync, rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseReceipt, receiptIndex } from '../core/receipt.ts'
import { waitForAnchor } from './anchor-wait.ts'
import { type Client, createClient } from './client.ts'
import { FileError } from './hash-file.ts'
import type { LineAnswer } from './line-sender.ts'
import { type LeftOut, type PackageReport, readPackage } from './ocds/package.ts'
import { print, printJson, remark, startByteProgress, startProgress } from './output.ts'
import { receiptsPath, replaceFile } from './receipt-file.ts'
import { readSecret } from './secret.ts'
import { flagsOf, type SubmitOptions } from './submit.ts'

type Flagged = { readonly index: number; readonly label: string }
type Rejection = { readonly label: string; readonly code: string; readonly detail: string }
type Outcome = {
  readonly report: PackageReport
  readonly accepted: number
  readonly known: number
  readonly rejected: readonly Rejection[]
  readonly indexes: readonly number[]
  readonly silentEdits: readonly Flagged[]
  /** New statements whose flags were not looked at, being of too many records. */
  readonly unlooked: number
  readonly receipts: string
  readonly anchored?: boolean
}

/** The flags of a record are one question to the ledger: of a bulk import only the first records are asked about. */
const MAX_FLAG_QUESTIONS = 2000
const FLAG_QUESTIONS_AT_ONCE = 16
const EXIT_INTERRUPTED = 130
const MAX_RECEIPTS = 10_000
const MAX_GAP = 32
const SHOWN = 20

/** Submits the files; returns the exit code: 1 when the ledger rejected a statement or a release was refused, 3 when --wait ended too early. */
export async function submitPackages(files: readonly string[], options: SubmitOptions): Promise<number> {
  const key = await readSecret('OPENSEAL_API_KEY', 'the API key of the agency')
  const client = createClient(options.ledger)
  await client.readJson('/v1/status') // a ledger that is not there is told before a long reading, not after
  const folder = await mkdtemp(join(tmpdir(), 'openseal-'))
  // Also when it is interrupted: the statements name what may not be public yet.
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(EXIT_INTERRUPTED))
  try {
    const spools: { report: PackageReport; spool: string }[] = []
    for (const [at, file] of files.entries()) {
      const progress = startByteProgress(`reading ${basename(file)}`)
      const spool = join(folder, `${at}.ndjson`)
      const claims = { agency: options.agency, ...(options.published === undefined ? {} : { published: options.published }) }
      try {
        spools.push({ report: await readPackage(file, claims, spool, progress.report), spool })
      } finally {
        progress.stop()
      }
    }
    const outcomes: Outcome[] = []
    for (const { report, spool } of spools) outcomes.push(await submitPackage(client, key, report, spool, options.wait))
    if (options.json) printJson({ files: outcomes.map(asJson) })
    else for (const outcome of outcomes) printOutcome(outcome)
    if (outcomes.some(({ rejected, report }) => rejected.length > 0 || report.refused.length > 0)) return 1
    return outcomes.some(({ anchored }) => anchored === false) ? 3 : 0
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function submitPackage(client: Client, key: string, report: PackageReport, spool: string, waitSeconds?: number): Promise<Outcome> {
  const answers = await sendSpool(client, key, report, spool)
  const entries = [...answers.entries()]
  const rejected = entries.flatMap(([at, answer]) =>
    answer.index === undefined
      ? [{ label: report.labels[at]!, code: answer.code ?? 'LEDGER_ANSWER', detail: answer.detail ?? `status ${answer.status}` }]
      : [],
  )
  const indexes = answers.flatMap(({ index }) => (index === undefined ? [] : [index]))
  const isNew = ({ status, index }: LineAnswer) => status === 201 && index !== undefined
  const fresh = entries
    .filter(([, answer]) => isNew(answer))
    .map(([at, answer]) => ({ index: answer.index!, label: report.labels[at]!, record: report.records[at]! }))
  const { silentEdits, unlooked } = await findSilentEdits(client, fresh)
  const newest = Math.max(...indexes)
  const anchored = waitSeconds === undefined || indexes.length === 0 ? undefined : await waitForAnchor(client, newest, waitSeconds)
  await writeReceipts(client, receiptsPath(report.path), indexes)
  return {
    report,
    accepted: fresh.length,
    known: indexes.length - fresh.length,
    rejected,
    indexes,
    silentEdits,
    unlooked,
    receipts: receiptsPath(report.path),
    ...(anchored === undefined ? {} : { anchored }),
  }
}

/** The answers by line. */
async function sendSpool(client: Client, key: string, report: PackageReport, spool: string): Promise<LineAnswer[]> {
  const answers: LineAnswer[] = []
  const progress = startProgress(`sealing ${basename(report.path)}`, report.labels.length > 2000 ? report.labels.length : 0)
  try {
    await client.sendLines(spool, key, {
      onAnswer(answer) {
        answers[answer.line - 1] = answer
        progress.update(answer.line)
      },
      onRetry: why => {
        const reason = why === 'busy' ? 'the ledger is busy' : 'the connection was lost'
        remark(`${report.path}: ${reason}; what was not answered is sent again, which is safe`)
      },
    })
    return answers
  } finally {
    progress.stop()
  }
}

async function findSilentEdits(client: Client, fresh: readonly (Flagged & { record: string })[]) {
  const byRecord = Map.groupBy(fresh, ({ record }) => record)
  const asked = [...byRecord.values()].slice(0, MAX_FLAG_QUESTIONS)
  const silentEdits: Flagged[] = []
  for (let from = 0; from < asked.length; from += FLAG_QUESTIONS_AT_ONCE) {
    const some = asked.slice(from, from + FLAG_QUESTIONS_AT_ONCE)
    const flags = await Promise.all(some.map(versions => flagsOf(client, versions.at(-1)!.index)))
    const isSilentEdit = ({ index }: Flagged, at: number) => flags[at]!.get(index) === 'silent-edit'
    silentEdits.push(...some.flatMap((versions, at) => versions.filter(version => isSilentEdit(version, at))))
  }
  const unlooked = [...byRecord.values()].slice(MAX_FLAG_QUESTIONS).reduce((sum, versions) => sum + versions.length, 0)
  return { silentEdits: silentEdits.map(({ index, label }) => ({ index, label })), unlooked }
}

/** One receipt a line, by index. Receipts of other statements that lie there already (an earlier state of the file) stay. */
async function writeReceipts(client: Client, path: string, indexes: readonly number[]): Promise<void> {
  const wanted = new Set(indexes)
  if (wanted.size === 0) return
  const isThere = existsSync(path)
  async function* lines() {
    if (isThere) {
      for await (const line of createInterface({ input: createReadStream(path) })) {
        if (line !== '' && !wanted.has(indexOfLine(line, path))) yield `${line}\n`
      }
    }
    for (const { from, to } of rangesOf([...wanted])) {
      for await (const line of client.readLines(`/v1/receipts/${from}/${to}`)) {
        const { index, receipt } = JSON.parse(line) as { index: number; receipt?: unknown }
        if (wanted.has(index) && receipt !== undefined) yield `${JSON.stringify(receipt)}\n`
      }
    }
  }
  await replaceFile(path, lines())
}

function indexOfLine(line: string, path: string): number {
  try {
    return receiptIndex(parseReceipt(line))
  } catch (error) {
    throw new FileError('FILE_EXISTS', `${path} is there already and holds something else than receipts. Move it away first.`, {
      cause: error,
    })
  }
}

/** Ranges that cover the indexes, few questions rather than exact ones: `from` inclusive, `to` exclusive. */
function rangesOf(indexes: readonly number[]): { from: number; to: number }[] {
  const ranges: { from: number; to: number }[] = []
  for (const index of [...indexes].sort((a, b) => a - b)) {
    const last = ranges.at(-1)
    if (last !== undefined && index - last.to <= MAX_GAP && index - last.from < MAX_RECEIPTS) last.to = index + 1
    else ranges.push({ from: index, to: index + 1 })
  }
  return ranges
}

function asJson({ report, indexes, ...outcome }: Outcome) {
  const { path, shape, refused, linked } = report
  return { file: path, shape, statements: report.labels.length, ...outcome, refused, linked, index: indexes.at(-1) }
}

function printOutcome({ report, accepted, known, rejected, silentEdits, unlooked, receipts, anchored }: Outcome): void {
  const { path, shape, refused, linked, labels } = report
  print(
    `${path}: ${accepted} accepted, ${known} known already, ${rejected.length} rejected (${shape}, ${labels.length - 1} releases and the file itself).`,
  )
  if (linked > 0) print(`  ${linked} releases are only linked to: there was nothing to hash.`)
  printSome(refused, ({ position, code, detail }: LeftOut) => `  refused: release ${position}: ${detail} [${code}]`)
  if (refused.length > 0) print('  The statement about the whole file covers what was refused.')
  printSome(rejected, ({ label, code, detail }) => `  rejected: ${label}: ${detail} [${code}]`)
  printSome(silentEdits, ({ index, label }) => `  silent edit: ${label} at index ${index} was published before with other content`)
  if (unlooked > 0) print(`  ${unlooked} more were not looked through for silent edits; their pages show them.`)
  if (anchored === false) print('  The chain does not vouch for them yet.')
  print(`  Receipts: ${receipts}`)
}

function printSome<T>(list: readonly T[], format: (item: T) => string): void {
  print(...list.slice(0, SHOWN).map(format))
  if (list.length > SHOWN) print(`  … and ${list.length - SHOWN} more (--json lists all)`)
}

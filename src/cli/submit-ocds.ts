/** `openseal submit --ocds`: first every file is read to its end, then its statements are sent as one stream. */

import { rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { waitForAnchor } from './anchor-wait.ts'
import { type Client, createClient } from './client.ts'
import { EXIT_SEALED, EXIT_UNCHECKED } from './command.ts'
import type { LineAnswer } from './line-sender.ts'
import { type LeftOut, type PackageReport, readPackage } from './ocds/package.ts'
import { print, printJson, remark, startByteProgress, startProgress } from './output.ts'
import { receiptsPath } from './receipt-file.ts'
import { type ReceiptCounts, readIdentities, writeReceiptLines } from './receipt-lines.ts'
import { NOT_ASKED, openReceiver, type Receiver } from './received.ts'
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
  /** How the receipts stand that were written. */
  readonly counts: ReceiptCounts
}

/** The flags of a record are one question to the ledger: of a bulk import only the first records are asked about. */
const MAX_FLAG_QUESTIONS = 2000
const FLAG_QUESTIONS_AT_ONCE = 16
const EXIT_INTERRUPTED = 130
const SHOWN = 20

/** Submits the files; returns the exit code: 1 when the ledger rejected a statement or a release was refused, 3 when --wait ended too early. */
export async function submitPackages(files: readonly string[], options: SubmitOptions): Promise<number> {
  const key = await readSecret('OPENSEAL_API_KEY', 'the API key of the agency')
  const client = createClient(options.ledger)
  const receiver = await openReceiver(client, options) // a ledger that is not there is told before a long reading, not after
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
    for (const { report, spool } of spools) outcomes.push(await submitPackage({ client, receiver, key, wait: options.wait }, report, spool))
    if (options.json) printJson({ files: outcomes.map(asJson) })
    else for (const outcome of outcomes) printOutcome(outcome)
    if (outcomes.some(({ rejected, report }) => rejected.length > 0 || report.refused.length > 0)) return 1
    if (outcomes.some(({ counts }) => counts.missing > 0)) return 1
    return options.wait === undefined ? 0 : exitOf(outcomes.map(({ counts }) => counts))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

type Sending = { readonly client: Client; readonly receiver: Receiver; readonly key: string; readonly wait: number | undefined }

async function submitPackage({ client, receiver, key, wait }: Sending, report: PackageReport, spool: string): Promise<Outcome> {
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
  const identities = await readIdentities(spool)
  const wanted = new Map(entries.flatMap(([at, { index }]) => (index === undefined ? [] : [[index, identities[at]!] as const])))
  const newest = indexes.reduce((most, index) => Math.max(most, index), 0)
  if (wait !== undefined && indexes.length > 0) await waitForAnchor(receiver, { index: newest, identity: wanted.get(newest)! }, wait)
  const counts = await writeReceiptLines({ client, receiver }, receiptsPath(report.path), wanted)
  return {
    report,
    accepted: fresh.length,
    known: indexes.length - fresh.length,
    rejected,
    indexes,
    silentEdits,
    unlooked,
    receipts: receiptsPath(report.path),
    counts,
  }
}

/** Of waiting for the chain. */
function exitOf(all: readonly ReceiptCounts[]): number {
  if (all.some(({ unchecked }) => unchecked > 0)) return EXIT_UNCHECKED
  return all.some(({ sealed }) => sealed > 0) ? EXIT_SEALED : 0
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

function asJson({ report, indexes, counts, ...outcome }: Outcome) {
  const { path, shape, refused, linked } = report
  return { file: path, shape, statements: report.labels.length, ...outcome, ...counts, refused, linked, index: indexes.at(-1) }
}

function printOutcome({ report, accepted, known, rejected, silentEdits, unlooked, receipts, counts }: Outcome): void {
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
  if (counts.sealed > 0) print(`  The chain does not vouch for ${counts.sealed} of the receipts yet.`)
  if (counts.missing > 0) print(`  The ledger did not give ${counts.missing} of the receipts: run the same command again.`)
  if (counts.unchecked > 0) remark(NOT_ASKED)
  print(`  Receipts: ${receipts}`)
}

function printSome<T>(list: readonly T[], format: (item: T) => string): void {
  print(...list.slice(0, SHOWN).map(format))
  if (list.length > SHOWN) print(`  … and ${list.length - SHOWN} more (--json lists all)`)
}

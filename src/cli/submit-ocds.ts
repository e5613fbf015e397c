/**
 * `openseal submit --ocds`: reads each file to its end, compares its statements with the ledger in
 * a dry run, and sends what is not there yet. A file that cannot be accepted is reported, and stops
 * none of the others.
 */

import { rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { OpenSealError } from '../core/errors.ts'
import type { LeftOut } from '../documents/ocds/statements.ts'
import { createEditCheck, type EditCheck } from '../documents/together.ts'
import { waitForAnchor } from './anchor-wait.ts'
import { type Client, createClient } from './client.ts'
import { ClientError } from './client-error.ts'
import { CommandError, EXIT_USAGE } from './command.ts'
import type { AnsweredLine } from './line-sender.ts'
import { type PackageReport, readPackage } from './ocds/package.ts'
import { print, printJson, remark, startByteProgress, startProgress } from './output.ts'
import { receiptsPath } from './receipt-file.ts'
import { NO_RECEIPTS, type ReceiptCounts, readIdentities, writeReceiptLines } from './receipt-lines.ts'
import { DISOWNED, exitOfStates, NOT_ASKED, openReceiver, type Receiver } from './received.ts'
import { readSecret } from './secret.ts'
import type { AgencyOptions, SubmitOptions } from './submit-options.ts'
import { countWarnings, formatCount, formatStop, stoppingCodes, type WarningCount } from './warnings.ts'

type Rejection = { readonly label: string; readonly code: string; readonly detail: string }

/** The result of a file that was read. */
type Submitted = {
  readonly report: PackageReport
  /** In a dry run: how many would be accepted. */
  readonly accepted: number
  readonly known: number
  readonly rejected: readonly Rejection[]
  readonly warnings: readonly WarningCount[]
  /** The warnings because of which nothing of the file was sent. */
  readonly stopped: readonly string[]
  readonly indexes: readonly number[]
  readonly receipts?: string
  /** The states of the receipts that were written. */
  readonly counts?: ReceiptCounts
}

/** The result of a file, or why it could not be read. */
type Outcome = Submitted | { readonly path: string; readonly error: OpenSealError }

const EXIT_INTERRUPTED = 130
const SHOWN = 20

/**
 * Submits the files; returns the exit code: 2 if a file, a statement or a release was left out, 1
 * if a receipt is missing, 3 or 6 if --wait ended too early.
 */
export async function submitPackages(files: readonly string[], options: AgencyOptions): Promise<number> {
  const key = await readSecret('OPENSEAL_API_KEY', 'the API key of the agency')
  const client = createClient(options.ledger)
  // reports an unreachable ledger before a long read, not after
  const receiver = await openReceiver(client, options)
  const folder = await mkdtemp(join(tmpdir(), 'openseal-'))
  // Removed after an interruption too, because the statements name what may not be public yet.
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(EXIT_INTERRUPTED))
  try {
    const outcomes: Outcome[] = []
    const sending = { client, receiver, key, options, check: createEditCheck() }
    for (const file of files) {
      const outcome = await submitFile(sending, file, join(folder, 'spool.ndjson'))
      if ('error' in outcome || outcome.stopped.length > 0) sending.check.forget()
      else sending.check.keep()
      outcomes.push(outcome)
      if (!options.json) printOutcome(outcome, options)
    }
    if (options.json) printJson({ files: outcomes.map(asJson), ...(options.dryRun && { dryRun: true }) })
    return exitOf(outcomes, options)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

type Sending = {
  readonly client: Client
  readonly receiver: Receiver
  readonly key: string
  readonly options: AgencyOptions
  /** Knows the statements of the files before, which in a dry run are not in the log. */
  readonly check: EditCheck
}

/**
 * A fault in one file is that file's result. A fault of the ledger would affect the next file too,
 * and is thrown.
 */
async function submitFile(sending: Sending, file: string, spool: string): Promise<Outcome> {
  const progress = startByteProgress(`reading ${basename(file)}`)
  try {
    const report = await readPackage(file, sending.options.agency, spool, progress.report, sending.check)
    progress.stop()
    return await submitPackage(sending, report, spool)
  } catch (error) {
    if (!(error instanceof OpenSealError) || error instanceof ClientError || error instanceof CommandError) throw error
    return { path: file, error }
  } finally {
    progress.stop()
  }
}

async function submitPackage(sending: Sending, report: PackageReport, spool: string): Promise<Submitted> {
  const { options, client, receiver } = sending
  /** By line: a package may have millions. */
  const answers: AnsweredLine[] = []
  await sendSpool(sending, report, spool, {
    dryRun: true,
    take: answer => {
      answers[answer.line - 1] = answer
    },
  })
  for (const line of report.edits) warnOfEdit(answers[line - 1])
  const codes = new Set<string>()
  for (const { warnings = [] } of answers) for (const code of warnings) codes.add(code)
  const stopped = stoppingCodes(codes, options.accept)
  if (options.dryRun || stopped.length > 0) return { ...summarize(report, answers), stopped, indexes: [] }

  await sendSpool(sending, report, spool, {
    isWanted: line => answers[line - 1]?.known === undefined && answers[line - 1]?.code === undefined,
    take: answer => {
      const warnings = new Set([...(answers[answer.line - 1]?.warnings ?? []), ...(answer.warnings ?? [])])
      answers[answer.line - 1] = { ...answer, ...(warnings.size > 0 && { warnings: [...warnings] }) }
    },
  })
  for (const answer of answers) if (answer.known !== undefined) answer.index = answer.known
  const indexes = answers.flatMap(({ index }) => (index === undefined ? [] : [index]))
  const identities = await readIdentities(spool)
  const wanted = new Map(answers.flatMap(({ index }, at) => (index === undefined ? [] : [[index, identities[at]!] as const])))
  const newest = indexes.reduce((most, index) => Math.max(most, index), 0)
  const { wait } = options
  if (wait !== undefined && indexes.length > 0) await waitForAnchor(receiver, { index: newest, identity: wanted.get(newest)! }, wait)
  const receipts = receiptsPath(report.path)
  const counts = await writeReceiptLines({ client, receiver }, receipts, wanted)
  return { ...summarize(report, answers), stopped: [], indexes, receipts, counts }
}

function warnOfEdit(answer: AnsweredLine | undefined): void {
  if (answer?.code !== undefined || answer?.known !== undefined || answer?.warnings?.includes('SILENT_EDIT')) return
  if (answer !== undefined) answer.warnings = [...(answer.warnings ?? []), 'SILENT_EDIT']
}

function summarize({ labels, ...report }: PackageReport, answers: readonly AnsweredLine[]) {
  const rejected = answers.flatMap(({ code, detail, status }, at) => {
    const isAnswered = answers[at]!.index !== undefined || (status === 200 && code === undefined)
    return isAnswered ? [] : [{ label: labels[at]!, code: code ?? 'LEDGER_ANSWER', detail: detail ?? `status ${status}` }]
  })
  const known = answers.filter(({ status, known, index }) => known !== undefined || (status === 200 && index !== undefined)).length
  const warnings = countWarnings(answers.map(({ warnings = [] }, at) => ({ label: labels[at]!, codes: warnings })))
  return { report: { labels, ...report }, accepted: answers.length - known - rejected.length, known, rejected, warnings }
}

type Passing = { readonly dryRun?: boolean; readonly isWanted?: (line: number) => boolean; readonly take: (answer: AnsweredLine) => void }

async function sendSpool(
  { client, key }: Sending,
  { path, labels }: PackageReport,
  spool: string,
  { dryRun = false, isWanted, take }: Passing,
): Promise<void> {
  const progress = startProgress(`${dryRun ? 'comparing' : 'sealing'} ${basename(path)}`, labels.length > 2000 ? labels.length : 0)
  const told = {
    onAnswer(answer: AnsweredLine) {
      take(answer)
      progress.update(answer.line)
    },
    onRetry: (why: 'busy' | 'lost') => {
      const reason = why === 'busy' ? 'the ledger is busy' : 'the connection was lost'
      remark(`${path}: ${reason}; lines without an answer are sent again, which is safe`)
    },
    ...(isWanted && { isWanted }),
  }
  try {
    await client.sendLines(spool, key, told, { dryRun })
  } finally {
    progress.stop()
  }
}

function exitOf(outcomes: readonly Outcome[], { wait }: SubmitOptions): number {
  const isShort = (outcome: Outcome) =>
    'error' in outcome || outcome.stopped.length + outcome.rejected.length + outcome.report.refused.length > 0
  if (outcomes.some(isShort)) return EXIT_USAGE
  const counts = outcomes.flatMap(outcome => ('counts' in outcome && outcome.counts ? [outcome.counts] : []))
  if (counts.some(({ missing }) => missing > 0)) return 1
  if (wait === undefined) return 0
  return Math.max(0, ...counts.map(exitOfStates))
}

function asJson(outcome: Outcome) {
  if ('error' in outcome) return { file: outcome.path, code: outcome.error.code, detail: outcome.error.message }
  const { report, indexes, counts = NO_RECEIPTS, ...rest } = outcome
  const { path, shape, refused, linked, undated, others, labels } = report
  return {
    file: path,
    shape,
    statements: labels.length,
    ...rest,
    ...counts,
    refused,
    linked,
    undated,
    others,
    indexes,
    index: indexes.at(-1),
  }
}

function printOutcome(outcome: Outcome, { dryRun }: SubmitOptions): void {
  if ('error' in outcome) {
    const { path, error } = outcome
    print(
      `${error.message.startsWith(path) ? '' : `${path}: `}${error.message.replace(/\.?$/, '.')} Nothing of it was sent. [${error.code}]`,
    )
    return
  }
  const { report, accepted, known, rejected, warnings, stopped, receipts, counts = NO_RECEIPTS } = outcome
  const { path, shape, refused, linked, undated, others, labels, files } = report
  const releases = labels.length - files
  const isDry = dryRun || stopped.length > 0
  print(
    `${path}: ${accepted} ${isDry ? 'would be accepted' : 'accepted'}, ${known} known already, ${rejected.length} rejected (${shape}, ${count(releases, 'release')} and ${files === 1 ? 'the file itself' : count(files, 'file')}).`,
  )
  if (linked > 0) print(`  ${count(linked, 'release')} only linked: there was nothing to hash.`)
  if (undated.count > 0)
    print(`  ${count(undated.count, 'release')} without "published": ${undated.first} is not an exact time with a time zone.`)
  if (others > 0) print(`  ${count(others, 'file')} in the archive with other names than .json: the statement about the archive covers it.`)
  printSome(refused, ({ file, position, code, detail }: LeftOut) => {
    const where = [...(file === undefined ? [] : [file]), ...(position === 0 ? [] : [`release ${position}`])].join(': ')
    return `  refused: ${where === '' ? '' : `${where}: `}${detail} [${code}]`
  })
  if (refused.length > 0) print('  The statement about the whole file covers the refused ones.')
  printSome(rejected, ({ label, code, detail }) => `  rejected: ${label}: ${detail} [${code}]`)
  print(...warnings.flatMap(formatCount).map(line => `  ${line}`))
  if (stopped.length > 0) print(`  ${formatStop(stopped)}`)
  if (counts.sealed > 0) print(`  Not enough others vouch for ${counts.sealed} of the receipts yet.`)
  if (counts.missing > 0) print(`  The ledger did not give ${counts.missing} of the receipts: run the same command again.`)
  if (counts.unchecked > 0) remark(NOT_ASKED)
  if (counts.disowned > 0) remark(DISOWNED)
  if (receipts !== undefined) print(`  Receipts: ${receipts}`)
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}

function printSome<T>(list: readonly T[], format: (item: T) => string): void {
  print(...list.slice(0, SHOWN).map(format))
  if (list.length > SHOWN) print(`  … and ${list.length - SHOWN} more (--json lists all)`)
}

/**
 * `openseal submit FOLDER` and `submit --manifest FILE.csv`: a statement for each file. The files
 * are read, compared with the ledger in a dry run, and what is not there yet is sent. One bad file
 * is named and left out, and a second run sends only what is missing.
 */
import { rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRun, type Reason } from '../documents/together.ts'
import { waitForAnchor } from './anchor-wait.ts'
import { type Plan, type PlannedEntry, planFiles } from './batch/plan.ts'
import { type Sealed, writeAllReceipts } from './batch/receipts.ts'
import { filesOf, manifestFiles, type WantedFile } from './batch/wanted.ts'
import { type Client, createClient } from './client.ts'
import { EXIT_USAGE, UsageError } from './command.ts'
import type { AnsweredLine } from './line-sender.ts'
import { print, printJson, remark, startProgress } from './output.ts'
import { formatPreview } from './preview.ts'
import { type ReceiptCounts, readIdentities } from './receipt-lines.ts'
import { DISOWNED, exitOfStates, NOT_ASKED, openReceiver, type Receiver } from './received.ts'
import { readSecret } from './secret.ts'
import type { SubmitOptions } from './submit-options.ts'
import { countWarnings, formatCount, meaningOf, stoppingCodes } from './warnings.ts'

/** The outcome of an entry. `index` is that of its own statement. */
type Outcome = {
  readonly entry: PlannedEntry
  readonly state: 'accepted' | 'known' | 'left-out'
  readonly index?: number
  readonly code?: string
  readonly detail?: string
  readonly warnings: readonly string[]
}

const EXIT_INTERRUPTED = 130
const SHOWN = 20
/** The most files that are previewed. --json has all. */
const PREVIEWED = 20
const ADVICE: { readonly [code in string]: string } = {
  RECORD_MISSING: 'For files that do not state a record, name it in a manifest, or use their paths: --record-from path',
  KIND_MISSING: 'Name the kind of record: --kind procurement or --kind decision',
  REASON_MISSING: 'For changes that do not state a reason, name it: --reason CODE',
  AGENCY_MISSING: 'Name the agency: --agency ID',
}
const NOT_FOR_MANY = ['record', 'action', 'revision', 'target', 'title', 'published', 'identifier'] as const

/** Submits the files; returns the exit code: 2 if any file was left out. */
export async function submitMany(paths: readonly string[], options: SubmitOptions): Promise<number> {
  const given = NOT_FOR_MANY.find(name => options[name] !== undefined)
  if (given !== undefined)
    throw new UsageError(`--${given} is about one record. For many files, name it in a manifest: --manifest FILE.csv`)
  const key = await readSecret('OPENSEAL_API_KEY', 'the API key of the agency')
  const client = createClient(options.ledger)
  // reports an unreachable ledger before a long read, not after
  const receiver = await openReceiver(client, options)
  const files = options.manifest === undefined ? await filesOf(paths) : await manifestFiles(options.manifest)
  const folder = await mkdtemp(join(tmpdir(), 'openseal-'))
  // Removed after an interruption too, because the statements name what may not be public yet.
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(EXIT_INTERRUPTED))
  try {
    return await submitFiles({ client, receiver, key, options, spool: join(folder, 'spool.ndjson') }, files)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

type Sending = {
  readonly client: Client
  readonly receiver: Receiver
  readonly key: string
  readonly options: SubmitOptions
  readonly spool: string
}

async function submitFiles(sending: Sending, files: readonly WantedFile[]): Promise<number> {
  const { options, spool } = sending
  const plan = await planFiles(files, options, spool)
  const answers = new Map<number, AnsweredLine>()
  await send(sending, plan, 'comparing', { dryRun: true, answers })
  const stops = stopsOf(plan, answers, options)
  const isLeft = (entry: PlannedEntry) => entry.left !== undefined || stops.has(entry)
  if (options.dryRun)
    return tell(
      plan.entries.map(entry => outcomeOf(entry, answers, stops)),
      undefined,
      options,
    )

  const wanted = new Set(plan.entries.flatMap(entry => (isLeft(entry) ? [] : linesOf(entry))))
  const isMissing = (line: number) => wanted.has(line) && answers.get(line)?.known === undefined && answers.get(line)?.code === undefined
  await send(sending, plan, 'sealing', { answers, isWanted: isMissing })
  const sealed = plan.entries.filter(entry => !isLeft(entry)).map(entry => ({ entry, indexes: indexesOf(entry, answers) }))
  await wait(sending, sealed)
  const counts = await writeAllReceipts(sending, spool, sealed, options.wait !== undefined)
  return tell(
    plan.entries.map(entry => outcomeOf(entry, answers, stops)),
    counts,
    options,
  )
}

type Passing = { readonly dryRun?: boolean; readonly answers: Map<number, AnsweredLine>; readonly isWanted?: (line: number) => boolean }

async function send(
  { client, key, spool }: Sending,
  plan: Plan,
  what: string,
  { dryRun = false, answers, isWanted }: Passing,
): Promise<void> {
  const progress = startProgress(what, plan.lines)
  const told = {
    onAnswer(answer: AnsweredLine) {
      const before = answers.get(answer.line)
      const warnings = [...new Set([...(before?.warnings ?? []), ...(answer.warnings ?? [])])]
      answers.set(answer.line, { ...answer, ...(warnings.length > 0 && { warnings }) })
      progress.update(answer.line)
    },
    onRetry: (why: 'busy' | 'lost') =>
      remark(
        `${why === 'busy' ? 'The ledger is busy' : 'The connection was lost'}. Lines without an answer are sent again, which is safe.`,
      ),
    ...(isWanted && { isWanted }),
  }
  try {
    await client.sendLines(spool, key, told, { dryRun })
  } finally {
    progress.stop()
  }
}

/**
 * The entries that are not sent, and why: the ledger refuses them or warns of them, or they change
 * a version that is not sent itself.
 */
function stopsOf(plan: Plan, answers: Map<number, AnsweredLine>, { accept }: SubmitOptions): Map<PlannedEntry, Reason> {
  const stops = new Map<PlannedEntry, Reason>()
  const run = createRun()
  for (const entry of plan.entries) {
    const { version } = entry
    const codes = new Set<string>()
    for (const line of linesOf(entry)) {
      const answer = answers.get(line)
      const isNew = answer?.code === undefined && answer?.known === undefined
      const warnings = answer?.warnings ?? []
      const own = version === undefined ? [...warnings] : run.unanswered(warnings, version)
      if (plan.edits.has(line) && isNew && !own.includes('SILENT_EDIT')) own.push('SILENT_EDIT')
      if (answer !== undefined) answers.set(line, { ...answer, warnings: own })
      for (const code of own) codes.add(code)
      const heldBack = isNew && version !== undefined ? run.heldBack(version) : undefined
      if (answer?.code !== undefined && !entry.isOcds)
        stops.set(entry, { code: answer.code, detail: answer.detail ?? `status ${answer.status}` })
      else if (heldBack !== undefined) stops.set(entry, heldBack)
    }
    const [stopping] = stoppingCodes(codes, accept)
    if (stopping !== undefined) stops.set(entry, { code: stopping, detail: meaningOf(stopping) })
    if (version !== undefined) run.note(version, !stops.has(entry))
  }
  return stops
}

function linesOf({ lines }: PlannedEntry): number[] {
  return lines === undefined ? [] : Array.from({ length: lines.to - lines.from + 1 }, (_, at) => lines.from + at)
}

function indexesOf(entry: PlannedEntry, answers: ReadonlyMap<number, AnsweredLine>): Map<number, number> {
  return new Map(
    linesOf(entry).flatMap(line => {
      const { index, known } = answers.get(line) ?? {}
      const at = index ?? known
      return at === undefined ? [] : [[line, at] as const]
    }),
  )
}

async function wait({ receiver, spool, options }: Sending, sealed: readonly Sealed[]): Promise<void> {
  if (options.wait === undefined) return
  const all = sealed.flatMap(({ indexes }) => [...indexes])
  const newest = all.reduce<readonly [number, number] | undefined>(
    (most, each) => (most === undefined || each[1] > most[1] ? each : most),
    undefined,
  )
  if (newest === undefined) return
  const identity = (await readIdentities(spool))[newest[0] - 1]!
  await waitForAnchor(receiver, { index: newest[1], identity }, options.wait)
}

/** The last line of an OCDS file is the file's own. */
function outcomeOf(entry: PlannedEntry, answers: ReadonlyMap<number, AnsweredLine>, stops: ReadonlyMap<PlannedEntry, Reason>): Outcome {
  const own = linesOf(entry).map(line => answers.get(line))
  const warnings = [...new Set(own.flatMap(answer => answer?.warnings ?? []))]
  const left = entry.left ?? stops.get(entry)
  if (left !== undefined) return { entry, state: 'left-out', ...left, warnings }
  const last = own.at(-1)
  const bad = own.find(answer => answer === undefined || answer.code !== undefined)
  if (own.includes(undefined) || bad !== undefined) {
    const lines = own.filter(answer => answer === undefined || answer.code !== undefined).length
    const detail = bad?.detail ?? 'the ledger gave no answer'
    return {
      entry,
      state: 'left-out',
      code: bad?.code ?? 'LEDGER_ANSWER',
      detail: entry.isOcds ? `${lines} statements: ${detail}` : detail,
      warnings,
    }
  }
  const index = last?.index ?? last?.known
  const isKnown = own.every(answer => answer?.known !== undefined || (answer?.status === 200 && answer.index !== undefined))
  return { entry, state: isKnown ? 'known' : 'accepted', ...(index !== undefined && { index }), warnings }
}

function tell(outcomes: readonly Outcome[], counts: ReceiptCounts | undefined, options: SubmitOptions): number {
  const numberOf = (state: Outcome['state']) => outcomes.filter(outcome => outcome.state === state).length
  const totals = { accepted: numberOf('accepted'), known: numberOf('known'), leftOut: numberOf('left-out') }
  const isDry = counts === undefined
  if (options.json) printJson({ files: outcomes.map(asJson), ...totals, ...counts, ...(isDry && { dryRun: true }) })
  else printOutcomes(outcomes, totals, counts)
  if (totals.leftOut > 0 || outcomes.some(({ entry }) => entry.refused.length > 0)) return EXIT_USAGE
  if (counts === undefined) return 0
  if (counts.missing > 0) return 1
  if (options.wait === undefined) return 0
  return exitOfStates(counts)
}

function asJson({ entry, ...outcome }: Outcome) {
  const { name, paths, origins, reading, refused } = entry
  return { file: name, ...(paths.length > 1 && { files: paths }), ...outcome, members: origins, remarks: reading?.remarks ?? [], refused }
}

function printOutcomes(
  outcomes: readonly Outcome[],
  { accepted, known, leftOut }: { readonly accepted: number; readonly known: number; readonly leftOut: number },
  counts: ReceiptCounts | undefined,
): void {
  const isDry = counts === undefined
  if (isDry)
    for (const { entry } of outcomes.filter(({ state }) => state !== 'left-out').slice(0, PREVIEWED))
      print(...formatPreview(entry.name, entry.origins, entry.reading))
  const left = outcomes.filter(({ state }) => state === 'left-out')
  print(...left.slice(0, SHOWN).map(({ entry, code, detail }) => `✗ ${entry.name}: ${detail} [${code}]`))
  if (left.length > SHOWN) print(`  … and ${left.length - SHOWN} more (--json lists all)`)
  for (const { entry } of outcomes.filter(({ entry }) => entry.refused.length > 0).slice(0, SHOWN))
    print(
      `✗ ${entry.name}: ${entry.refused.length} of its releases have no statement of their own, the first because ${entry.refused[0]?.detail} [${entry.refused[0]?.code}]`,
    )
  print(
    ...countWarnings(
      outcomes.filter(({ state }) => state !== 'left-out').map(({ entry, warnings }) => ({ label: entry.name, codes: warnings })),
    ).flatMap(formatCount),
  )
  const files = outcomes.length === 1 ? '1 file' : `${outcomes.length} files`
  print(`${files}: ${accepted} ${isDry ? 'would be accepted' : 'accepted'}, ${known} known already, ${leftOut} left out.`)
  for (const [code, advice] of Object.entries(ADVICE)) if (left.some(outcome => outcome.code === code)) print(advice)
  const stopping = stoppingCodes(left.map(({ code }) => code ?? ''))
  if (stopping.length > 0) print(`To go on in spite of the warnings, add: ${stopping.map(code => `--accept ${code}`).join(' ')}`)
  if (isDry) print('Nothing was logged.')
  else if (counts.missing > 0) print(`The ledger did not give ${counts.missing} of the receipts: run the same command again.`)
  else if (accepted + known > 0) print('The receipts are beside the files.')
  if (counts !== undefined && counts.unchecked > 0) remark(NOT_ASKED)
  if (counts !== undefined && counts.disowned > 0) remark(DISOWNED)
}

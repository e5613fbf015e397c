/**
 * `openseal verify`: checks files by their receipts, a policy and the chain. With all three, no
 * ledger is needed.
 */
import type { Command } from 'commander'
import { attemptAsync } from '../core/attempt.ts'
import { copyBytes } from '../core/bytes.ts'
import { speak } from '../messages/language.ts'
import type { Say } from '../messages/say.ts'
import { sayReport, sayUnread } from '../messages/verdict.ts'
import { addressesAsked } from '../report/asked.ts'
import {
  type Answers,
  chainsKnown,
  type GivenFile,
  type GivenReceipt,
  planChecks,
  type Task,
  type Unread,
  withoutRepeats,
} from '../verifier/index.ts'
import {
  type CheckOptions,
  type CheckSetting,
  type CheckSources,
  openCheckMeans,
  readCheckSetting,
  withCheckOptions,
} from './check-setting.ts'
import { LOCAL_LEDGER, UsageError, withExample } from './command.ts'
import { exitOfAll, RECEIPT_GIVEN, type Row, rowAsJson } from './finding-json.ts'
import { formatAnswers, formatTable, markOf } from './finding-text.ts'
import { filesIn, isFolder } from './folder.ts'
import { readArgument, receiptsOf } from './given-files.ts'
import { readWhole } from './hash-file.ts'
import { keepResults } from './kept-results.ts'
import { chooseLanguage, withLanguage } from './locale.ts'
import { print, printJson, remark, startProgress, startWordLine, wrapLines } from './output.ts'
import { COMMAND } from './program.ts'
import { receiptPath, receiptsPath } from './receipt-file.ts'

type Options = CheckOptions & {
  readonly json?: boolean
  readonly receipt?: string
  readonly lang?: string
  readonly requireCurrent?: boolean
  readonly report?: string
  readonly csv?: string
}

/** For all of them together. */
const DEADLINE_SECONDS = 600

/** Fills the command. */
export function addVerify(command: Command, setExit: (code: number) => void): void {
  const withReceipt = withLanguage(withExample(command, EXAMPLE)).option(
    '--receipt <file>',
    'the receipt of the file (default: FILE.receipt.json or FILE.receipts.ndjson; without one, the ledger is asked)',
  )
  withCheckOptions(withReceipt, { deadlineSeconds: DEADLINE_SECONDS })
    .option('--require-current', 'exit with 6 if nobody could say whether there is a newer version')
    .option('--report <file>', 'write the results as a report: one HTML file that can be checked again')
    .option('--csv <file>', 'write the results as a table')
    .addHelpText('after', MORE)
    .action(async (files: readonly string[], options: Options) => {
      const setting = await readSetting(files, options)
      const { rows, unread } = await verifyAll(files, options, setting)
      setExit(exitOfAll(rows))
      await tellStrangers(setting)
      const all = rows.flatMap(row => (row.kind === 'left-out' ? [] : [row.answers]))
      const own = all.flatMap(answers => answers.own)
      await keepResults(setting.say, options, { all, unread, ...setting, ledgers: addressesAsked(own, setting) })
      const isList = rows.length !== 1 || (files[0] !== undefined && (await isFolder(files[0])))
      if (options.json) return printJson(isList ? rows.map(row => rowAsJson(row, setting)) : rowAsJson(rows[0]!, setting))
      printRows(rows, isList, setting)
      await tellSearches(rows, setting)
    })
}

type LeftOut = Extract<Row, { kind: 'left-out' }>
type Checked = Exclude<Row, LeftOut>

/** The settings for all files of a call. */
type Setting = CheckSetting & CheckSources & { readonly say: Say }

async function readSetting(files: readonly string[], options: Options): Promise<Setting> {
  if (options.receipt !== undefined && (files.length > 1 || (await isFolder(files[0]!))))
    throw new UsageError('--receipt is for one file. Of several, give the receipts among the files: each finds its own.')
  const setting = await readCheckSetting(options)
  return { ...setting, ...openCheckMeans(setting, options.timeout), say: speak(chooseLanguage(options.lang)) }
}

async function verifyAll(
  given: readonly string[],
  options: Options,
  setting: Setting,
): Promise<{ rows: Row[]; unread: readonly Unread[] }> {
  const { say } = setting
  const { taken, receipts, unread } = await readInputs(given, options.receipt, say)
  const files = withoutRepeats(taken.filter((file): file is GivenFile => !('kind' in file)))
  const tasks = planChecks(files, receipts, { ...setting, requireCurrent: options.requireCurrent })
  const answers = new Map<GivenFile, Answers>()
  for (const [at, file] of files.entries()) answers.set(file, await runTask(tasks[at]!, file, say))
  const rows = taken.flatMap((file): Row[] => {
    if ('kind' in file) return [file]
    const found = answers.get(file)
    return found === undefined || found.own.length === 0 ? [] : [{ kind: 'checked', name: file.name, answers: found }]
  })
  for (const task of tasks.slice(files.length)) rows.push({ kind: 'receipt', name: task.name, answers: await task.run() })
  // The answer for an archive that is itself on the record covers what could not be read in it.
  const covering = files.filter(file => file.isArchive && answers.get(file)!.own.length > 0).map(({ name }) => `${name}/`)
  const isOpen = ({ name, why }: Unread) => CODES[why] !== undefined && !covering.some(archive => name.startsWith(archive))
  const open = unread.filter(isOpen)
  remarkAll(
    sayUnread(
      say,
      unread.filter(each => !isOpen(each)),
    ),
  )
  for (const each of open)
    rows.push({ kind: 'left-out', name: each.name, code: CODES[each.why]!, detail: sayUnread(say, [each]).join(' ') })
  return { rows, unread }
}

/** Codes of parts of an archive that could not be checked. Other codes are remarks. */
const CODES: { readonly [why in Unread['why']]?: string } = {
  encrypted: 'ZIP_ENTRY_ENCRYPTED',
  damaged: 'ZIP_ENTRY_DAMAGED',
  large: 'ZIP_ENTRY_TOO_LARGE',
}

function remarkAll(lines: readonly string[]): void {
  for (const line of lines) remark(`openseal: ${line}`)
}

/**
 * Each argument by itself: one that cannot be read is named, and the others are checked. Receipts
 * among them are matched with their files later, as those beside the files are.
 */
async function readInputs(given: readonly string[], receipt: string | undefined, say: Say) {
  const taken: (GivenFile | LeftOut)[] = []
  const receipts: GivenReceipt[] = []
  const unread: Unread[] = []
  const { inputs, inFolders } = await openFolders(given)
  const names = inputs.filter(input => typeof input === 'string')
  for (const input of inputs) {
    const argument = typeof input === 'string' ? await readArgument(input) : input
    // The policy that a reader keeps beside the files is not one of them.
    if ('code' in argument && argument.code === 'FILE_IS_POLICY' && inFolders.has(argument.name)) continue
    if ('code' in argument) taken.push({ kind: 'left-out', ...argument })
    else {
      taken.push(...argument.files)
      receipts.push(...argument.receipts)
      // An archive that could not be opened is checked as the file that it is.
      unread.push(...(argument.unread ?? []).map(each => (each.name === argument.name ? { ...each, why: 'refused' as const } : each)))
      if (argument.report !== undefined) remark(`openseal: ${sayReport(say, argument.name, argument.report)}`)
    }
  }
  for (const [at, file] of taken.entries()) {
    if ('kind' in file) continue
    const beside = await attemptAsync(() => receiptsOf(file, receipt, names))
    if (beside.error) taken[at] = { kind: 'left-out', name: file.name, code: beside.error.code, detail: beside.error.message }
    else receipts.push(...beside.value)
  }
  if (taken.length + receipts.length === 0)
    taken.push({ kind: 'left-out', name: given[0]!, code: 'FOLDER_EMPTY', detail: `there is no file to check in ${given.join(', ')}` })
  return { taken, receipts, unread }
}

/** The arguments, with the files of each folder in its place, or why it cannot be read. */
async function openFolders(given: readonly string[]) {
  const inputs: (string | LeftOut)[] = []
  const inFolders = new Set<string>()
  for (const name of given) {
    if (!(await isFolder(name))) {
      inputs.push(name)
      continue
    }
    const { value: files = [], error } = await attemptAsync(() => filesIn(name))
    if (error) inputs.push({ kind: 'left-out', name, code: error.code, detail: error.message })
    // A receipt beside its file is read with it.
    const beside = new Set(files.flatMap(file => [receiptPath(file), receiptsPath(file)]))
    for (const file of files.filter(file => !beside.has(file))) {
      inFolders.add(file)
      inputs.push(file)
    }
  }
  return { inputs: [...new Set(inputs)], inFolders }
}

async function runTask(task: Task, { name, read }: GivenFile, say: Say): Promise<Answers> {
  const line = startWordLine()
  const releases = startProgress(name, read.releases.length > 100 ? read.releases.length : 0)
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

/** One file in full; several, or a folder, as a table with a sentence for each. */
function printRows(rows: readonly Row[], isList: boolean, setting: Setting): void {
  const { endpoints, say } = setting
  const [row] = rows
  if (row === undefined || isList) print(...wrapLines(formatTable(say, rows), process.stdout))
  else if (row.kind === 'left-out') remark(`openseal: ${row.detail} [${row.code}]`)
  else {
    print(...wrapLines(formatAnswers(say, row.answers), process.stdout))
    if (row.kind === 'receipt') remark('', `openseal: ${row.name}: ${RECEIPT_GIVEN.detail} [${RECEIPT_GIVEN.code}]`)
    if (row.answers.own[0]?.finding?.isFresher) remark('', `${COMMAND} receipt --upgrade ${row.name}`)
  }
  const own = rows.flatMap(row => (row.kind === 'left-out' ? [] : row.answers.own))
  const open = own.filter(({ finding }) => finding === undefined || finding.result.verdict === 'unchecked')
  if (open.length === 0) return
  const asked = addressesAsked(open, setting).map(address =>
    address === LOCAL_LEDGER ? `${address} (name yours with --ledger URL)` : address,
  )
  const ledgers =
    asked.length === 0
      ? 'no ledger (name one with --ledger URL)'
      : `the ${asked.length === 1 ? 'ledger' : 'ledgers'} at ${asked.join(', ')}`
  remark('', `Asked: ${ledgers}; endpoints of the chain: ${endpoints.join(', ') || 'none. Name one with --rpc URL.'}`)
}

/**
 * For files that are not on the record: where to search for their own words. No server is
 * asked here, because the ledger would learn these words.
 */
async function tellSearches(rows: readonly Row[], setting: Setting): Promise<void> {
  const { say } = setting
  const isUnknown = (row: Row): row is Checked =>
    row.kind === 'checked' && row.answers.own.every(({ finding }) => finding?.result.verdict === 'unknown')
  const links: string[] = []
  for (const { name, answers } of rows.filter(isUnknown).slice(0, MAX_SEARCHED)) {
    // A file inside an archive is no file here.
    const { value: file } = await attemptAsync(() => openAsFile(name))
    const { searchWords } = await import('../documents/search-words.ts')
    const words = file === undefined ? [] : await searchWords(name, file)
    for (const url of addressesAsked(answers.own, setting).slice(0, MAX_SEARCHED))
      links.push(...words.map(word => `  ${url}/records?q=${encodeURIComponent(word)}`))
  }
  if (links.length > 0) remark('', say('stated.lead'), ...links, say('stated.warn'))
}

/** For how many files, and how many ledgers, links are printed. */
const MAX_SEARCHED = 10

/** The bytes of a file that is small enough to be read. Throws OpenSealError for any other. */
async function openAsFile(path: string): Promise<Blob> {
  const parts: Uint8Array[] = []
  await readWhole(path, chunk => void parts.push(copyBytes(chunk)))
  return new Blob(parts as BlobPart[])
}

/**
 * Names each endpoint that serves a chain which the policy does not name. It vouches for nothing,
 * and a reader who named two endpoints for one chain must hear that one of them was not used.
 */
async function tellStrangers({ chain, policy }: Setting): Promise<void> {
  const known = chainsKnown(policy)
  const served = await Promise.all(chain.map(reader => attemptAsync(() => reader.chainId())))
  for (const [at, { value }] of served.entries())
    if (value !== undefined && !known.includes(value))
      remark(`openseal: ${chain[at]?.name} serves chain ${value}, which the policy does not name: it was not asked.`)
}

const EXAMPLE = `openseal verify decision.pdf --trust-ledger
openseal verify decision.pdf --policy openseal.policy.json \\
  --rpc https://rpc.example
openseal verify folder --policy openseal.policy.json
openseal verify sha256:<64 digits> --policy openseal.policy.json`
const MORE = `
A ZIP archive is opened: its receipts find its files, and each has its verdict.
A report (--report) may be given again: its receipts are checked, not believed,
and --policy takes the policy in it. A file may be given by its SHA-256. "-"
reads standard input: fingerprints as sha256sum, certutil or Get-FileHash print
them, or a receipt. Of several files, the gravest verdict decides the exit code.
A file that cannot be read is named, and the exit code is 2, unless another file
does not fit (5). Each release of an OCDS package has its own verdict; if one
does not fit its receipt, the exit code is 5.`

/**
 * The process that checks one form: started for it and ended with it, so that a hostile upload can
 * exhaust only this process's memory and time. The body arrives on standard input; questions and
 * the answer are messages.
 */
import type { IncomingHttpHeaders } from 'node:http'
import module from 'node:module'
import { holdsMany } from '../documents/reading.ts'
import { createEditCheck } from '../documents/together.ts'
import type { MessageKey } from '../messages/en.ts'
import { type Language, speak } from '../messages/language.ts'
import type { Say } from '../messages/say.ts'
import { addressesAsked } from '../report/asked.ts'
import { formatCsv } from '../report/csv.ts'
import { renderReport, reportName } from '../report/report.ts'
import { type Answers, type GivenText, type Policy, parseTrustList, type TrustEntry, type TrustList } from '../verifier/index.ts'
import { addFiles, type DescribedFile, describeFile } from './desk/describe.ts'
import { MAX_DRAFT_BYTES, readDraft, writeDraft } from './desk/draft.ts'
import type { RecordRow } from './desk/rows.ts'
import { type Frame, renderPage } from './layout.ts'
import { type KeptResults, type SearchWords, verifiedPage } from './pages/verify.ts'
import { createAsker, type EndpointShape, type Question, type Reply } from './questions.ts'
import { checkGivenText, checkUpload, type FormAnswer } from './server-verify.ts'
import { MAX_UPLOAD_BYTES, MAX_UPLOAD_FILES, readUpload, UPLOAD_LIMIT, UploadError, type UploadedFile } from './upload.ts'

/**
 * The job that the process gets at its start: to check files, to check what a program gave, or to
 * describe files for the desk.
 */
export type FormJob = CheckJob | GivenJob | DescribeJob

/** To check what was uploaded, and answer with a page. */
export type CheckJob = {
  readonly kind: 'check'
  readonly lang: Language
  readonly frame: Omit<Frame, 'say'>
  readonly headers: IncomingHttpHeaders
  readonly policy: Policy
  /** The text of the operator's list: copying a string between processes takes next to nothing. */
  readonly others: string | undefined
  readonly endpoints: readonly EndpointShape[]
}

/** To describe what was uploaded for the desk. */
type DescribeJob = { readonly kind: 'describe'; readonly headers: IncomingHttpHeaders; readonly agency: string }

/** The answer for the desk: what was sent, the records in a package, or the code of what is wrong with it. */
export type Described =
  | { readonly fields: { readonly [name: string]: string }; readonly rows: readonly RecordRow[] }
  | { readonly fields: { readonly [name: string]: string }; readonly files: readonly DescribedFile[] }
  | { readonly code: string }

/** To check what a program gave. There is no body. */
export type GivenJob = {
  readonly kind: 'given'
  readonly given: GivenText
  readonly policy: Policy
  /** The text of the operator's list: copying a string between processes takes next to nothing. */
  readonly others: string | undefined
  readonly endpoints: readonly EndpointShape[]
}

/** The last message of the process. `answers` is missing if no receipt was given as one. */
export type FormAnswered =
  | { readonly status: number; readonly page: string; readonly download?: { readonly name: string; readonly type: string } }
  | { readonly described: Described }
  | { readonly answers: readonly Answers[] | undefined }

/** A message of the process: a question, or its answer. */
export type CheckMessage = { readonly question: Question } | FormAnswered

/** The desk's form has fewer. */
const FIELDS_OF_DESK = 24

const UPLOAD_PROBLEMS: { readonly [code: string]: MessageKey } = {
  UPLOAD_MALFORMED: 'verify.serverCutOff',
  UPLOAD_TOO_LARGE: 'verify.serverTooLarge',
  UPLOAD_TOO_MANY: 'verify.serverMany',
}

/** Nobody is left to read the answer. */
process.once('disconnect', () => process.exit())
process.once('message', (job: FormJob) => {
  if (job.kind === 'check') return run(job)
  return job.kind === 'given' ? checkGiven(job) : describe(job)
})

async function run({ lang, frame, headers, policy, others, endpoints }: CheckJob): Promise<void> {
  const say = speak(lang)
  const { ledger, chain, take } = createAsker(question => tell({ question }), endpoints)
  process.on('message', (reply: Reply) => take(reply))
  let as: string | undefined
  let sent: readonly UploadedFile[] = []
  const { status, answer: form } = await answerForm(say, async () => {
    const upload = await readUpload(headers, process.stdin)
    as = upload.fields?.as
    sent = upload.files
    return checkUpload(say, upload, { policy, others: readOthers(others), chain, ledger })
  })
  const files = 'answers' in form ? keepResults(say, form, { url: frame.origin, origin: policy.origin, endpoints }) : undefined
  if (files !== undefined && (as === 'report' || as === 'csv')) return answer({ status, page: files[as].text, download: files[as] })
  const more = { kept: files && toLinks(files), unknown: 'answers' in form ? await readUnknown(form.answers, sent) : [] }
  answer({ status, page: renderPage({ ...frame, say }, verifiedPage({ ...frame, say }, form, more)) })
}

/** The words of the files that are not on the record about themselves. */
async function readUnknown(answers: readonly Answers[], sent: readonly UploadedFile[]): Promise<readonly SearchWords[]> {
  const names = new Set(
    answers.flatMap(({ own }) => own).flatMap(({ finding }) => (finding?.result.verdict === 'unknown' ? (finding.fileName ?? []) : [])),
  )
  const files = sent.filter(({ name, bytes }) => names.has(name) && bytes !== undefined)
  if (files.length === 0) return []
  // Loaded only if there is such a file.
  const { searchWords } = await import('../documents/search-words.ts')
  const found: SearchWords[] = []
  for (const { name, bytes } of files) found.push({ name, words: await searchWords(name, new Blob([bytes as BlobPart])) })
  return found.filter(({ words }) => words.length > 0)
}

function readOthers(text: string | undefined): TrustList | undefined {
  return text === undefined ? undefined : parseTrustList(text)
}

type KeptFile = { readonly name: string; readonly type: string; readonly text: string }

/** The results of a form as a report and as a table. */
function keepResults(
  say: Say,
  { answers, unread, judge, others, policy: given }: Extract<FormAnswer, { answers: unknown }>,
  { url, origin, endpoints }: { readonly url: string; readonly origin: string; readonly endpoints: readonly EndpointShape[] },
): { readonly report: KeptFile; readonly csv: KeptFile } {
  const nowMs = Date.now()
  // As the form asks: its own ledger, and the others only by the operator's list.
  const urlOf = (entry: TrustEntry) => (entry.origin === origin ? url : given === undefined ? entry.ledger : undefined)
  const ledgers = addressesAsked(
    answers.flatMap(({ own }) => own),
    { policy: judge, others, url, urlOf },
  )
  const asked = { endpoints: endpoints.flatMap(({ name }) => name ?? []), ledgers }
  const report = renderReport(say, { all: answers, unread, policy: judge, others, ...asked, nowMs, clock: { of: 'server' } })
  return {
    report: { name: reportName(nowMs, 'html'), type: 'text/html', text: report },
    csv: { name: reportName(nowMs, 'csv'), type: 'text/csv', text: formatCsv(say, answers, unread) },
  }
}

/** `data:` addresses that hold the files, so that the server keeps nothing. */
function toLinks({ report, csv }: { readonly report: KeptFile; readonly csv: KeptFile }): KeptResults {
  if (report.text.length + csv.text.length > MAX_LINKED) return 'too-large'
  const link = ({ type, text }: KeptFile) => `data:${type};charset=utf-8;base64,${Buffer.from(text).toString('base64')}`
  return { report: link(report), csv: link(csv) }
}

/** Browsers refuse addresses of more than 2 MB. */
const MAX_LINKED = 500_000

async function checkGiven({ given, policy, others, endpoints }: GivenJob): Promise<void> {
  const { ledger, chain, take } = createAsker(question => tell({ question }), endpoints)
  process.on('message', (reply: Reply) => take(reply))
  answer({ answers: await checkGivenText(given, { policy, others: readOthers(others), chain, ledger }) })
}

async function describe({ headers, agency }: DescribeJob): Promise<void> {
  try {
    // Only for the desk, because each process loads what it runs.
    const { readDocument } = await import('../documents/read-document.ts')
    const { files, fields = {} } = await readUpload(headers, process.stdin, { maxFields: FIELDS_OF_DESK, keptBytes: MAX_UPLOAD_BYTES })
    const described: DescribedFile[] = []
    for (const { name, read, bytes = new Uint8Array(0) } of files) described.push(describeFile(name, read, await readDocument(name, bytes)))
    const isPackage = readDraft(fields).action === 'publish' && described.length > 0 && described.every(({ reading }) => holdsMany(reading))
    if (isPackage) answer({ described: { fields, rows: await takeAllApart(files, described, agency) } })
    else answer({ described: isTooLarge(fields, described) ? { code: 'FORM_TOO_LARGE' } : { fields, files: described } })
  } catch (error) {
    if (!(error instanceof UploadError)) throw error
    answer({ described: { code: error.code } })
  }
}

/** The records in packages. Throws UploadError PACKAGE_TOO_LARGE if a form cannot carry them. */
async function takeAllApart(
  files: readonly UploadedFile[],
  described: readonly DescribedFile[],
  agency: string,
): Promise<readonly RecordRow[]> {
  const [{ takeApart }, { fitsForm, MAX_UPLOADED_RECORDS: room }] = await Promise.all([
    import('./desk/take-apart.ts'),
    import('./desk/package.ts'),
  ])
  const edits = createEditCheck()
  const rows: RecordRow[] = []
  for (const [at, file] of described.entries()) {
    const blob = new Blob([(files[at]?.bytes ?? new Uint8Array(0)) as BlobPart])
    rows.push(...(await takeApart(file, blob, { agency, edits, room: room - rows.length })))
  }
  if (!fitsForm(rows)) throw new UploadError('PACKAGE_TOO_LARGE', 'The package holds more records than a form can carry.')
  return rows
}

/** Whether the form that follows could not be sent, or would take the service long to show. */
function isTooLarge(fields: { readonly [name: string]: string }, files: readonly DescribedFile[]): boolean {
  const sent = [fields, writeDraft(addFiles(readDraft(fields), files))].map(each =>
    Object.entries(each).reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(value), 0),
  )
  return sent.some(bytes => bytes > MAX_DRAFT_BYTES)
}

async function answerForm(say: Say, check: () => Promise<FormAnswer>): Promise<{ status: number; answer: FormAnswer }> {
  try {
    return { status: 200, answer: await check() }
  } catch (error) {
    if (!(error instanceof UploadError)) throw error
    const message = say(UPLOAD_PROBLEMS[error.code] ?? 'verify.nothing', { size: UPLOAD_LIMIT, count: MAX_UPLOAD_FILES })
    return { status: error.code === 'UPLOAD_MALFORMED' ? 400 : 413, answer: { message, code: error.code } }
  }
}

/**
 * Ends the work. The process is killed when its answer arrives, so what Node has compiled is
 * written before that. Node 20 writes nothing.
 */
function answer(answered: FormAnswered): void {
  module.flushCompileCache?.()
  tell(answered)
}

function tell(message: CheckMessage): void {
  process.send?.(message)
}

/**
 * The inputs of `openseal verify`: files, fingerprints, receipts among them, and the receipts
 * beside the files.
 */
import { openAsBlob } from 'node:fs'
import { stat } from 'node:fs/promises'
import { OpenSealError } from '../core/errors.ts'
import {
  fingerprint,
  type GivenFile,
  type GivenOrUnpacked,
  type GivenReceipt,
  type OpenZip,
  openReport,
  type ReadFile,
  type ReportData,
  readPasted,
  readReceipt,
  readReceiptLine,
  recognizeZipped,
  type Unread,
} from '../verifier/index.ts'
import { isThere } from '../whole-file.ts'
import { FileError, readFile } from './hash-file.ts'
import { fileLines } from './lines.ts'
import { startByteProgress, startProgress } from './output.ts'
import { receiptPath, receiptsPath } from './receipt-file.ts'

/** The kind of one argument, or why it cannot be checked. */
export type Argument =
  | {
      readonly name: string
      readonly files: readonly GivenFile[]
      readonly receipts: readonly GivenReceipt[]
      /** Parts of an archive that were not checked. */
      readonly unread?: readonly Unread[]
      /** The data of a report, which is quoted. */
      readonly report?: ReportData
    }
  | { readonly name: string; readonly code: string; readonly detail: string }

/** Receipts up to this size are read whole, in any encoding; larger files are read line by line. */
const MAX_WHOLE_BYTES = 64 * 1024 * 1024
/**
 * For input pasted into a terminal or piped from another program: lists of fingerprints, and a
 * receipt.
 */
const MAX_INPUT_BYTES = 16 * 1024 * 1024

/** Looks into an archive. A large one is read again from its file. */
function openZip({ zip }: ReadFile): OpenZip {
  return async path => {
    // Loaded for an archive only.
    const { OWN_DEVICE, readArchive } = await import('../verifier/app/archive.ts')
    const blob = zip === undefined ? await openAsBlob(path) : new Blob([zip as BlobPart])
    const reading = startProgress(path, PERCENT)
    try {
      return await readArchive(path, blob, OWN_DEVICE, part => reading.update(Math.floor(part * PERCENT)))
    } finally {
      reading.stop()
    }
  }
}

const PERCENT = 100

/** Reads an argument: a path, `sha256:…`, 64 hex digits that are not a path, or `-` for stdin. */
export async function readArgument(text: string): Promise<Argument> {
  if (text === '-') return readInput()
  const [, sha256] = /^(?:sha256:)?([0-9a-f]{64})$/i.exec(text) ?? []
  if (sha256 !== undefined && (text.includes(':') || !(await isThere(text))))
    return { name: text, files: [fingerprint(sha256.toLowerCase(), text)], receipts: [] }
  try {
    const read = await readWithProgress(text)
    const given = await recognizeZipped(text, read, openZip(read))
    if (given.kind === 'file') return { name: text, files: [given.file], receipts: [] }
    if (given.kind === 'receipts') return { name: text, files: [], receipts: given.receipts }
    if (given.kind === 'archive') return { name: text, files: given.files, receipts: given.receipts, unread: given.unread }
    if (given.kind === 'report') {
      const { files, receipts } = openReport(text, given.data)
      return { name: text, files, receipts, report: given.data }
    }
    return {
      name: text,
      code: 'FILE_IS_POLICY',
      detail: `${text} is a policy, not a file to check. Name the file, and the policy with --policy ${text}`,
    }
  } catch (error) {
    if (!(error instanceof OpenSealError)) throw error
    return { name: text, code: error.code, detail: error.message }
  }
}

/**
 * The receipts of a file: those in the file named for it, otherwise those beside it that were not
 * `taken` already. If there are none, the ledger is asked.
 */
export async function receiptsOf(file: GivenFile, named: string | undefined, taken: readonly string[]): Promise<readonly GivenReceipt[]> {
  if (named !== undefined) return readNamed(named, file)
  if (file.archive !== undefined || file.reportedAs !== undefined) return []
  const paths = [receiptPath(file.name), receiptsPath(file.name)].filter(path => !taken.includes(path))
  const beside = await Promise.all(paths.map(path => readBeside(path, file)))
  return beside.flat()
}

async function readBeside(path: string, file: GivenFile): Promise<readonly GivenReceipt[]> {
  return (await isThere(path)) ? readNamed(path, file) : []
}

async function readNamed(path: string, file: GivenFile): Promise<readonly GivenReceipt[]> {
  const { size } = await stat(path).catch(() => ({ size: 0 }))
  if (size > MAX_WHOLE_BYTES) return readLines(path, file)
  const read = await readFile(path)
  const given: GivenOrUnpacked = await recognizeZipped(path, read, openZip(read))
  if (given.kind === 'policy') throw new FileError('RECEIPT_IS_POLICY', `${path} is a policy, not a receipt. Name it with --policy ${path}`)
  // A file that was named as a receipt is treated as one, whatever it contains.
  const receipts = await receiptsIn(given, path, read)
  return receipts.map(receipt => ({ ...receipt, name: path, of: file.name }))
}

async function receiptsIn(given: GivenOrUnpacked, path: string, { json }: ReadFile): Promise<readonly GivenReceipt[]> {
  if (given.kind === 'receipts' || (given.kind === 'archive' && given.receipts.length > 0)) return given.receipts
  return given.kind === 'report' ? openReport(path, given.data).receipts : [readReceipt(path, json ?? '')]
}

/**
 * From receipts too large for memory, picks those for this file and the releases in it, and those
 * that contradict them.
 */
async function readLines(path: string, { name, read }: GivenFile): Promise<readonly GivenReceipt[]> {
  const { digest, pdf, releases } = read
  const states = (pdf?.states ?? []).map(({ sha256 }) => sha256)
  const hashes = new Set([digest.sha256, digest.jcs, ...states, ...releases.map(each => each.digest?.sha256)])
  const names = new Set(releases.map(each => each.name))
  const found: GivenReceipt[] = []
  let ofPackage: GivenReceipt | undefined
  let last: GivenReceipt | undefined
  for await (const line of fileLines(path)) {
    if (line.trim() === '') continue
    last = readReceiptLine(path, line, name)
    const isWanted = last.digests.some(hash => hashes.has(hash)) || (last.release !== undefined && names.has(last.release))
    if (isWanted) found.push(last)
    else if (last.isOfPackage) ofPackage = last
  }
  const [whole = last] = [ofPackage]
  return whole === undefined || found.includes(whole) ? found : [...found, whole]
}

async function readInput(): Promise<Argument> {
  const name = '-'
  let text = ''
  process.stdin.setEncoding('utf8')
  for await (const chunk of process.stdin) {
    text += chunk
    if (text.length > MAX_INPUT_BYTES) return { name, code: 'INPUT_TOO_LARGE', detail: `more than ${MAX_INPUT_BYTES} bytes came on stdin` }
  }
  const pasted = readPasted(name, text)
  if (pasted.kind === 'given') return { name, files: pasted.files, receipts: pasted.receipts }
  const detail =
    pasted.kind === 'other-hash'
      ? `the input on stdin is ${pasted.algorithm}: only SHA-256 is looked up`
      : 'the input on stdin is neither a SHA-256 fingerprint nor a receipt'
  return { name, code: 'INPUT_UNKNOWN', detail }
}

async function readWithProgress(path: string): Promise<ReadFile> {
  const hashing = startByteProgress(`hashing ${path}`)
  return readFile(path, hashing.report).finally(hashing.stop)
}

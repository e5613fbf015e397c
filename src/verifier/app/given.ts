/**
 * Sorts what a reader gave into files, receipts and a policy, and finds which receipt belongs to
 * which file.
 */

import { attempt, attemptAsync } from '../../core/attempt.ts'
import { decodeText } from '../../core/encoding.ts'
import { canonicalJson, isJsonObject, type Json, parseJson } from '../../core/json.ts'
import { type FileKind, isJsonLines, kindOfJson } from '../../documents/file-kind.ts'
import type { ReadFile } from './file-reader.ts'
import { type ReportData, readReport } from './report-data.ts'

/** A document as a receipt lists it. */
export type NamedDocument = { readonly name: string; readonly sha256: string; readonly jcs?: string }

/** A receipt as it was given: by itself, or as a line of a `.receipts.ndjson`. */
export type GivenReceipt = {
  readonly name: string
  /** undefined if its encoding is not known */
  readonly text: string | undefined
  /** The documents that it lists, and their hashes. */
  readonly documents: readonly NamedDocument[]
  readonly digests: readonly string[]
  /**
   * The name of the file that this receipt belongs to, by the receipt's own name or by the reader's
   * word.
   */
  readonly of?: string
  /**
   * For a line of a `.receipts.ndjson`: its record and revision, that is, a release's ocid and id.
   */
  readonly release?: string
  /** For such a line: it is about the whole package. */
  readonly isOfPackage?: boolean
  /** True if it is in an archive or a report, which may hold one receipt once for each of its files. */
  readonly isInside?: boolean
}

/**
 * A file that is neither receipt nor policy. `isFingerprint`: only its SHA-256 was given, so nobody
 * has read it.
 */
export type GivenFile = {
  readonly name: string
  readonly read: ReadFile
  readonly isFingerprint?: boolean
  /** The archive that it was in. */
  readonly archive?: GivenFile
  /** True for an archive whose files were given with it. It counts only if it is itself on the record. */
  readonly isArchive?: boolean
  /** Its name in a report that names it. Such a file was not read. */
  readonly reportedAs?: string
}

/**
 * Something that was given and not looked at, and why. `nested`: an archive in an archive, which was
 * looked up as a file. `refused`: an archive that is damaged, or can be read in two ways.
 */
export type Unread = {
  readonly name: string
  readonly why: 'encrypted' | 'damaged' | 'large' | 'hidden' | 'policy' | 'nested' | 'refused'
}

/** The contents of an archive. */
export type Unpacked = {
  readonly files: readonly GivenFile[]
  readonly receipts: readonly GivenReceipt[]
  readonly unread: readonly Unread[]
}

/** The kind of an input. */
export type Given =
  | { readonly kind: 'receipts'; readonly receipts: readonly GivenReceipt[] }
  | { readonly kind: 'policy'; readonly name: string; readonly text: string }
  | { readonly kind: 'report'; readonly name: string; readonly data: ReportData }
  | { readonly kind: 'file'; readonly file: GivenFile }

/** The kind of an input, where archives are looked into. An archive is itself the first of its files. */
export type GivenOrUnpacked = Given | ({ readonly kind: 'archive' } & Unpacked)

const ONE_RECEIPT = /\.receipt\.json$/i
const MANY_RECEIPTS = /\.receipts\.ndjson$/i

/**
 * Sorts by content. A damaged receipt is recognised by its name, so that it is refused as a receipt
 * and not looked up as a document.
 */
export function recognize(name: string, read: ReadFile): Given {
  const { json, html, zip: _, ...rest } = read
  const data = html && readReport(attempt(() => decodeText(html)).value ?? '')
  if (data !== undefined) return { kind: 'report', name, data }
  const text = json && attempt(() => decodeText(json)).value
  if (json !== undefined && text === undefined && (ONE_RECEIPT.test(name) || MANY_RECEIPTS.test(name))) {
    return { kind: 'receipts', receipts: [{ name, text: undefined, documents: [], digests: [], ...ofName(name) }] }
  }
  if (MANY_RECEIPTS.test(name)) return { kind: 'receipts', receipts: readReceiptLines(name, text ?? '') }
  const value = text === undefined ? undefined : readLoosely(text)
  if (ONE_RECEIPT.test(name) || isReceipt(value)) {
    return { kind: 'receipts', receipts: [{ name, text: text ?? '', ...ofName(name), ...namedIn(value) }] }
  }
  if (text !== undefined && holdsReceipts(text, value)) return { kind: 'receipts', receipts: readReceiptLines(name, text, value) }
  const type = isJsonObject(value) ? value.type : undefined
  if (text !== undefined && typeof type === 'string' && /^openseal\/(?:policy|trust)@/.test(type)) return { kind: 'policy', name, text }
  // The bytes were needed only to recognise the file.
  const kind = read.kind ?? kindOf(text, value)
  return { kind: 'file', file: { name, read: { ...rest, ...(kind && { kind }) } } }
}

/** Looks into the archive with this name. Rejects with an OpenSealError if it cannot be trusted. */
export type OpenZip = (name: string) => Promise<Unpacked>

/**
 * Sorts as `recognize` does, and looks into ZIP archives. An archive that holds nothing to check, or
 * cannot be read, is an ordinary file.
 */
export async function recognizeZipped(name: string, read: ReadFile, openZip: OpenZip): Promise<GivenOrUnpacked> {
  const given = recognize(name, read)
  if (given.kind !== 'file' || read.kind !== 'zip') return given
  const { value: inside, error } = await attemptAsync(() => openZip(name))
  if (error) {
    const why = error.code === 'ZIP_TOO_LARGE' ? 'large' : 'refused'
    return { kind: 'archive', files: [given.file], receipts: [], unread: [{ name, why }] }
  }
  const { files, receipts, unread } = inside
  if (files.length + receipts.length === 0) return { kind: 'archive', files: [given.file], receipts, unread }
  const archive = { ...given.file, isArchive: true }
  return {
    kind: 'archive',
    files: [archive, ...files.map(file => (file.reportedAs === undefined ? { ...file, archive } : file))],
    receipts,
    unread,
  }
}

/** Reads a single receipt. `of` is the file that it was given for, if that was said. */
export function readReceipt(name: string, input: string | Uint8Array, of?: string): GivenReceipt {
  const text = typeof input === 'string' ? input : attempt(() => decodeText(input)).value
  const value = text === undefined ? undefined : readLoosely(text)
  return { name, text, ...(of === undefined ? ofName(name) : { of }), ...namedIn(value) }
}

/**
 * The receipts in a text: one, a list of them, or one a line. undefined for anything else, which
 * must not be judged as a receipt.
 */
export function receiptsIn(name: string, text: string): readonly GivenReceipt[] | undefined {
  const value = readLoosely(text)
  if (isReceipt(value)) return [readReceipt(name, text)]
  if (holdsReceipts(text, value)) return readReceiptLines(name, text, value)
  // A damaged receipt is reported as a receipt.
  return value === undefined && text.includes('"openseal/receipt@') ? [readReceipt(name, text)] : undefined
}

/**
 * Reads a receipt from a line, as a submitted package's receipts file and `/v1/receipts/:from/:to`
 * have them.
 */
export function readReceiptLine(name: string, line: string, of?: string): GivenReceipt {
  return lineOf(name, readLoosely(line), line, of)
}

/**
 * Finds the receipts for each file, in this order: by its digests; by the digests of its earlier
 * states; those beside it by name, even if they fit another file or none; the one of its name in
 * another folder; if one file and one receipt are left, that receipt.
 */
export function matchReceipts(
  files: readonly GivenFile[],
  receipts: readonly GivenReceipt[],
): { readonly pairs: readonly (readonly GivenReceipt[])[]; readonly alone: readonly GivenReceipt[] } {
  const byDigest = byEach(receipts, ({ digests }) => new Set(digests))
  const byOf = byEach(receipts, ({ of }) => (of === undefined ? [] : [of.toLowerCase()]))
  const naming = (hashes: readonly string[]) => [...new Set(hashes.flatMap(hash => byDigest.get(hash) ?? []))]
  const pairs = files.map(() => [] as readonly GivenReceipt[])
  const used = new Set<GivenReceipt>()
  const isFree = (receipt: GivenReceipt) => !used.has(receipt)
  const without = () => files.flatMap((file, at) => (pairs[at]?.length ? [] : [{ file, at }]))
  const pair = (at: number, found: readonly GivenReceipt[]) => {
    for (const receipt of found) {
      used.add(receipt)
      const isCopy = receipt.isInside && pairs[at]?.some(({ text }) => text === receipt.text)
      if (!isCopy) pairs[at] = [...(pairs[at] ?? []), receipt]
    }
  }
  for (const [at, { read }] of files.entries()) pair(at, naming(hashesOf(read.digest)))
  for (const { file, at } of without()) pair(at, naming(file.read.pdf?.states.map(state => state.sha256) ?? []).filter(isFree))
  for (const [at, { name }] of files.entries()) {
    const beside = byOf.get(name.toLowerCase()) ?? []
    pair(at, pairs[at]?.length ? beside.filter(isFree).filter(isSingle) : besideIt(beside))
  }
  for (const { at, receipt } of sameName(without(), receipts)) pair(at, [receipt])
  const names = new Set(files.map(({ name }) => name.toLowerCase()))
  const besides = ({ of, isOfPackage }: GivenReceipt) => isOfPackage !== undefined && of !== undefined && names.has(of.toLowerCase())
  const alone = () => receipts.filter(receipt => isFree(receipt) && !besides(receipt))
  const [only, ...more] = without().filter(({ file }) => !file.isArchive)
  const left = alone()
  if (only && more.length === 0 && left.length === 1) pair(only.at, left)
  return { pairs, alone: alone() }
}

/**
 * Receipts beside a file: the reader wants to know whether they match. A package's receipts file may
 * cover its earlier states and every release too. If nothing else matches the file, the newest
 * receipt for the whole package is taken.
 */
function besideIt(beside: readonly GivenReceipt[]): GivenReceipt[] {
  const single = beside.filter(isSingle)
  if (single.length > 0) return single
  return [beside.findLast(({ isOfPackage }) => isOfPackage) ?? beside.at(-1)].filter(found => found !== undefined)
}

function isSingle({ isOfPackage }: GivenReceipt): boolean {
  return isOfPackage === undefined
}

/** Files and receipts of one name in different folders, where the name fits one of each. */
function sameName(files: readonly { readonly file: GivenFile; readonly at: number }[], receipts: readonly GivenReceipt[]) {
  const single = receipts.filter(receipt => receipt.of !== undefined && isSingle(receipt))
  const named = byEach(single, ({ of = '' }) => [baseName(of)])
  const open = byEach(
    files.filter(({ file }) => !file.isArchive),
    ({ file }) => [baseName(file.name)],
  )
  return [...open].flatMap(([name, [first, ...others]]) => {
    const [receipt, ...more] = named.get(name) ?? []
    return first && receipt && others.length + more.length === 0 ? [{ at: first.at, receipt }] : []
  })
}

/** The last part of a path, for comparison. */
function baseName(path: string): string {
  return (path.split(/[/\\]/).at(-1) ?? path).toLowerCase()
}

/** Everything by each of its keys. */
export function byEach<T>(all: readonly T[], keysOf: (each: T) => Iterable<string>): ReadonlyMap<string, readonly T[]> {
  const found = new Map<string, T[]>()
  for (const each of all)
    for (const key of keysOf(each)) {
      const before = found.get(key)
      if (before === undefined) found.set(key, [each])
      else before.push(each)
    }
  return found
}

/**
 * The receipts that list one of the hashes, in the order of the hashes: matches by bytes come
 * before matches by content.
 */
export function naming(hashes: readonly string[], receipts: readonly GivenReceipt[]): GivenReceipt[] {
  return [...new Set(hashes.flatMap(hash => receipts.filter(({ digests }) => digests.includes(hash))))]
}

/** The hashes under which a file may be on the record. */
export function hashesOf({ sha256, jcs }: { readonly sha256: string; readonly jcs?: string }): string[] {
  return jcs === undefined || jcs === sha256 ? [sha256] : [sha256, jcs]
}

/** The kind of JSON that is neither a receipt nor a policy. */
function kindOf(text: string | undefined, value: Json | undefined): FileKind | undefined {
  if (value !== undefined) return kindOfJson(value)
  return text !== undefined && isJsonLines(text) ? 'json-lines' : undefined
}

function isReceipt(value: Json | undefined): boolean {
  return isJsonObject(value) && typeof value.type === 'string' && value.type.startsWith('openseal/receipt@')
}

/** Whether the text is a JSON list of receipts or has one on each line. */
function holdsReceipts(text: string, value: Json | undefined): boolean {
  if (Array.isArray(value)) return value.length > 0 && value.every(element => isReceipt(receiptIn(element)))
  if (value !== undefined) return isReceipt(receiptIn(value))
  return isJsonLines(text) && isReceipt(receiptIn(readLoosely(text.trimStart().split('\n', 1)[0] ?? '')))
}

function readReceiptLines(name: string, text: string, value?: Json): GivenReceipt[] {
  const of = MANY_RECEIPTS.test(name) ? name.replace(MANY_RECEIPTS, '') : undefined
  if (Array.isArray(value)) return value.map((element: Json, at) => lineOf(`${name}:${at + 1}`, element, '', of))
  if (value !== undefined) return [lineOf(name, value, text, of)]
  return text.split('\n').flatMap((line, at) => (line.trim() === '' ? [] : [readReceiptLine(`${name}:${at + 1}`, line, of)]))
}

function lineOf(name: string, value: Json | undefined, line: string, of: string | undefined): GivenReceipt {
  const receipt = receiptIn(value)
  const text = receipt === undefined ? line : canonicalJson(receipt)
  const statement = isJsonObject(receipt) && isJsonObject(receipt.statement) ? receipt.statement : {}
  const { record, revision } = statement
  const isOfPackage = typeof record === 'string' && record.startsWith('urn:sha256:')
  const release = typeof record === 'string' && typeof revision === 'string' ? { release: `${record} ${revision}` } : {}
  return { name, text, ...(of !== undefined && { of }), isOfPackage, ...release, ...namedIn(receipt) }
}

/** The receipt in a line of `/v1/receipts/:from/:to`, or the value itself. */
function receiptIn(value: Json | undefined): Json | undefined {
  return isJsonObject(value) && isJsonObject(value.receipt) ? value.receipt : value
}

function ofName(name: string): { of?: string } {
  return ONE_RECEIPT.test(name) ? { of: name.replace(ONE_RECEIPT, '') } : {}
}

function namedIn(value: Json | undefined): Pick<GivenReceipt, 'documents' | 'digests'> {
  const statement = isJsonObject(value) ? value.statement : undefined
  const list = isJsonObject(statement) && Array.isArray(statement.documents) ? (statement.documents as readonly Json[]) : []
  const objects = list.filter(isJsonObject)
  const digests = objects.flatMap(({ sha256, jcs }) => [sha256, jcs]).filter(hash => typeof hash === 'string')
  const documents = objects.flatMap(({ name, sha256, jcs }) =>
    typeof name === 'string' && typeof sha256 === 'string' ? [{ name, sha256, ...(typeof jcs === 'string' && { jcs }) }] : [],
  )
  return { documents, digests }
}

/** undefined if the strict reader refuses the text */
function readLoosely(text: string): Json | undefined {
  return attempt(() => parseJson(text, { allowNull: true })).value
}

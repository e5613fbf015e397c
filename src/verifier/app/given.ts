/**
 * Sorts what a reader gave into files, receipts and a policy, and finds which receipt belongs to
 * which file.
 */

import { attempt, attemptAsync } from '../../core/attempt.ts'
import { decodeText } from '../../core/encoding.ts'
import { canonicalJson, isJsonObject, type Json, parseJson } from '../../core/json.ts'
import { type FileKind, isJsonLines, kindOfJson } from '../../documents/file-kind.ts'
import type { ReadFile } from './file-reader.ts'

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
}

/**
 * A file that is neither receipt nor policy. `isFingerprint`: only its SHA-256 was given, so nobody
 * has read it.
 */
export type GivenFile = { readonly name: string; readonly read: ReadFile; readonly isFingerprint?: boolean }

/** The kind of an input. */
export type Given =
  | { readonly kind: 'receipts'; readonly receipts: readonly GivenReceipt[] }
  | { readonly kind: 'policy'; readonly name: string; readonly text: string }
  | { readonly kind: 'file'; readonly file: GivenFile }

const ONE_RECEIPT = /\.receipt\.json$/i
const MANY_RECEIPTS = /\.receipts\.ndjson$/i

/**
 * Sorts by content. A damaged receipt is recognised by its name, so that it is refused as a receipt
 * and not looked up as a document.
 */
export function recognize(name: string, read: ReadFile): Given {
  const { json, zip: _, ...rest } = read
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
  if (text !== undefined && typeof type === 'string' && type.startsWith('openseal/policy@')) return { kind: 'policy', name, text }
  // The bytes were needed only to recognise the file.
  const kind = read.kind ?? kindOf(text, value)
  return { kind: 'file', file: { name, read: { ...rest, ...(kind && { kind }) } } }
}

/**
 * Takes the receipts out of a ZIP archive that contains nothing else; undefined for any other.
 * Rejects with an OpenSealError if the archive cannot be read.
 */
export type OpenZip = (bytes: Uint8Array) => Promise<readonly { readonly name: string; readonly bytes: Uint8Array }[] | undefined>

/**
 * Sorts as `recognize` does, and also looks into ZIP archives of receipts. An archive that cannot
 * be read is an ordinary file.
 */
export async function recognizeZipped(name: string, read: ReadFile, openZip: OpenZip): Promise<Given> {
  const { zip } = read
  const files = zip && (await attemptAsync(() => openZip(zip))).value
  if (files === undefined) return recognize(name, read)
  const receipts = files.flatMap(file => {
    const inside = file.name.split('/').at(-1) ?? file.name
    const given = recognize(inside, { ...read, json: file.bytes })
    return given.kind === 'receipts' ? given.receipts.map(receipt => ({ ...receipt, name: `${name}/${receipt.name}` })) : []
  })
  return { kind: 'receipts', receipts }
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
 * states; those beside it by name, even if they fit another file or none; if one file and one
 * receipt are left, that receipt.
 */
export function matchReceipts(
  files: readonly GivenFile[],
  receipts: readonly GivenReceipt[],
): { readonly pairs: readonly (readonly GivenReceipt[])[]; readonly alone: readonly GivenReceipt[] } {
  const pairs = files.map(({ read }) => naming(hashesOf(read.digest), receipts))
  const used = new Set(pairs.flat())
  const free = () => receipts.filter(receipt => !used.has(receipt))
  const without = () => files.flatMap((file, at) => (pairs[at]?.length ? [] : [{ file, at }]))
  const pair = (at: number, found: readonly GivenReceipt[]) => {
    pairs[at] = [...(pairs[at] ?? []), ...found]
    for (const receipt of found) used.add(receipt)
  }
  for (const { file, at } of without()) pair(at, naming(file.read.pdf?.states.map(state => state.sha256) ?? [], free()))
  for (const [at, file] of files.entries()) pair(at, besideIt(file, receipts, pairs[at]?.length ? used : new Set()))
  const besides = (receipt: GivenReceipt) => receipt.isOfPackage !== undefined && files.some(({ name }) => isOf(receipt, name))
  const [only, ...more] = without()
  const left = free().filter(receipt => !besides(receipt))
  if (only && more.length === 0 && left.length === 1) pair(only.at, left)
  return { pairs, alone: free().filter(receipt => !besides(receipt)) }
}

/**
 * Receipts beside a file that were not `used`: the reader wants to know whether they match. A
 * package's receipts file may cover its earlier states and every release too. If nothing else
 * matches the file, the newest receipt for the whole package is taken.
 */
function besideIt({ name }: GivenFile, receipts: readonly GivenReceipt[], used: ReadonlySet<GivenReceipt>): GivenReceipt[] {
  const beside = receipts.filter(receipt => isOf(receipt, name) && !used.has(receipt))
  const single = beside.filter(({ isOfPackage }) => isOfPackage === undefined)
  if (single.length > 0 || used.size > 0) return single
  return [beside.findLast(({ isOfPackage }) => isOfPackage) ?? beside.at(-1)].filter(found => found !== undefined)
}

/** Whether a receipt is beside the file of this name. */
export function isOf({ of }: GivenReceipt, name: string): boolean {
  return of?.toLowerCase() === name.toLowerCase()
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

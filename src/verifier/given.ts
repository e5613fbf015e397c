/** What a reader gave, sorted: files, receipts, a policy; and which receipt speaks of which file. */
import { toUtf8 } from '../core/bytes.ts'
import { canonicalJson, isJsonObject, type Json, parseJson } from '../core/json.ts'
import { attempt } from './attempt.ts'
import type { ReadFile } from './file-reader.ts'

/** A receipt as it came, or as it stood in a line of a `.receipts.ndjson`. `digests` are the hashes of the documents that it names. */
export type GivenReceipt = { readonly name: string; readonly text: string | Uint8Array; readonly digests: readonly string[] }

/** A file that was read and is neither receipt nor policy. */
export type GivenFile = { readonly name: string; readonly read: ReadFile }

/** What something that was read turned out to be. */
export type Given =
  | { readonly kind: 'receipts'; readonly receipts: readonly GivenReceipt[] }
  | { readonly kind: 'policy'; readonly bytes: Uint8Array }
  | { readonly kind: 'file'; readonly file: GivenFile }

const ONE_RECEIPT = /\.receipt\.json$/i
const MANY_RECEIPTS = /\.receipts\.ndjson$/i

/** Sorts by content. A damaged receipt is told by its name, so that it is refused as a receipt and not looked up as a document. */
export function recognize(name: string, read: ReadFile): Given {
  const { json, ...rest } = read
  if (MANY_RECEIPTS.test(name)) return { kind: 'receipts', receipts: readReceiptLines(name, json ?? new Uint8Array(0)) }
  const value = json && readLoosely(json)
  const type = isJsonObject(value) ? value.type : undefined
  if (ONE_RECEIPT.test(name) || type === 'openseal/receipt@v1') {
    return { kind: 'receipts', receipts: [{ name, text: json ?? '', digests: digestsIn(value) }] }
  }
  if (json && typeof type === 'string' && type.startsWith('openseal/policy@')) return { kind: 'policy', bytes: json }
  // Its bytes were only needed to tell what it is.
  return { kind: 'file', file: { name, read: rest } }
}

/** What was pasted: fingerprints as files that nobody has read, receipts; or what it is in place of these. */
export type Pasted =
  | { readonly kind: 'given'; readonly files: readonly GivenFile[]; readonly receipts: readonly GivenReceipt[] }
  | { readonly kind: 'other-hash'; readonly algorithm: string }
  | { readonly kind: 'nothing' }

const HASH_LINE = /^\\?(?:0x|sha256:)?([0-9a-f]{64})(?:\s+\*?(\S.*))?$/i
/** Other hashes by their length in hex, which are recorded nowhere here. */
const OTHER_HASHES: { readonly [length: number]: string } = { 32: 'MD5', 40: 'SHA-1', 96: 'SHA-384', 128: 'SHA-512' }

/** Reads the text of a receipt, or SHA-256 fingerprints, one a line, also as `sha256sum` writes them. */
export function readPasted(name: string, text: string): Pasted {
  const pasted = text.trim()
  if (pasted.startsWith('{')) return { kind: 'given', files: [], receipts: [readReceipt(name, pasted)] }
  const lines = pasted.split('\n').map(line => line.trim())
  const files = lines.flatMap(line => {
    const [, hash = '', fileName] = HASH_LINE.exec(line) ?? []
    const sha256 = hash.toLowerCase()
    return hash === '' ? [] : [{ name: fileName ?? sha256, read: { digest: { bytes: 0, sha256 }, releases: [], releasesLeftOut: 0 } }]
  })
  if (pasted !== '' && files.length === lines.length) return { kind: 'given', files, receipts: [] }
  const algorithm = /^[0-9a-f]+$/i.test(pasted) ? OTHER_HASHES[pasted.length] : undefined
  return algorithm === undefined ? { kind: 'nothing' } : { kind: 'other-hash', algorithm }
}

/** A receipt by itself. */
export function readReceipt(name: string, text: string | Uint8Array): GivenReceipt {
  return { name, text, digests: digestsIn(readLoosely(text)) }
}

/** One receipt a line, as a submission of a package leaves them and as `/v1/receipts/:from/:to` answers. */
export function readReceiptLine(name: string, line: string): GivenReceipt {
  const value = readLoosely(line)
  const receipt = isJsonObject(value) && isJsonObject(value.receipt) ? value.receipt : value
  return { name, text: receipt === undefined ? line : canonicalJson(receipt), digests: digestsIn(receipt) }
}

/**
 * The receipts for each file: by its digests, else by those of its earlier states; else by its name, though it may fit another file too; else
 * the only one that is left when it is the only file that is left.
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
    pairs[at] = [...found]
    for (const receipt of found) used.add(receipt)
  }
  for (const { file, at } of without()) pair(at, naming(file.read.pdf?.states.map(state => state.sha256) ?? [], free()))
  for (const { file, at } of without()) {
    const wanted = `${file.name.toLowerCase()}.receipt.json`
    pair(at, receipts.filter(receipt => receipt.name.toLowerCase() === wanted).slice(0, 1))
  }
  const [only, ...more] = without()
  const left = free()
  if (only && more.length === 0 && left.length === 1) pair(only.at, left)
  return { pairs, alone: free() }
}

/** The receipts that name one of the hashes, those of the first hash first: what fits by its bytes goes before what fits by its content. */
export function naming(hashes: readonly string[], receipts: readonly GivenReceipt[]): GivenReceipt[] {
  return [...new Set(hashes.flatMap(hash => receipts.filter(({ digests }) => digests.includes(hash))))]
}

/** The hashes under which a file may be on the record. */
export function hashesOf({ sha256, jcs }: { readonly sha256: string; readonly jcs?: string }): string[] {
  return jcs === undefined || jcs === sha256 ? [sha256] : [sha256, jcs]
}

function readReceiptLines(name: string, bytes: Uint8Array): GivenReceipt[] {
  const lines = new TextDecoder().decode(bytes).split('\n')
  return lines.flatMap((line, at) => (line.trim() === '' ? [] : [readReceiptLine(`${name}:${at + 1}`, line)]))
}

function digestsIn(value: Json | undefined): string[] {
  const statement = isJsonObject(value) ? value.statement : undefined
  const documents = isJsonObject(statement) && Array.isArray(statement.documents) ? (statement.documents as readonly Json[]) : []
  return documents
    .flatMap(document => (isJsonObject(document) ? [document.sha256, document.jcs] : []))
    .filter(hash => typeof hash === 'string')
}

/** undefined for what the strict reader refuses. */
function readLoosely(input: string | Uint8Array): Json | undefined {
  return attempt(() => parseJson(typeof input === 'string' ? toUtf8(input) : input, { allowNull: true })).value
}

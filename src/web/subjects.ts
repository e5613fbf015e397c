/** What a reader gave, sorted: files, receipts, a policy; which receipt speaks of which file; which releases stand in a package. */
import { fromUtf8, toHex, toUtf8 } from '../core/bytes.ts'
import { sha256 } from '../core/hash.ts'
import { canonicalJson, isJsonObject, type Json, parseJson } from '../core/json.ts'
import type { FileDigest } from '../verifier/index.ts'

/** A receipt as it came, or as it stood in a line of a `.receipts.ndjson`. `digests` are the hashes of the documents that it names. */
export type GivenReceipt = { readonly name: string; readonly text: string | Uint8Array; readonly digests: readonly string[] }

/** A release of an OCDS package by its RFC 8785 form. */
export type Release = { readonly id: string; readonly digest: FileDigest }

/** What a JSON file turned out to be. */
export type Given =
  | { readonly kind: 'receipts'; readonly receipts: readonly GivenReceipt[] }
  | { readonly kind: 'policy'; readonly bytes: Uint8Array }
  | { readonly kind: 'file'; readonly releases: readonly Release[] }

/** Looks at a JSON file. A damaged receipt is told by its name, so that it is refused as a receipt and not looked up as a document. */
export function recognize(name: string, bytes: Uint8Array): Given {
  const lines = /\.receipts\.ndjson$/i.test(name)
  if (lines) return { kind: 'receipts', receipts: readLines(name, bytes) }
  const value = readLoosely(bytes)
  const type = isJsonObject(value) ? value.type : undefined
  if (/\.receipt\.json$/i.test(name) || type === 'openseal/receipt@v1') {
    return { kind: 'receipts', receipts: [{ name, text: bytes, digests: digestsIn(value) }] }
  }
  if (typeof type === 'string' && type.startsWith('openseal/policy@')) return { kind: 'policy', bytes }
  return { kind: 'file', releases: value === undefined ? [] : releasesIn(value) }
}

/** The receipts for a file: by its digests; else by its name, though it may fit another file too; else the only one that is left when it is the only file that is left. */
export function matchReceipts(
  files: readonly { readonly name: string; readonly digests: readonly string[] }[],
  receipts: readonly GivenReceipt[],
): { readonly pairs: readonly (readonly GivenReceipt[])[]; readonly alone: readonly GivenReceipt[] } {
  const pairs = files.map(({ digests }) => receipts.filter(receipt => receipt.digests.some(digest => digests.includes(digest))))
  const used = new Set(pairs.flat())
  const free = () => receipts.filter(receipt => !used.has(receipt))
  for (const [at, { name }] of files.entries()) {
    if (pairs[at]?.length) continue
    const named = receipts.find(receipt => receipt.name.toLowerCase() === `${name.toLowerCase()}.receipt.json`)
    if (named) pairs[at] = [named]
    if (named) used.add(named)
  }
  const left = free()
  const single = pairs.flatMap((pair, at) => (pair.length === 0 ? [at] : []))
  if (left.length === 1 && single.length === 1 && single[0] !== undefined) pairs[single[0]] = left
  return { pairs, alone: left.length === 1 && single.length === 1 ? [] : left }
}

function readLines(name: string, bytes: Uint8Array): GivenReceipt[] {
  const lines = new TextDecoder().decode(bytes).split('\n')
  return lines.flatMap((line, at) => {
    if (line.trim() === '') return []
    const value = readLoosely(toUtf8(line))
    const receipt = isJsonObject(value) && isJsonObject(value.receipt) ? value.receipt : value
    const text = receipt === undefined ? line : canonicalJson(receipt)
    return [{ name: `${name}:${at + 1}`, text, digests: digestsIn(receipt) }]
  })
}

function digestsIn(value: Json | undefined): string[] {
  const statement = isJsonObject(value) ? value.statement : undefined
  const documents = isJsonObject(statement) && Array.isArray(statement.documents) ? (statement.documents as readonly Json[]) : []
  return documents
    .flatMap(document => (isJsonObject(document) ? [document.sha256, document.jcs] : []))
    .filter(hash => typeof hash === 'string')
}

/** The releases of a package, of a record package, or the bare one. A single release alone needs no list: its file is looked up by content. */
function releasesIn(value: Json): Release[] {
  if (!isJsonObject(value)) return []
  const own = Array.isArray(value.releases) ? (value.releases as readonly Json[]) : []
  const records = Array.isArray(value.records) ? (value.records as readonly Json[]) : []
  const embedded = records.flatMap(record =>
    isJsonObject(record) && Array.isArray(record.releases) ? (record.releases as readonly Json[]) : [],
  )
  return [...own, ...embedded].flatMap(release => {
    if (!isJsonObject(release) || typeof release.ocid !== 'string') return []
    const bytes = toUtf8(canonicalJson(release))
    const hash = toHex(sha256(bytes))
    return [{ id: typeof release.id === 'string' ? release.id : release.ocid, digest: { bytes: bytes.length, sha256: hash, jcs: hash } }]
  })
}

/** undefined for what the strict reader refuses: then the file counts by its bytes only. */
function readLoosely(bytes: Uint8Array): Json | undefined {
  try {
    return parseJson(fromUtf8(bytes), { allowNull: true, exactNumbers: true })
  } catch {
    return undefined
  }
}

/**
 * Reads what a reader pasted: the text of receipts, or SHA-256 fingerprints as common tools print
 * them.
 */
import { type GivenFile, type GivenReceipt, receiptsIn } from './given.ts'

/**
 * Pasted content: receipts, or fingerprints as files that nobody has read; otherwise, what it is
 * instead.
 */
export type Pasted =
  | { readonly kind: 'given'; readonly files: readonly GivenFile[]; readonly receipts: readonly GivenReceipt[] }
  | { readonly kind: 'other-hash'; readonly algorithm: string }
  | { readonly kind: 'nothing' }

/** `sha256sum`, `shasum`: digits and name; also `0x…` and `sha256:…`. */
const PLAIN = /^\\?(?:0x|sha256:)?([0-9a-f]{64})(?:\s+\*?(\S.*))?$/i
/** `sha256sum --tag`, BSD and OpenSSL: `SHA256 (name) = digits`. */
const TAGGED = /^\\?([\w/-]+) ?\((.+)\) ?= ?([0-9a-f]{32,128})$/i
/** `Get-FileHash`: `SHA256  digits  path`. */
const ROW = /^([\w/-]+)\s+([0-9a-f]{32,128})(?:\s+(\S.*))?$/i
/**
 * `Get-FileHash | Format-List`: `Hash : digits` between the lines of the algorithm and of the path.
 */
const LISTED = /^(\w+)\s*:\s*(\S.*)$/
/** `certutil` of older Windows writes spaces between the bytes. */
const SPACED = /^(?:[0-9a-f]{2} ){31}[0-9a-f]{2}$/i
/** `certutil` names the file at the end of the line before, in any language. */
const CERTUTIL_HEADS = [/^SHA256 hash of (?:file )?(.+):$/i, /^SHA256\b.*\s(\S+):$/i]
const SHA256_NAMES = /^sha(?:2-?)?-?256$/i
/** Other hashes by their length in hex. The ledger records none of them. */
const OTHER_HASHES: { readonly [length: number]: string } = { 32: 'MD5', 40: 'SHA-1', 96: 'SHA-384', 128: 'SHA-512' }
/** Nobody pastes a longer list by hand. */
const MAX_FINGERPRINTS = 10_000

/** A program's input for a check: a fingerprint in lower case, the text of receipts, or both. */
export type GivenText = { readonly sha256?: string | undefined; readonly receipt?: string | undefined }

type Line = { readonly sha256: string; readonly name?: string | undefined } | { readonly other: string } | undefined

/** Reads the text of receipts, or the fingerprints in a tool's output. */
export function readPasted(name: string, text: string): Pasted {
  const pasted = text.replace(/^\ufeff/, '').trim()
  const receipts = /^[{[]/.test(pasted) ? receiptsIn(name, pasted) : undefined
  if (receipts !== undefined) return { kind: 'given', files: [], receipts }
  const lines = pasted.split('\n').map(line => line.trim())
  const read = lines.map((line, at) => readLine(line, lines, at)).filter(line => line !== undefined)
  const files = read.flatMap(line => ('sha256' in line ? [fingerprint(line.sha256.toLowerCase(), line.name)] : []))
  if (files.length > 0) return { kind: 'given', files: files.slice(0, MAX_FINGERPRINTS), receipts: [] }
  const [other] = read
  return other && 'other' in other ? { kind: 'other-hash', algorithm: other.other } : { kind: 'nothing' }
}

/**
 * A program's input: the fingerprint of a file, the text of receipts, or both. Undefined if the
 * text is not that of receipts.
 */
export function readGivenText({
  sha256,
  receipt,
}: GivenText): { readonly files: readonly GivenFile[]; readonly receipts: readonly GivenReceipt[] } | undefined {
  const files = sha256 === undefined ? [] : [fingerprint(sha256)]
  if (receipt === undefined) return { files, receipts: [] }
  const pasted = readPasted('receipt', receipt)
  return pasted.kind === 'given' && pasted.receipts.length > 0 ? { files, receipts: pasted.receipts } : undefined
}

/** A file of which only the SHA-256 is known, in lower case. */
export function fingerprint(sha256: string, name = sha256): GivenFile {
  return { name, isFingerprint: true, read: { digest: { bytes: 0, sha256 }, releases: [], releasesLeftOut: 0 } }
}

function readLine(line: string, lines: readonly string[], at: number): Line {
  const [, plain, plainName] = PLAIN.exec(line) ?? []
  if (plain !== undefined) return { sha256: plain, name: plainName ?? certutilName(lines[at - 1]) }
  if (SPACED.test(line)) return { sha256: line.replaceAll(' ', ''), name: certutilName(lines[at - 1]) }
  const [, label = '', tagName, tagged] = TAGGED.exec(line) ?? []
  if (tagged !== undefined) return labelled(label, tagged, tagName)
  const [, algorithm = '', digits, path] = ROW.exec(line) ?? []
  if (digits !== undefined) return labelled(algorithm, digits, path)
  const listed = listedValue(line, 'hash')
  if (listed !== undefined && /^[0-9a-f]{32,128}$/i.test(listed))
    return labelled(listedValue(lines[at - 1], 'algorithm') ?? 'SHA256', listed, listedValue(lines[at + 1], 'path'))
  const other = /^[0-9a-f]+$/i.test(line) ? OTHER_HASHES[line.length] : undefined
  return other === undefined ? undefined : { other }
}

function certutilName(line = ''): string | undefined {
  return CERTUTIL_HEADS.map(head => head.exec(line)?.[1]).find(name => name !== undefined)
}

function listedValue(line = '', wanted: string): string | undefined {
  const [, key = '', value] = LISTED.exec(line) ?? []
  return key.toLowerCase() === wanted ? value : undefined
}

/** Digits of the right length may come from another algorithm, for example SHA3-256. */
function labelled(label: string, digits: string, name: string | undefined): Line {
  if (digits.length === 64 && SHA256_NAMES.test(label)) return { sha256: digits, name }
  return { other: digits.length === 64 ? label : (OTHER_HASHES[digits.length] ?? label) }
}

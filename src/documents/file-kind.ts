/**
 * Recognises files that need special treatment: archives, spreadsheets, and the shapes of OCDS
 * data.
 */
import { isJsonObject, type Json } from '../core/json.ts'

/**
 * `encoding`: text in UTF-16 or with a byte order mark. `json-lines`: one JSON text a line.
 * `json-list`: a JSON array. `compiled-release` and `versioned-release`: summaries that tools make
 * of one record's releases. `oc4ids`: infrastructure projects.
 */
export type FileKind =
  | 'gzip'
  | 'zip'
  | 'spreadsheet'
  | 'encoding'
  | 'json-lines'
  | 'json-list'
  | 'compiled-release'
  | 'versioned-release'
  | 'oc4ids'

/** How many bytes from the beginning of a file are needed to recognise it. */
export const HEAD_BYTES = 4096

/**
 * The kind of a file by its first HEAD_BYTES, or all of a shorter file; undefined for an ordinary
 * file.
 */
export function kindOfHead(head: Uint8Array): FileKind | undefined {
  if (head[0] === 0x1f && head[1] === 0x8b && head[2] === 0x08) return 'gzip'
  const isZip = head[0] === 0x50 && head[1] === 0x4b && (head[2] === 0x03 || head[2] === 0x05)
  if (!isZip) return isOtherEncoding(head) ? 'encoding' : undefined
  const names = asLatin1(head)
  if (names.includes('xl/') || names.includes('opendocument.spreadsheet')) return 'spreadsheet'
  // Text documents and slides are ZIP files inside, but nobody unpacks them.
  return /word\/|ppt\/|\[Content_Types\]|mimetypeapplication\//.test(names) ? undefined : 'zip'
}

/**
 * Whether a text contains several JSON objects or arrays, each on its own line. The text may be cut
 * off after the start of the second line.
 */
export function isJsonLines(text: string): boolean {
  const start = text.search(/\S/)
  const end = text.indexOf('\n', start)
  const opening = text[start]
  if (end === -1 || (opening !== '{' && opening !== '[')) return false
  const next = /\S/g
  next.lastIndex = end
  return next.exec(text)?.[0] === opening && isJson(text.slice(start, end))
}

/**
 * The kind of JSON data by its members; undefined for an OCDS package, a plain release and anything
 * else.
 */
export function kindOfJson(value: Json): FileKind | undefined {
  if (Array.isArray(value)) return 'json-list'
  if (!isJsonObject(value) || Array.isArray(value.releases) || Array.isArray(value.records)) return undefined
  if (Array.isArray(value.projects) || isText(value.id, /^oc4ids-/)) return 'oc4ids'
  if (typeof value.ocid !== 'string') return undefined
  if (Array.isArray(value.tag) && value.tag.includes('compiled')) return 'compiled-release'
  return isVersioned(value.tag) || Object.values(value).some(isVersioned) ? 'versioned-release' : undefined
}

/** In a versioned release, each value is the list of values that the releases gave it. */
function isVersioned(value: Json | undefined): boolean {
  const [first] = Array.isArray(value) ? (value as readonly Json[]) : []
  return isJsonObject(first) && 'releaseID' in first && 'releaseDate' in first && 'value' in first
}

/**
 * Whether text is not plain UTF-8: it begins with a byte order mark, or has the zero bytes of
 * UTF-16 between ASCII letters.
 */
function isOtherEncoding([first, second, third, fourth]: Uint8Array): boolean {
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) return true
  if (first === 0xef && second === 0xbb && third === 0xbf) return true
  if (first && third) return second === 0 && fourth === 0
  return first === 0 && third === 0 && Boolean(second && fourth)
}

function isText(value: Json | undefined, shape: RegExp): boolean {
  return typeof value === 'string' && shape.test(value)
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** Bytes as characters of the same code, to search them for names. */
function asLatin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes.subarray(0, HEAD_BYTES))
}

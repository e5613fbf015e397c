/**
 * Bytes and their text forms: hex, base64, base64url, UTF-8. Each form has one accepted spelling.
 */
import { OpenSealError } from './errors.ts'

const HEX_DIGITS = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))
const HEX_VALUE = valuesOf('0123456789abcdef')
const BASE64_DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const BASE64_VALUE = valuesOf(BASE64_DIGITS)
const BASE64_CHARACTERS = Array.from(BASE64_DIGITS, digit => digit.charCodeAt(0))
const PADDING = 0x3d
/**
 * How many bytes are encoded at once, a multiple of three: a function call takes a limited number
 * of arguments.
 */
const BASE64_PART_BYTES = 3072
// No repeated groups: of a text of some ten megabytes, they would use up the stack.
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/
const BASE64_URL = /^[A-Za-z0-9_-]*$/
const HEX = /^[0-9a-f]*$/

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Joins the parts in new memory. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  return joinBytes(parts)
}

/**
 * Joins a list of parts in new memory. There may be millions, while a call takes a limited number
 * of arguments.
 */
export function joinBytes(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let offset = 0
  for (const part of parts) {
    whole.set(part, offset)
    offset += part.length
  }
  return whole
}

/**
 * The same bytes in new memory. `slice` would not do: of a Buffer, which Node's readers fill again
 * and again, it gives a view of the same memory.
 */
export function copyBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes)
}

/** Whether both hold the same bytes. Not constant time, so never use it for secrets. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/** Byte order, as for `sort`: negative when `a` comes first, 0 when equal. A prefix comes first. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shorter = Math.min(a.length, b.length)
  for (let i = 0; i < shorter; i++) if (a[i] !== b[i]) return a[i]! - b[i]!
  return a.length - b.length
}

/** Lower-case hex. */
export function toHex(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += HEX_DIGITS[byte]
  return text
}

/** Decodes lower-case hex, exactly `length` bytes when given. Throws BytesError HEX_MALFORMED. */
export function fromHex(text: string, length?: number): Uint8Array {
  if (text.length % 2 !== 0 || !HEX.test(text) || (length !== undefined && text.length !== 2 * length)) {
    throw new BytesError('HEX_MALFORMED', `expected ${describeLength(length)} in lower-case hex, got ${quote(text)}`)
  }
  const bytes = new Uint8Array(text.length / 2)
  for (let i = 0; i < bytes.length; i++) bytes[i] = 16 * HEX_VALUE[text.charCodeAt(2 * i)]! + HEX_VALUE[text.charCodeAt(2 * i + 1)]!
  return bytes
}

/** Base64, RFC 4648 §4, padded. */
export function toBase64(bytes: Uint8Array): string {
  let text = ''
  for (let from = 0; from < bytes.length; from += BASE64_PART_BYTES)
    text += partToBase64(bytes, from, Math.min(bytes.length, from + BASE64_PART_BYTES))
  return text
}

/** Collects character codes first: appending to a string takes half as long again. */
function partToBase64(bytes: Uint8Array, from: number, to: number): string {
  const characters: number[] = new Array(Math.ceil((to - from) / 3) * 4)
  let count = 0
  for (let i = from; i < to; i += 3) {
    const group = (bytes[i]! << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0)
    characters[count++] = BASE64_CHARACTERS[group >> 18]!
    characters[count++] = BASE64_CHARACTERS[(group >> 12) & 63]!
    characters[count++] = i + 1 < to ? BASE64_CHARACTERS[(group >> 6) & 63]! : PADDING
    characters[count++] = i + 2 < to ? BASE64_CHARACTERS[group & 63]! : PADDING
  }
  return String.fromCharCode(...characters)
}

/**
 * Decodes canonical padded base64, exactly `length` bytes when given. Returns undefined for any
 * other text.
 */
export function readBase64(text: string, length?: number): Uint8Array | undefined {
  if (text.length % 4 !== 0 || !BASE64.test(text)) return undefined
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0
  const bytes = new Uint8Array((text.length / 4) * 3 - padding)
  if (length !== undefined && bytes.length !== length) return undefined
  let group = 0
  for (let i = 0; i < text.length; i++) {
    group = (group << 6) | BASE64_VALUE[text.charCodeAt(i)]!
    if (i % 4 !== 3) continue
    const at = (i - 3) * 0.75
    // Assignments beyond the end of a typed array are ignored.
    bytes[at] = group >> 16
    bytes[at + 1] = group >> 8
    bytes[at + 2] = group
    // RFC 4648 §3.5: unused bits in the last character must be zero.
    const spare = i === text.length - 1 ? group & (2 ** (8 * padding) - 1) : 0
    if (spare !== 0) return undefined
    group = 0
  }
  return bytes
}

/**
 * Decodes canonical padded base64, exactly `length` bytes when given. Throws BytesError
 * BASE64_MALFORMED.
 */
export function fromBase64(text: string, length?: number): Uint8Array {
  const bytes = readBase64(text, length)
  if (!bytes) throw new BytesError('BASE64_MALFORMED', `expected ${describeLength(length)} in padded base64, got ${quote(text)}`)
  return bytes
}

/** Base64url, RFC 4648 §5, without padding. */
export function toBase64Url(bytes: Uint8Array): string {
  return toBase64(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

/**
 * Decodes canonical unpadded base64url, exactly `length` bytes when given. Throws BytesError
 * BASE64_MALFORMED.
 */
export function fromBase64Url(text: string, length?: number): Uint8Array {
  const padded = text.replaceAll('-', '+').replaceAll('_', '/') + '='.repeat((4 - (text.length % 4)) % 4)
  const bytes = BASE64_URL.test(text) ? readBase64(padded, length) : undefined
  if (!bytes) throw new BytesError('BASE64_MALFORMED', `expected ${describeLength(length)} in unpadded base64url, got ${quote(text)}`)
  return bytes
}

/**
 * Encodes UTF-8. Throws BytesError UTF8_MALFORMED for a lone surrogate, which has no UTF-8 form.
 */
export function toUtf8(text: string): Uint8Array {
  if (!text.isWellFormed()) throw new BytesError('UTF8_MALFORMED', 'the text contains a lone surrogate')
  return encoder.encode(text)
}

/**
 * Decodes UTF-8. Throws BytesError UTF8_MALFORMED for anything else, a byte order mark included.
 */
export function fromUtf8(bytes: Uint8Array): string {
  const text = decodeUtf8(bytes)
  if (text.startsWith('\ufeff')) throw new BytesError('UTF8_MALFORMED', 'the text begins with a byte order mark: save it without one')
  return text
}

/** The value of each digit by its character code. The patterns above admit no other character. */
function valuesOf(digits: string): Uint8Array {
  const values = new Uint8Array(128)
  for (let value = 0; value < digits.length; value++) values[digits.charCodeAt(value)] = value
  return values
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes)
  } catch (cause) {
    throw new BytesError('UTF8_MALFORMED', 'the bytes are not UTF-8', { cause })
  }
}

function describeLength(length: number | undefined): string {
  return length === undefined ? 'bytes' : `${length} bytes`
}

function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)
}

/** Codes: HEX_MALFORMED, BASE64_MALFORMED, UTF8_MALFORMED. */
export class BytesError extends OpenSealError {}

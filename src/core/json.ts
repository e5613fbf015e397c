/** JSON that a hash or a verdict depends on: a strict reader (design §3) and the RFC 8785 form. */

import canonicalize from 'canonicalize'
import { OpenSealError } from './errors.ts'

/** A JSON value as `parseJson` returns it. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [member: string]: Json }

/** Options of the strict reader. */
export type JsonOptions = {
  /** Accepts `null`: only for documents, where OCDS gives it a meaning. */
  readonly allowNull?: boolean
  /** Refuses a number whose double is not the same decimal value: only for the `jcs` digest. */
  readonly exactNumbers?: boolean
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const MAX_DEPTH = 128

/**
 * Reads JSON strictly: UTF-8 without BOM, no duplicate keys, no lone surrogates, no `null` unless
 * allowed, depth ≤ 128, no number beyond a double. Throws JsonError.
 */
export function parseJson(input: string | Uint8Array, options: JsonOptions = {}): Json {
  const text = typeof input === 'string' ? input : decodeUtf8(input)
  const quick = parseQuickly(text, options)
  return quick === undefined ? parseStrictly(text, options) : quick
}

/** The RFC 8785 (JCS) form of a value from the strict reader. */
export function canonicalJson(value: Json): string {
  const text = canonicalize(value)
  if (text === undefined) throw new Error('bug: a value that is not JSON')
  return text
}

/** True for a JSON object: neither an array nor null. */
export function isJsonObject(value: Json | undefined): value is { readonly [member: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes)
  } catch (cause) {
    throw new JsonError('JSON_NOT_UTF8', 'the JSON text is not UTF-8', { cause })
  }
}

/**
 * Accepts text that JSON.stringify would write identically. Such text has no duplicate keys, raw
 * lone surrogates or numbers that do not round-trip. Returns undefined when only the strict reader
 * can decide. Everything that this project writes takes this path.
 */
function parseQuickly(text: string, { allowNull }: JsonOptions): Json | undefined {
  const compact = text.endsWith('\n') ? text.slice(0, -1) : text
  if (compact.includes('\\ud') || (!allowNull && compact.includes('null')) || !hasFewBrackets(compact)) return undefined
  try {
    const value: Json = JSON.parse(compact)
    const plain = JSON.stringify(value)
    // Proofs in receipts escape this one character although JSON does not require it
    // (quoteTlogProof).
    return plain === compact || plain === compact.replaceAll('\\u2014', '\u2014') ? value : undefined
  } catch (error) {
    // The strict reader reports the fault and its position.
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

/** Bounds the depth by counting opening brackets: JSON.parse and JSON.stringify recurse. */
function hasFewBrackets(text: string): boolean {
  let count = 0
  for (const bracket of ['{', '['])
    for (let at = text.indexOf(bracket); at >= 0 && count <= MAX_DEPTH; at = text.indexOf(bracket, at + 1)) count++
  return count <= MAX_DEPTH
}

type Reader = { readonly text: string; readonly options: JsonOptions; at: number }

function parseStrictly(text: string, options: JsonOptions): Json {
  if (text.startsWith('\ufeff'))
    throw new JsonError('JSON_NOT_UTF8', 'the JSON text starts with a byte order mark: save it as UTF-8 without BOM')
  const reader: Reader = { text, options, at: 0 }
  skipSpace(reader)
  const value = readValue(reader, 0)
  skipSpace(reader)
  if (reader.at < text.length) throw malformed(reader, 'there is text after the value')
  return value
}

function readValue(reader: Reader, depth: number): Json {
  const { text, at } = reader
  const first = text[at]
  if (first === '{') return readObject(reader, depth + 1)
  if (first === '[') return readArray(reader, depth + 1)
  if (first === '"') return readString(reader)
  if (text.startsWith('true', at)) return skip(reader, 4, true)
  if (text.startsWith('false', at)) return skip(reader, 5, false)
  if (text.startsWith('null', at)) {
    if (!reader.options.allowNull) throw new JsonError('JSON_NULL', `null is not accepted: omit the member (${place(reader)})`)
    return skip(reader, 4, null)
  }
  return readNumber(reader)
}

function readObject(reader: Reader, depth: number): Json {
  enter(reader, depth)
  const object: { [member: string]: Json } = {}
  if (skipped(reader, '}')) return object
  do {
    skipSpace(reader)
    if (reader.text[reader.at] !== '"') throw malformed(reader, 'a member name was expected')
    const start = reader.at
    const name = readString(reader)
    if (Object.hasOwn(object, name)) {
      throw new JsonError(
        'JSON_DUPLICATE_KEY',
        `the member ${JSON.stringify(name)} appears twice in one object (${place({ ...reader, at: start })})`,
      )
    }
    if (!skipped(reader, ':')) throw malformed(reader, 'a colon was expected')
    skipSpace(reader)
    const value = readValue(reader, depth)
    // An assignment to __proto__ would set the prototype instead.
    if (name === '__proto__') Object.defineProperty(object, name, { value, enumerable: true, writable: true, configurable: true })
    else object[name] = value
  } while (skipped(reader, ','))
  if (!skipped(reader, '}')) throw malformed(reader, 'a comma or a closing brace was expected')
  return object
}

function readArray(reader: Reader, depth: number): Json {
  enter(reader, depth)
  const array: Json[] = []
  if (skipped(reader, ']')) return array
  do {
    skipSpace(reader)
    array.push(readValue(reader, depth))
  } while (skipped(reader, ','))
  if (!skipped(reader, ']')) throw malformed(reader, 'a comma or a closing bracket was expected')
  return array
}

function enter(reader: Reader, depth: number): void {
  if (depth > MAX_DEPTH) throw new JsonError('JSON_DEPTH', `nested deeper than ${MAX_DEPTH} (${place(reader)})`)
  reader.at++
}

const ESCAPES: { readonly [letter: string]: string } = { '"': '"', '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }

function readString(reader: Reader): string {
  const { text } = reader
  const start = reader.at
  // biome-ignore lint/suspicious/noControlCharactersInRegex: RFC 8259 §7 forbids just these unescaped.
  const plain = /[^"\\\u0000-\u001f]*/y
  let value = ''
  reader.at++
  for (;;) {
    plain.lastIndex = reader.at
    value += plain.exec(text)?.[0] ?? ''
    reader.at = plain.lastIndex
    if (text[reader.at] === '"') break
    if (text[reader.at] !== '\\') throw malformed(reader, 'a string is not closed or contains a control character')
    value += readEscape(reader)
  }
  reader.at++
  if (!value.isWellFormed())
    throw new JsonError('JSON_SURROGATE', `a string contains half of a surrogate pair (${place({ ...reader, at: start })})`)
  return value
}

function readEscape(reader: Reader): string {
  const letter = reader.text[reader.at + 1] ?? ''
  if (letter === 'u') {
    const hex = reader.text.slice(reader.at + 2, reader.at + 6)
    if (!/^[0-9a-fA-F]{4}$/.test(hex)) throw malformed(reader, 'four hex digits were expected after \\u')
    return skip(reader, 6, String.fromCharCode(Number.parseInt(hex, 16)))
  }
  if (!Object.hasOwn(ESCAPES, letter)) throw malformed(reader, 'an unknown escape')
  return skip(reader, 2, ESCAPES[letter] ?? '')
}

function readNumber(reader: Reader): number {
  const number = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y
  number.lastIndex = reader.at
  const token = number.exec(reader.text)?.[0]
  if (token === undefined) throw malformed(reader, 'a value was expected')
  const value = Number(token)
  if (!Number.isFinite(value) || (reader.options.exactNumbers && decimalOf(token) !== decimalOf(String(value)))) {
    throw new JsonError('JSON_NUMBER', `the number ${token.slice(0, 40)} is not exact as a double (${place(reader)})`)
  }
  return skip(reader, token.length, value)
}

/**
 * The canonical spelling of a decimal number: its significant digits and a power of ten. 10.0, 1e1
 * and 10 all become `1e1`.
 */
function decimalOf(token: string): string {
  const [mantissa = '', exponent = '0'] = token.toLowerCase().split('e')
  const [whole = '', fraction = ''] = mantissa.replace('-', '').split('.')
  const digits = (whole + fraction).replace(/^0+/, '')
  const significant = stripTrailingZeros(digits)
  if (significant === '') return '0'
  const power = Number(exponent) - fraction.length + digits.length - significant.length
  return `${mantissa.startsWith('-') ? '-' : ''}${significant}e${power}`
}

function stripTrailingZeros(digits: string): string {
  let end = digits.length
  while (digits[end - 1] === '0') end--
  return digits.slice(0, end)
}

function skipSpace(reader: Reader): void {
  const space = /[ \t\n\r]*/y
  space.lastIndex = reader.at
  space.exec(reader.text)
  reader.at = space.lastIndex
}

/** Skips white space, then the character if it comes next. Returns whether it did. */
function skipped(reader: Reader, character: string): boolean {
  skipSpace(reader)
  if (reader.text[reader.at] !== character) return false
  reader.at++
  return true
}

function skip<T>(reader: Reader, length: number, value: T): T {
  reader.at += length
  return value
}

function place({ text, at }: Reader): string {
  let line = 1
  let start = 0
  for (let end = text.indexOf('\n'); end !== -1 && end < at; end = text.indexOf('\n', start)) {
    line++
    start = end + 1
  }
  return `line ${line}, character ${at - start + 1}`
}

function malformed(reader: Reader, what: string): JsonError {
  return new JsonError('JSON_MALFORMED', `not JSON: ${what} (${place(reader)})`)
}

/**
 * JSON_MALFORMED, JSON_DUPLICATE_KEY, JSON_SURROGATE, JSON_NULL, JSON_DEPTH, JSON_NUMBER or
 * JSON_NOT_UTF8.
 */
export class JsonError extends OpenSealError {}

/**
 * A strict reader of DER (ITU-T X.690 §10–11), as much as certificates and time stamps need. It
 * refuses BER's other spellings: indefinite lengths, lengths with zeros in front, strings in parts.
 */

import { OpenSealError } from '../errors.ts'
import { isTime } from '../time.ts'

/** One element, read with everything in it. */
export type Der = {
  /** The identifier octet: class, whether the element is constructed, number. */
  readonly tag: number
  /** The element's bytes: identifier, length and content. */
  readonly whole: Uint8Array
  readonly content: Uint8Array
  /** The elements inside a constructed one. */
  readonly children: readonly Der[]
}

/** Identifier octets. X.680 §8.4. */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  sequence: 0x30,
  set: 0x31,
  utcTime: 0x17,
  generalizedTime: 0x18,
} as const

const MAX_DEPTH = 24
const MAX_ELEMENTS = 4096
const CONSTRUCTED = 0x20
const HIGH_NUMBER = 0x1f
const CONTEXT = 0x80

/** Reads one element that fills the bytes. Throws DerError. */
export function parseDer(bytes: Uint8Array): Der {
  let left = MAX_ELEMENTS
  const readAt = (start: number, end: number, depth: number): Der => {
    if (left-- === 0 || depth > MAX_DEPTH) throw malformed('it has too many elements')
    const { tag, from, to } = readHead(bytes, start, end)
    const children: Der[] = []
    if ((tag & CONSTRUCTED) !== 0)
      for (let at = from; at < to; ) {
        const child = readAt(at, to, depth + 1)
        children.push(child)
        at += child.whole.length
      }
    return { tag, whole: bytes.subarray(start, to), content: bytes.subarray(from, to), children }
  }
  const root = readAt(0, bytes.length, 0)
  if (root.whole.length !== bytes.length) throw malformed('bytes follow it')
  return root
}

/**
 * The type of the element at `start`, and where its content is. The content itself is not read.
 * Throws DerError.
 */
export function readHead(bytes: Uint8Array, start: number, end: number): { tag: number; from: number; to: number } {
  const [tag, first] = [bytes[start], bytes[start + 1]]
  if (start + 2 > end || tag === undefined || first === undefined) throw malformed('an element is cut off')
  if (!isKnown(tag)) throw malformed(`it has an element of type ${tag}`)
  const more = first < 0x80 ? 0 : first - 0x80
  if (first === 0x80 || more > 3) throw malformed('an element has no definite length, or is too long')
  let length = more === 0 ? first : 0
  for (let at = 0; at < more; at++) length = length * 256 + (bytes[start + 2 + at] ?? 0)
  const isShortest = more === 0 || length >= (more === 1 ? 0x80 : 256 ** (more - 1))
  if (!isShortest) throw malformed('a length is not in its shortest form')
  const from = start + 2 + more
  if (from + length > end) throw malformed('an element is cut off')
  return { tag, from, to: from + length }
}

/** Of the universal types, DER constructs SEQUENCE and SET, always, and no other. */
function isKnown(tag: number): boolean {
  const number = tag & HIGH_NUMBER
  if (tag === 0 || number === HIGH_NUMBER) return false
  if (tag >= 0x40) return true
  return number === 16 || number === 17 ? tag >= CONSTRUCTED : tag < CONSTRUCTED
}

/** The members of a SEQUENCE in their order, read one after the other. */
export type DerMembers = {
  /** The next member, of this type. Throws DerError. */
  need(tag: number): Der
  /** The next member if it is of this type. */
  take(tag: number): Der | undefined
  /** The next member, of any type. Throws DerError. */
  any(): Der
  /** Throws DerError if there are more. */
  end(): void
}

/** Reads the members of a constructed element, whose type must be `tag`. Throws DerError. */
export function membersOf(der: Der, tag: number = TAG.sequence): DerMembers {
  expect(der, tag)
  let at = 0
  const any = () => {
    const next = der.children[at++]
    if (next === undefined) throw malformed('a member is missing')
    return next
  }
  return {
    any,
    need: wanted => expect(any(), wanted),
    take: wanted => (der.children[at]?.tag === wanted ? any() : undefined),
    end: () => {
      if (at !== der.children.length) throw malformed('it has an unknown member')
    },
  }
}

/** The identifier octet of a context-specific element: constructed unless told otherwise. */
export function contextTag(number: number, isConstructed = true): number {
  return CONTEXT + (isConstructed ? CONSTRUCTED : 0) + number
}

/** The element inside an explicit tag. Throws DerError. */
export function inner(der: Der): Der {
  const [only, ...more] = der.children
  if (only === undefined || more.length > 0) throw malformed('a tag holds no single element')
  return only
}

/** An object identifier as text, `1.2.840`. Throws DerError. */
export function oidOf(der: Der): string {
  const { content } = expect(der, TAG.oid)
  if (content.length === 0 || content.length > 64 || content[content.length - 1]! >= 0x80)
    throw malformed('an object identifier is cut off')
  const arcs: bigint[] = []
  let arc = 0n
  let isFirst = true
  for (const byte of content) {
    if (isFirst && byte === 0x80) throw malformed('an object identifier is not in its shortest form')
    arc = arc * 128n + BigInt(byte & 0x7f)
    isFirst = byte < 0x80
    if (!isFirst) continue
    arcs.push(arc)
    arc = 0n
  }
  const [both = 0n, ...others] = arcs
  const first = both < 80n ? both / 40n : 2n
  return [first, both - first * 40n, ...others].join('.')
}

/** The two's complement bytes of an INTEGER, in its shortest form. Throws DerError. */
export function integerOf(der: Der): Uint8Array {
  return checkInteger(expect(der, TAG.integer).content)
}

/** A whole number from 0 to 2^31 − 1. Throws DerError. */
export function countOf(der: Der): number {
  return countIn(integerOf(der))
}

/** The same from the content of an INTEGER with an implicit tag. Throws DerError. */
export function countIn(content: Uint8Array): number {
  const bytes = checkInteger(content)
  const value = bytes.reduce((sum, byte) => sum * 256 + byte, 0)
  if (bytes[0]! >= 0x80 || value >= 2 ** 31) throw malformed('a number is out of range')
  return value
}

/** The bits of a BIT STRING that fills whole bytes. Throws DerError. */
export function wholeBits(der: Der): Uint8Array {
  const { content } = expect(der, TAG.bitString)
  if (content[0] !== 0) throw malformed('a bit string does not fill its bytes')
  return content.subarray(1)
}

/** True or false. Throws DerError. */
export function booleanOf(der: Der): boolean {
  const { content } = expect(der, TAG.boolean)
  if (content.length !== 1 || (content[0] !== 0 && content[0] !== 0xff)) throw malformed('a truth value is neither 00 nor ff')
  return content[0] === 0xff
}

/** Unix seconds of a UTCTime or a GeneralizedTime without fractions, as certificates have them. */
export function timeOf(der: Der): number {
  const text = latin(der.content)
  if (der.tag === TAG.generalizedTime) return secondsOf(text)
  expect(der, TAG.utcTime)
  // RFC 5280 §4.1.2.5.1: two digits of the year are of 1950 to 2049.
  return secondsOf(`${text.slice(0, 2) < '50' ? '20' : '19'}${text}`)
}

/** Unix seconds of `YYYYMMDDhhmmssZ`. Throws DerError. */
export function secondsOf(text: string): number {
  const spelled = text.replace(/^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\dZ)$/, '$1-$2-$3T$4:$5:$6')
  if (!isTime(spelled)) throw malformed('a time is not one')
  return Date.parse(spelled) / 1000
}

/** Bytes as text, one character each. */
export function latin(bytes: Uint8Array): string {
  return Array.from(bytes, byte => String.fromCharCode(byte)).join('')
}

/** The element, if it is of this type. Throws DerError. */
export function expect(der: Der, tag: number): Der {
  if (der.tag !== tag) throw malformed(`an element of type ${tag} is missing`)
  return der
}

function checkInteger(content: Uint8Array): Uint8Array {
  const [first, second = 0] = content
  const isPadded = content.length > 1 && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80))
  if (first === undefined || isPadded) throw malformed('a number is not in its shortest form')
  return content
}

/** The error for bytes that are not what they must be. */
export function malformed(why: string): DerError {
  return new DerError('DER_MALFORMED', why)
}

/** DER_MALFORMED. */
export class DerError extends OpenSealError {}

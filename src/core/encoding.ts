/**
 * Decodes text that people saved as UTF-8 or UTF-16, with or without a byte order mark. Parsers of
 * the decoded text stay strict.
 */

import { OpenSealError } from './errors.ts'

const BYTE_ORDER_MARK = '\ufeff'
const encoder = new TextEncoder()

/**
 * The text of bytes in UTF-8 or UTF-16, without a byte order mark. UTF-16 is recognised by its mark
 * or by a zero byte among the first two, because JSON and fingerprint lists begin with an ASCII
 * character.
 * @throws EncodingError TEXT_NOT_UTF8
 */
export function decodeText(input: string | Uint8Array): string {
  const text = typeof input === 'string' ? input : decode(input)
  return text.startsWith(BYTE_ORDER_MARK) ? text.slice(BYTE_ORDER_MARK.length) : text
}

/** Whether the text takes more than `maxBytes` in UTF-8, regardless of how it was saved. */
export function isLonger(text: string, maxBytes: number): boolean {
  // A UTF-16 code unit takes one to three bytes in UTF-8.
  return text.length > maxBytes || (text.length * 3 > maxBytes && encoder.encode(text).length > maxBytes)
}

/**
 * The most bytes that a text of `maxBytes` in UTF-8 can take in UTF-16 with its mark. Longer input
 * is too long in any encoding.
 */
export function mostBytes(maxBytes: number): number {
  return 2 * maxBytes + 2
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder(encodingOf(bytes), { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw new EncodingError('TEXT_NOT_UTF8', 'the text cannot be decoded: save it as UTF-8 and try again', { cause })
  }
}

function encodingOf([first, second]: Uint8Array): 'utf-8' | 'utf-16le' | 'utf-16be' {
  if ((first === 0xff && second === 0xfe) || (first !== undefined && first !== 0 && second === 0)) return 'utf-16le'
  return (first === 0xfe && second === 0xff) || (first === 0 && second !== undefined && second !== 0) ? 'utf-16be' : 'utf-8'
}

/** TEXT_NOT_UTF8. */
export class EncodingError extends OpenSealError {}

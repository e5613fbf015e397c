/** Text as people's programs save it: UTF-8, UTF-8 with a byte order mark, or UTF-16 as Windows tools write it. */
import { OpenSealError } from './errors.ts'

type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be'

/**
 * The text of a receipt, a policy or a list of fingerprints, without a byte order mark. For files whose exact bytes count this is no reader.
 * Throws TextError TEXT_ENCODING.
 */
export function readText(bytes: Uint8Array): string {
  try {
    return new TextDecoder(encodingOf(bytes), { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new TextError('TEXT_ENCODING', 'it is in an encoding that is not known here: save it as UTF-8', { cause })
  }
}

/** True where the bytes begin like text that is not plain UTF-8: with a byte order mark, or with a letter of UTF-16. */
export function isOtherEncoding(bytes: Uint8Array): boolean {
  return encodingOf(bytes) !== 'utf-8' || (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf)
}

/** By the mark; without one by the zero bytes that UTF-16 has beside the letters of ASCII. */
function encodingOf([first, second, third, fourth]: Uint8Array): Encoding {
  if (first === 0xff && second === 0xfe) return 'utf-16le'
  if (first === 0xfe && second === 0xff) return 'utf-16be'
  if (first && third && second === 0 && fourth === 0) return 'utf-16le'
  return second && fourth && first === 0 && third === 0 ? 'utf-16be' : 'utf-8'
}

/** TEXT_ENCODING. */
export class TextError extends OpenSealError {}

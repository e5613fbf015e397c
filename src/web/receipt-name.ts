/** The name under which a receipt is saved, so that `openseal verify FILE` finds it beside its file. */
import { toUtf8 } from '../core/bytes.ts'

/** The command line looks for this after the name of the file. */
const ENDING = '.receipt.json'
/** The longest name that file systems take, in bytes. */
const MAX_NAME_BYTES = 255
/** Characters that a system refuses in a name, or takes for a path, or that nobody sees. */
const UNFIT = /[\\/:*?"<>|\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufffd]/gu
/** Devices of Windows, which no file there can be called, whatever its ending. */
const DEVICE = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?=\s*(?:\.|$))/i

/**
 * The document's own name with our ending, without what a system would refuse or take for a path;
 * named after the entry if there is no document.
 */
export function receiptName(index: number, document: string | undefined): string {
  if (document === undefined) return `entry-${index}${ENDING}`
  const plain = document
    .toWellFormed()
    .replace(UNFIT, '_')
    .replace(/^[.\s]+/, hidden => '_'.repeat(hidden.length))
    .replace(DEVICE, '_$&')
  return `${shorten(plain)}${ENDING}`
}

/** As many whole characters as there is room for. */
function shorten(name: string): string {
  const room = MAX_NAME_BYTES - ENDING.length
  if (toUtf8(name).length <= room) return name
  let [length, kept] = [0, '']
  for (const character of name) {
    length += toUtf8(character).length
    if (length > room) return kept
    kept += character
  }
  return kept
}

/** Bytes as they stream by: kept within a bound, and checked for UTF-8. */
import { isUtf8 } from 'node:buffer'
import { OcdsError } from './error.ts'

/** A growing buffer, as `createBytes` makes it. */
export type Bytes = ReturnType<typeof createBytes>

/** A growing buffer. Beyond `maxBytes` it throws OcdsError, or drops what it holds where it is `lossy`. */
export function createBytes(maxBytes: number, lossy = false) {
  let held = Buffer.allocUnsafe(lossy ? 4096 : 256)
  let size = 0
  const reserve = (more: number): boolean => {
    if (size + more > maxBytes) {
      if (!lossy) throw new OcdsError('OCDS_TOO_LARGE', `more than ${maxBytes} bytes stand around the releases`)
      size = maxBytes + 1
      held = Buffer.alloc(0)
      return false
    }
    if (size + more > held.length) {
      const grown = Buffer.allocUnsafe(Math.max(held.length * 2, size + more))
      held.copy(grown, 0, 0, size)
      held = grown
    }
    return true
  }
  return {
    add: (byte: number) => {
      if (reserve(1)) held[size++] = byte
    },
    addAll: (bytes: Uint8Array) => {
      if (!reserve(bytes.length)) return
      held.set(bytes, size)
      size += bytes.length
    },
    last: () => held[size - 1],
    size: () => size,
    from: (start: number) => held.subarray(start, size),
    take: () => held.subarray(0, size),
    overflowed: () => size > maxBytes,
  }
}

/** Checks a stream for UTF-8; a character may lie across two chunks. One cut off at the very end is for the caller: no JSON ends in one. */
export function createUtf8Check(): { push(chunk: Uint8Array): void } {
  let held = Buffer.alloc(0)
  let offset = 0
  const check = (bytes: Uint8Array) => {
    if (!isUtf8(bytes)) {
      throw new OcdsError(
        'OCDS_NOT_UTF8',
        `the file is not UTF-8 (within the ${bytes.length} bytes from byte ${offset}). Convert it, or submit it without --ocds.`,
      )
    }
    offset += bytes.length
  }
  return {
    push: chunk => {
      const bytes = held.length === 0 ? chunk : Buffer.concat([held, chunk])
      const end = bytes.length - openCharacterBytes(bytes)
      if (end > 0) {
        check(bytes.subarray(0, end))
        held = Buffer.from(bytes.subarray(end))
      } else held = Buffer.from(bytes)
    },
  }
}

/** How many bytes at the end begin a character that is not whole yet: 0 to 3. */
function openCharacterBytes(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back]!
    if (byte < 0x80) return 0
    if (byte >= 0xc0) return back < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) ? back : 0
  }
  return 0
}

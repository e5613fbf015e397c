/** Bytes as they stream by: kept within a bound, and checked for UTF-8. */
import { OcdsError } from './error.ts'

/** A growing buffer, as `createBytes` makes it. */
export type Bytes = ReturnType<typeof createBytes>

/** A growing buffer. Beyond `maxBytes` it throws OcdsError, or drops what it holds where it is `lossy`. */
export function createBytes(maxBytes: number, lossy = false) {
  let held = new Uint8Array(lossy ? 4096 : 256)
  let size = 0
  const reserve = (more: number): boolean => {
    if (size + more > maxBytes) {
      if (!lossy) throw new OcdsError('OCDS_TOO_LARGE', `more than ${maxBytes} bytes stand around the releases`)
      size = maxBytes + 1
      held = new Uint8Array(0)
      return false
    }
    if (size + more > held.length) {
      const grown = new Uint8Array(Math.max(held.length * 2, size + more))
      grown.set(held.subarray(0, size))
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
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  let offset = 0
  return {
    push: chunk => {
      try {
        decoder.decode(chunk, { stream: true })
      } catch (cause) {
        throw new OcdsError(
          'OCDS_NOT_UTF8',
          `the file is not UTF-8 (within the ${chunk.length} bytes from byte ${offset}). Convert it, or submit it without --ocds.`,
          { cause },
        )
      }
      offset += chunk.length
    },
  }
}

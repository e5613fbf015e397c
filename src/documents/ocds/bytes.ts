/** Buffers for streamed bytes: bounded, and checked for UTF-8. Codes of the bytes of JSON. */
import { OcdsError } from './error.ts'

export const QUOTE = 0x22
export const BACKSLASH = 0x5c
export const OPEN_OBJECT = 0x7b
export const CLOSE_OBJECT = 0x7d
export const OPEN_ARRAY = 0x5b
export const CLOSE_ARRAY = 0x5d

/** A buffer from `createBytes`. */
export type Bytes = ReturnType<typeof createBytes>

/**
 * Creates a growing buffer. Beyond `maxBytes` it throws OcdsError, or drops its content if it is
 * `lossy`.
 */
export function createBytes(maxBytes: number, lossy = false) {
  let held = new Uint8Array(lossy ? 4096 : 256)
  let size = 0
  const reserve = (more: number): boolean => {
    if (size + more > maxBytes) {
      if (!lossy) throw new OcdsError('OCDS_TOO_LARGE', `there are more than ${maxBytes} bytes around the releases`)
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

/**
 * Creates a UTF-8 check for a stream whose characters may cross chunks. It accepts a character cut
 * off at the very end: no JSON ends in one, so the caller's reader refuses it.
 */
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

/** Unpacks gzip as a stream, within bounds. */
import { copyBytes } from '../core/bytes.ts'
import { OpenSealError } from '../core/errors.ts'
import { DocumentError } from './reading.ts'

/** Ordinary data packs to no less than a hundredth of its size. */
const MAX_RATIO = 200
const RATIO_FROM_BYTES = 1024 * 1024

/**
 * Creates an unpacker: `push` every chunk in order, then `end`. `take` gets what is unpacked; its
 * errors come out of `push` or `end`. Throws DocumentError ARCHIVE_DAMAGED or ARCHIVE_BOMB.
 */
export function createGunzip(take: (part: Uint8Array) => void | Promise<void>): {
  push(chunk: Uint8Array): Promise<void>
  end(): Promise<void>
} {
  const stream = new DecompressionStream('gzip')
  const writer = stream.writable.getWriter()
  let packed = 0
  let unpacked = 0
  let failure: unknown
  const pump = async () => {
    const reader = stream.readable.getReader()
    try {
      for (;;) {
        const { done, value } = await reader.read()
        if (done) return
        unpacked += value.length
        if (unpacked > RATIO_FROM_BYTES && unpacked > packed * MAX_RATIO)
          throw new DocumentError('ARCHIVE_BOMB', `the gzip archive unpacks to more than ${MAX_RATIO} times its size`)
        await take(value)
      }
    } catch (error) {
      failure =
        error instanceof OpenSealError ? error : new DocumentError('ARCHIVE_DAMAGED', 'the gzip archive is damaged', { cause: error })
      // A writer that still waits learns of the failure.
      await reader.cancel().catch(() => {})
      throw failure
    }
  }
  const pumping = pump()
  pumping.catch(() => {}) // `push` and `end` throw it
  const write = async (action: () => Promise<void>) => {
    await Promise.race([action().catch(() => pumping), pumping])
    if (failure !== undefined) throw failure
  }
  return {
    push: chunk => {
      packed += chunk.length
      return write(() => writer.write(copyBytes(chunk)))
    },
    end: async () => {
      await write(() => writer.close())
      await pumping
    },
  }
}

/** Randomness of a simulation: one seed, and a stream of its own for each purpose. */
import { copyBytes } from '../../src/core/bytes.ts'
import { sha256Text } from '../../src/core/hash.ts'

export type Random = {
  /** A number from 0 up to, and without, 1. */
  next(): number
  /** A whole number from 0 up to, and without, `below`. */
  below(below: number): number
  /** Whether something of this probability happens. */
  chance(probability: number): boolean
  pick<T>(of: readonly T[]): T
  bytes(length: number): Uint8Array
  /** A stream of its own. Drawing from one does not shift the others. */
  fork(label: string): Random
}

/** The stream of a label: sfc32, seeded with the label's hash. */
export function createRandom(label: string): Random {
  const seed = new DataView(copyBytes(sha256Text(label)).buffer)
  let [a, b, c, count] = [seed.getInt32(0), seed.getInt32(4), seed.getInt32(8), 1]
  const word = () => {
    const sum = (a + b + count) | 0
    count = (count + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + sum
    return sum >>> 0
  }
  for (let i = 0; i < 12; i++) word()
  const next = () => word() / 2 ** 32
  const below = (most: number) => Math.floor(next() * most)
  return {
    next,
    below,
    chance: probability => next() < probability,
    pick: of => of[below(of.length)]!,
    bytes(length) {
      const bytes = new Uint8Array(length)
      for (let i = 0; i < length; i++) bytes[i] = word() & 0xff
      return bytes
    },
    fork: more => createRandom(`${label}/${more}`),
  }
}

/**
 * The path from a leaf up to the root, step by step, as a person can follow it with `sha256sum`.
 */
import { type Hash, hashNode } from '../core/hash.ts'

/** One line: the given fingerprint, its side, and the result. */
export type PathLine = { readonly side: 'left' | 'right'; readonly given: Hash; readonly result: Hash }

/**
 * The lines of an inclusion proof. RFC 9162 §2.1.3.2. If the proof is valid, the last result is the
 * root.
 */
export function proofPath(index: number, size: number, leafHash: Hash, proof: readonly Hash[]): PathLine[] {
  const lines: PathLine[] = []
  let [place, last, result] = [index, size - 1, leafHash]
  for (const given of proof) {
    const side = place % 2 === 1 || place === last ? 'left' : 'right'
    result = side === 'left' ? hashNode(given, result) : hashNode(result, given)
    lines.push({ side, given, result })
    // On the right edge, a node without a sibling moves up unchanged.
    while (side === 'left' && place % 2 === 0 && place !== 0) [place, last] = [place / 2, Math.floor(last / 2)]
    ;[place, last] = [Math.floor(place / 2), Math.floor(last / 2)]
  }
  return lines
}

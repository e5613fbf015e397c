/**
 * Inclusion proofs, each verified before it is served. Above a full tile, the proof is the same for
 * all of the tile's leaves, so that part is kept once it was verified: without it, receipts fall
 * from 0.42 to 0.36 of bare Koa (2026-11-30).
 */
import { attempt, attemptAsync } from '../core/attempt.ts'
import type { Hash } from '../core/hash.ts'
import { type InclusionProof, proveInclusion, verifyInclusion } from '../core/tlog/proof.ts'
import { TILE_HEIGHT, TILE_WIDTH } from '../core/tlog/tile.ts'
import type { ReadHashes } from '../core/tlog/tree.ts'
import { keepLast } from './kept.ts'
import { makeVerified, type Readers } from './verified.ts'

/** The root hash of a full tile, and the proof from there up to the root of one size. */
type Above = { readonly tileRoot: Hash; readonly proof: readonly Hash[] }

/** Each takes about a kilobyte. This many cover half a million entries. */
const KEPT = 2048

/**
 * Makes the proof of the entry at `index` in the tree of `size` with this root; of the leaf, if the
 * caller has hashed it.
 */
export type ProveEntry = (index: number, size: number, root: Hash, leaf?: Hash) => Promise<InclusionProof>

/** @throws DamageError; ProofError if no tile is damaged, but the entry has another leaf */
export function createInclusion(nodes: Readers): ProveEntry {
  const kept = keepLast<string, Above>(KEPT)

  /** The proof in a tree whose leaves begin at `from`: the whole tree, or one full tile. */
  const prove = (index: number, from: number, size: number, root: Hash, leaf?: Hash): Promise<InclusionProof> => {
    const make = async (read: ReadHashes) => {
      const leafHash = leaf ?? (await read([{ level: 0, index: from + index }]))[0]!
      const readFrom: ReadHashes = wanted => read(wanted.map(node => ({ level: node.level, index: node.index + from / 2 ** node.level })))
      return { index, size, leafHash, root, proof: await proveInclusion(index, size, from === 0 ? read : readFrom) }
    }
    return makeVerified(nodes, make, verifyInclusion)
  }

  /**
   * Keeps the upper part of a verified proof, if the lower part leads to the tile's root. The proof
   * itself may not need that root, so it is given also where the root cannot be read.
   */
  const keep = async (key: string, { index, leafHash, proof }: InclusionProof) => {
    const { value = [] } = await attemptAsync(() => nodes.read([{ level: TILE_HEIGHT, index: Math.floor(index / TILE_WIDTH) }]))
    const [tileRoot] = value
    if (tileRoot === undefined) return
    const lower = { index: index % TILE_WIDTH, size: TILE_WIDTH, leafHash, root: tileRoot, proof: proof.slice(0, TILE_HEIGHT) }
    if (attempt(() => verifyInclusion(lower)).error) return
    kept.set(key, { tileRoot, proof: proof.slice(TILE_HEIGHT) })
  }

  return async (index, size, root, leaf) => {
    const from = index - (index % TILE_WIDTH)
    if (from + TILE_WIDTH > size) return prove(index, 0, size, root, leaf)
    const key = `${size}/${from}`
    const above = kept.get(key)
    if (above === undefined) {
      const whole = await prove(index, 0, size, root, leaf)
      await keep(key, whole)
      return whole
    }
    const { leafHash, proof } = await prove(index - from, from, TILE_WIDTH, above.tileRoot, leaf)
    return { index, size, leafHash, root, proof: [...proof, ...above.proof] }
  }
}

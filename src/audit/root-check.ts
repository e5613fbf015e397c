/**
 * Whether a root hash is the re-derived tree's at some size, including sizes that this run did not
 * pass.
 */
import { equalBytes, fromHex } from '../core/bytes.ts'
import { OpenSealError } from '../core/errors.ts'
import type { Hash } from '../core/hash.ts'
import { extendTree } from '../core/tlog/extension.ts'
import { proveConsistency, verifyConsistency } from '../core/tlog/proof.ts'
import { decodeTile, TILE_HEIGHT, TILE_WIDTH, tileWidthAt } from '../core/tlog/tile.ts'
import { type ReadHashes, rootFromRange } from '../core/tlog/tree.ts'
import type { Roots, Tree } from './roots.ts'
import type { AuditInput } from './run.ts'
import type { LedgerSource } from './source.ts'

/** True if the tree has this root at this size, or if the tree did not reach this size. */
export type IsRoot = (size: number, root: Hash) => Promise<boolean>

/**
 * Checks a root at a size: by this run's or an earlier run's re-derivation, otherwise by a
 * consistency proof to the re-derived tree, made from the ledger's tiles. A newly named endpoint
 * therefore does not require a second full audit.
 */
export function createRootCheck({ source, state }: AuditInput, roots: Roots): IsRoot {
  const tree = roots.tree()
  const read = createNodeReader(source, tree.size)
  return async (size, root) => {
    const remembered = state.roots.get(size)
    const derived = roots.at(size) ?? (remembered === undefined ? undefined : fromHex(remembered, 32))
    // Beyond a tree that was cut short, nothing is known; the findings say why.
    return derived !== undefined ? equalBytes(derived, root) : size > tree.size || isConsistent(size, root, tree, read)
  }
}

async function isConsistent(size: number, root: Hash, tree: Tree, read: ReadHashes): Promise<boolean> {
  const proof = await proveConsistency(size, tree.size, read)
  try {
    verifyConsistency({ from: size, to: tree.size, fromRoot: root, toRoot: rootFromRange(tree.range), proof })
    return true
  } catch (error) {
    if (!(error instanceof OpenSealError)) throw error
    return false
  }
}

/** Reads nodes of a tree of `size` from the tiles that a ledger serves. */
export function createNodeReader(source: LedgerSource, size: number): ReadHashes {
  const tiles = new Map<string, Promise<Hash[]>>()
  const readTile = (level: number, index: number) => {
    const width = tileWidthAt(level, index, size)
    const key = `${level}/${index}`
    const tile = tiles.get(key) ?? source.tile(level, index, width).then(bytes => decodeTile(bytes, width))
    if (tiles.size > 1000) tiles.clear()
    tiles.set(key, tile)
    return tile
  }
  return nodes =>
    Promise.all(
      nodes.map(async ({ level, index }) => {
        const count = 2 ** (level % TILE_HEIGHT)
        const first = index * count
        const tile = await readTile(Math.floor(level / TILE_HEIGHT), Math.floor(first / TILE_WIDTH))
        const at = first % TILE_WIDTH
        return rootFromRange(extendTree(0, [], tile.slice(at, at + count)).range)
      }),
    )
}

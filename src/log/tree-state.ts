/**
 * The sequencer's tree: the compact range, the growing edge, and the step from one batch to the
 * next. Pure: a new tree counts only once the store has committed it.
 */
import { concatBytes, copyBytes, equalBytes } from '../core/bytes.ts'
import { EMPTY_ROOT, HASH_BYTES, type Hash, hashLeaf, hashNode } from '../core/hash.ts'
import { type Extension, extendTree } from '../core/tlog/extension.ts'
import { encodeBundle, TILE_HEIGHT, TILE_WIDTH } from '../core/tlog/tile.ts'
import { rootFromRange } from '../core/tlog/tree.ts'
import type { Edge, FullBundle, FullTile, Head } from '../store/port/log.ts'
import { growingIndex, TILE_BYTES, unfold } from './unfolded.ts'

/** A tree that is committed, or about to be. */
export type TreeState = { readonly head: Head; readonly edge: Edge; readonly range: readonly Hash[] }

/** The growth by one batch. */
export type Growth = {
  /** The tree that it was built on. */
  readonly before: TreeState
  readonly state: TreeState
  readonly tiles: readonly FullTile[]
  readonly bundles: readonly FullBundle[]
  readonly nodes: Extension['nodes']
}

/** The empty tree. */
export const EMPTY_STATE: TreeState = { head: { size: 0, root: EMPTY_ROOT }, edge: { tiles: [], bundle: new Uint8Array(0) }, range: [] }

/** The tree after `entries` were appended. */
export function grow(before: TreeState, entries: readonly Uint8Array[]): Growth {
  const { size, range, nodes } = extendTree(before.head.size, before.range, entries.map(hashLeaf))
  const { tiles, edge: tileEdge } = growTiles(before, nodes, size)
  const { bundles, bundle } = growBundle(before, entries)
  const state = { head: { size, root: rootFromRange(range) }, edge: { tiles: tileEdge, bundle }, range }
  return { before, state, tiles, bundles, nodes }
}

/**
 * The tree of a stored head row: derives the compact range from the edge and compares it with the
 * head.
 * @returns undefined if the edge does not have the head's size, or does not give its root
 */
export function restore(head: Head, edge: Edge): TreeState | undefined {
  const widths = edgeWidths(head.size)
  const isOfSize = edge.tiles.length === widths.length && edge.tiles.every((tile, level) => tile.length === widths[level]! * HASH_BYTES)
  const tree = treeOf(head.size, edge)
  return isOfSize && equalBytes(tree.head.root, head.root) ? tree : undefined
}

/**
 * How many hashes the growing tile of each level has in a tree of this size: the size's digits in
 * base 256, lowest first.
 */
export function edgeWidths(size: number): number[] {
  const widths: number[] = []
  for (let whole = size; widths.length === 0 || whole > 0; whole = Math.floor(whole / TILE_WIDTH)) widths.push(whole % TILE_WIDTH)
  return widths
}

/** The tree of this size with this growing edge, and with the root that the edge gives. */
export function treeOf(size: number, edge: Edge): TreeState {
  const range: Hash[] = []
  for (let level = edge.tiles.length - 1; level >= 0; level--) {
    let hashes = splitHashes(edge.tiles[level]!)
    for (let width = TILE_WIDTH / 2; width >= 1; width /= 2) {
      if (hashes.length < width) continue
      range.push(perfectRoot(hashes.slice(0, width)))
      hashes = hashes.slice(width)
    }
  }
  return { head: { size, root: rootFromRange(range) }, edge, range }
}

/** Hash of the perfect subtree over a power-of-two number of hashes. */
export function perfectRoot(hashes: readonly Hash[]): Hash {
  let level = hashes
  while (level.length > 1) level = pairUp(level)
  return level[0]!
}

/** A tile's bytes as hashes. */
export function splitHashes(bytes: Uint8Array): Hash[] {
  return Array.from({ length: bytes.length / HASH_BYTES }, (_, i) => bytes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES))
}

/**
 * Every TILE_HEIGHT-th level of the tree is a tile level. Its new nodes are appended to that
 * level's partial tile.
 */
function growTiles(before: TreeState, nodes: Extension['nodes'], size: number): { tiles: FullTile[]; edge: Uint8Array[] } {
  const tiles: FullTile[] = []
  const edge: Uint8Array[] = []
  for (let level = 0; level === 0 || 2 ** (level * TILE_HEIGHT) <= size; level++) {
    const added = nodes.filter(node => node.level === level * TILE_HEIGHT)
    let pending = concatBytes(before.edge.tiles[level] ?? new Uint8Array(0), ...added.map(node => node.hash))
    for (let index = growingIndex(level, before.head.size); pending.length >= TILE_BYTES; index++) {
      tiles.push({ level, index, bytes: unfold(pending.subarray(0, TILE_BYTES)) })
      pending = pending.subarray(TILE_BYTES)
    }
    edge.push(copyBytes(pending))
  }
  return { tiles, edge }
}

function growBundle(before: TreeState, entries: readonly Uint8Array[]): { bundles: FullBundle[]; bundle: Uint8Array } {
  const bundles: FullBundle[] = []
  let bundle = before.edge.bundle
  let size = before.head.size
  for (let taken = 0; taken < entries.length; ) {
    const part = entries.slice(taken, taken + TILE_WIDTH - (size % TILE_WIDTH))
    bundle = concatBytes(bundle, encodeBundle(part))
    size += part.length
    taken += part.length
    if (size % TILE_WIDTH !== 0) continue
    bundles.push({ index: size / TILE_WIDTH - 1, bytes: bundle })
    bundle = new Uint8Array(0)
  }
  return { bundles, bundle }
}

function pairUp(hashes: readonly Hash[]): Hash[] {
  return Array.from({ length: Math.floor(hashes.length / 2) }, (_, i) => hashNode(hashes[2 * i]!, hashes[2 * i + 1]!))
}

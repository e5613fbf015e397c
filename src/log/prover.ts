/** Proofs, checkpoints and tiles of the committed tree. */
import { LRUCache } from 'lru-cache'
import { equalBytes } from '../core/bytes.ts'
import { HASH_BYTES, type Hash, hashLeaf } from '../core/hash.ts'
import { formatCheckpoint } from '../core/tlog/checkpoint.ts'
import { type Signer, signNote } from '../core/tlog/note.ts'
import { type ConsistencyProof, type InclusionProof, inclusionPlan, proveConsistency } from '../core/tlog/proof.ts'
import { decodeBundle, TILE_HEIGHT, TILE_WIDTH, tileWidthAt } from '../core/tlog/tile.ts'
import type { Store } from '../store/port/port.ts'
import { createEdgeRoots } from './edge-roots.ts'
import { DamageError, LedgerError } from './errors.ts'
import type { LogView } from './view.ts'

export type Prover = {
  /** @throws LedgerError PROOF_RANGE unless index < size ≤ the committed size */
  inclusion(index: number, size: number): Promise<InclusionProof>
  /**
   * Only the hashes of that proof.
   * @throws LedgerError PROOF_RANGE
   */
  inclusionHashes(index: number, size: number): Promise<Hash[]>
  /** @throws LedgerError PROOF_RANGE unless from ≤ to ≤ the committed size */
  consistency(from: number, to: number): Promise<ConsistencyProof>
  /**
   * The signed checkpoint of any committed size, always the same text.
   * @throws LedgerError PROOF_RANGE
   */
  checkpointAt(size: number): Promise<string>
  rootAt(size: number): Promise<Hash>
  /** The first `width` hashes of a tile; undefined if the committed tree has fewer. */
  tile(level: number, index: number, width: number): Promise<Uint8Array | undefined>
  /** The first `width` entries of a bundle, encoded; undefined if the committed tree has fewer. */
  bundle(index: number, width: number): Promise<Uint8Array | undefined>
}

type Deps = { readonly store: Store; readonly view: LogView; readonly signer: Signer; readonly origin: string }

/** A version-1 entry in its bundle: a two-byte length and 33 bytes. */
const BUNDLED_ENTRY_BYTES = 35
const CACHED_CHECKPOINTS = 1024

/** Proofs over a view of the log. */
export function createProver({ store, view, signer, origin }: Deps): Prover {
  const { read, fullTile } = view.nodes
  const readRoots = createEdgeRoots(read)
  const checkpoints = new LRUCache<number, string>({ max: CACHED_CHECKPOINTS })

  const assertRange = async (from: number, to: number, what: string) => {
    const isRange = Number.isSafeInteger(from) && Number.isSafeInteger(to) && from >= 0 && from <= to
    if (!isRange || !(await view.reaches(to))) throw new LedgerError('PROOF_RANGE', `${what}; the ledger has ${view.head().size} entries.`)
  }

  const root = async (size: number): Promise<Hash> => {
    await assertRange(0, size, `There is no tree of size ${size}`)
    return view.rootAt(size)
  }

  const inclusionHashes = async (index: number, size: number) => {
    await assertRange(index + 1, size, `There is no inclusion proof of entry ${index} in a tree of size ${size}`)
    return readRoots(size, inclusionPlan(index, size))
  }

  const isCommitted = async (level: number, index: number, width: number) =>
    width >= 1 && view.reaches((index * TILE_WIDTH + width) * 2 ** (level * TILE_HEIGHT))

  return {
    async inclusion(index, size) {
      const proof = await inclusionHashes(index, size)
      const [leafHash] = await read([{ level: 0, index }])
      return { index, size, leafHash: leafHash!, root: await root(size), proof }
    },
    inclusionHashes,
    async consistency(from, to) {
      await assertRange(from, to, `There is no consistency proof from size ${from} to size ${to}`)
      return { from, to, fromRoot: await root(from), toRoot: await root(to), proof: await proveConsistency(from, to, read) }
    },
    async checkpointAt(size) {
      const cached = checkpoints.get(size)
      if (cached !== undefined) return cached
      const head = view.head()
      if (size === head.size) return head.note
      const note = signNote(formatCheckpoint({ origin, size, root: await root(size) }), signer)
      checkpoints.set(size, note)
      return note
    },
    rootAt: root,
    async tile(level, index, width) {
      if (!(await isCommitted(level, index, width))) return undefined
      const bytes =
        tileWidthAt(level, index, view.head().size) === TILE_WIDTH
          ? await fullTile(level, index)
          : growingPart(view.edge().tiles[level], level, index)
      return bytes?.subarray(0, width * HASH_BYTES)
    },
    async bundle(index, width) {
      if (!(await isCommitted(0, index, width))) return undefined
      const full = await store.readBundle(index)
      const bytes = full ?? growingPart(view.edge().bundle, 0, index)
      const leaves = await read(Array.from({ length: width }, (_, i) => ({ level: 0, index: index * TILE_WIDTH + i })))
      return fittingBundle(bytes?.subarray(0, width * BUNDLED_ENTRY_BYTES), index, leaves)
    },
  }

  /**
   * The edge's bytes, if they are still those of the requested tile: a commit may have come in
   * between.
   */
  function growingPart(bytes: Uint8Array | undefined, level: number, index: number): Uint8Array | undefined {
    const growing = Math.floor(view.head().size / 2 ** ((level + 1) * TILE_HEIGHT))
    return growing === index && bytes !== undefined && bytes.length <= TILE_WIDTH * BUNDLED_ENTRY_BYTES ? bytes : undefined
  }
}

/**
 * The bundle, if its entries are the tree's.
 * @throws DamageError
 */
function fittingBundle(bytes: Uint8Array | undefined, index: number, leaves: readonly Hash[]): Uint8Array {
  const entries = bytes === undefined ? undefined : decodedBundle(bytes, leaves.length)
  if (bytes === undefined || !entries?.every((entry, i) => equalBytes(hashLeaf(entry), leaves[i]!)))
    throw new DamageError(`entry bundle ${index}`)
  return bytes
}

function decodedBundle(bytes: Uint8Array, width: number): Uint8Array[] | undefined {
  try {
    return decodeBundle(bytes, width)
  } catch {
    return undefined
  }
}

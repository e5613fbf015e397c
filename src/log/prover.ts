/** Proofs, checkpoints and tiles of the committed tree, each verified before it is served. */
import { equalBytes, joinBytes, toHex } from '../core/bytes.ts'
import { HASH_BYTES, type Hash, hashLeaf, sha256 } from '../core/hash.ts'
import { type ConsistencyProof, type InclusionProof, ProofError, proveConsistency, verifyConsistency } from '../core/tlog/proof.ts'
import { decodeBundle, TILE_HEIGHT, TILE_WIDTH, tileWidthAt } from '../core/tlog/tile.ts'
import type { Node, ReadHashes } from '../core/tlog/tree.ts'
import type { LogStore } from '../store/port/log.ts'
import { DamageError, LedgerError } from './errors.ts'
import { createInclusion } from './inclusion.ts'
import { keepLast } from './kept.ts'
import { type LogSigner, signCheckpoint } from './signer.ts'
import { TILE_BYTES } from './unfolded.ts'
import { makeVerified } from './verified.ts'
import type { LogView } from './view.ts'

export type Prover = {
  /** @throws LedgerError PROOF_RANGE unless index < size ≤ the committed size */
  inclusion(index: number, size: number): Promise<InclusionProof>
  /**
   * Only the hashes of that proof, for a leaf that the caller has hashed.
   * @throws LedgerError PROOF_RANGE; DamageError if it is another leaf
   */
  inclusionHashes(index: number, size: number, leafHash: Hash): Promise<readonly Hash[]>
  /** @throws LedgerError PROOF_RANGE unless from ≤ to ≤ the committed size */
  consistency(from: number, to: number): Promise<ConsistencyProof>
  /**
   * The signed checkpoint of any committed size. Its signatures may be of keys that signed before.
   * @throws LedgerError PROOF_RANGE
   */
  checkpointAt(size: number): Promise<string>
  rootAt(size: number): Promise<Hash>
  /** The first `width` hashes of a tile; undefined if the committed tree has fewer. */
  tile(level: number, index: number, width: number): Promise<Uint8Array | undefined>
  /** The first `width` entries of a bundle, encoded; undefined if the committed tree has fewer. */
  bundle(index: number, width: number): Promise<Uint8Array | undefined>
}

type Deps = { readonly store: LogStore; readonly view: LogView; readonly signer: LogSigner; readonly origin: string }

/** A version-1 entry in its bundle: a two-byte length and 33 bytes. */
const BUNDLED_ENTRY_BYTES = 35
const CACHED_CHECKPOINTS = 1024
/** Each takes a quarter of a kilobyte. This many cover two million entries. */
const KEPT_DIGESTS = 16_384

/** Proofs over a view of the log. */
export function createProver({ store, view, signer, origin }: Deps): Prover {
  const { nodes } = view
  const proveEntry = createInclusion(nodes)
  /** The hash of each full tile and bundle that was compared with the tree. */
  const served = keepLast<string, string>(KEPT_DIGESTS)
  const checkpoints = keepLast<number, string>(CACHED_CHECKPOINTS)

  const assertRange = async (from: number, to: number, what: string) => {
    const isRange = Number.isSafeInteger(from) && Number.isSafeInteger(to) && from >= 0 && from <= to
    if (!isRange || !(await view.reaches(to))) throw new LedgerError('PROOF_RANGE', `${what}; the ledger has ${view.head().size} entries.`)
  }

  const root = async (size: number): Promise<Hash> => {
    await assertRange(0, size, `There is no tree of size ${size}`)
    return view.rootAt(size)
  }

  const inclusion = async (index: number, size: number, leaf?: Hash): Promise<InclusionProof> => {
    await assertRange(index + 1, size, `There is no inclusion proof of entry ${index} in a tree of size ${size}`)
    return proveEntry(index, size, await view.rootAt(size), leaf)
  }

  const isCommitted = async (level: number, index: number, width: number) =>
    width >= 1 && view.reaches((index * TILE_WIDTH + width) * 2 ** (level * TILE_HEIGHT))

  return {
    inclusion: (index, size) => inclusion(index, size),
    async inclusionHashes(index, size, leafHash) {
      try {
        return (await inclusion(index, size, leafHash)).proof
      } catch (cause) {
        if (cause instanceof ProofError) throw new DamageError(`statement ${index}`, { cause })
        throw cause
      }
    },
    async consistency(from, to) {
      await assertRange(from, to, `There is no consistency proof from size ${from} to size ${to}`)
      const [fromRoot, toRoot] = [await root(from), await root(to)]
      const make = async (read: ReadHashes) => ({ from, to, fromRoot, toRoot, proof: await proveConsistency(from, to, read) })
      return makeVerified(nodes, make, verifyConsistency)
    },
    async checkpointAt(size) {
      const cached = checkpoints.get(size)
      if (cached !== undefined) return cached
      const head = view.head()
      if (size === head.size) return head.note
      const note = signCheckpoint({ origin, size, root: await root(size) }, signer)
      checkpoints.set(size, note)
      return note
    },
    rootAt: root,
    async tile(level, index, width) {
      if (!(await isCommitted(level, index, width))) return undefined
      const isFull = tileWidthAt(level, index, view.head().size) === TILE_WIDTH
      const bytes = isFull ? await fullTile(level, index) : growingPart(view.edge().tiles[level], level, index)
      return bytes?.subarray(0, width * HASH_BYTES)
    },
    async bundle(index, width) {
      if (!(await isCommitted(0, index, width))) return undefined
      if (tileWidthAt(0, index, view.head().size) === TILE_WIDTH) return (await fullBundle(index)).subarray(0, width * BUNDLED_ENTRY_BYTES)
      const bytes = growingPart(view.edge().bundle, 0, index)?.subarray(0, width * BUNDLED_ENTRY_BYTES)
      const fits = bytes !== undefined && isBundleOf(bytes, await nodes.read(nodesAt(0, index * TILE_WIDTH, width)))
      if (!fits) throw new DamageError(`entry bundle ${index}`)
      return bytes
    },
  }

  async function fullTile(level: number, index: number): Promise<Uint8Array> {
    const stored = await store.readTile(level, index)
    const bytes = stored?.slice(0, TILE_BYTES)
    const isTrees = async () => {
      const hashes = await nodes.readChecked(nodesAt(level * TILE_HEIGHT, index * TILE_WIDTH, TILE_WIDTH))
      return bytes !== undefined && equalBytes(joinBytes(hashes), bytes)
    }
    return checkedOnce(`tile ${level}/${index}`, bytes, isTrees)
  }

  async function fullBundle(index: number): Promise<Uint8Array> {
    const bytes = await store.readBundle(index)
    const isTrees = async () => {
      const leaves = await nodes.readChecked(nodesAt(0, index * TILE_WIDTH, TILE_WIDTH))
      return bytes !== undefined && isBundleOf(bytes, leaves)
    }
    return checkedOnce(`entry bundle ${index}`, bytes, isTrees)
  }

  /**
   * Caches keep full tiles and bundles forever. Each is compared with the tree when it is first
   * read, and later with its own hash.
   * @throws DamageError
   */
  async function checkedOnce(part: string, bytes: Uint8Array | undefined, isTrees: () => Promise<boolean>): Promise<Uint8Array> {
    const digest = toHex(sha256(bytes ?? new Uint8Array(0)))
    if (served.get(part) !== digest && !(await isTrees())) throw new DamageError(part)
    served.set(part, digest)
    return bytes!
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

/** Whether the bundle holds the entries with these leaf hashes. */
function isBundleOf(bytes: Uint8Array, leaves: readonly Hash[]): boolean {
  const entries = decodedBundle(bytes, leaves.length)
  return entries?.every((entry, i) => equalBytes(hashLeaf(entry), leaves[i]!)) ?? false
}

function nodesAt(level: number, from: number, count: number): Node[] {
  return Array.from({ length: count }, (_, i) => ({ level, index: from + i }))
}

function decodedBundle(bytes: Uint8Array, width: number): Uint8Array[] | undefined {
  try {
    return decodeBundle(bytes, width)
  } catch {
    return undefined
  }
}

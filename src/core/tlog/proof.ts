/**
 * Inclusion and consistency proofs. RFC 9162 §2.1.3 and §2.1.4; the trees and proofs are those of
 * RFC 6962 §2.1.1 and §2.1.2.
 *
 * Proving follows the RFC's recursion. Verifying walks from a leaf up to the root, beside the path
 * of the tree's last leaf (`last`):
 *
 * - the **inner** part, where the two paths differ: the path's bit gives the side of the sibling
 *   (0: the sibling is on the right, 1: on the left);
 * - the **border** part, where the paths are one: nodes there have no right sibling, so only 1 bits
 *   bring a hash, always from the left.
 *
 * The index and the size therefore determine the proof's length and the side of every hash.
 */
import { equalBytes } from '../bytes.ts'
import { OpenSealError } from '../errors.ts'
import { EMPTY_ROOT, HASH_BYTES, type Hash, hashNode } from '../hash.ts'
import { type Node, type ReadHashes, rangeNodes, rootFromRange, splitPoint } from './tree.ts'

/**
 * Claims that the leaf hash is at `index` in the tree of `size` with this root. `proof` runs from
 * the leaf's sibling to the root's child.
 */
export type InclusionProof = {
  readonly index: number
  readonly size: number
  readonly leafHash: Hash
  readonly root: Hash
  readonly proof: readonly Hash[]
}

/**
 * Claims that the tree of size `to` begins with all leaves of the tree of size `from`, in their
 * order.
 */
export type ConsistencyProof = {
  readonly from: number
  readonly to: number
  readonly fromRoot: Hash
  readonly toRoot: Hash
  readonly proof: readonly Hash[]
}

/**
 * Makes the inclusion proof of the leaf at `index` in the tree of `size`, with at most one read.
 * RFC 9162 §2.1.3.1. Throws ProofError PROOF_RANGE.
 */
export async function proveInclusion(index: number, size: number, read: ReadHashes): Promise<Hash[]> {
  return readGroups(inclusionPlan(index, size), read)
}

/**
 * Makes the consistency proof from size `from` to size `to`, with at most one read. RFC 9162
 * §2.1.4.1. Throws ProofError PROOF_RANGE.
 */
export async function proveConsistency(from: number, to: number, read: ReadHashes): Promise<Hash[]> {
  return readGroups(consistencyPlan(from, to), read)
}

/**
 * For each hash of an inclusion proof, the perfect subtrees under it, largest first. Throws
 * ProofError PROOF_RANGE.
 */
export function inclusionPlan(index: number, size: number): Node[][] {
  checkIndex(index, size)
  return pathPlan(index, 0, size)
}

/**
 * For each hash of a consistency proof, the perfect subtrees under it. Proofs 0 → n and n → n are
 * empty. Throws ProofError PROOF_RANGE.
 */
export function consistencyPlan(from: number, to: number): Node[][] {
  checkSizes(from, to)
  return from === 0 || from === to ? [] : subproofPlan(from, 0, to, true)
}

/**
 * The number of hashes in the inclusion proof of `index` in the tree of `size`. Throws ProofError
 * PROOF_RANGE.
 */
export function inclusionLength(index: number, size: number): number {
  checkIndex(index, size)
  const inner = innerLength(index, size - 1)
  return inner + countOnes(Math.floor(index / 2 ** inner))
}

/**
 * The number of hashes in the consistency proof from size `from` to size `to`. Throws ProofError
 * PROOF_RANGE.
 */
export function consistencyLength(from: number, to: number): number {
  checkSizes(from, to)
  if (from === 0 || from === to) return 0
  const { seeded, path, inner } = consistencyPath(from, to)
  return (seeded ? 1 : 0) + inner + countOnes(Math.floor(path / 2 ** inner))
}

/**
 * Returns if the proof is valid. RFC 9162 §2.1.3.2. Throws ProofError PROOF_RANGE, PROOF_LENGTH or
 * PROOF_MISMATCH.
 */
export function verifyInclusion({ index, size, leafHash, root, proof }: InclusionProof): void {
  checkLength(proof, inclusionLength(index, size))
  checkHashes('PROOF_LENGTH', proof)
  checkHashes('PROOF_RANGE', [leafHash, root])

  const inner = innerLength(index, size - 1)
  const subtree = foldInner(leafHash, proof.slice(0, inner), index)
  const computed = foldLeft(subtree, proof.slice(inner))
  if (!equalBytes(computed, root)) throw new ProofError('PROOF_MISMATCH', 'the inclusion proof leads to another root')
}

/**
 * Returns if the proof is valid. RFC 9162 §2.1.4.2. The RFC does not define proofs from size 0:
 * every tree extends the empty tree. Throws like verifyInclusion.
 */
export function verifyConsistency({ from, to, fromRoot, toRoot, proof }: ConsistencyProof): void {
  checkLength(proof, consistencyLength(from, to))
  checkHashes('PROOF_LENGTH', proof)
  checkHashes('PROOF_RANGE', [fromRoot, toRoot])

  if (from === 0 && !equalBytes(fromRoot, EMPTY_ROOT))
    throw new ProofError('PROOF_MISMATCH', 'the root of size 0 is not that of the empty tree')
  if (from === to && !equalBytes(fromRoot, toRoot)) throw new ProofError('PROOF_MISMATCH', 'there are two roots for one size')
  if (from === 0 || from === to) return

  const { oldRoot, newRoot } = rootsOf({ from, to, fromRoot, proof })
  if (!equalBytes(oldRoot, fromRoot)) throw new ProofError('PROOF_MISMATCH', 'the consistency proof leads to another old root')
  if (!equalBytes(newRoot, toRoot)) throw new ProofError('PROOF_MISMATCH', 'the consistency proof leads to another new root')
}

/**
 * The root that the tree of `toRoot` has at size `from`, if the proof shows it: what a contradiction
 * consists in, if another root was signed for that size. Undefined if the proof does not lead to
 * `toRoot`, or is one that takes the old root from its reader.
 */
export function shownRoot({ from, to, toRoot, proof }: Omit<ConsistencyProof, 'fromRoot'>): Hash | undefined {
  if (from === 0 || from >= to || proof.length !== consistencyLength(from, to) || !consistencyPath(from, to).seeded) return undefined
  const { oldRoot, newRoot } = rootsOf({ from, to, fromRoot: EMPTY_ROOT, proof })
  return equalBytes(newRoot, toRoot) ? oldRoot : undefined
}

/** The roots to which a consistency proof of the right length leads. */
function rootsOf({ from, to, fromRoot, proof }: Omit<ConsistencyProof, 'toRoot'>): { oldRoot: Hash; newRoot: Hash } {
  // The walk starts at the old tree's last perfect subtree, which is in both trees. If that is the
  // whole old tree, its hash is known already.
  const { seeded, path, inner } = consistencyPath(from, to)
  const [seed = fromRoot, ...rest] = seeded ? proof : [fromRoot, ...proof]
  const innerProof = rest.slice(0, inner)
  const borderProof = rest.slice(inner)
  // The old tree ends with that subtree, so its root takes only the left inner hashes. The new root
  // takes all of them.
  return {
    oldRoot: foldLeft(foldLeft(seed, leftHashes(innerProof, path)), borderProof),
    newRoot: foldLeft(foldInner(seed, innerProof, path), borderProof),
  }
}

/** PATH(m, D[from:to]) of RFC 9162 §2.1.3.1, with m counted from the start of the whole tree. */
function pathPlan(m: number, from: number, to: number): Node[][] {
  if (to - from === 1) return []
  const middle = from + splitPoint(to - from)
  const left = m < middle
  const plan = left ? pathPlan(m, from, middle) : pathPlan(m, middle, to)
  plan.push(left ? rangeNodes(middle, to) : rangeNodes(from, middle))
  return plan
}

/**
 * SUBPROOF(m, D[from:to], whole) of RFC 9162 §2.1.4.1, with m counted from the start of the whole
 * tree. `whole`: this range is all of the old tree.
 */
function subproofPlan(m: number, from: number, to: number, whole: boolean): Node[][] {
  if (m === to) return whole ? [] : [rangeNodes(from, to)]
  const middle = from + splitPoint(to - from)
  if (m <= middle) return [...subproofPlan(m, from, middle, whole), rangeNodes(middle, to)]
  return [...subproofPlan(m, middle, to, false), rangeNodes(from, middle)]
}

async function readGroups(groups: readonly Node[][], read: ReadHashes): Promise<Hash[]> {
  const nodes = groups.flat()
  const hashes = nodes.length === 0 ? [] : await read(nodes)
  if (hashes.length !== nodes.length) throw new Error(`bug: ${nodes.length} nodes asked, ${hashes.length} hashes read`)
  let start = 0
  return groups.map(group => {
    const end = start + group.length
    const root = rootFromRange(hashes.slice(start, end))
    start = end
    return root
  })
}

/**
 * The start of the walk of a consistency proof. `path` is the position of the old tree's last
 * perfect subtree on its level; `inner` is the number of levels until its path joins the new tree's
 * last one. `seeded`: the subtree is not the whole old tree, so the proof begins with its hash.
 */
function consistencyPath(from: number, to: number): { seeded: boolean; path: number; inner: number } {
  let path = from - 1
  let last = to - 1
  // §2.1.4.2 step 4: while the old last leaf is a right child, its subtree is perfect.
  while (path % 2 === 1) {
    path = Math.floor(path / 2)
    last = Math.floor(last / 2)
  }
  return { seeded: path !== 0, path, inner: innerLength(path, last) }
}

/** The number of levels after which two paths join: the bit length of a XOR b. */
function innerLength(a: number, b: number): number {
  let levels = 0
  while (Math.floor(a / 2 ** levels) !== Math.floor(b / 2 ** levels)) levels++
  return levels
}

function countOnes(path: number): number {
  let ones = 0
  for (let rest = path; rest > 0; rest = Math.floor(rest / 2)) ones += rest % 2
  return ones
}

function isRightChild(path: number, level: number): boolean {
  return Math.floor(path / 2 ** level) % 2 === 1
}

function foldInner(start: Hash, proof: readonly Hash[], path: number): Hash {
  return proof.reduce((hash, sibling, level) => (isRightChild(path, level) ? hashNode(sibling, hash) : hashNode(hash, sibling)), start)
}

function foldLeft(start: Hash, proof: readonly Hash[]): Hash {
  return proof.reduce((hash, left) => hashNode(left, hash), start)
}

function leftHashes(innerProof: readonly Hash[], path: number): Hash[] {
  return innerProof.filter((_, level) => isRightChild(path, level))
}

function checkIndex(index: number, size: number): void {
  if (!isCount(index) || !isCount(size) || index >= size) throw new ProofError('PROOF_RANGE', `no index ${index} in a tree of size ${size}`)
}

function checkSizes(from: number, to: number): void {
  if (!isCount(from) || !isCount(to) || from > to) throw new ProofError('PROOF_RANGE', `no step from size ${from} to size ${to}`)
}

function isCount(n: number): boolean {
  return Number.isSafeInteger(n) && n >= 0
}

function checkLength(proof: readonly Hash[], expected: number): void {
  if (proof.length !== expected) throw new ProofError('PROOF_LENGTH', `the proof has ${proof.length} hashes, needs ${expected}`)
}

/** A shorter hash next to a longer one could hash the same bytes as two whole ones. */
function checkHashes(code: string, hashes: readonly Hash[]): void {
  const odd = hashes.find(hash => hash.length !== HASH_BYTES)
  if (odd) throw new ProofError(code, `a hash has ${HASH_BYTES} bytes, not ${odd.length}`)
}

/**
 * Codes: PROOF_RANGE (no such index or size), PROOF_LENGTH (too many or too few hashes, or one not
 * of 32 bytes), PROOF_MISMATCH (another root).
 */
export class ProofError extends OpenSealError {}

import { deepEqual, equal, rejects, throws } from 'node:assert/strict'
import { MerkleTree } from 'merkletreejs'
import { EMPTY_ROOT, type Hash } from '../../../src/core/hash.ts'
import {
  type ConsistencyProof,
  consistencyLength,
  consistencyPlan,
  type InclusionProof,
  inclusionLength,
  inclusionPlan,
  proveConsistency,
  proveInclusion,
  shownRoot,
  verifyConsistency,
  verifyInclusion,
} from '../../../src/core/tlog/proof.ts'
import type { Node, ReadHashes } from '../../../src/core/tlog/tree.ts'
import { anyCode, code } from '../damage.ts'
import { mth, naiveSha256, path, readerOf, someLeaves, subproof } from './naive.ts'

const MOST = 70
const LEAVES = someLeaves(MOST)
const SIZES = Array.from({ length: MOST }, (_, i) => i + 1)
const ROOTS = [EMPTY_ROOT, ...SIZES.map(size => mth(LEAVES.slice(0, size)))]
const LARGEST = 2 ** 53 - 1

const inclusion = (index: number, size: number): InclusionProof => {
  const leaves = LEAVES.slice(0, size)
  return { index, size, leafHash: leaves[index]!, root: ROOTS[size]!, proof: path(index, leaves) }
}

const consistency = (from: number, to: number): ConsistencyProof => {
  const proof = from === 0 ? [] : subproof(from, LEAVES.slice(0, to))
  return { from, to, fromRoot: ROOTS[from]!, toRoot: ROOTS[to]!, proof }
}

const allInclusions = SIZES.flatMap(size => Array.from({ length: size }, (_, index) => inclusion(index, size)))
const allConsistencies = SIZES.flatMap(to => Array.from({ length: to + 1 }, (_, from) => consistency(from, to)))

/** One bit of the hash turned, which bit depends on `salt`. */
const flip = (hash: Hash, salt = 0): Hash => hash.map((byte, i) => (i === salt % 32 ? byte ^ (1 << (salt % 8)) : byte))
const without = (proof: readonly Hash[], at: number) => proof.filter((_, i) => i !== at)
const swapped = (proof: readonly Hash[], at: number) => proof.with(at, proof[at + 1]!).with(at + 1, proof[at]!)

describe('inclusion proof', () => {
  it('is the PATH of the RFC for every index of every tree up to 70, made with one read', async () => {
    for (const { index, size, proof } of allInclusions) {
      const reader = readerOf(LEAVES.slice(0, size))
      deepEqual(await proveInclusion(index, size, reader.read), proof)
      equal(reader.calls(), size === 1 ? 0 : 1)
      equal(inclusionLength(index, size), proof.length)
    }
  })

  it('is the proof of merkletreejs, side by side', () => {
    const hashFn = (pair: Uint8Array) => Buffer.from(naiveSha256(Uint8Array.of(1), pair))
    for (const size of SIZES) {
      const leaves = LEAVES.slice(0, size).map(leaf => Buffer.from(leaf))
      const tree = new MerkleTree(leaves, hashFn, { sortPairs: false, duplicateOdd: false, hashLeaves: false })
      for (let index = 0; index < size; index++) {
        const theirs = tree.getProof(leaves[index]!, index).map(({ data }) => Uint8Array.from(data))
        deepEqual(theirs, inclusion(index, size).proof)
        verifyInclusion({ ...inclusion(index, size), root: Uint8Array.from(tree.getRoot()), proof: theirs })
      }
    }
  })

  it('verifies for every index of every tree up to 70', () => {
    for (const given of allInclusions) verifyInclusion(given)
  })

  it('rejects a proof with a flipped bit in any hash', () => {
    for (const given of allInclusions) {
      for (const [i, hash] of given.proof.entries()) {
        throws(() => verifyInclusion({ ...given, proof: given.proof.with(i, flip(hash, given.index + i)) }), code('PROOF_MISMATCH'))
      }
    }
  })

  it('rejects another leaf hash or another root', () => {
    for (const given of allInclusions) {
      throws(() => verifyInclusion({ ...given, leafHash: flip(given.leafHash, given.index) }), code('PROOF_MISMATCH'))
      throws(() => verifyInclusion({ ...given, root: flip(given.root, given.index) }), code('PROOF_MISMATCH'))
      if (given.size > 1) {
        throws(() => verifyInclusion({ ...given, leafHash: given.root, root: given.leafHash }), code('PROOF_MISMATCH'))
      }
    }
  })

  it('rejects a proof with one hash too many', () => {
    for (const given of allInclusions) {
      for (const proof of [
        [...given.proof, given.root],
        [given.leafHash, ...given.proof],
      ]) {
        throws(() => verifyInclusion({ ...given, proof }), code('PROOF_LENGTH'))
      }
    }
  })

  it('rejects a proof with any one hash missing', () => {
    for (const given of allInclusions) {
      for (const i of given.proof.keys()) throws(() => verifyInclusion({ ...given, proof: without(given.proof, i) }), code('PROOF_LENGTH'))
    }
  })

  it('rejects two hashes in the wrong order', () => {
    for (const given of allInclusions) {
      for (let i = 0; i + 1 < given.proof.length; i++) {
        throws(() => verifyInclusion({ ...given, proof: swapped(given.proof, i) }), code('PROOF_MISMATCH'))
      }
    }
  })

  it('rejects the proof of one index for every other index of the tree', () => {
    for (const given of allInclusions) {
      for (let index = 0; index < given.size; index++) {
        if (index !== given.index) throws(() => verifyInclusion({ ...given, index }), anyCode)
      }
    }
  })

  it('never passes against the root of another size', () => {
    for (const given of allInclusions) {
      for (const size of [given.size - 1, given.size + 1]) {
        throws(() => verifyInclusion({ ...given, size, root: ROOTS[size] ?? given.leafHash }), anyCode)
      }
    }
  })

  it('rejects a hash that does not have 32 bytes', () => {
    const given = inclusion(5, 8)
    const [first, second] = given.proof as [Hash, Hash]
    const moved = Uint8Array.of(...first, second[0]!)
    for (const proof of [given.proof.with(0, moved), given.proof.with(1, second.subarray(1)), given.proof.with(2, new Uint8Array(0))]) {
      throws(() => verifyInclusion({ ...given, proof }), code('PROOF_LENGTH'))
    }
    throws(() => verifyInclusion({ ...given, leafHash: new Uint8Array(33) }), code('PROOF_RANGE'))
    throws(() => verifyInclusion({ ...given, root: new Uint8Array(0) }), code('PROOF_RANGE'))
  })

  it('has no proof outside the tree', async () => {
    for (const [index, size] of [
      [0, 0],
      [1, 1],
      [-1, 1],
      [0.5, 1],
      [0, 1.5],
      [Number.NaN, 1],
      [0, 2 ** 53],
      [2 ** 53, 2 ** 53 + 2],
    ] as const) {
      throws(() => inclusionLength(index, size), code('PROOF_RANGE'))
      throws(() => verifyInclusion({ ...inclusion(0, 1), index, size }), code('PROOF_RANGE'))
      await rejects(proveInclusion(index, size, readerOf([]).read), code('PROOF_RANGE'))
    }
  })
})

describe('consistency proof', () => {
  it('is the PROOF of the RFC for every pair of sizes up to 70, made with one read', async () => {
    for (const { from, to, proof } of allConsistencies) {
      const reader = readerOf(LEAVES.slice(0, to))
      deepEqual(await proveConsistency(from, to, reader.read), proof)
      equal(reader.calls(), proof.length === 0 ? 0 : 1)
      equal(consistencyLength(from, to), proof.length)
    }
  })

  it('verifies for every pair of sizes up to 70', () => {
    for (const given of allConsistencies) verifyConsistency(given)
  })

  it('is empty from the empty tree and from a tree to itself', () => {
    const none = { from: 0, to: 0, fromRoot: EMPTY_ROOT, toRoot: EMPTY_ROOT, proof: [] }
    verifyConsistency(none)
    deepEqual(consistencyPlan(0, 70), [])
    deepEqual(consistencyPlan(70, 70), [])
    throws(() => verifyConsistency({ ...none, fromRoot: ROOTS[1]!, toRoot: ROOTS[1]! }), code('PROOF_MISMATCH'))
    throws(() => verifyConsistency({ ...none, to: 5, fromRoot: ROOTS[1]!, toRoot: ROOTS[5]! }), code('PROOF_MISMATCH'))
    throws(() => verifyConsistency({ ...consistency(7, 7), toRoot: ROOTS[8]! }), code('PROOF_MISMATCH'))
    throws(() => verifyConsistency({ ...consistency(7, 7), proof: [ROOTS[7]!] }), code('PROOF_LENGTH'))
    throws(() => verifyConsistency({ ...consistency(0, 7), proof: [ROOTS[7]!] }), code('PROOF_LENGTH'))
  })

  it('rejects a proof with a flipped bit in any hash', () => {
    for (const given of allConsistencies) {
      for (const [i, hash] of given.proof.entries()) {
        throws(() => verifyConsistency({ ...given, proof: given.proof.with(i, flip(hash, given.from + i)) }), code('PROOF_MISMATCH'))
      }
    }
  })

  it('rejects another old root or another new root', () => {
    for (const given of allConsistencies) {
      throws(() => verifyConsistency({ ...given, fromRoot: flip(given.fromRoot, given.to) }), code('PROOF_MISMATCH'))
      if (given.from > 0) throws(() => verifyConsistency({ ...given, toRoot: flip(given.toRoot, given.from) }), code('PROOF_MISMATCH'))
    }
  })

  it('rejects swapped roots', () => {
    for (const given of allConsistencies) {
      if (given.from === given.to) continue
      throws(() => verifyConsistency({ ...given, fromRoot: given.toRoot, toRoot: given.fromRoot }), code('PROOF_MISMATCH'))
    }
  })

  it('rejects a proof with one hash too many', () => {
    for (const given of allConsistencies) {
      for (const proof of [
        [...given.proof, given.toRoot],
        [given.fromRoot, ...given.proof],
      ]) {
        throws(() => verifyConsistency({ ...given, proof }), code('PROOF_LENGTH'))
      }
    }
  })

  it('rejects a proof with any one hash missing', () => {
    for (const given of allConsistencies) {
      for (const i of given.proof.keys())
        throws(() => verifyConsistency({ ...given, proof: without(given.proof, i) }), code('PROOF_LENGTH'))
    }
  })

  // With the root of the true size, some do pass: a root hash does not hold its tree's size, the
  // checkpoint's signature binds the two.
  it('never passes with a size that is off by one, beside the root of that size', () => {
    for (const given of allConsistencies) {
      if (given.proof.length === 0) continue
      for (const [from, to] of [
        [given.from - 1, given.to],
        [given.from + 1, given.to],
        [given.from, given.to - 1],
        [given.from, given.to + 1],
      ] as const) {
        const other = { ...given, from, to, fromRoot: ROOTS[from]!, toRoot: ROOTS[to] ?? given.toRoot }
        if (to <= MOST && from <= to) throws(() => verifyConsistency(other), anyCode)
      }
    }
  })

  it('rejects a tree that was rewritten', () => {
    for (let from = 1; from < 20; from++) {
      const rewritten = LEAVES.slice(0, 20).with(from - 1, LEAVES[69]!)
      const given = { ...consistency(from, 20), toRoot: mth(rewritten), proof: subproof(from, rewritten) }
      throws(() => verifyConsistency(given), code('PROOF_MISMATCH'))
    }
  })

  it('rejects a hash that does not have 32 bytes', () => {
    const given = consistency(6, 8)
    throws(() => verifyConsistency({ ...given, proof: given.proof.with(0, new Uint8Array(31)) }), code('PROOF_LENGTH'))
    throws(() => verifyConsistency({ ...given, toRoot: new Uint8Array(31) }), code('PROOF_RANGE'))
  })

  it('has no proof backwards, or between numbers that are not sizes', async () => {
    for (const [from, to] of [
      [2, 1],
      [-1, 1],
      [0.5, 1],
      [1, 1.5],
      [1, Number.NaN],
      [1, 2 ** 53],
    ] as const) {
      throws(() => consistencyLength(from, to), code('PROOF_RANGE'))
      throws(() => verifyConsistency({ ...consistency(1, 2), from, to }), code('PROOF_RANGE'))
      await rejects(proveConsistency(from, to, readerOf([]).read), code('PROOF_RANGE'))
    }
  })
})

describe('proofs of large trees', () => {
  // A tree of equal leaves: a perfect subtree's hash depends on its level only, so that any size
  // can be read.
  const levels = [LEAVES[0]!]
  for (let level = 1; level < 53; level++) levels.push(naiveSha256(Uint8Array.of(1), levels[level - 1]!, levels[level - 1]!))
  const read: ReadHashes = async nodes => nodes.map(({ level }: Node) => levels[level]!)
  const sizes = [2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 52 - 1, 2 ** 52, 2 ** 52 + 1, LARGEST - 1, LARGEST]
  const rootOf = (size: number): Hash => {
    let root: Hash | undefined
    for (let level = 0, rest = size; rest > 0; level++, rest = Math.floor(rest / 2)) {
      if (rest % 2 === 1) root = root ? naiveSha256(Uint8Array.of(1), levels[level]!, root) : levels[level]
    }
    return root!
  }

  it('verify at sizes up to 2^53 − 1, with at most 53 hashes', async () => {
    for (const size of sizes) {
      for (const index of [0, 1, 2 ** 31 - 1, Math.floor(size / 3), size - 2, size - 1]) {
        const proof = await proveInclusion(index, size, read)
        equal(proof.length, inclusionLength(index, size))
        equal(proof.length <= 53, true)
        verifyInclusion({ index, size, leafHash: levels[0]!, root: rootOf(size), proof })
        throws(() => verifyInclusion({ index, size, leafHash: levels[0]!, root: rootOf(size - 1), proof }), code('PROOF_MISMATCH'))
      }
    }
  })

  it('verify between sizes up to 2^53 − 1', async () => {
    for (const to of sizes) {
      for (const from of [1, 2, 3, 70, 2 ** 30 + 1, ...sizes].filter(from => from < to)) {
        const proof = await proveConsistency(from, to, read)
        equal(proof.length, consistencyLength(from, to))
        verifyConsistency({ from, to, fromRoot: rootOf(from), toRoot: rootOf(to), proof })
        throws(() => verifyConsistency({ from, to, fromRoot: rootOf(from), toRoot: flip(rootOf(to)), proof }), code('PROOF_MISMATCH'))
      }
    }
  })

  it('plan only subtrees that are whole in the tree', () => {
    for (const size of sizes) {
      for (const node of [...inclusionPlan(Math.floor(size / 3), size), ...consistencyPlan(Math.floor(size / 5), size)].flat()) {
        equal((node.index + 1) * 2 ** node.level <= size, true)
        equal(Number.isSafeInteger(node.index), true)
      }
    }
  })

  it('never accept a reader that answers short', async () => {
    await rejects(
      proveInclusion(0, 8, async nodes => (await read(nodes)).slice(1)),
      /bug/,
    )
  })
})

describe('the root that a consistency proof shows', () => {
  const isPowerOfTwo = (n: number) => Number.isInteger(Math.log2(n))

  it('is the root of the smaller tree, unless the proof takes it from its reader', () => {
    for (const { from, to, fromRoot, toRoot, proof } of allConsistencies) {
      const expected = from === 0 || from === to || isPowerOfTwo(from) ? undefined : fromRoot
      deepEqual(shownRoot({ from, to, toRoot, proof }), expected)
    }
  })

  it('is none for a proof to another root, of another length, or damaged anywhere', () => {
    for (const { from, to, toRoot, proof } of allConsistencies.filter(({ from, to }) => from < to && to < 20)) {
      equal(shownRoot({ from, to, toRoot: flip(toRoot), proof }), undefined)
      if (proof.length > 0) equal(shownRoot({ from, to, toRoot, proof: proof.slice(1) }), undefined)
      equal(shownRoot({ from, to, toRoot, proof: [...proof, toRoot] }), undefined)
      for (const at of proof.keys()) equal(shownRoot({ from, to, toRoot, proof: proof.with(at, flip(proof[at]!)) }), undefined)
    }
    for (const [from, to] of [
      [5, 3],
      [0, 3],
    ] as const)
      equal(shownRoot({ from, to, toRoot: EMPTY_ROOT, proof: [] }), undefined)
  })

  it('proves a tree that another history was signed before', () => {
    const other = someLeaves(9).with(2, LEAVES[60]!)
    const shown = { from: 6, to: 9, toRoot: mth(other), proof: subproof(6, other) }
    const root = shownRoot(shown)!
    deepEqual(root, mth(other.slice(0, 6)))
    verifyConsistency({ ...shown, fromRoot: root })
  })
})

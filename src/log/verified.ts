/**
 * Proofs are verified, finished, against the signed root before anyone sees them. So a tile that
 * the disk has changed never leads to a wrong proof, and no tile is hashed whole to serve one.
 */
import { equalBytes } from '../core/bytes.ts'
import type { Hash } from '../core/hash.ts'
import { ProofError, proveConsistency, verifyConsistency } from '../core/tlog/proof.ts'
import { type ReadHashes, rootFromRange, rootNodes } from '../core/tlog/tree.ts'
import type { Head } from '../store/port/log.ts'

/** Two ways to read the nodes of one tree. */
export type Readers = {
  /** Fast, and unverified. */
  readonly read: ReadHashes
  /** From tiles that are hashed whole. @throws DamageError with the damaged tile */
  readonly readChecked: ReadHashes
  /** Forgets what `read` keeps in memory, because some of it gave a wrong proof. */
  forget(): void
}

/**
 * Makes something from the tree's nodes and verifies it. If it does not verify, it is made again
 * from checked tiles, which names the damaged one.
 * @throws DamageError; ProofError if it does not verify although no tile is damaged
 */
export async function makeVerified<T>(
  { read, readChecked, forget }: Readers,
  make: (read: ReadHashes) => Promise<T>,
  verify: (made: T) => void,
): Promise<T> {
  const made = await make(read)
  try {
    verify(made)
    return made
  } catch (error) {
    if (!(error instanceof ProofError)) throw error
  }
  forget()
  const again = await make(readChecked)
  verify(again)
  return again
}

/**
 * The root hash of the first `size` entries of a tree with this head.
 * @throws DamageError
 */
export async function verifiedRoot(readers: Readers, size: number, head: Head): Promise<Hash> {
  if (size === head.size) return head.root
  const make = async (read: ReadHashes) => {
    const root = rootFromRange(await read(rootNodes(size)))
    return { from: size, to: head.size, fromRoot: root, toRoot: head.root, proof: await proveConsistency(size, head.size, read) }
  }
  return (await makeVerified(readers, make, verifyConsistency)).fromRoot
}

/** Whether the tree with the head `to` extends that with the head `from`. @throws DamageError */
export async function extendsHead(readers: Readers, from: Head, to: Head): Promise<boolean> {
  return to.size >= from.size && equalBytes(await verifiedRoot(readers, from.size, to), from.root)
}

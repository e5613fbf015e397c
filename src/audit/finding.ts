/** What an audit can find, and how the entries of a bundle differ from the tree that they should be. */
import { toHex } from '../core/bytes.ts'
import type { Hash } from '../core/hash.ts'

/** Every kind of finding, with the sentence that explains it. */
export const FINDINGS = {
  AUDIT_CHECKPOINT_FORGED: 'The checkpoint is not signed as the policy asks.',
  AUDIT_HISTORY_REWRITTEN: 'The ledger shows a history that does not continue the one it signed before.',
  AUDIT_TREE_SHRANK: 'The ledger shows a smaller tree than one it signed before.',
  AUDIT_ROOT_MISMATCH: 'The entries do not give the root hash that the checkpoint signs.',
  AUDIT_ENTRY_CHANGED: 'An entry is not the one in the tree.',
  AUDIT_ENTRY_DROPPED: 'An entry of the tree is missing from the entries served.',
  AUDIT_ENTRIES_SWAPPED: 'Entries of the tree are served in another order.',
  AUDIT_TILE_MISMATCH: 'A tile does not hold the hashes of what is below it.',
  AUDIT_STATEMENT_MISMATCH: 'A statement is not what its entry commits to.',
  AUDIT_GENESIS_MISMATCH: 'The first entry does not bind the origin, key and anchors of the policy.',
  AUDIT_ANCHOR_MISSING: 'The ledger names an anchor that the chain does not have.',
  AUDIT_ANCHOR_MISMATCH: 'The chain holds another root hash for that size.',
  AUDIT_ANCHOR_STORAGE: 'The events of the contract and its storage do not agree.',
  AUDIT_CHAIN_AHEAD: 'The chain holds a larger tree than the ledger shows.',
  AUDIT_CONTRACT_CODE: 'The contract at the address of the policy has other code.',
  AUDIT_LOG_CLOSED: 'The log was closed on chain, and the ledger goes beyond the last size that its owner vouches for.',
} as const

export type FindingCode = keyof typeof FINDINGS

/** One inconsistency. `detail` names the place; `index` is the first entry concerned. */
export type Finding = { readonly code: FindingCode; readonly detail: string; readonly index?: number }

/** Makes a finding. */
export function finding(code: FindingCode, detail: string, index?: number): Finding {
  return { code, detail, ...(index === undefined ? {} : { index }) }
}

/**
 * What happened to the leaves of one bundle: `served` are those of its entries, `expected` those of the tree, `first` the index of the
 * first. Undefined when they are equal.
 */
export function compareLeaves(first: number, served: readonly Hash[], expected: readonly Hash[]): Finding | undefined {
  const got = served.map(toHex)
  const want = expected.map(toHex)
  const at = want.findIndex((hash, i) => hash !== got[i])
  if (at === -1)
    return got.length > want.length ? finding('AUDIT_ENTRY_CHANGED', `there are more entries than leaves`, first + want.length) : undefined
  const moved = want.flatMap((hash, i) => (hash === got[i] ? [] : [i]))
  if (
    isPermutation(
      moved.map(i => got[i]),
      moved.map(i => want[i]),
    )
  )
    return finding('AUDIT_ENTRIES_SWAPPED', `entries ${moved.map(i => first + i).join(', ')} stand in another order`, first + at)
  const follows = want.slice(at + 1).every((hash, i) => hash === got[at + i] || at + i >= got.length)
  if (got.length < want.length || (follows && at + 1 < want.length))
    return finding('AUDIT_ENTRY_DROPPED', `entry ${first + at} is missing`, first + at)
  return finding('AUDIT_ENTRY_CHANGED', `entry ${first + at} is another one than in the tree`, first + at)
}

function isPermutation(a: readonly (string | undefined)[], b: readonly (string | undefined)[]): boolean {
  return a.length > 1 && [...a].sort().join() === [...b].sort().join()
}

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

/** A leaf hash (hex) that was served where the tree has another one. */
export type Moved = { readonly index: number; readonly got: string; readonly want: string }

/**
 * What happened to the leaves of one bundle: `served` are those of its entries, `expected` those of the tree, `first` the index of the
 * first. Undefined when they are equal.
 */
export function compareLeaves(first: number, served: readonly Hash[], expected: readonly Hash[]): Finding | undefined {
  const got = served.map(toHex)
  const want = expected.map(toHex)
  const at = want.findIndex((hash, i) => hash !== got[i])
  if (at === -1)
    return got.length > want.length ? finding('AUDIT_ENTRY_CHANGED', 'there are more entries than leaves', first + want.length) : undefined
  const hasMovedUp = at + 1 < want.length && want.slice(at + 1).every((hash, i) => hash === got[at + i])
  if (got.length < want.length || hasMovedUp) return finding('AUDIT_ENTRY_DROPPED', `entry ${first + at} is missing`, first + at)
  return movedFinding(movedLeaves(first, served, expected))
}

/** The leaves that are not the tree's, where there are as many as the tree has. */
export function movedLeaves(first: number, served: readonly Hash[], expected: readonly Hash[]): Moved[] {
  const moved = expected.map((hash, i) => ({ index: first + i, got: toHex(served[i]!), want: toHex(hash) }))
  return moved.filter(({ got, want }) => got !== want)
}

/** One finding for all of them: swapped when they are the same leaves in another order. */
export function movedFinding(moved: readonly Moved[]): Finding {
  const gots = moved.map(({ got }) => got).sort()
  const wants = moved.map(({ want }) => want).sort()
  const isSwap = moved.length > 1 && gots.join() === wants.join()
  const shown = moved.slice(0, 10).map(({ index }) => index)
  const names = `${moved.length === 1 ? 'entry' : 'entries'} ${shown.join(', ')}${moved.length > 10 ? ` and ${moved.length - 10} more` : ''}`
  if (isSwap) return finding('AUDIT_ENTRIES_SWAPPED', `${names} stand in another order`, shown[0])
  return finding('AUDIT_ENTRY_CHANGED', `${names} ${moved.length === 1 ? 'is' : 'are'} not what the tree has there`, shown[0])
}

/**
 * The results of an audit as codes and values: findings, and reasons why something was not checked.
 * Their words are in `src/messages/audit`.
 */
import { toHex } from '../core/bytes.ts'
import { OpenSealError } from '../core/errors.ts'
import type { Hash } from '../core/hash.ts'
import type { AuditMessageKey } from '../messages/audit/en.ts'

/** Every kind of finding: something contradicts what the ledger signed or anchored. */
export const FINDING_CODES = [
  'AUDIT_CHECKPOINT_FORGED',
  'AUDIT_HISTORY_REWRITTEN',
  'AUDIT_TWO_CHECKPOINTS',
  'AUDIT_TREE_SHRANK',
  'AUDIT_ROOT_MISMATCH',
  'AUDIT_ENTRY_CHANGED',
  'AUDIT_ENTRY_DROPPED',
  'AUDIT_ENTRIES_SWAPPED',
  'AUDIT_TILE_MISMATCH',
  'AUDIT_STATEMENT_CHANGED',
  'AUDIT_STATEMENTS_SWAPPED',
  'AUDIT_STATEMENT_UNREADABLE',
  'AUDIT_STATEMENT_DAMAGED',
  'AUDIT_ERASURE_UNPROVEN',
  'AUDIT_GENESIS_MISMATCH',
  'AUDIT_KEY_CHANGE',
  'AUDIT_ANCHOR_MISSING',
  'AUDIT_ANCHOR_MISMATCH',
  'AUDIT_ANCHOR_STORAGE',
  'AUDIT_ANCHOR_ORDER',
  'AUDIT_CHAIN_AHEAD',
  'AUDIT_CHAIN_REORG',
  'AUDIT_CONTRACT_CODE',
  'AUDIT_LOG_CLOSED',
  'AUDIT_STAMP_INVALID',
] as const satisfies readonly AuditMessageKey[]

/** Every reason why something was not checked. None of them counts against the ledger. */
export const UNFINISHED_CODES = [
  'AUDIT_LEDGER_UNREACHABLE',
  'AUDIT_LEDGER_TIMEOUT',
  'AUDIT_LEDGER_BUSY',
  'AUDIT_LEDGER_FAILED',
  'AUDIT_LEDGER_MISSING',
  'AUDIT_LEDGER_CUT_OFF',
  'AUDIT_LEDGER_TOO_LARGE',
  'AUDIT_LEDGER_TYPE',
  'AUDIT_LEDGER_REDIRECT',
  'AUDIT_LEDGER_UNREADABLE',
  'AUDIT_TOO_MANY',
  'AUDIT_TIME_ENDED',
  'AUDIT_ERASURE_LATER',
  'AUDIT_STATEMENT_ERASING',
  'AUDIT_CHAIN_NOT_ASKED',
  'AUDIT_CHAIN_UNREACHABLE',
  'AUDIT_CHAIN_OTHER',
  'AUDIT_CHAIN_EVENTS',
  'AUDIT_CONTRACT_NONE',
  'AUDIT_CHAIN_UNREADABLE',
  'AUDIT_CHAIN_UNSETTLED',
  'AUDIT_CHAIN_BEHIND',
  'AUDIT_ENDPOINTS_DISAGREE',
  'AUDIT_ANCHORS_UNKNOWN',
  'AUDIT_STAMPS_UNKNOWN',
  'AUDIT_STAMP_MISSING',
  'AUDIT_ROUNDS_FEW',
  'AUDIT_COSIGNATURES_FEW',
  'AUDIT_KEY_UNCHECKED',
  'AUDIT_STATE_LOCKED',
  'AUDIT_STATE_DAMAGED',
  'AUDIT_STATE_OTHER',
  'AUDIT_STATE_UNWRITABLE',
] as const satisfies readonly AuditMessageKey[]

/** Remarks of an audit that contradict nothing, such as outdated hints. */
export const NOTICE_CODES = [
  'AUDIT_ANCHOR_MOVED',
  'AUDIT_KEY_FOLLOWED',
  'AUDIT_CHAINS_CHANGED',
  'AUDIT_CHAINS_KNOWN',
] as const satisfies readonly AuditMessageKey[]

export type FindingCode = (typeof FINDING_CODES)[number]
export type UnfinishedCode = (typeof UNFINISHED_CODES)[number]

/**
 * The key, without its `at.`, of the sentence that says where, and the values for its placeholders.
 */
export type DetailKey = AuditMessageKey extends infer K ? (K extends `at.${infer D}` ? D : never) : never
export type FindingValues = Readonly<Record<string, string | number>>

/** One contradiction; `index` is the first entry concerned. */
export type AuditFinding = {
  readonly code: FindingCode
  readonly detail: DetailKey
  readonly values: FindingValues
  readonly index?: number
}

/** One notice. It does not change the verdict. */
export type Notice = { readonly code: (typeof NOTICE_CODES)[number]; readonly detail: DetailKey; readonly values: FindingValues }

/** One thing that was not checked, and why. */
export type Unfinished = { readonly code: UnfinishedCode; readonly detail: DetailKey; readonly values: FindingValues }

/** Thrown if an audit, or a part of it, cannot continue. Codes: UnfinishedCode. */
export class AuditError extends OpenSealError {
  readonly unfinished: Unfinished

  constructor(code: UnfinishedCode, detail: DetailKey, values: FindingValues = {}, options?: ErrorOptions) {
    super(code, Object.values(values).join(', '), options)
    this.unfinished = { code, detail, values }
  }
}

/** The error for an answer of the ledger that cannot be read. */
export function unreadable(path: string, reason: string, cause?: unknown): AuditError {
  return new AuditError('AUDIT_LEDGER_UNREADABLE', 'path.reason', { path, reason }, { cause })
}

/** Makes a finding. */
export function finding(code: FindingCode, detail: DetailKey, values: FindingValues, index?: number): AuditFinding {
  return { code, detail, values, ...(index === undefined ? {} : { index }) }
}

/** Makes the reason why something was not checked. */
export function unfinished(code: UnfinishedCode, detail: DetailKey, values: FindingValues): Unfinished {
  return { code, detail, values }
}

/** A leaf hash (hex) that was served where the tree has another one. */
export type Moved = { readonly index: number; readonly got: string; readonly want: string }

/**
 * Finds out what happened to the leaves of one bundle: `served` are those of its entries,
 * `expected` those of the tree, `first` is the index of the first. Undefined if they are equal.
 */
export function compareLeaves(first: number, served: readonly Hash[], expected: readonly Hash[]): AuditFinding | undefined {
  const got = served.map(toHex)
  const want = expected.map(toHex)
  const at = want.findIndex((hash, i) => hash !== got[i])
  const index = first + (at === -1 ? want.length : at)
  if (at === -1) return got.length > want.length ? finding('AUDIT_ENTRY_CHANGED', 'extra', { index }, index) : undefined
  const hasMovedUp = at + 1 < want.length && want.slice(at + 1).every((hash, i) => hash === got[at + i])
  if (got.length < want.length || hasMovedUp) return finding('AUDIT_ENTRY_DROPPED', 'entry', { index }, index)
  return entriesFinding(movedLeaves(first, served, expected))
}

/** The leaves that are not the tree's, if there are as many as the tree has. */
export function movedLeaves(first: number, served: readonly Hash[], expected: readonly Hash[]): Moved[] {
  const moved = expected.map((hash, i) => ({ index: first + i, got: toHex(served[i]!), want: toHex(hash) }))
  return moved.filter(({ got, want }) => got !== want)
}

/** The leaves that were swapped with one another. */
export function swappedOf(moved: readonly Moved[]): Moved[] {
  const wants = new Set(moved.map(({ want }) => want))
  const gots = new Set(moved.map(({ got }) => got))
  return moved.filter(({ got, want }) => wants.has(got) && gots.has(want))
}

/** One finding for all entries that are not the tree's. */
export function entriesFinding(moved: readonly Moved[]): AuditFinding {
  const isSwap = moved.length > 1 && swappedOf(moved).length === moved.length
  return movedFinding(isSwap ? 'AUDIT_ENTRIES_SWAPPED' : 'AUDIT_ENTRY_CHANGED', ENTRIES, moved)
}

/** One finding for statements that were swapped with one another. */
export function statementsFinding(moved: readonly Moved[]): AuditFinding {
  return movedFinding('AUDIT_STATEMENTS_SWAPPED', STATEMENTS, moved)
}

/** The message keys for one, a few and many. */
const ENTRIES = ['entry', 'entries', 'entries.more'] as const
const STATEMENTS = ['statement', 'statements', 'statements.more'] as const
const SHOWN = 10

function movedFinding(
  code: FindingCode,
  [one, some, many]: readonly [DetailKey, DetailKey, DetailKey],
  moved: readonly Moved[],
): AuditFinding {
  const first = moved[0]!.index
  if (moved.length === 1) return finding(code, one, { index: first }, first)
  const indexes = moved
    .slice(0, SHOWN)
    .map(({ index }) => index)
    .join(', ')
  if (moved.length <= SHOWN) return finding(code, some, { indexes }, first)
  return finding(code, many, { indexes, more: moved.length - SHOWN }, first)
}

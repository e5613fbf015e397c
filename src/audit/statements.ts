/** Compares statements with the leaves of their entries, and the first one with the policy. */
import { equalBytes, toHex } from '../core/bytes.ts'
import { HASH_BYTES, type Hash } from '../core/hash.ts'
import { canonicalJson } from '../core/json.ts'
import type { Policy } from '../core/policy.ts'
import { coversSize, isChain } from '../core/policy-anchors.ts'
import { nameOfPlace } from '../core/statements/anchors-change.ts'
import { GENESIS, type Genesis } from '../core/statements/genesis.ts'
import { type AuditFinding, finding, type Moved, type Notice, type Unfinished, unfinished } from './finding.ts'
import type { ServedStatements } from './served-statements.ts'

/** The findings of a comparison of statements, and the statements that belong to other leaves. */
export type Compared = {
  readonly findings: readonly AuditFinding[]
  readonly erased: number
  readonly erasing: number
  readonly moved: readonly Moved[]
}

/**
 * Compares every statement with its leaf in the tree. `leaves` is undefined if the tree is unknown
 * here.
 */
export function compareStatements(leaves: readonly Hash[] | undefined, served: ServedStatements, start: number): Compared {
  const findings: AuditFinding[] = []
  const moved: Moved[] = []
  let erased = 0
  let erasing = 0
  for (let i = 0; i < served.leaves.length / HASH_BYTES; i++) {
    const index = start + i
    const missing = served.missing.get(index)
    if (missing === 'erased') erased++
    else if (missing === 'erasing') erasing++
    else if (missing === 'damaged') findings.push(finding('AUDIT_STATEMENT_DAMAGED', 'statement', { index }, index))
    else if (missing !== undefined)
      findings.push(finding('AUDIT_STATEMENT_UNREADABLE', 'statement.reason', { index, reason: missing.refused }, index))
    else {
      // Compares with the leaf and not with the entry: a changed entry is reported elsewhere, and
      // its statement may be right.
      const got = served.leaves.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES)
      const want = leaves?.[i]
      if (want === undefined || equalBytes(got, want)) continue
      findings.push(finding('AUDIT_STATEMENT_CHANGED', 'statement', { index }, index))
      moved.push({ index, got: toHex(got), want: toHex(want) })
    }
  }
  return { findings, erased, erasing, moved }
}

/**
 * Checks that each change of the log's key is from a key of the policy to another. Otherwise the
 * ledger signs with a key that readers were not told of.
 */
export function checkKeyChanges({ origin, logKeys }: Policy, { keyChanges }: ServedStatements): AuditFinding[] {
  const isKnown = (key: string) => logKeys.some(({ vkey }) => vkey === key)
  return keyChanges
    .filter(({ change }) => change.origin !== origin || !isKnown(change.oldKey) || !isKnown(change.newKey))
    .map(({ index, change }) => finding('AUDIT_KEY_CHANGE', 'keyChange', { index, before: change.oldKey, after: change.newKey }, index))
}

/**
 * Tells of each change of the log's anchors, and whether the policy counts the same chains from
 * there on. It is no finding: which chains count is the reader's to decide.
 */
export function noticeAnchorsChanges({ origin, anchors }: Policy, { anchorsChanges }: ServedStatements): Notice[] {
  return anchorsChanges.map(({ index, places, chainIds, ...change }) => {
    const counting = anchors.filter(isChain).filter(anchor => coversSize(anchor, index + 2))
    const names = new Set(counting.map(nameOfPlace))
    const isKnown = change.origin === origin && names.size === places.length && places.every(name => names.has(name))
    const code = isKnown ? 'AUDIT_CHAINS_KNOWN' : 'AUDIT_CHAINS_CHANGED'
    return { code, detail: 'chainsChange', values: { index, chains: chainIds.join(', ') } }
  })
}

/**
 * Checks that the first statement is the genesis that the policy describes. If it is wrong in
 * another way already, what it says does not matter.
 */
export function checkGenesis(policy: Policy, { missing, genesis }: ServedStatements, isWrong: boolean): AuditFinding[] {
  if (missing.get(0) === 'erased') return [genesisFinding('genesis.erased')]
  if (genesis === undefined || isWrong) return []
  if (genesis.type !== GENESIS) return [genesisFinding('genesis.kind')]
  const nameOf = ({ chainId, contract, logId }: Genesis['anchors'][number]) =>
    canonicalJson({ chainId, contract: contract.toLowerCase(), logId: logId.toLowerCase() })
  const bound = genesis.anchors.map(nameOf)
  return [
    ...(genesis.origin === policy.origin ? [] : [genesisFinding('genesis.origin', { origin: genesis.origin })]),
    ...(policy.logKeys.some(key => key.vkey === genesis.logKey) ? [] : [genesisFinding('genesis.key', { key: genesis.logKey })]),
    // An anchor that the policy adds later, for a successor of the log, cannot be in the first
    // entry.
    ...policy.anchors
      .filter(isChain)
      .filter(anchor => anchor.fromSize <= 1 && !bound.includes(nameOf(anchor)))
      .map(({ contract, chainId }) => genesisFinding('genesis.anchor', { contract, chainId })),
  ]
}

/**
 * The most erasures that wait for their tombstones at once. A ledger chooses how many it claims.
 */
const MAX_OPEN = 100_000

/**
 * Compares what the ledger calls erased with its tombstones, which come later in the log. Take the
 * statements in order, then `end` at the size of the tree.
 */
export function createTombstones() {
  const open = new Map<number, number>()
  let isTooMuch = false
  return {
    take({ erased, tombstones }: ServedStatements): AuditFinding[] {
      const findings: AuditFinding[] = []
      const unproven = (index: number) => findings.push(finding('AUDIT_ERASURE_UNPROVEN', 'statement', { index }, index))
      for (const [at, index] of tombstones) if (open.get(index) === at) open.delete(index)
      for (const [index, tombstone] of erased) {
        // The genesis has a finding of its own.
        if (index === 0) continue
        if (tombstone === undefined || tombstone <= index) unproven(index)
        else if (tombstones.get(tombstone) === index) continue
        else if (open.size < MAX_OPEN) open.set(index, tombstone)
        else isTooMuch = true
      }
      return findings
    },
    /** Whether any erasure waits for its tombstone. */
    isOpen: () => open.size > 0 || isTooMuch,
    /** The rest: a tombstone below `size` was not there; one above it may be. */
    end(size: number): { findings: AuditFinding[]; unfinished: Unfinished[] } {
      const all = [...open]
      const missing = all.filter(([, tombstone]) => tombstone < size)
      const [later] = all.filter(([, tombstone]) => tombstone >= size)
      return {
        findings: missing.map(([index]) => finding('AUDIT_ERASURE_UNPROVEN', 'statement', { index }, index)),
        unfinished: [
          ...(later === undefined ? [] : [unfinished('AUDIT_ERASURE_LATER', 'statement', { index: later[0] })]),
          ...(isTooMuch ? [unfinished('AUDIT_TOO_MANY', 'findings', { count: MAX_OPEN })] : []),
        ],
      }
    },
  }
}

/**
 * The most time stamps that are remembered at once: for comparison, one every ten minutes for ten
 * years.
 */
const MAX_STAMPS = 525_600

/** The time stamps that the log names, until the ledger serves each of them. */
export type LoggedStamps = {
  /** Takes the statements of the log, in any order. */
  take(served: ServedStatements): void
  /** Takes the SHA-256 (hex) of each token that is served for the checkpoint of a size. */
  see(size: number, tokens: readonly string[]): void
  /** Why not all were seen. */
  left(): Unfinished[]
}

/** Remembers none at first. */
export function createLoggedStamps(): LoggedStamps {
  const open = new Map<string, number>()
  let isTooMuch = false
  return {
    take({ stamps }) {
      for (const { size, sha256 } of stamps) {
        if (open.size < MAX_STAMPS) open.set(`${size} ${sha256}`, size)
        else isTooMuch = true
      }
    },
    see(size, tokens) {
      for (const sha256 of tokens) open.delete(`${size} ${sha256}`)
    },
    left() {
      const [size] = open.values()
      return [
        ...(size === undefined ? [] : [unfinished('AUDIT_STAMP_MISSING', 'stamps.missing', { count: open.size, size })]),
        ...(isTooMuch ? [unfinished('AUDIT_TOO_MANY', 'findings', { count: MAX_STAMPS })] : []),
      ]
    },
  }
}

function genesisFinding(detail: AuditFinding['detail'], values: AuditFinding['values'] = {}): AuditFinding {
  return finding('AUDIT_GENESIS_MISMATCH', detail, values, 0)
}

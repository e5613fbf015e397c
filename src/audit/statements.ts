/** Compares statements with the leaves of their entries, and the first one with the policy. */
import { equalBytes, toHex } from '../core/bytes.ts'
import { HASH_BYTES, type Hash } from '../core/hash.ts'
import { canonicalJson } from '../core/json.ts'
import { GENESIS, type Genesis } from '../core/statements/genesis.ts'
import type { AnyStatement } from '../core/statements/registry.ts'
import { type Finding, finding, type Moved } from './finding.ts'
import { addFinding, type Run } from './run.ts'
import type { ServedStatements } from './served-statements.ts'

/**
 * Checks that every statement is the one of its leaf in the tree, and that the first is the
 * policy's genesis. Returns the statements that belong to other leaves. `leaves` is undefined if
 * the tree is unknown here.
 */
export function checkStatements(run: Run, leaves: readonly Hash[] | undefined, served: ServedStatements, start: number): Moved[] {
  const moved: Moved[] = []
  const count = served.leaves.length / HASH_BYTES
  run.counts.statements += count
  for (let i = 0; i < count; i++) {
    const index = start + i
    const missing = served.missing.get(index)
    if (missing === 'erased') run.counts.erased++
    else if (missing === 'damaged') addFinding(run, finding('AUDIT_STATEMENT_DAMAGED', 'statement', { index }, index))
    else if (missing !== undefined)
      addFinding(run, finding('AUDIT_STATEMENT_UNREADABLE', 'statement.reason', { index, reason: missing.refused }, index))
    else {
      // Compares with the leaf and not with the entry: a changed entry is reported elsewhere, and
      // its statement may be right.
      const got = served.leaves.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES)
      const want = leaves?.[i]
      if (want === undefined || equalBytes(got, want)) continue
      addFinding(run, finding('AUDIT_STATEMENT_CHANGED', 'statement', { index }, index))
      moved.push({ index, got: toHex(got), want: toHex(want) })
    }
  }
  if (start === 0) checkGenesis(run, served)
  return moved
}

/**
 * Checks that each change of the log's key is from a key of the policy to another. Otherwise the
 * ledger signs with a key that readers were not told of.
 */
export function checkKeyChanges(run: Run, { keyChanges }: ServedStatements): void {
  const { origin, logKeys } = run.input.policy
  const isKnown = (key: string) => logKeys.some(({ vkey }) => vkey === key)
  for (const { index, change } of keyChanges) {
    if (change.origin === origin && isKnown(change.oldKey) && isKnown(change.newKey)) continue
    addFinding(run, finding('AUDIT_KEY_CHANGE', 'keyChange', { index, before: change.oldKey, after: change.newKey }, index))
  }
}

function checkGenesis(run: Run, { missing, genesis }: ServedStatements): void {
  if (missing.get(0) === 'erased') addFinding(run, genesisFinding('genesis.erased'))
  if (genesis === undefined || run.findings.some(({ index }) => index === 0)) return
  if (genesis.type !== GENESIS) addFinding(run, genesisFinding('genesis.kind'))
  else for (const found of genesisFindings(run, genesis)) addFinding(run, found)
}

function genesisFindings({ input: { policy } }: Run, genesis: Extract<AnyStatement, Genesis>): Finding[] {
  const nameOf = ({ chainId, contract, logId }: Genesis['anchors'][number]) =>
    canonicalJson({ chainId, contract: contract.toLowerCase(), logId: logId.toLowerCase() })
  const bound = genesis.anchors.map(nameOf)
  return [
    ...(genesis.origin === policy.origin ? [] : [genesisFinding('genesis.origin', { origin: genesis.origin })]),
    ...(policy.logKeys.some(key => key.vkey === genesis.logKey) ? [] : [genesisFinding('genesis.key', { key: genesis.logKey })]),
    // An anchor that the policy adds later, for a successor of the log, cannot be in the first
    // entry.
    ...policy.anchors
      .filter(anchor => anchor.fromSize <= 1 && !bound.includes(nameOf(anchor)))
      .map(({ contract, chainId }) => genesisFinding('genesis.anchor', { contract, chainId })),
  ]
}

function genesisFinding(detail: Finding['detail'], values: Finding['values'] = {}): Finding {
  return finding('AUDIT_GENESIS_MISMATCH', detail, values, 0)
}

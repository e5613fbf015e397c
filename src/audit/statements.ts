/** Statements against the leaves of their entries, and the first one against the policy. */
import { equalBytes } from '../core/bytes.ts'
import { encodeEntry } from '../core/entry.ts'
import { OpenSealError } from '../core/errors.ts'
import { type Hash, hashLeaf } from '../core/hash.ts'
import { canonicalJson } from '../core/json.ts'
import { type AnyStatement, canonicalStatement, type Genesis, parseAnyStatement } from '../core/statement.ts'
import { finding } from './finding.ts'
import { addFinding, type Run } from './run.ts'
import type { ServedStatement } from './source.ts'

/** Every statement that is there is the one of its leaf in the tree; the first one is the genesis that the policy speaks of. */
export function checkStatements(
  run: Run,
  leaves: readonly Hash[] | undefined,
  statements: readonly ServedStatement[],
  start: number,
): void {
  for (const [i, served] of statements.entries()) {
    const index = start + i
    run.counts.statements++
    if (served === 'erased') {
      run.counts.erased++
      if (index === 0) addFinding(run, finding('AUDIT_GENESIS_MISMATCH', 'the ledger has erased it', 0))
      continue
    }
    const statement = readStatement(served)
    const problem = typeof statement === 'string' ? statement : problemOf(statement, leaves?.[i])
    if (problem !== undefined) addFinding(run, finding('AUDIT_STATEMENT_MISMATCH', `statement ${index}: ${problem}`, index))
    else if (index === 0) checkGenesis(run, statement as AnyStatement)
  }
}

function readStatement(served: Exclude<ServedStatement, 'erased'>): AnyStatement | string {
  if ('refused' in served) return served.refused
  try {
    return parseAnyStatement(served.value)
  } catch (error) {
    if (!(error instanceof OpenSealError)) throw error
    return error.message
  }
}

/** The leaf and not the entry: a changed entry is told elsewhere, and its statement may well be the right one. */
function problemOf(statement: AnyStatement, leaf: Hash | undefined): string | undefined {
  const isIts = leaf === undefined || equalBytes(hashLeaf(encodeEntry(canonicalStatement(statement))), leaf)
  return isIts ? undefined : 'the entry at its index commits to something else'
}

function checkGenesis(run: Run, statement: AnyStatement): void {
  const problem = statement.type === 'openseal/genesis@v1' ? genesisProblem(run, statement) : 'the first entry is not a genesis'
  if (problem !== undefined) addFinding(run, finding('AUDIT_GENESIS_MISMATCH', problem, 0))
}

function genesisProblem({ input: { policy } }: Run, genesis: Genesis): string | undefined {
  const nameOf = ({ chainId, contract, logId }: Genesis['anchors'][number]) =>
    canonicalJson({ chainId, contract: contract.toLowerCase(), logId: logId.toLowerCase() })
  const bound = genesis.anchors.map(nameOf)
  const problems = [
    ...(genesis.origin === policy.origin ? [] : [`it is of ${genesis.origin}`]),
    ...(policy.logKeys.some(key => key.vkey === genesis.logKey) ? [] : [`its key ${genesis.logKey} is not in the policy`]),
    // An anchor that the policy adds later on, for a successor of the log, cannot be in the first entry.
    ...policy.anchors
      .filter(anchor => anchor.fromSize <= 1 && !bound.includes(nameOf(anchor)))
      .map(anchor => `it does not name contract ${anchor.contract} on chain ${anchor.chainId}`),
  ]
  return problems.length === 0 ? undefined : problems.join('; ')
}

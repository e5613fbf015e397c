/** The policy of the ledger itself: what is served to verifiers, and when its rounds are final. */
import type { RoundRule } from '../anchor/round-rule.ts'
import { checkpointAnchor } from '../chain/artifact.ts'
import { OpenSealError } from '../core/errors.ts'
import { formatPolicy, type Policy, parsePolicy } from '../core/policy.ts'
import type { PolicyChain } from '../core/policy-anchors.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { OpenAuthority } from './authorities.ts'
import type { PlacedChain } from './chain.ts'
import { ServerError } from './errors.ts'
import type { VoucherSettings } from './vouchers-file.ts'

/** The part of the policy that the settings decide. */
export function ruleOf(
  { witnesses, quorum, requireAnchors }: VoucherSettings,
  chains: readonly PlacedChain[],
  authorities: readonly OpenAuthority[],
): RoundRule {
  const anchors = [...chains.flatMap(anchorsOf), ...authorities.map(({ anchor }) => anchor)]
  return { witnesses: witnesses.map(({ vkey }) => vkey), quorum, anchors, requireAnchors }
}

/** A chain of the service as its policy names it: once for each range of sizes that it counts for. */
export function anchorsOf({ place, before, production, finality, explorer }: PlacedChain): PolicyChain[] {
  return [...before, place].map(({ fromSize, toSize, codeSha256 = checkpointAnchor.codeSha256, ...at }) => {
    const range = { fromSize, ...(toSize !== undefined && { toSize }) }
    return { ...at, codeSha256, production, finality, ...(explorer && { explorer }), ...range }
  })
}

/** The policy that the ledger serves. */
export function policyOf({ origin, logKeys }: Pick<Ledger, 'origin' | 'logKeys'>, rule: RoundRule): Policy {
  return { type: 'openseal/policy@v1', origin, logKeys: logKeys(), ...rule }
}

/**
 * Refuses settings from which no policy follows that a verifier could use.
 * @throws ServerError SERVER_VOUCHERS
 */
export function assertUsable(ledger: Pick<Ledger, 'origin' | 'logKeys'>, rule: RoundRule): void {
  const { anchors, requireAnchors } = rule
  // A retired chain anchors nothing new.
  const open = anchors.filter(({ toSize }) => toSize === undefined).length
  if (open < requireAnchors)
    throw new ServerError(
      'SERVER_VOUCHERS',
      `requireAnchors is ${requireAnchors}, but there are only ${open} chains and time-stamp authorities: no record would ever be anchored.`,
    )
  try {
    parsePolicy(formatPolicy(policyOf(ledger, rule)))
  } catch (cause) {
    if (!(cause instanceof OpenSealError)) throw cause
    const why =
      cause.code === 'POLICY_NO_FORK_GUARD'
        ? 'Time stamps alone would satisfy the policy: raise requireAnchors, or set a quorum of witnesses'
        : cause.message
    throw new ServerError('SERVER_VOUCHERS', `No verifier could use the policy of these vouchers. ${why}.`, { cause })
  }
}

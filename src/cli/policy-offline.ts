/**
 * `openseal policy --offline`: a policy by which receipts can be checked without a network. It keeps
 * the witnesses and the time stamps, whose word is in the receipt, and leaves out the chains.
 */
import { type Policy, parsePolicy } from '../core/policy.ts'
import { isAuthority, isChain } from '../core/policy-anchors.ts'
import { CommandError, EXIT_USAGE } from './command.ts'

/** What was left out of a policy. */
export type GivenUp = {
  /** The ids of the chains. */
  readonly chains: readonly number[]
  readonly quorum: { readonly before: number; readonly now: number }
  readonly requireAnchors: { readonly before: number; readonly now: number }
}

/**
 * The policy without its chains. As many witnesses as before must sign, but at least one, because
 * nobody else stops a second history. As many time stamps are required as the policy requires
 * anchors, or as it has authorities, if these are fewer.
 * @throws CommandError POLICY_NEEDS_NETWORK (exit 2) if it names no witness or no authority
 */
export function withoutChains(policy: Policy): { readonly policy: Policy; readonly givenUp: GivenUp } {
  const { witnesses, quorum, requireAnchors } = policy
  const authorities = policy.anchors.filter(isAuthority)
  const open = authorities.filter(({ toSize }) => toSize === undefined)
  const counting = open.some(({ production }) => production) ? open.filter(({ production }) => production) : open
  if (witnesses.length === 0) throw needsNetwork('it names no witness, so only a chain stops a second history')
  if (counting.length === 0) throw needsNetwork('it names no time-stamp authority, so only a chain says since when')
  const [signed, stamped] = [Math.max(quorum, 1), Math.min(requireAnchors, counting.length)]
  return {
    policy: parsePolicy(JSON.stringify({ ...policy, anchors: authorities, quorum: signed, requireAnchors: stamped })),
    givenUp: {
      chains: [...new Set(policy.anchors.filter(isChain).map(({ chainId }) => chainId))],
      quorum: { before: quorum, now: signed },
      requireAnchors: { before: requireAnchors, now: stamped },
    },
  }
}

/** What a reader gives up, a sentence a line. */
export function describeGivenUp({ witnesses }: Policy, { chains, quorum, requireAnchors }: GivenUp): string[] {
  const ids = chains.length === 1 ? `Chain ${chains[0]} is` : `The chains ${chains.join(', ')} are`
  return [
    ...(chains.length === 0
      ? []
      : [
          `${ids} not asked. A history that a contract would refuse can only be stopped by the witnesses.`,
          'If the owner closes the log after a theft, the checks do not learn of it: records that the owner disowned still look good.',
        ]),
    `${quorum.now} of ${witnesses.length} witnesses must have signed.${
      quorum.before < quorum.now ? ' The ledger requires none, so a receipt without a cosignature is invalid by this policy.' : ''
    }`,
    `The date is that of ${requireAnchors.now === 1 ? 'a time stamp' : `${requireAnchors.now} time stamps`}.${
      requireAnchors.now < requireAnchors.before ? ` The other policy requires ${requireAnchors.before} anchors.` : ''
    }`,
    'Without a network, nobody says whether there is a newer version, or whether a certificate was revoked.',
  ]
}

function needsNetwork(why: string): CommandError {
  return new CommandError(EXIT_USAGE, 'POLICY_NEEDS_NETWORK', `by this policy nothing can be checked without a network: ${why}`)
}

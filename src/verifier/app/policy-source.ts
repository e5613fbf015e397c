/** A policy or a trust list as it was given, with the fingerprint by which people recognise it. */
import type { Policy } from '../../core/policy.ts'
import { parseTrust, type TrustList } from '../../core/trust.ts'

/**
 * Where the policy is from: a file with the SHA-256 of its RFC 8785 form, or the copy saved in the
 * verifier.
 */
export type PolicySource = { readonly kind: 'file'; readonly name: string; readonly sha256: string } | { readonly kind: 'saved' }

/** A policy or a list that was given as a file. */
export type GivenPolicy = { readonly policy: Policy | TrustList; readonly source: Extract<PolicySource, { kind: 'file' }> }

/** Reads a policy or a list from a file of this name. Throws what parseTrust throws. */
export function readPolicy(name: string, input: string | Uint8Array): GivenPolicy {
  const { given, sha256 } = parseTrust(input)
  return { policy: given, source: { kind: 'file', name, sha256 } }
}

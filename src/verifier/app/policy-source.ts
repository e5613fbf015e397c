/** A policy as it was given, with the fingerprint by which people recognise it. */
import { toHex, toUtf8 } from '../../core/bytes.ts'
import { decodeText } from '../../core/encoding.ts'
import { sha256 } from '../../core/hash.ts'
import { canonicalJson, parseJson } from '../../core/json.ts'
import { type Policy, parsePolicy } from '../../core/policy.ts'

/**
 * Where the policy is from: a file with the SHA-256 of its RFC 8785 form, or the copy saved in the
 * verifier.
 */
export type PolicySource = { readonly kind: 'file'; readonly name: string; readonly sha256: string } | { readonly kind: 'saved' }

/** A policy that was given as a file. */
export type GivenPolicy = { readonly policy: Policy; readonly source: Extract<PolicySource, { kind: 'file' }> }

/** Reads a policy from a file of this name. Throws what parsePolicy throws. */
export function readPolicy(name: string, input: string | Uint8Array): GivenPolicy {
  const policy = parsePolicy(input)
  const text = canonicalJson(parseJson(decodeText(input)))
  return { policy, source: { kind: 'file', name, sha256: toHex(sha256(toUtf8(text))) } }
}

/** Parsers for the members of a policy's JSON, and their errors. */

import { OpenSealError } from './errors.ts'
import { isJsonObject, type Json } from './json.ts'

/** The members of an object of a policy. Missing optional members are undefined. */
export type PolicyMembers = { readonly [member: string]: Json | undefined }

/** Bounds each of the lists of keys, witnesses and anchors. */
const MAX_ITEMS = 64

/**
 * The members of an object with all the required members, any of the optional ones and no others.
 * `path` names the object in errors.
 */
export function members(value: Json | undefined, path: string, required: readonly string[], optional: readonly string[]): PolicyMembers {
  if (!isJsonObject(value)) throw malformed(`${path} is not an object`)
  for (const member of Object.keys(value)) {
    if (!required.includes(member) && !optional.includes(member)) throw malformed(`${path} has an unknown member ${JSON.stringify(member)}`)
  }
  for (const member of required) if (!Object.hasOwn(value, member)) throw malformed(`${path} lacks ${member}`)
  return value
}

/** A list of at most 64 items. */
export function list(value: Json | undefined, path: string): readonly Json[] {
  if (!Array.isArray(value)) throw malformed(`${path} is not a list`)
  if (value.length > MAX_ITEMS) throw malformed(`${path} has more than ${MAX_ITEMS} items`)
  return value
}

/** A whole number from `min`. */
export function count(value: Json | undefined, path: string, min: number): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min) throw malformed(`${path} is not a whole number from ${min}`)
  return value
}

/** Hex of this shape, in lower case. */
export function hex(value: Json | undefined, path: string, shape: RegExp): string {
  if (typeof value !== 'string' || !shape.test(value)) throw malformed(`${path} is not hex of the right length`)
  return value.toLowerCase()
}

/** The error for a member that is missing, unknown or invalid. `what` names it. */
export function malformed(what: string): PolicyError {
  return new PolicyError('POLICY_MALFORMED', `the policy cannot be used: ${what}`)
}

/** POLICY_MALFORMED, POLICY_UNSUPPORTED or POLICY_NO_FORK_GUARD. */
export class PolicyError extends OpenSealError {}

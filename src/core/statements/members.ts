/** Parsers for the members of a statement's JSON, and their errors. */

import { toUtf8 } from '../bytes.ts'
import { OpenSealError } from '../errors.ts'
import { isJsonObject, type Json } from '../json.ts'
import { isTime } from '../time.ts'

/** The members of an object. Missing optional members are undefined. */
export type Members = { readonly [member: string]: Json | undefined }

/** The largest canonical form, salt included. */
export const MAX_STATEMENT_BYTES = 128 * 1024

/** Base64url of 32 bytes: the last of the 43 characters carries two zero bits. */
const SALT = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/

/**
 * The members of an object with all the required members, any of the optional ones and no others.
 * `path` names the object in errors.
 */
export function members(value: Json | undefined, path: string, required: readonly string[], optional: readonly string[]): Members {
  if (!isJsonObject(value)) throw malformed(`${path} is not an object`)
  for (const member of Object.keys(value)) {
    if (!required.includes(member) && !optional.includes(member)) throw malformed(`${path} has an unknown member ${JSON.stringify(member)}`)
  }
  for (const member of required) if (!Object.hasOwn(value, member)) throw malformed(`${path} lacks ${member}`)
  return value
}

/** A well-formed string: half of a surrogate pair has no UTF-8 form. */
export function text(value: Json | undefined, path: string): string {
  if (typeof value !== 'string') throw malformed(`${path} is not a string`)
  if (!value.isWellFormed()) throw malformed(`${path} contains half of a surrogate pair`)
  return value
}

/** A list of `min` to `max` items. */
export function list(value: Json | undefined, path: string, min: number, max: number): readonly Json[] {
  if (!Array.isArray(value)) throw malformed(`${path} is not a list`)
  if (value.length < min || value.length > max) throw malformed(`${path} has ${value.length} items instead of ${min} to ${max}`)
  return value
}

/** Throws unless the value is a time as design §3 spells it. */
export function checkTime(value: Json | undefined, path: string): void {
  if (!isTime(text(value, path))) throw malformed(`${path} is not a time like 2026-01-31T23:59:59Z`)
}

/** Throws unless the value is a salt: base64url of 32 bytes. */
export function checkSalt(value: Json | undefined): void {
  if (!SALT.test(text(value, 'salt'))) throw malformed('salt is not base64url of 32 bytes')
}

/** The length of a text in UTF-8. */
export function byteLength(text: string): number {
  return toUtf8(text).length
}

/** The error for a member that is missing, unknown or invalid. `what` names it. */
export function malformed(what: string): StatementError {
  return new StatementError('STATEMENT_MALFORMED', what)
}

/** The error for a canonical form that is too long. */
export function tooLarge(): StatementError {
  return new StatementError('STATEMENT_TOO_LARGE', `the statement is larger than ${MAX_STATEMENT_BYTES} bytes in canonical form`)
}

/** The error for an unknown type, which a later version may support. */
export function unsupported(type: string): StatementError {
  return new StatementError('STATEMENT_UNSUPPORTED', `statements of type ${JSON.stringify(type.slice(0, 100))} are not supported`)
}

/** STATEMENT_MALFORMED, STATEMENT_NAME_TWICE, STATEMENT_TOO_LARGE or STATEMENT_UNSUPPORTED. */
export class StatementError extends OpenSealError {}

/** The policy of a command: a file that its user keeps, or what the ledger serves. */
import { readFile } from 'node:fs/promises'
import { OpenSealError } from '../core/errors.ts'
import { type Policy, parsePolicy } from '../core/policy.ts'
import { isTrustList, parseTrust, type TrustList } from '../core/trust.ts'
import type { Client } from './client.ts'
import { CommandError, EXIT_INVALID, EXIT_UNSUPPORTED, EXIT_USAGE, UsageError } from './command.ts'

/**
 * The policy in a file; of a trust list, that of the ledger with this origin. Errors name the file:
 * exit 2, or 7 if a newer version may read it.
 */
export async function readPinnedPolicy(file: string, originOf?: () => string | Promise<string>): Promise<Policy> {
  const given = await readTrustFile(file)
  if (!isTrustList(given)) return given
  if (originOf === undefined) throw new UsageError(`${file} is a trust list: this command takes the policy of one ledger`)
  const origin = await originOf()
  const entry = given.entries.find(each => each.origin === origin)
  if (entry?.policy) return entry.policy
  const why = entry ? `has a policy for ${origin} of a kind that this version does not know` : `does not know the ledger ${origin}`
  throw new CommandError(EXIT_UNSUPPORTED, entry ? 'POLICY_UNSUPPORTED' : 'TRUST_ORIGIN_UNKNOWN', `${file} ${why}`)
}

/** The policy or the trust list in a file. Errors name the file. */
export async function readTrustFile(file: string): Promise<Policy | TrustList> {
  const bytes = await readFile(file).catch(cause => {
    throw new UsageError(cause.code === 'ENOENT' ? `there is no file ${file}` : `${file} cannot be read (${cause.code})`, { cause })
  })
  return readAs(
    () => parseTrust(bytes).given,
    EXIT_USAGE,
    ({ message }) => `${file}: ${message}`,
  )
}

/**
 * The policies in a file: one, or those of a trust list. Errors as of `readPinnedPolicy`; a list
 * with a policy that is not supported is refused.
 */
export async function readPinnedPolicies(file: string): Promise<Policy[]> {
  const given = await readTrustFile(file)
  if (!isTrustList(given)) return [given]
  return given.entries.map(({ origin, policy }) => {
    if (policy !== undefined) return policy
    throw new CommandError(EXIT_UNSUPPORTED, 'POLICY_UNSUPPORTED', `${file}: this version does not support the policy of ${origin}`)
  })
}

/**
 * The ledger's own policy, with its text. An unusable one is a false answer: exit 5, or 7 if a
 * newer version may read it.
 */
export async function readServedPolicy(client: Client): Promise<{ readonly policy: Policy; readonly text: string }> {
  const text = await client.readText('/policy.json')
  const policy = readAs(
    () => parsePolicy(text),
    EXIT_INVALID,
    ({ message }) => `${client.url} serves a policy that cannot be used: ${message}`,
  )
  return { policy, text }
}

function readAs<T>(read: () => T, exit: number, say: (error: OpenSealError) => string): T {
  try {
    return read()
  } catch (cause) {
    if (!(cause instanceof OpenSealError)) throw cause
    throw new CommandError(cause.code.endsWith('_UNSUPPORTED') ? EXIT_UNSUPPORTED : exit, cause.code, say(cause), { cause })
  }
}

/** The origin that a ledger claims: it picks the policy of a trust list, which then judges the ledger. */
export async function readOrigin(client: Client): Promise<string> {
  const { origin } = (await client.readJson('/v1/status')) as { origin?: unknown }
  if (typeof origin === 'string') return origin
  throw new CommandError(EXIT_INVALID, 'LEDGER_ANSWER', `${client.url} does not say which ledger it is`)
}

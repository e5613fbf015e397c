/** `openseal policy --extend`: follows the changes of keys and chains that ledgers have logged. */
import { OpenSealError } from '../core/errors.ts'
import { formatPolicy, type Policy } from '../core/policy.ts'
import type { PolicyChain } from '../core/policy-anchors.ts'
import { formatTrustList, isTrustList, parseTrustList, type TrustEntry, type TrustList } from '../core/trust.ts'
import { type AnchorTerms, ExtendError, extendPolicy, type FollowedAnchors } from '../verifier/index.ts'
import { openChainReaders } from './chain-readers.ts'
import { type Client, createClient } from './client.ts'
import { ClientError } from './client-error.ts'
import { CommandError, EXIT_INVALID, EXIT_SEALED, EXIT_UNCHECKED } from './command.ts'
import { print, printJson, remark } from './output.ts'
import { isDifferent, type PolicyDifferences, readDifferences, tellDifferences } from './policy-differences.ts'
import { readTrustFile } from './policy-file.ts'
import { replaceFile } from './receipt-file.ts'

type Options = {
  readonly ledger: string
  readonly json?: boolean
  readonly rpc?: readonly string[]
  readonly acceptAnchors?: boolean
  readonly production?: boolean
  readonly finality?: AnchorTerms['finality']
}

/** What became of one policy. */
type Extended = {
  readonly policy: Policy
  readonly added: readonly string[]
  readonly anchors: readonly FollowedAnchors[]
  /** What the ledger's own policy says besides all that; undefined if it could not be read. */
  readonly differences: PolicyDifferences | undefined
}

/**
 * Extends a pinned policy, or each policy of a list, in its place. The rest stays as it was pinned.
 * Resolves to the exit code. Throws CommandError if a single policy could not be checked.
 */
export async function extendFile(file: string, options: Options): Promise<number> {
  const given = await readTrustFile(file)
  return isTrustList(given) ? extendList(file, given, options) : extendOne(file, given, options)
}

async function extendOne(file: string, pinned: Policy, options: Options): Promise<number> {
  const client = createClient(options.ledger)
  const { policy, added, anchors, differences } = await follow(client, pinned, options)
  if (isChanged({ added, anchors }, options)) await replaceFile(file, formatPolicy(policy))
  if (options.json)
    printJson({
      file,
      added,
      ...(anchors.length > 0 && { anchors: anchors.map(inJson), accepted: options.acceptAnchors === true }),
      ...(isDifferent(differences) && { differences }),
    })
  // A mirror may withhold a change, which nobody can notice here.
  else if (added.length === 0 && anchors.length === 0)
    print(`${client.url} reports no change of keys or chains that is missing in ${file}. The file is unchanged.`)
  else {
    if (added.length > 0) print(`${file} trusts from now on:`, ...added)
    tellAnchors(file, anchors, options)
    tellCaution(added)
  }
  if (!options.json) tellDifferences(client.url, file, differences)
  return 0
}

/** Whether the file changes: changes of chains are adopted only if the reader accepts them. */
function isChanged({ added, anchors }: Pick<Extended, 'added' | 'anchors'>, { acceptAnchors }: Options): boolean {
  return added.length > 0 || (acceptAnchors === true && anchors.length > 0)
}

/** Each entry by its own ledger. One that fails keeps its policy and harms no other. */
async function extendList(file: string, list: TrustList, options: Options): Promise<number> {
  const told: { readonly entry: TrustEntry; readonly extended?: Extended; readonly error?: OpenSealError }[] = []
  for (const entry of list.entries) {
    if (entry.policy === undefined || entry.ledger === undefined) continue
    try {
      told.push({ entry, extended: await follow(createClient(entry.ledger), entry.policy, options) })
    } catch (error) {
      if (!(error instanceof OpenSealError)) throw error
      told.push({ entry, error })
    }
  }
  const changed = new Map(
    told.flatMap(({ entry, extended }) => (extended && isChanged(extended, options) ? [[entry.origin, extended.policy] as const] : [])),
  )
  if (changed.size > 0) await replaceFile(file, formatTrustList(withPolicies(list, changed)))
  if (options.json)
    printJson({
      file,
      entries: told.map(({ entry: { name, origin }, extended, error }) => ({
        name,
        origin,
        ...(extended && { added: extended.added, anchors: extended.anchors.map(inJson) }),
        ...(isDifferent(extended?.differences) && { differences: extended.differences }),
        ...(error && { code: error.code, detail: error.message }),
      })),
    })
  else {
    for (const { entry, extended, error } of told) {
      if (error) print(`${entry.name} (${entry.origin}): not checked. ${error.message}`)
      else if (extended?.added.length === 0 && extended.anchors.length === 0) print(`${entry.name} (${entry.origin}): no change.`)
      else if (extended?.added.length) print(`${entry.name} (${entry.origin}): ${file} trusts from now on:`, ...extended.added)
      tellAnchors(file, extended?.anchors ?? [], options)
      if (extended) tellDifferences(entry.ledger!, `the entry ${entry.name} of ${file}`, extended.differences)
    }
    const unasked = list.entries.filter(({ ledger, policy }) => ledger === undefined || policy === undefined)
    if (unasked.length > 0)
      remark(`Not asked, because the list names no ledger or a policy of an unknown kind: ${unasked.map(({ name }) => name).join(', ')}`)
    tellCaution(told.flatMap(({ extended }) => extended?.added ?? []))
  }
  const failed = told.find(({ error }) => error !== undefined)?.error
  if (failed === undefined) return 0
  remark(`openseal: not every policy of ${file} could be checked [${failed.code}]`)
  return failed instanceof CommandError ? failed.exit : EXIT_UNCHECKED
}

function withPolicies({ json }: TrustList, changed: ReadonlyMap<string, Policy>): TrustList {
  const entries = (json.entries as readonly { readonly policy: { readonly origin: string } }[]).map(entry => {
    const policy = changed.get(entry.policy.origin)
    return policy === undefined ? entry : { ...entry, policy }
  })
  return parseTrustList(JSON.stringify({ ...json, entries }))
}

function tellAnchors(
  file: string,
  anchors: readonly FollowedAnchors[],
  { acceptAnchors, production = false, finality = 'finalized' }: Options,
): void {
  const nameOf = ({ chainId, contract, codeSha256, logId }: PolicyChain) =>
    `  chain ${chainId}, contract ${contract} (code ${codeSha256}), log ${logId}`
  for (const { index, added, retired } of anchors) {
    print(`Entry ${index} changes the chains of the log.`)
    if (added.length > 0) print(`Added, for tree sizes from ${index + 2}:`, ...added.map(nameOf))
    if (retired.length > 0) print(`Retired, for tree sizes from ${index + 2}:`, ...retired.map(nameOf))
  }
  if (anchors.length === 0) return
  const rule = finality === 'finalized' ? 'its own tag' : `${finality.confirmations} blocks`
  if (acceptAnchors)
    print(`${file} has this change. Added chains are ${production ? 'production chains' : 'test networks'}, final by ${rule}.`)
  else
    remark(
      `${file} does not have this change: the ledger may not choose its own judges.`,
      'To adopt it: --accept-anchors, and --production if an added chain is not a test network.',
    )
}

function tellCaution(added: readonly string[]): void {
  if (added.length > 0)
    remark(
      'The old key signed the change, and those whom your policy names vouch for it.',
      "An attacker on the operator's machine could have done both: compare the new key with the one that the operator publishes elsewhere.",
    )
}

function inJson({ index, added, retired }: FollowedAnchors): object {
  return { index, added, retired }
}

/** The receipts of the changes that the ledger reports, oldest first, not checked yet. */
export async function readKeyChanges(client: Client): Promise<string[]> {
  type Change = { readonly index?: unknown; readonly receipt?: unknown }
  const { changes, anchors = [] } = (await client.readJson('/v1/keys')) as { changes?: readonly Change[]; anchors?: readonly Change[] }
  if (!Array.isArray(changes) || !Array.isArray(anchors))
    throw new ClientError('LEDGER_ANSWER', `${client.url} does not say which keys signed its log`)
  const inOrder = [...changes, ...anchors].toSorted((a, b) => Number(a?.index) - Number(b?.index))
  return inOrder.map(change => JSON.stringify(change?.receipt ?? null))
}

/** Writes nothing if one change cannot be believed. The error names the source. */
async function follow(
  client: Client,
  pinned: Policy,
  { rpc, acceptAnchors, production = false, finality = 'finalized' }: Options,
): Promise<Extended> {
  const anchors: FollowedAnchors[] = []
  const terms: AnchorTerms | undefined = acceptAnchors ? { production, finality } : undefined
  const receipts = await readKeyChanges(client)
  try {
    const policy = await extendPolicy(pinned, receipts, openChainReaders(rpc, pinned), { terms, onAnchors: change => anchors.push(change) })
    const added = policy.logKeys.filter(({ vkey }) => !pinned.logKeys.some(key => key.vkey === vkey)).map(({ vkey }) => vkey)
    // With the chains of the newest logged change, so that only what no entry vouches for is left.
    const followed = { ...policy, anchors: anchors.at(-1)?.policy.anchors ?? policy.anchors }
    return { policy, added, anchors, differences: await readDifferences(client, followed) }
  } catch (cause) {
    if (!(cause instanceof OpenSealError) || cause instanceof CommandError) throw cause
    const code = cause instanceof ExtendError ? cause.code : 'EXTEND_UNPROVEN'
    const said = cause instanceof ExtendError ? cause.message : `the change is not proven: ${cause.message}`
    const what = code === 'EXTEND_UNCHECKED' ? `${said}. Name an endpoint of each chain of the policy with --rpc` : said
    throw new CommandError(
      EXITS[code] ?? EXIT_INVALID,
      code,
      `${client.url} reports a change of its keys or chains. It was not adopted: ${what}`,
      {
        cause,
      },
    )
  }
}

const EXITS: { readonly [code: string]: number } = { EXTEND_NOT_ANCHORED: EXIT_SEALED, EXTEND_UNCHECKED: EXIT_UNCHECKED }

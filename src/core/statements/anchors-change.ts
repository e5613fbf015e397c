/** The change of the log's anchors: a chain is added or retired. Design §3.2. */

import { canonicalJson, type Json } from '../json.ts'
import { checkPlace, type GenesisAnchor, MAX_PLACES } from './genesis.ts'
import { byteLength, checkSalt, checkTime, list, MAX_STATEMENT_BYTES, malformed, members, text, tooLarge } from './members.ts'

/** The type of a change of the log's anchors. */
export const ANCHORS_CHANGE = 'openseal/anchors@v1'

/** A log on a chain, and the SHA-256 (lower-case hex) of the runtime code of its contract. */
export type LoggedAnchor = GenesisAnchor & { readonly codeSha256: string }

/**
 * The whole list of the log's anchors from here on. One that was not listed before counts from tree
 * size index + 2; one that is no longer listed ends at index + 1.
 */
export type AnchorsChange = {
  readonly type: typeof ANCHORS_CHANGE
  readonly origin: string
  readonly anchors: readonly LoggedAnchor[]
  readonly created: string
  readonly salt: string
}

/**
 * Parses a change of anchors. Throws StatementError; an anchor of an unknown type is
 * STATEMENT_UNSUPPORTED.
 */
export function parseAnchorsChange(value: Json): AnchorsChange {
  const c = members(value, 'the change of anchors', ['type', 'origin', 'anchors', 'created', 'salt'], [])
  if (text(c.origin, 'origin') === '') throw malformed('origin is empty')
  checkTime(c.created, 'created')
  checkSalt(c.salt)
  const places = new Set<string>()
  for (const [at, item] of list(c.anchors, 'anchors', 1, MAX_PLACES).entries()) {
    const anchor = checkPlace(item, `anchors[${at}]`, ANCHORS_CHANGE, { required: ['codeSha256'] })
    places.add(nameOfPlace(anchor as unknown as GenesisAnchor))
    if (places.size <= at) throw malformed(`anchors[${at}] is listed twice`)
  }
  const change = value as unknown as AnchorsChange
  if (byteLength(canonicalJson(change)) > MAX_STATEMENT_BYTES) throw tooLarge()
  return change
}

/** The name of a log's place on a chain. Two of the same name are the same log. */
export function nameOfPlace({ chainId, contract, logId }: Pick<GenesisAnchor, 'chainId' | 'contract' | 'logId'>): string {
  return `${chainId} ${contract} ${logId}`
}

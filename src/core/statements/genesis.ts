/** The genesis, entry 0 of every ledger. Design §3.2. */

import { canonicalJson, type Json } from '../json.ts'
import {
  byteLength,
  checkSalt,
  checkTime,
  list,
  MAX_STATEMENT_BYTES,
  type Members,
  malformed,
  members,
  text,
  tooLarge,
  unsupported,
} from './members.ts'

/** The type of entry 0. */
export const GENESIS = 'openseal/genesis@v1'

/** The most places that one statement lists. */
export const MAX_PLACES = 64

/** Binds a ledger's name to its key and its anchors. */
export type Genesis = {
  readonly type: typeof GENESIS
  readonly origin: string
  readonly logKey: string
  readonly anchors: readonly GenesisAnchor[]
  readonly created: string
  readonly salt: string
}

/**
 * A log on a chain that the genesis binds, and the SHA-256 (lower-case hex) of the runtime code of its
 * contract. Ledgers that began before 2026-12-01 have no hash there.
 */
export type GenesisAnchor = {
  readonly type: 'evm'
  readonly chainId: number
  readonly contract: string
  readonly codeSha256?: string
  readonly logId: string
}

/**
 * Parses a genesis. Throws StatementError; an anchor of an unknown type is STATEMENT_UNSUPPORTED.
 */
export function parseGenesis(value: Json): Genesis {
  const g = members(value, 'the genesis', ['type', 'origin', 'logKey', 'anchors', 'created', 'salt'], [])
  const origin = text(g.origin, 'origin')
  if (origin === '' || !text(g.logKey, 'logKey').startsWith(`${origin}+`)) throw malformed('logKey is not a vkey of the origin')
  checkTime(g.created, 'created')
  checkSalt(g.salt)
  for (const [at, item] of list(g.anchors, 'anchors', 0, MAX_PLACES).entries())
    checkPlace(item, `anchors[${at}]`, GENESIS, { optional: ['codeSha256'] })
  const genesis = value as unknown as Genesis
  if (byteLength(canonicalJson(genesis)) > MAX_STATEMENT_BYTES) throw tooLarge()
  return genesis
}

/**
 * Throws unless the value is a log's place on a chain with exactly these members; an unknown type is
 * STATEMENT_UNSUPPORTED.
 */
export function checkPlace(
  value: Json,
  path: string,
  of: string,
  { required = [], optional = [] }: { readonly required?: readonly string[]; readonly optional?: readonly string[] },
): Members {
  const anchor = members(value, path, ['type', 'chainId', 'contract', 'logId', ...required], optional)
  if (anchor.type !== 'evm') throw unsupported(`${of} with an anchor of type ${String(anchor.type)}`)
  if (!Number.isSafeInteger(anchor.chainId) || (anchor.chainId as number) < 1) throw malformed(`${path}.chainId is not a chain id`)
  if (!/^0x[0-9a-f]{40}$/.test(text(anchor.contract, 'contract'))) throw malformed(`${path}.contract is not a lower-case address`)
  if (!/^0x[0-9a-f]{64}$/.test(text(anchor.logId, 'logId'))) throw malformed(`${path}.logId is not 32 bytes of lower-case hex`)
  if (anchor.codeSha256 !== undefined && !/^[0-9a-f]{64}$/.test(text(anchor.codeSha256, 'codeSha256')))
    throw malformed(`${path}.codeSha256 is not 32 bytes of lower-case hex`)
  return anchor
}

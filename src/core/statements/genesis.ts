/** The genesis, entry 0 of every ledger. Design §3.2. */

import { canonicalJson, type Json } from '../json.ts'
import { byteLength, checkSalt, checkTime, list, MAX_STATEMENT_BYTES, malformed, members, text, tooLarge, unsupported } from './members.ts'

/** The type of entry 0. */
export const GENESIS = 'openseal/genesis@v1'

/** Binds a ledger's name to its key and its anchors. */
export type Genesis = {
  readonly type: typeof GENESIS
  readonly origin: string
  readonly logKey: string
  readonly anchors: readonly GenesisAnchor[]
  readonly created: string
  readonly salt: string
}

/** A log on a chain that the genesis binds. */
export type GenesisAnchor = { readonly type: 'evm'; readonly chainId: number; readonly contract: string; readonly logId: string }

/**
 * Parses a genesis. Throws StatementError; an anchor of an unknown type is STATEMENT_UNSUPPORTED.
 */
export function parseGenesis(value: Json): Genesis {
  const g = members(value, 'the genesis', ['type', 'origin', 'logKey', 'anchors', 'created', 'salt'], [])
  const origin = text(g.origin, 'origin')
  if (origin === '' || !text(g.logKey, 'logKey').startsWith(`${origin}+`)) throw malformed('logKey is not a vkey of the origin')
  checkTime(g.created, 'created')
  checkSalt(g.salt)
  for (const [at, item] of list(g.anchors, 'anchors', 0, 64).entries()) {
    const anchor = members(item, `anchors[${at}]`, ['type', 'chainId', 'contract', 'logId'], [])
    if (anchor.type !== 'evm') throw unsupported(`${GENESIS} with an anchor of type ${String(anchor.type)}`)
    if (!Number.isSafeInteger(anchor.chainId) || (anchor.chainId as number) < 1) throw malformed(`anchors[${at}].chainId is not a chain id`)
    if (!/^0x[0-9a-f]{40}$/.test(text(anchor.contract, 'contract'))) throw malformed(`anchors[${at}].contract is not a lower-case address`)
    if (!/^0x[0-9a-f]{64}$/.test(text(anchor.logId, 'logId'))) throw malformed(`anchors[${at}].logId is not 32 bytes of lower-case hex`)
  }
  const genesis = value as unknown as Genesis
  if (byteLength(canonicalJson(genesis)) > MAX_STATEMENT_BYTES) throw tooLarge()
  return genesis
}

/** Which parties vouch for a ledger's entries, and how the pages say so. */
import type { SiteDeps } from './deps.ts'

/** Texts that name the chain; each has another one, ending in `.others`, for ledgers with other vouchers. */
type ChainKey =
  | 'home.vouched'
  | 'home.waiting'
  | 'home.lastAnchor'
  | 'state.waiting'
  | 'record.state.sealed'
  | 'record.state.anchored'
  | 'cert.step6sealed'

/** Whether one chain alone vouches; also true if nobody is configured, so nobody else is named. */
export function isOneChain(vouchers: ReturnType<NonNullable<SiteDeps['vouchers']>>): boolean {
  return vouchers.every(({ kind }) => kind === 'chain') && vouchers.length <= 1
}

/** The text that names the chain, or the one for a ledger for which others vouch, too. */
export function vouchKey<Key extends ChainKey>(key: Key, { byOthers }: { readonly byOthers?: boolean | undefined }): Key | `${Key}.others` {
  return byOthers === true ? `${key}.others` : key
}

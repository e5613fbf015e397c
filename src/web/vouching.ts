/** Which parties vouch for a ledger's entries, and how the pages say so. */
import type { SiteDeps } from './deps.ts'

/** Texts that name the chain. Each has a second one for other vouchers, whose key adds `.others`. */
type ChainKey =
  | 'home.vouched'
  | 'home.waiting'
  | 'home.lastAnchor'
  | 'state.waiting'
  | 'record.state.sealed'
  | 'record.state.anchored'
  | 'cert.step6sealed'

/** Whether one chain alone vouches; true as well if nobody is configured, so nobody else is named. */
export function isOneChain(vouchers: ReturnType<NonNullable<SiteDeps['vouchers']>>): boolean {
  return vouchers.every(({ kind }) => kind === 'chain') && vouchers.length <= 1
}

/** The key of the text that names the chain, or of the one for a ledger with other vouchers. */
export function vouchKey<Key extends ChainKey>(key: Key, { byOthers }: { readonly byOthers?: boolean | undefined }): Key | `${Key}.others` {
  return byOthers === true ? `${key}.others` : key
}

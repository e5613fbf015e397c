/** What is shown of those who vouch for rounds: chains, witnesses and time-stamp authorities. */
import type { Stamp } from './timestamp.ts'
import type { Trouble } from './trouble.ts'

/** The state of a voucher. */
export type VoucherState = {
  readonly kind: 'chain' | 'witness' | 'timestamp'
  /** Its configured name; a witness's is that of its key, with the key's id if two have one name. */
  readonly name: string
  /** Missing unless it is a chain. */
  readonly chainId?: number
  /** The newest size that it vouches for; 0 before the first. */
  readonly size: number
  /** Of an authority: whether the certificates behind its newest time stamp were asked about. */
  readonly revocation?: Stamp['revocation']
  /** What is wrong with it, if something is. */
  readonly trouble?: Trouble
}

/** The ledgers in which a file is looked up: the one at hand, and those of a trust list. */
import type { OpenSealError } from '../../core/errors.ts'
import { isTrustList, type TrustEntry } from '../../core/trust.ts'
import { readReceiptParts } from '../checks.ts'
import type { Answer, Means } from './finding.ts'
import { type FoundReceipts, LedgerReadError, type LedgerReader } from './ledger-reader.ts'

/** A ledger that is asked for a file, or that ought to be. */
export type AskedLedger = {
  readonly name: string
  /** Missing for the one at hand. */
  readonly origin?: string
  /** Missing if it cannot be asked from here. */
  readonly ledger?: LedgerReader | undefined
  /** The list has no address for it, or a policy that this version does not support. */
  readonly isUnlisted?: boolean
}

/** The ledger at hand and every ledger of the list, including those that cannot be asked. */
export function ledgersToAsk(means: Means): AskedLedger[] {
  const { ledger, ledgerOf } = means
  const entries = entriesOf(means)
  const isOwn = (entry: TrustEntry) => isOf(ledger, entry)
  const own = ledger === undefined ? [] : [{ name: entries.find(isOwn)?.name ?? ledger.name, ledger }]
  const listed = entries
    .filter(entry => !isOwn(entry))
    .map(entry => {
      const { name, origin } = entry
      const isUnlisted = entry.ledger === undefined || entry.policy === undefined
      return isUnlisted ? { name, origin, isUnlisted } : { name, origin, ledger: ledgerOf?.(entry) }
    })
  return [...own, ...listed]
}

/**
 * The ledgers in which the parts of a file are looked up: each that has the file, or else the one
 * at hand. A package can have thousands of releases, so no other ledger is asked for them.
 */
export function ledgersOfParts(own: readonly Answer[], means: Means): AskedLedger[] {
  const origins = own.flatMap(({ finding }) => finding?.result.origin ?? [])
  const named = origins.map(at => entriesOf(means).find(({ origin }) => origin === at) ?? { origin: at })
  const ledgers = ledgersToAsk(means).filter(({ ledger }) => ledger !== undefined)
  const having = ledgers.filter(({ ledger, origin }) =>
    origin === undefined ? named.some(each => isOf(ledger, each)) : origins.includes(origin),
  )
  return having.length > 0 ? having : ledgers.filter(({ origin }) => origin === undefined)
}

/**
 * The receipts that a ledger has for hashes. A ledger of a list gives only its own: with an old
 * receipt of another ledger, it could make a current file look replaced.
 * @throws OpenSealError LEDGER_NOT_ASKED, and what the reader throws
 */
export async function findIn(asked: AskedLedger, hashes: readonly string[]): Promise<readonly FoundReceipts[]> {
  const { ledger, origin, name } = asked
  if (ledger === undefined) throw new LedgerReadError('LEDGER_NOT_ASKED', `${name} cannot be asked from here`)
  const found = await ledger.findReceipts(hashes)
  if (origin === undefined) return found
  const own = found.filter(({ newest, earliest = newest }) => [newest, earliest].every(text => originOf(text) === origin))
  if (own.length === 0 && found.length > 0) throw unusable(asked)
  return own
}

/** The error of a ledger that sends receipts of others, or receipts that do not hold. */
export function unusable({ name }: AskedLedger): OpenSealError {
  return new LedgerReadError('LEDGER_ANSWER', `${name} answers with a receipt that is not its own`)
}

function entriesOf({ policy, others }: Means): readonly TrustEntry[] {
  return (isTrustList(policy) ? policy : others)?.entries ?? []
}

/** Whether a reader asks the ledger of this origin, or at this address. */
function isOf(reader: LedgerReader | undefined, { origin, ledger }: Pick<TrustEntry, 'origin' | 'ledger'>): boolean {
  return reader !== undefined && (reader.name === origin || reader.name === ledger)
}

function originOf(receipt: string): string | undefined {
  return readReceiptParts(receipt).checkpoint.value?.origin
}

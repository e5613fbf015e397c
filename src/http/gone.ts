/** The answers about a statement that was erased, or waits to be erased. Design §16. */
import type { Ledger } from '../ledger/ledger.ts'
import { GoneError } from './problem.ts'

type Erasing = Pick<Ledger, 'erasureDue' | 'erasureOf' | 'lostChanges'>

/** The stand-in for a statement in a line or a list: the tombstone, or when it is due. */
export async function placeOf(index: number, ledger: Erasing): Promise<{ readonly erased: number } | { readonly erasing: string }> {
  const erasure = await ledger.erasureOf(index)
  if (erasure !== undefined) return { erased: erasure.tombstone }
  const due = await ledger.erasureDue(index)
  if (due === undefined) throw new Error(`bug: statement ${index} is missing, and nobody has asked to erase it`)
  return { erasing: due }
}

/**
 * The stand-in for a statement in a line: also when it was erased and what it had done to
 * other versions, so that a copy of the ledger knows as much as the ledger.
 */
export async function toldOf(index: number, ledger: Erasing) {
  const erasure = await ledger.erasureOf(index)
  if (erasure === undefined) return placeOf(index, ledger)
  const { tombstone, time, effects } = erasure
  return { erased: tombstone, time, ...(effects.length > 0 && { effects }) }
}

/** The refusal to show a statement, with what is known of its erasure. */
export async function goneError(index: number, ledger: Erasing): Promise<GoneError> {
  const erasure = await ledger.erasureOf(index)
  if (erasure === undefined) {
    const due = (await ledger.erasureDue(index)) ?? ''
    return new GoneError('RECORD_ERASING', `The statement of record ${index} is no longer shown. It will be erased after ${due}.`, {
      index,
      erasing: due,
    })
  }
  const { time, reason, tombstone } = erasure
  // Effects of other erased statements on this one: a receipt that was handed out is still checked.
  const changes = await ledger.lostChanges(index)
  return new GoneError('RECORD_ERASED', `The statement of record ${index} was erased. Receipts handed out before stay valid.`, {
    index,
    erased: { time, reason, tombstone },
    ...(changes.length > 0 && { changes }),
  })
}

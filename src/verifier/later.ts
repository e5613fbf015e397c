/** Which of the later statements of a record have to be read, however many there are: a ledger lists them, and each that is chosen is verified by its own receipt. */
import { OpenSealError } from '../core/errors.ts'
import type { Statement } from '../core/statement.ts'

/** An entry of a list as a ledger gives it, and nothing of it verified. What was `erased` has no receipt any more. */
export type ListedEntry = {
  readonly index: number
  readonly agency?: unknown
  readonly record?: unknown
  readonly revision?: unknown
  readonly target?: unknown
  readonly action?: unknown
  readonly erased?: unknown
}

/** The newest that verifies decides. Those before it are for where it does not. */
const READ_OF_EACH = 8
/** A record with a million statements is none; a list that goes on for ever is. */
const MAX_LISTED = 1_000_000

/** The part of a statement that says what it speaks of. */
type Speech = { readonly action?: unknown; readonly revision?: unknown; readonly target?: unknown }

/** An amendment or withdrawal speaks of the revision that it names, or of the whole record; a publication of its own version only. */
export function speaksOf(later: Speech, own: Speech): boolean {
  if (later.action === 'publish') return later.revision === own.revision
  return later.target === undefined || later.target === own.revision
}

/**
 * Indexes above `after` of those that decide what has become of a statement: of each action the newest few that speak of it. Entries whose list does not say what
 * they are (damaged ones, say) are a kind of their own, and all of them have to be read. `pages`: the record's statements, in any order.
 * @throws LaterError LEDGER_TOO_MANY
 */
export async function chooseLater(own: Statement, after: number, pages: AsyncIterable<readonly ListedEntry[]>): Promise<number[]> {
  const chosen = new Map<unknown, number[]>()
  let listed = 0
  for await (const page of pages) {
    listed += page.length
    if (listed > MAX_LISTED) throw tooMany()
    for (const entry of page) {
      const { index, action, erased } = entry
      if (index <= after || erased === true) continue
      const isTold = action === 'publish' || action === 'amend' || action === 'withdraw'
      if (isTold && !speaksOf(entry, own)) continue
      const kind = isTold ? action : undefined
      const kept = [...(chosen.get(kind) ?? []), index].sort((a, b) => b - a)
      if (!isTold && kept.length > READ_OF_EACH) throw tooMany()
      chosen.set(kind, kept.slice(0, READ_OF_EACH))
    }
  }
  return [...chosen.values()].flat().sort((a, b) => b - a)
}

function tooMany(): LaterError {
  return new LaterError('LEDGER_TOO_MANY', 'the ledger lists more statements of this record than can be looked through')
}

/** LEDGER_TOO_MANY. */
export class LaterError extends OpenSealError {}

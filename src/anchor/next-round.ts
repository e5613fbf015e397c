/** The round that a voucher vouches for next. */
import type { Round, Rounds } from './rounds.ts'

/** How a voucher takes part in rounds. */
export type Taking = {
  /** It takes part in every n-th round. */
  readonly everyRounds: number
  /** The least common multiple of that of all chains; undefined if it need not meet another. */
  readonly common?: number
  /** Rounds below this size are before its time. */
  readonly fromSize: number
  /** Rounds above this size are after its time; missing: it has not ended. */
  readonly toSize?: number | undefined
}

/**
 * The next round for a voucher that has vouched for size `previous`; undefined before that round
 * opens.
 *
 * The last checkpoint under a key of the log, or a list of its anchors (`ends`), comes first, so
 * that it is vouched for while readers know only that one. Otherwise it is the newest round in which the voucher takes part: it
 * covers all before it. But chains must meet in the same rounds, and a slow one skips some. So each
 * takes, of the rounds that it has missed, the one whose ordinal is divisible by the highest power
 * of two. A chain that is less than 2^k rounds late then misses no multiple of 2^k, and any two
 * such chains meet there.
 */
export async function nextRound(
  rounds: Pick<Rounds, 'newest' | 'at' | 'byOrdinal' | 'listNewest'>,
  previous: number,
  ends: readonly number[],
  { everyRounds, common, fromSize, toSize }: Taking,
): Promise<Round | undefined> {
  const newest = await rounds.newest()
  const base = Math.max(previous, fromSize - 1)
  if (newest === undefined || newest.size <= base || (toSize !== undefined && base >= toSize)) return undefined
  const end = ends.find(size => size > base && size <= newest.size)
  const ended = end === undefined ? undefined : await rounds.at(end)
  if (ended !== undefined) return ended
  const [last] = await rounds.listNewest(base + 1, 1)
  const ordinal = pickOrdinal(last?.ordinal ?? 0, newest.ordinal, everyRounds, common)
  const round = ordinal === undefined ? undefined : await rounds.byOrdinal(ordinal)
  return round !== undefined && round.size <= (toSize ?? round.size) ? round : undefined
}

/** An ordinal above `after` and up to `newest`; undefined if the voucher takes part in none. */
function pickOrdinal(after: number, newest: number, everyRounds: number, common: number | undefined): number | undefined {
  const last = newest - (newest % everyRounds)
  if (common === undefined || last <= after) return last > after ? last : undefined
  let picked = last
  // The newest multiple of each step up to the largest that is still above `after`.
  for (let step = common; newest - (newest % step) > after; step *= 2) picked = newest - (newest % step)
  return picked
}

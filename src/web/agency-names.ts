/** Agencies by what people type: an id, a name, or a part of one. */
import { foldText } from '../core/fold.ts'
import { breathe } from '../turns.ts'
import type { SiteAgency, SiteDeps } from './deps.ts'

type Agencies = SiteDeps['agencies']

/** The most agencies that are offered. */
const MAX_NAMED = 50
const AT_ONCE = 200

/** The compared form of each name, for one reading of the list. */
const folded = new WeakMap<readonly SiteAgency[], readonly string[]>()

/** Agencies whose id or name has this text in it, without regard to accents and capital letters. */
export async function namedAgencies(agencies: Agencies, typed: string): Promise<SiteAgency[]> {
  const wanted = foldText(typed)
  if (wanted === '') return []
  const list = await agencies.list()
  const names = await foldedOf(list)
  // All requests that wait for the list continue at once, so each takes its turn.
  await breathe()
  return list.filter(({ id }, at) => id.includes(wanted) || names[at]!.includes(wanted)).slice(0, MAX_NAMED)
}

/**
 * The agency that is meant: by its id, by a name that only it has, or the only one that fits;
 * otherwise those that fit.
 */
export async function chooseAgency(
  agencies: Agencies,
  typed: string | undefined,
): Promise<{ readonly agency?: SiteAgency; readonly others: readonly SiteAgency[] }> {
  if (typed === undefined) return { others: [] }
  const wanted = foldText(typed)
  // All agencies are compared here: `namedAgencies` returns only the first ones that fit.
  const list = await agencies.list()
  const names = await foldedOf(list)
  await breathe()
  const [named, ...more] = list.filter((_, at) => names[at] === wanted)
  const exact = list.find(({ id }) => id === wanted) ?? (more.length === 0 ? named : undefined)
  const others = await namedAgencies(agencies, typed)
  const [only] = others
  const agency = exact ?? (others.length === 1 ? only : undefined)
  return agency === undefined ? { others } : { agency, others: [] }
}

async function foldedOf(list: readonly SiteAgency[]): Promise<readonly string[]> {
  const known = folded.get(list)
  if (known !== undefined) return known
  const names: string[] = []
  for (const [at, { name }] of list.entries()) {
    if (at % AT_ONCE === 0) await breathe()
    names.push(foldText(name))
  }
  folded.set(list, names)
  return names
}

/** Finds what a reader looks for, in bounded time, and says how far it looked. */
import { entriesOf } from '../core/since.ts'
import { isPackageFile } from '../core/statements/package-file.ts'
import type { Statement } from '../core/statements/statement.ts'
import { breathe } from '../turns.ts'
import { chooseAgency, namedAgencies } from './agency-names.ts'
import type { SiteAgency, SiteCount, SiteDeps, SiteWanted } from './deps.ts'
import type { FindQuery } from './find-query.ts'
import { readEntry } from './records.ts'

/** The answer to a query. */
export type FoundList = {
  readonly indexes: readonly number[]
  /** Where the list goes on, if there may be more; `before` or `after`, by its order. */
  readonly next: number | undefined
  /** How many there are, or at least how many; undefined if only reading them all can tell. */
  readonly count: SiteCount | undefined
  /** How many package files are left out; undefined if there are none, or if that is unknown. */
  readonly hidden: SiteCount | undefined
  /** Agencies whose name or id has what was typed, if no agency was chosen. */
  readonly named: readonly SiteAgency[]
  /** The chosen agency; or several that fit the typed words, and then none of them is taken. */
  readonly agency: SiteAgency | undefined
  readonly agencies: readonly SiteAgency[]
  /** Other spellings that could be meant. Each finds something. */
  readonly near: readonly string[]
  /** The question to the finder, for further counts; undefined if it was not asked. */
  readonly wanted: SiteWanted | undefined
}

const NONE: FoundList = {
  indexes: [],
  next: undefined,
  count: undefined,
  hidden: undefined,
  named: [],
  agency: undefined,
  agencies: [],
  near: [],
  wanted: undefined,
}
/** The most entries that are read where the finder has not been yet. */
const MAX_UNREAD = 100
/** If a search finds at most this many entries, other spellings are offered. */
const FEW = 3
const MAX_NEAR = 3
const MAX_WORDS = 3
const MAX_TRIED = 4

/** Finds at most `limit` entries. */
export async function findEntries(deps: SiteDeps, query: FindQuery, limit: number): Promise<FoundList> {
  const { ledger, finder, agencies } = deps
  const { q, kind, state, packages = 'hide' } = query
  const chosen = await chooseAgency(agencies, query.agency)
  if (query.agency !== undefined && chosen.agency === undefined) return { ...NONE, agencies: chosen.others }
  const { size } = ledger.head()
  const days = await entriesOf(query, size, index => ledger.sealedMs(index))
  const wanted: SiteWanted = {
    text: q,
    agency: chosen.agency?.id,
    kind,
    state,
    ...(packages !== 'show' && { packages: packages === 'only' ? 'only' : 'hidden' }),
    ...days,
    anchored: ledger.latestRound()?.size ?? 0,
  }
  const digest = q === undefined ? undefined : digestOf(q)
  if (digest !== undefined) return { ...NONE, agency: chosen.agency, ...(await findByDigest(deps, digest, wanted, query, limit)) }
  const found = await findIndexes(deps, placed(wanted, query), limit)
  const isFirst = query.before === undefined && query.after === undefined
  const counted = await finder.count(wanted)
  const whole = isFirst && found.next === undefined
  const isFew = q !== undefined && isFirst && found.indexes.length < FEW
  return {
    ...found,
    next: query.sort === 'oldest' && found.next !== undefined ? found.next - 1 : found.next,
    count: counted ?? (isFirst ? { count: found.indexes.length, isExact: whole } : undefined),
    hidden: wanted.packages === 'hidden' ? await finder.count({ ...wanted, packages: 'only' }) : undefined,
    named: q === undefined || chosen.agency !== undefined || !isFirst ? [] : await namedAgencies(agencies, q),
    agency: chosen.agency,
    agencies: [],
    near: isFew ? await nearQueries(deps, wanted, q) : [],
    wanted,
  }
}

/** A whole SHA-256, written in one of the ways that people copy it in. */
function digestOf(q: string): string | undefined {
  const hex = q.toLowerCase().replace(/^(0x|sha256:)/, '')
  return /^[0-9a-f]{64}$/.test(hex) ? hex : undefined
}

/** The entries that one page wants. */
function placed(wanted: SiteWanted, { sort, before, after }: FindQuery): SiteWanted {
  if (sort === 'oldest')
    return { ...wanted, isOldestFirst: true, ...(after !== undefined && { from: Math.max(wanted.from ?? 0, after + 1) }) }
  return before === undefined ? wanted : { ...wanted, before: Math.min(wanted.before ?? before, before) }
}

/** A page of entries: those that the finder has not read yet, and then those that it has. */
async function findIndexes(deps: SiteDeps, wanted: SiteWanted, limit: number): Promise<{ indexes: readonly number[]; next?: number }> {
  const unread = await findUnread(deps, wanted, limit)
  if (unread.next !== undefined) return unread
  const found = await deps.finder.search(wanted, limit - unread.indexes.length)
  return { ...found, indexes: [...unread.indexes, ...found.indexes] }
}

/**
 * The newest entries that the finder has not read, as far as their statements alone tell. If there
 * are many, only lists that pass over few of them show them; the finder will have the others.
 */
async function findUnread(deps: SiteDeps, wanted: SiteWanted, limit: number): Promise<{ indexes: readonly number[]; next?: number }> {
  const { ledger, finder } = deps
  const { text, agency, kind, state, packages, from = 0, before, isOldestFirst } = wanted
  const { size } = ledger.head()
  const [low, high] = [Math.max(from, finder.reached()), Math.min(size, before ?? size)]
  const isTold = text === undefined && (state === undefined || state === 'waiting') && isOldestFirst !== true
  const passesFew = kind === undefined && state === undefined && packages !== 'only'
  if (!isTold || low >= high || (high - low > MAX_UNREAD && !passesFew)) return { indexes: [] }
  const indexes: number[] = []
  let read = 0
  for await (const index of newestOf(deps, agency, low, high)) {
    if (indexes.length >= limit || read++ >= MAX_UNREAD) return { indexes, next: index + 1 }
    await breathe()
    const { statement } = await readEntry(ledger, index)
    if (statement === undefined ? agency === undefined && passesFew : fits(statement, wanted)) indexes.push(index)
  }
  // Below them, the finder goes on.
  return indexes.length >= limit ? { indexes, next: low } : { indexes }
}

/** Entries of [low, high), newest first, of an agency or of all. */
async function* newestOf({ ledger }: SiteDeps, agency: string | undefined, low: number, high: number): AsyncGenerator<number> {
  let before = high
  while (before > low) {
    const indexes =
      agency === undefined
        ? Array.from({ length: Math.min(MAX_UNREAD, before - low) }, (_, back) => before - 1 - back)
        : await ledger.listByAgency(agency, before, MAX_UNREAD)
    for (const index of indexes) if (index >= low) yield index
    before = indexes.at(-1) ?? low
  }
}

function fits(statement: Statement, { agency, kind, packages }: SiteWanted): boolean {
  if ((agency ?? statement.agency) !== statement.agency || (kind ?? statement.kind) !== statement.kind) return false
  return packages === undefined || isPackageFile(statement) === (packages === 'only')
}

/** By a fingerprint, which finds package files too; other filters are compared with each hit. */
async function findByDigest({ ledger, finder }: SiteDeps, digest: string, wanted: SiteWanted, query: FindQuery, limit: number) {
  const { state, from = 0, before = Number.MAX_SAFE_INTEGER, anchored = 0 } = wanted
  const { before: below = before } = query
  const hits = await ledger.listByDigest(digest, Math.min(below, before), limit + 1)
  const indexes: number[] = []
  for (const index of hits.slice(0, limit)) {
    await breathe()
    const { statement } = await readEntry(ledger, index)
    if (statement === undefined || index < from || !fits(statement, { ...wanted, packages: undefined })) continue
    const is = await finder.state(index, statement)
    const isChanged = is.edited === true || is.isSilentEdit === true
    const inState = {
      current: index < anchored && is.withdrawn === undefined && is.superseded === undefined && !isChanged,
      waiting: index >= anchored,
      withdrawn: is.withdrawn !== undefined,
      superseded: is.superseded !== undefined,
      edited: isChanged,
    }
    if (state === undefined || inState[state]) indexes.push(index)
  }
  const next = hits.length > limit ? hits[limit - 1] : undefined
  const isFirst = query.before === undefined
  return { indexes, next, count: isFirst ? { count: indexes.length, isExact: next === undefined } : undefined }
}

/** The same query with some typed words replaced by words of titles. */
async function nearQueries({ finder }: SiteDeps, wanted: SiteWanted, q: string): Promise<string[]> {
  const finds = async (text: string) => (await finder.search({ ...wanted, text }, 1)).indexes.length > 0
  const words = [...q.matchAll(/[\p{L}\p{M}]+/gu)].slice(0, MAX_WORDS)
  const fixes: { readonly at: number; readonly typed: string; readonly written: readonly string[]; readonly isKnown: boolean }[] = []
  for (const { 0: typed, index: at } of words) {
    const written = (await finder.near(typed, MAX_NEAR)).map(near => near.written)
    if (written.length > 0) fixes.push({ at, typed, written, isKnown: await finds(typed) })
  }
  const withWords = (chosen: readonly { readonly at: number; readonly typed: string; readonly written: string }[]) =>
    chosen
      .toSorted((a, b) => b.at - a.at)
      .reduce((text, { at, typed, written }) => text.slice(0, at) + written + text.slice(at + typed.length), q)
  const single = fixes.flatMap(({ written, ...fix }) => written.map(each => withWords([{ ...fix, written: each }])))
  const unknown = fixes.filter(({ isKnown }) => !isKnown).map(({ written, ...fix }) => ({ ...fix, written: written[0]! }))
  const tried = [...(unknown.length > 1 ? [withWords(unknown)] : []), ...single].slice(0, MAX_TRIED)
  const near: string[] = []
  for (const text of new Set(tried)) if (near.length < MAX_NEAR && (await finds(text))) near.push(text)
  return near
}

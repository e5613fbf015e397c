/** A reader's search as the address of a list spells it: every part of it, and nothing else. */
import type { Context } from 'koa'
import { isDay } from '../core/since.ts'
import { type SiteWantedState, STATES } from './deps.ts'
import { readChoice } from './frame.ts'

/** The parts that readers choose. Missing ones do not narrow the list down. */
export type FindQuery = {
  /** A fingerprint, a number, or words; without white space at the ends. */
  readonly q?: string | undefined
  /** An agency's id or a part of its name, as it was typed. */
  readonly agency?: string | undefined
  readonly kind?: 'procurement' | 'decision' | undefined
  readonly state?: SiteWantedState | undefined
  /** Days in UTC, by the ledger's date of acceptance; `to` is the last of them. */
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly sort?: 'oldest' | undefined
  readonly packages?: 'show' | 'only' | undefined
  /** Where the list goes on: below an index, or above one if the oldest come first. */
  readonly before?: number | undefined
  readonly after?: number | undefined
}

/** The query of a request, and the parts of it that should be dates and are not. */
export type ReadQuery = { readonly query: FindQuery; readonly badDates: readonly string[] }

const MAX_TEXT = 512
const MAX_DATE = 40

/** Reads what an address asks for. Unknown parts and values are passed over. */
export function readFindQuery(ctx: Context): ReadQuery {
  const text = (name: string, most = MAX_TEXT) => {
    const value = ctx.query[name]
    const given = (Array.isArray(value) ? (value[0] ?? '') : (value ?? '')).slice(0, most).toWellFormed().trim()
    return given === '' ? undefined : given
  }
  const place = (name: string) => {
    const value = ctx.query[name]
    return typeof value === 'string' && /^(0|[1-9]\d{0,15})$/.test(value) && Number.isSafeInteger(Number(value)) ? Number(value) : undefined
  }
  const days = { from: text('from', MAX_DATE), to: text('to', MAX_DATE) }
  const dayOf = (day: string | undefined) => (day !== undefined && isDay(day) ? day : undefined)
  const sort = readChoice(ctx, 'sort', ['oldest'])
  const query: FindQuery = {
    q: text('q'),
    agency: text('agency'),
    kind: readChoice(ctx, 'kind', ['procurement', 'decision']),
    state: readChoice(ctx, 'state', STATES),
    from: dayOf(days.from),
    to: dayOf(days.to),
    sort,
    packages: readChoice(ctx, 'packages', ['show', 'only']),
    ...(sort === undefined ? { before: place('before') } : { after: place('after') }),
  }
  return { query, badDates: Object.values(days).filter(day => day !== undefined && !isDay(day)) as string[] }
}

/** The same list with some parts changed, from its beginning unless a change says where. */
export function changeQuery(query: FindQuery, changes: FindQuery): FindQuery {
  const { before, after, ...rest } = query
  return { ...rest, ...changes }
}

/** The address of a list. Two addresses of the same list are the same. */
export function addressOf(query: FindQuery): string {
  const parts = PARTS.flatMap(name => (query[name] === undefined ? [] : [`${name}=${encodeURIComponent(query[name])}`]))
  return parts.length === 0 ? '/records' : `/records?${parts.join('&')}`
}

const PARTS = ['q', 'agency', 'kind', 'state', 'from', 'to', 'sort', 'packages', 'before', 'after'] as const

/** Whether a query narrows the list down, or changes it otherwise. */
export function isNarrowed({ before, after, ...parts }: FindQuery): boolean {
  return Object.values(parts).some(part => part !== undefined)
}

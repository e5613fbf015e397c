/** The choices of a reader, each with its number of entries where that is known. */
import { breathe } from '../turns.ts'
import { type SiteAgency, type SiteCount, type SiteDeps, type SiteWantedState, STATES } from './deps.ts'
import type { FoundList } from './find.ts'
import type { FindQuery } from './find-query.ts'

/** One choice. `count` is missing if only reading the entries could tell. */
export type FilterChoice<T> = { readonly value: T; readonly count?: SiteCount | undefined }

export type Choices = {
  /** undefined if there are too many for a list. */
  readonly agencies: readonly FilterChoice<SiteAgency>[] | undefined
  readonly kinds: readonly FilterChoice<'procurement' | 'decision'>[]
  readonly states: readonly FilterChoice<SiteWantedState>[]
}

/** The most agencies in a list. More are chosen by typing. */
const MAX_LISTED = 50

/** The choices beside a query. Each number is of the choice together with the rest of the query. */
export async function readChoices(
  deps: SiteDeps,
  { q, state, from, to }: FindQuery,
  { wanted }: FoundList,
  lang: string,
): Promise<Choices> {
  const { finder, agencies } = deps
  // Words and most states are compared with each entry, and days with the rows of many blocks.
  const isCheap = wanted !== undefined && q === undefined && from === undefined && to === undefined
  const counts = isCheap && (state === undefined || state === 'waiting') ? wanted : undefined
  const all = await agencies.list()
  const { compare } = new Intl.Collator(lang)
  const listed = all.length > MAX_LISTED ? undefined : all.toSorted((a, b) => compare(a.name, b.name))
  const choose = async <T>(values: readonly T[], narrow: (value: T) => object, base: FoundList['wanted']): Promise<FilterChoice<T>[]> => {
    const choices: FilterChoice<T>[] = []
    for (const value of values) {
      await breathe()
      choices.push({ value, count: base && (await finder.count({ ...base, ...narrow(value) })) })
    }
    return choices
  }
  return {
    agencies: listed && (await choose(listed, ({ id }) => ({ agency: id }), counts)),
    kinds: await choose(['procurement', 'decision'] as const, kind => ({ kind }), counts),
    states: await choose(STATES, each => ({ state: each }), isCheap ? wanted : undefined),
  }
}

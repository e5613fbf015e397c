/**
 * Filters of readers: agency, kind, and whether an entry is the file of a package. Each entry
 * has a token for each choice of filters that it fits. So a filter reads only its own rows, and the
 * entries under each token are counted.
 */
import { isPackageFile } from '../core/statements/package-file.ts'
import type { Statement } from '../core/statements/statement.ts'
import { countInRows } from './postings.ts'
import { type FinderRow, lastNumber, numberValue, type Rows, rowKey } from './rows.ts'

/** A choice of entries; without either, all statements of agencies. */
export type Facet = {
  readonly agency?: string | undefined
  readonly kind?: Statement['kind'] | undefined
}

/** A number for each kind, and how many of all are files of packages. */
export type FacetCounts = {
  readonly entries: number
  readonly kinds: Readonly<Record<Statement['kind'], number>>
  readonly packages: number
}

/** The kinds that are counted. */
const KINDS = ['procurement', 'decision'] as const satisfies readonly Statement['kind'][]
/** Entries under one count. */
const PART = 1024 * 1024

/** The token of a choice. No agency's id has a space. */
export function facetToken({ agency, kind }: Facet): string {
  return `@${agency ?? ''} ${kind ?? ''}`
}

/** The token of the package files in a choice. */
export function packageToken(facet: Facet): string {
  return `#${facetToken(facet)}`
}

/** Every token under which a statement is listed. */
export function facetTokensOf(statement: Statement): string[] {
  const { agency, kind } = statement
  const facets: Facet[] = [{}, { agency }, { kind }, { agency, kind }]
  return [...facets.map(facetToken), ...(isPackageFile(statement) ? facets.map(packageToken) : [])]
}

/** The rows that count new entries of one block. Other tokens are passed over. */
export function* countRows(rows: Pick<Rows, 'get'>, from: number, added: ReadonlyMap<string, readonly number[]>): Generator<FinderRow> {
  const part = Math.floor(from / PART)
  for (const [token, indexes] of added) {
    if (!token.startsWith('@') && !token.startsWith('#')) continue
    const key = countKey(token, part)
    const before = rows.get(key)
    yield { key, value: numberValue((before === undefined ? 0 : lastNumber(before)) + indexes.length) }
  }
}

/** How many entries of [from, to) a token of a filter lists. Exact, however large the log is. */
export async function countFacet(rows: Rows, token: string, from: number, to: number): Promise<number> {
  const [low, high] = [Math.ceil(from / PART), Math.floor(to / PART)]
  if (low >= high) return countInRows(rows, token, from, to)
  const edges = (await countInRows(rows, token, from, low * PART)) + (await countInRows(rows, token, high * PART, to))
  return edges + (await countParts(rows, token, low, high))
}

/** The counts of an agency's entries, or of all, from the counts of whole parts. */
export async function countFacets(rows: Rows, agency: string | undefined): Promise<FacetCounts> {
  const count = (token: string) => countParts(rows, token, 0, Number.MAX_SAFE_INTEGER)
  const kinds = {} as Record<Statement['kind'], number>
  for (const kind of KINDS) kinds[kind] = await count(facetToken({ agency, kind }))
  return { entries: await count(facetToken({ agency })), kinds, packages: await count(packageToken({ agency })) }
}

async function countParts(rows: Rows, token: string, low: number, high: number): Promise<number> {
  let count = 0
  for await (const [, value] of rows.range(countKey(token, low), countKey(token, high))) count += lastNumber(value)
  return count
}

function countKey(token: string, part: number): Uint8Array {
  return rowKey('c', `${token}\0`, [{ value: part, bytes: 8 }])
}

/** Reading records and anchors for pages. */
import type { Statement } from '../core/statement.ts'
import type { SiteAgency, SiteAnchor, SiteDeps, SiteLedger } from './deps.ts'

/** An entry in a list. Without a statement it was erased, or is the genesis. */
export type Entry = { readonly index: number; readonly statement?: Statement; readonly genesis?: true; readonly anchored: boolean }

/** The entries with these indexes. */
export function readEntries(ledger: SiteLedger, indexes: readonly number[]): Promise<Entry[]> {
  return Promise.all(indexes.map(index => readEntry(ledger, index)))
}

/** One entry. */
export async function readEntry(ledger: SiteLedger, index: number): Promise<Entry> {
  const text = await ledger.statement(index)
  const anchored = index < (ledger.latestAnchor()?.size ?? 0)
  if (text === undefined) return { index, anchored }
  const statement = JSON.parse(text) as Statement
  return statement.type === 'openseal/statement@v1' ? { index, statement, anchored } : { index, genesis: true, anchored }
}

/** Indexes below `before`, newest first. */
export function newestIndexes(ledger: SiteLedger, before: number, limit: number): number[] {
  const top = Math.min(before, ledger.head().size)
  return Array.from({ length: Math.max(0, Math.min(limit, top)) }, (_, back) => top - 1 - back)
}

/** The newest anchors in ascending order: looked for in growing windows, because they are listed from below. */
export async function newestAnchors(ledger: SiteLedger, limit: number): Promise<readonly SiteAnchor[]> {
  const size = ledger.latestAnchor()?.size ?? 0
  for (let window = limit; ; window *= 8) {
    const found = await ledger.listAnchors(Math.max(0, size - window), MAX_ANCHORS)
    if (found.length >= limit || window >= size) return found.slice(-limit)
  }
}

/** The newest anchor that does not cover an index: the entry was accepted after it. */
export async function anchorBefore(ledger: SiteLedger, index: number): Promise<SiteAnchor | undefined> {
  for (let window = 16; ; window *= 8) {
    const found = (await ledger.listAnchors(Math.max(0, index - window), MAX_ANCHORS)).findLast(({ size }) => size <= index)
    if (found !== undefined || window >= index) return found
  }
}

/** What a search found. `older` is where it goes on. */
export type SearchResult = { readonly indexes: readonly number[]; readonly agencies: readonly SiteAgency[]; readonly older?: number }

const MAX_HITS = 50
const MAX_ANCHORS = 10_000

/** By fingerprint, by a record's number, by the words of a title, and by an agency's address or name. */
export async function searchRecords({ ledger, finder, agencies }: SiteDeps, query: string, before: number): Promise<SearchResult> {
  const text = query.trim()
  if (text === '') return { indexes: [], agencies: [] }
  const hex = text.toLowerCase().replace(/^(0x|sha256:)/, '')
  if (/^[0-9a-f]{64}$/.test(hex)) return { indexes: (await ledger.findByDigest(hex, MAX_HITS)).toReversed(), agencies: [] }
  const small = text.toLocaleLowerCase()
  const named = (await agencies.list()).filter(({ id, name }) => id.includes(small) || name.toLocaleLowerCase().includes(small))
  return { ...(await finder.search(text, before, MAX_HITS)), agencies: named.slice(0, MAX_HITS) }
}

/** Rows that follow the log: entries and anchors are added to them, a run at a time. */
import { toHex } from '../core/bytes.ts'
import { type AnyStatement, isRecordStatement } from '../core/statements/registry.ts'
import type { Log } from '../logger.ts'
import { activityRows } from './activity.ts'
import { gatherAlike } from './alike.ts'
import { gatherChanges } from './changes.ts'
import { countRows, facetTokensOf } from './facets.ts'
import type { FoundLedger } from './ledger.ts'
import { BLOCK, postingRows } from './postings.ts'
import { begin, NO_TOMBSTONE, PROGRESS } from './progress.ts'
import { type FinderRow, jsonValue, type Rows } from './rows.ts'
import { createVocabulary } from './vocabulary.ts'
import { searchableOf, tokensOf } from './words.ts'

export type Follower = {
  readonly rows: Rows
  /** The number of entries that were added. */
  size(): number
  /**
   * Adds one run of entries, and the anchors since, in one write. False if there is nothing to add,
   * or no time.
   */
  advance(): Promise<boolean>
  /** False while its files hold words of statements that were erased. */
  isClean(): Promise<boolean>
  close(): Promise<void>
}

export type FollowerDeps = {
  readonly ledger: FoundLedger
  readonly log: Log
  /** The text of an entry's statement; undefined if it was erased, or is damaged. */
  readonly readText: (index: number) => Promise<string | undefined>
  /** Lets other work run. False when it is time to stop. */
  readonly rest: () => Promise<boolean>
}

/** A run of entries with this many tokens is written early, to bound memory. */
const MAX_TOKENS = 100_000
const MAX_ANCHORS = 64
const ERASURES_AT_ONCE = 100

/** Opens the rows in a folder, from where they were, or anew. */
export async function openFollower(folder: string, { ledger, log, readText, rest }: FollowerDeps): Promise<Follower> {
  const begun = await begin(folder, ledger, log)
  const { rows } = begun
  let { progress } = begun
  /** An entry was erased after it was added. Only other rows can be without it. */
  let isStained = false
  const vocabulary = createVocabulary()

  /** The entries of the log from `from` on, until a block or the memory for a run is full. */
  async function gather(from: number) {
    const block = Math.floor(from / BLOCK)
    const end = Math.min(ledger.head().size, (block + 1) * BLOCK)
    const changes = gatherChanges(rows, { statement: readText, rest })
    const alike = gatherAlike(rows)
    const postings = new Map<string, number[]>()
    const words: FinderRow[] = []
    let to = from
    for (let tokens = 0; to < end && tokens < MAX_TOKENS; to++) {
      if (!(await rest())) return undefined
      const text = await readText(to)
      const statement: AnyStatement | undefined = text === undefined ? undefined : JSON.parse(text)
      if (text === undefined) await changes.addErased(to, (await ledger.erasureOf(to))?.effects ?? [])
      if (!isRecordStatement(statement)) continue
      await changes.add(to, statement)
      alike.add(to, statement)
      // Each of its documents may become a row.
      tokens += statement.documents.length
      for (const row of vocabulary.rows(rows, statement.title ?? '')) {
        words.push(row)
        tokens++
      }
      for (const token of [...facetTokensOf(statement), ...tokensOf(searchableOf(statement))]) {
        const listed = postings.get(token)
        if (listed === undefined) postings.set(token, [to])
        else listed.push(to)
        tokens++
      }
    }
    // A new block has no rows yet, so nothing is read.
    const existing = from % BLOCK === 0 ? { get: () => undefined } : rows
    return {
      to,
      rows: () => all(changes.rows(), alike.rows(), words, countRows(rows, from, postings), postingRows(existing, block, postings)),
    }
  }

  async function advance(): Promise<boolean> {
    await noteErasures()
    const { size: from, anchored } = progress
    const run = await gather(from)
    if (run === undefined) {
      vocabulary.forget()
      return false
    }
    const { to } = run
    // Anchors of entries that were not added yet wait with them, so that a unit's waits come after
    // its entries.
    const anchors = (await ledger.listAnchors(anchored, MAX_ANCHORS)).filter(({ size }) => size <= to)
    if (to === from && anchors.length === 0) return false
    const activity = await activityRows(rows, index => ledger.sealedMs(index), { from, to }, { covered: anchored, anchors })
    const next = { ...progress, size: to, root: toHex(await ledger.rootAt(to)), anchored: anchors.at(-1)?.size ?? anchored }
    // A run that was left off within an entry is not written.
    const written = (await rest()) && (await rows.write(all([{ key: PROGRESS, value: jsonValue(next) }], activity, run.rows()), rest))
    if (written) progress = next
    else vocabulary.forget()
    return written
  }

  const newestTombstone = async () => (await ledger.newestTombstone()) ?? NO_TOMBSTONE

  /** Takes note of erasures since. One of an entry that was not added yet leaves nothing here. */
  async function noteErasures(): Promise<void> {
    const newest = await newestTombstone()
    for (let before = newest + 1; !isStained && before > progress.tombstone + 1; ) {
      const page = await ledger.listErasures(before, ERASURES_AT_ONCE)
      const fresh = page.filter(({ tombstone }) => tombstone > progress.tombstone)
      isStained = fresh.some(({ index }) => index < progress.size)
      before = page.length > fresh.length ? 0 : (page.at(-1)?.tombstone ?? 0)
    }
    if (!isStained) progress = { ...progress, tombstone: newest }
  }

  return {
    rows,
    size: () => progress.size,
    advance,
    isClean: async () => !isStained && progress.tombstone === (await newestTombstone()),
    close: () => rows.close(),
  }
}

function* all(...lists: Iterable<FinderRow>[]): Generator<FinderRow> {
  for (const list of lists) yield* list
}

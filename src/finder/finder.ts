/**
 * The finder: an index for people's searches, kept behind the log. It reads sealed entries in the
 * background, a little at a time, and writes rows of its own. Sealing never waits for it: it works
 * for a few milliseconds at a time, and rests much longer while submissions wait.
 */
import { rm } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { toHex } from '../core/bytes.ts'
import { OpenSealError } from '../core/errors.ts'
import { type AnyStatement, isRecordStatement } from '../core/statements/registry.ts'
import type { Statement } from '../core/statements/statement.ts'
import type { Log } from '../logger.ts'
import { activityRows, listSlots, type Slot, type Unit } from './activity.ts'
import { findAlike, gatherAlike } from './alike.ts'
import { type AgencyCounts, type Change, type ChangeKind, gatherChanges, listChanges, NO_COUNTS, readCounts, stateOf } from './changes.ts'
import type { FoundLedger } from './ledger.ts'
import { BLOCK, postingRows } from './postings.ts'
import { begin, NO_TOMBSTONE, PROGRESS } from './progress.ts'
import { jsonValue } from './rows.ts'
import { type Found, search } from './search.ts'
import type { EntryState } from './threads.ts'
import { searchableOf, tokensOf } from './words.ts'

export type Finder = {
  /** Entries below this index can be found. */
  reached(): number
  /** Entries below `before` with this number, or with words that begin with these. */
  search(query: string, before: number, limit: number): Promise<Found>
  /** Changes below `before`, newest first. */
  changes(kinds: readonly ChangeKind[], before: number, limit: number): Promise<readonly Change[]>
  /** The state of an entry with this statement, by all entries below `reached()`. */
  state(index: number, statement: Statement): Promise<EntryState>
  counts(agency: string): Promise<AgencyCounts>
  /** An agency's other record ids that people could confuse with this one. */
  recordsLike(agency: string, record: string): Promise<readonly string[]>
  /** Activity from a time on, ascending. */
  activity(unit: Unit, fromMs: number, limit: number): Promise<readonly Slot[]>
  /** False while its files hold words of statements that were erased. */
  isClean(): Promise<boolean>
  /** Follows the log until it has caught up; never twice at once. */
  tick(): Promise<void>
  /** Follows the log until `stop`. */
  start(): void
  /** Interrupts the current work, which loses nothing, and closes. */
  stop(): Promise<void>
}

type Deps = { readonly ledger: FoundLedger; readonly folder: string; readonly steadyMs: () => number; readonly log: Log }
const TURN_MS = 4
/**
 * The pause after each turn. The finder takes about half of one core when the ledger is idle, a
 * twentieth while submissions wait.
 */
const PAUSE_MS = { idle: 4, busy: 80 }
const POLL_MS = 250
const RETRY_MS = 5000
/** A run of entries with this many tokens is written early, to bound memory. */
const MAX_TOKENS = 100_000
const MAX_ANCHORS = 64

/** Opens the finder on a folder of its own. It reads nothing until `start` or `tick`. */
export async function openFinder({ ledger, folder, steadyMs, log }: Deps): Promise<Finder> {
  let { rows, progress } = await begin(folder, ledger, log)
  /** Queries on damaged rows have no answer until the rows are remade. */
  let damaged = false
  let failed = false
  let stopping = false
  let running: Promise<void> | undefined
  let loop: Promise<void> = Promise.resolve()
  let turnMs = steadyMs()
  const wake = new AbortController()

  /** Lets other work run. False when it is time to stop. */
  async function rest(): Promise<boolean> {
    if (steadyMs() - turnMs < TURN_MS) return !stopping
    await sleep(ledger.waiting() > 0 ? PAUSE_MS.busy : PAUSE_MS.idle)
    turnMs = steadyMs()
    return !stopping
  }

  /** A statement that does not match the tree is not served, and so not found. */
  async function readText(index: number): Promise<string | undefined> {
    try {
      return await ledger.heldStatement(index)
    } catch (error) {
      if (!(error instanceof OpenSealError) || error.code !== 'LEDGER_DAMAGED') throw error
      log.error('entry cannot be found, because it is damaged', { index })
      return undefined
    }
  }

  /**
   * Adds one run of entries, and the anchors since, in one write. False if there is nothing to add,
   * or no time.
   */
  async function advance(): Promise<boolean> {
    const { size: from, anchored } = progress
    const block = Math.floor(from / BLOCK)
    const end = Math.min(ledger.head().size, (block + 1) * BLOCK)
    const changes = gatherChanges(rows, { statement: readText })
    const alike = gatherAlike(rows)
    const postings = new Map<string, number[]>()
    let to = from
    for (let tokens = 0; to < end && tokens < MAX_TOKENS; to++) {
      if (!(await rest())) return false
      const text = await readText(to)
      const statement: AnyStatement | undefined = text === undefined ? undefined : JSON.parse(text)
      if (text === undefined) await changes.addErased(to, (await ledger.erasureOf(to))?.effects ?? [])
      if (!isRecordStatement(statement)) continue
      await changes.add(to, statement)
      alike.add(to, statement)
      // Each of its documents may become a row.
      tokens += statement.documents.length
      for (const token of tokensOf(searchableOf(statement))) {
        const listed = postings.get(token)
        if (listed === undefined) postings.set(token, [to])
        else listed.push(to)
        tokens++
      }
    }
    // Anchors of entries that were not added yet wait with them, so that a unit's waits come after
    // its entries.
    const anchors = (await ledger.listAnchors(anchored, MAX_ANCHORS)).filter(({ size }) => size <= to)
    if (to === from && anchors.length === 0) return false
    const activity = await activityRows(rows, index => ledger.sealedMs(index), { from, to }, { covered: anchored, anchors })
    const next = { ...progress, size: to, root: toHex(await ledger.rootAt(to)), anchored: anchors.at(-1)?.size ?? anchored }
    // A new block has no rows yet, so nothing is read.
    const existing = from % BLOCK === 0 ? { get: () => undefined } : rows
    const written = await rows.write(
      all([{ key: PROGRESS, value: jsonValue(next) }], activity, changes.rows(), alike.rows(), postingRows(existing, block, postings)),
      rest,
    )
    if (written) progress = next
    return written
  }

  async function keepUp(): Promise<void> {
    while (!stopping) {
      const pause = await tick().then(
        () => POLL_MS,
        error => {
          log.error('finder failed, it will try again', { error })
          return RETRY_MS
        },
      )
      if (!stopping) await sleep(pause, undefined, { signal: wake.signal }).catch(() => {})
    }
  }

  const isClean = async () => progress.tombstone === ((await ledger.newestTombstone()) ?? NO_TOMBSTONE)

  function tick(): Promise<void> {
    running ??= catchUp().finally(() => {
      running = undefined
    })
    return running
  }

  async function catchUp(): Promise<void> {
    // The rows hold words of what was erased since, so all of them are remade. Erasures are rare.
    if (!(await isClean())) damaged = true
    if (failed || damaged) {
      // Reopening makes Level begin another journal: it does not read back what follows a torn
      // record.
      await rows.close()
      if (damaged) await rm(folder, { recursive: true, force: true })
      ;({ rows, progress } = await begin(folder, ledger, log))
      failed = damaged = false
    }
    try {
      while (await advance());
    } catch (error) {
      failed = true
      damaged ||= isDamage(error)
      throw error
    }
  }

  async function ask<T>(read: () => T | Promise<T>, nothing: T): Promise<T> {
    try {
      return await read()
    } catch (error) {
      if (isDamage(error)) {
        log.error('finder is damaged, its rows are remade', { error })
        damaged = true
      } else if (!isClosed(error)) throw error
      return nothing
    }
  }

  return {
    reached: () => (damaged ? 0 : progress.size),
    search: (query, before, limit) =>
      ask<Found>(() => search(rows, index => ledger.statement(index), query, before, limit), { indexes: [] }),
    changes: (kinds, before, limit) => ask<readonly Change[]>(() => listChanges(rows, kinds, before, limit), []),
    state: (index, statement) => ask<EntryState>(() => stateOf(rows, index, statement), {}),
    counts: agency => ask(() => readCounts(rows, agency), NO_COUNTS),
    recordsLike: (agency, record) => ask<readonly string[]>(() => findAlike(rows, readText, agency, record), []),
    activity: (unit, fromMs, limit) => ask<readonly Slot[]>(() => listSlots(rows, unit, fromMs, limit), []),
    isClean,
    tick,
    start() {
      loop = keepUp()
    },
    async stop() {
      stopping = true
      wake.abort()
      await loop
      await running?.catch(() => {})
      await rows.close()
    },
  }
}

function* all<T>(...lists: Iterable<T>[]): Generator<T> {
  for (const list of lists) yield* list
}

function isDamage(error: unknown): boolean {
  return (error as { code?: string }).code === 'LEVEL_CORRUPTION'
}

/** Whether the rows are closed for a moment, to be reopened. */
function isClosed(error: unknown): boolean {
  return /^LEVEL_(DATABASE|ITERATOR)_NOT_OPEN$/.test((error as { code?: string }).code ?? '')
}

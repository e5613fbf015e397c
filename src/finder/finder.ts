/**
 * The finder: an index for people's searches, kept behind the log. It reads sealed entries in the
 * background, a little at a time, and writes rows of its own. Sealing never waits for it: it works
 * for a few milliseconds at a time, and rests much longer while submissions wait.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { OpenSealError } from '../core/errors.ts'
import type { Statement } from '../core/statements/statement.ts'
import type { Log } from '../logger.ts'
import { listSlots, type Slot, type Unit } from './activity.ts'
import { findAlike } from './alike.ts'
import {
  type AgencyCounts,
  type Changers,
  type FoundChange,
  type FoundChangeKind,
  listChangers,
  listChanges,
  NO_COUNTS,
  readCounts,
  stateOf,
} from './changes.ts'
import { countFacets, type FacetCounts } from './facets.ts'
import { openKeeper } from './keeper.ts'
import type { FoundLedger } from './ledger.ts'
import { countWanted, type EntryCount, type FoundEntries, search, type WantedEntries } from './search.ts'
import type { EntryState } from './threads.ts'
import { type Near, nearWords } from './vocabulary.ts'

export type Finder = {
  /** Entries below this index can be found. */
  reached(): number
  /** The entries that are wanted: with this number, or with words that begin with these. */
  search(wanted: WantedEntries, limit: number): Promise<FoundEntries>
  /** How many are wanted; undefined if only reading them can tell. */
  count(wanted: WantedEntries): Promise<EntryCount | undefined>
  /** Entries by kind, and package files, of an agency or of all. */
  facets(agency: string | undefined): Promise<FacetCounts>
  /** Words of titles that are spelled nearly like this one, the nearest first. */
  near(word: string, limit: number): Promise<readonly Near[]>
  /** Changes below `before`, newest first. */
  changes(kinds: readonly FoundChangeKind[], before: number, limit: number): Promise<readonly FoundChange[]>
  /** The state of an entry with this statement, by all entries below `reached()`. */
  state(index: number, statement: Statement): Promise<EntryState>
  counts(agency: string): Promise<AgencyCounts>
  /** The agencies that changed most, at most `limit`. */
  changers(limit: number): Promise<Changers>
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
const NO_FACETS: FacetCounts = { entries: 0, kinds: { procurement: 0, decision: 0 }, packages: 0 }
const TURN_MS = 4
/**
 * The pause after each turn. The finder takes about half of one core when the ledger is idle, a
 * twentieth while submissions wait.
 */
const PAUSE_MS = { idle: 4, busy: 80 }
const POLL_MS = 250
const RETRY_MS = 5000
/** Opens the finder on a folder of its own. It reads nothing until `start` or `tick`. */
export async function openFinder({ ledger, folder, steadyMs, log }: Deps): Promise<Finder> {
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

  const readText = passingDamage(index => ledger.heldStatement(index), log)
  const readShown = passingDamage(index => ledger.statement(index), log)
  const keeper = await openKeeper(folder, { ledger, log, readText, rest, isStopping: () => stopping })
  const { ask } = keeper

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

  function tick(): Promise<void> {
    running ??= keeper.catchUp().finally(() => {
      running = undefined
    })
    return running
  }

  return {
    reached: keeper.size,
    search: (wanted, limit) => ask<FoundEntries>(rows => search(rows, keeper.size(), readShown, wanted, limit), { indexes: [] }),
    count: wanted => ask<EntryCount | undefined>(rows => countWanted(rows, keeper.size(), wanted), undefined),
    facets: agency => ask<FacetCounts>(rows => countFacets(rows, agency), NO_FACETS),
    near: (word, limit) => ask<readonly Near[]>(rows => nearWords(rows, word, limit), []),
    changes: (kinds, before, limit) => ask<readonly FoundChange[]>(rows => listChanges(rows, kinds, before, limit), []),
    state: (index, statement) => ask<EntryState>(rows => stateOf(rows, index, statement), {}),
    counts: agency => ask(rows => readCounts(rows, agency), NO_COUNTS),
    changers: limit => ask<Changers>(rows => listChangers(rows, keeper.size(), limit), { agencies: [], all: NO_COUNTS, others: 0 }),
    recordsLike: (agency, record) => ask<readonly string[]>(rows => findAlike(rows, readShown, agency, record), []),
    activity: (unit, fromMs, limit) => ask<readonly Slot[]>(rows => listSlots(rows, unit, fromMs, limit), []),
    isClean: keeper.isClean,
    tick,
    start() {
      loop = keepUp()
    },
    async stop() {
      stopping = true
      wake.abort()
      await loop
      await running?.catch(() => {})
      await keeper.close()
    },
  }
}

/** A statement that does not match the tree is not served, and so not found. */
function passingDamage(read: (index: number) => Promise<string | undefined>, log: Log) {
  return async (index: number): Promise<string | undefined> => {
    try {
      return await read(index)
    } catch (error) {
      if (!(error instanceof OpenSealError) || error.code !== 'LEDGER_DAMAGED') throw error
      log.error('entry cannot be found, because it is damaged', { index })
      return undefined
    }
  }
}

/**
 * The finder: an index for people's searches, kept behind the log. It reads sealed entries in the
 * background, a little at a time, and writes rows of its own. Sealing never waits for it: it works
 * for a few milliseconds at a time, and rests much longer while submissions wait.
 */
import { rename, rm, stat } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { OpenSealError } from '../core/errors.ts'
import type { Statement } from '../core/statements/statement.ts'
import type { Log } from '../logger.ts'
import { listSlots, type Slot, type Unit } from './activity.ts'
import { findAlike } from './alike.ts'
import { type AgencyCounts, type Change, type ChangeKind, listChanges, NO_COUNTS, readCounts, stateOf } from './changes.ts'
import { type Follower, openFollower } from './follower.ts'
import type { FoundLedger } from './ledger.ts'
import { type Found, search } from './search.ts'
import type { EntryState } from './threads.ts'

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
/** Opens the finder on a folder of its own. It reads nothing until `start` or `tick`. */
export async function openFinder({ ledger, folder, steadyMs, log }: Deps): Promise<Finder> {
  const beside = `${folder}.next`
  /** Queries on damaged rows have no answer until the rows are remade. */
  let damaged = false
  let failed = false
  let stopping = false
  let running: Promise<void> | undefined
  /** Set while other rows take the place of the current ones. */
  let moving: Promise<void> | undefined
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
  const open = (where: string) => openFollower(where, { ledger, log, readText, rest })

  let current = await open(await settle(folder, beside))
  /** Rows that are being made without what was erased, beside those that answer. */
  let next: Follower | undefined
  // What an interrupted run has left may hold words of what was erased.
  if (await current.isClean()) await rm(beside, { recursive: true, force: true })

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
    running ??= catchUp().finally(() => {
      running = undefined
    })
    return running
  }

  async function catchUp(): Promise<void> {
    if (failed || damaged) {
      // Reopening makes Level begin another journal: it does not read back what follows a torn
      // record.
      await current.close()
      if (damaged) await rm(folder, { recursive: true, force: true })
      current = await open(await settle(folder, beside))
      failed = damaged = false
    }
    await follow()
    while (!stopping && !(await current.isClean())) await renew()
  }

  /** Adds to the current rows what was sealed since. */
  async function follow(): Promise<void> {
    try {
      while (await current.advance());
    } catch (error) {
      failed = true
      damaged ||= isDamage(error)
      throw error
    }
  }

  /**
   * Makes all rows again, because these hold words of what was erased since, and do not say which.
   * They answer and follow the log until the others have caught up.
   */
  async function renew(): Promise<void> {
    next ??= await open(beside)
    try {
      while (await next.advance()) await follow()
    } catch (error) {
      await next.close()
      next = undefined
      if (isDamage(error)) await rm(beside, { recursive: true, force: true })
      throw error
    }
    if (stopping) return
    moving = takePlace(next).finally(() => {
      moving = undefined
    })
    await moving
  }

  /** A crash in between leaves one of the folders, which the next start takes. */
  async function takePlace(made: Follower): Promise<void> {
    failed = true
    next = undefined
    await made.close()
    await current.close()
    await rm(folder, { recursive: true, force: true })
    current = await open(await settle(folder, beside))
    failed = damaged = false
  }

  async function ask<T>(read: () => T | Promise<T>, nothing: T): Promise<T> {
    try {
      return await read()
    } catch (error) {
      if (isDamage(error)) {
        log.error('finder is damaged, its rows are remade', { error })
        damaged = true
      } else if (!isClosed(error)) throw error
      else if (moving !== undefined) return moving.catch(() => {}).then(() => ask(read, nothing))
      return nothing
    }
  }

  return {
    reached: () => (damaged ? 0 : current.size()),
    search: (query, before, limit) =>
      ask<Found>(() => search(current.rows, index => ledger.statement(index), query, before, limit), { indexes: [] }),
    changes: (kinds, before, limit) => ask<readonly Change[]>(() => listChanges(current.rows, kinds, before, limit), []),
    state: (index, statement) => ask<EntryState>(() => stateOf(current.rows, index, statement), {}),
    counts: agency => ask(() => readCounts(current.rows, agency), NO_COUNTS),
    recordsLike: (agency, record) => ask<readonly string[]>(() => findAlike(current.rows, readShown, agency, record), []),
    activity: (unit, fromMs, limit) => ask<readonly Slot[]>(() => listSlots(current.rows, unit, fromMs, limit), []),
    isClean: () => current.isClean(),
    tick,
    start() {
      loop = keepUp()
    },
    async stop() {
      stopping = true
      wake.abort()
      await loop
      await running?.catch(() => {})
      await current.close()
      await next?.close()
    },
  }
}

/** The folder to open: where there is none yet, the rows that were to take its place take it. */
async function settle(folder: string, beside: string): Promise<string> {
  const isThere = (path: string) =>
    stat(path).then(
      () => true,
      () => false,
    )
  if (!(await isThere(folder)) && (await isThere(beside))) await rename(beside, folder)
  return folder
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

function isDamage(error: unknown): boolean {
  return (error as { code?: string }).code === 'LEVEL_CORRUPTION'
}

/** Whether the rows are closed for a moment, to be reopened. */
function isClosed(error: unknown): boolean {
  return /^LEVEL_(DATABASE|ITERATOR)_NOT_OPEN$/.test((error as { code?: string }).code ?? '')
}

/**
 * Keeps the rows of the finder: they follow the log, and are all made again when they are damaged
 * or hold words of what was erased.
 */
import { rename, rm } from 'node:fs/promises'
import type { Log } from '../logger.ts'
import { isThere } from '../whole-file.ts'
import { type Follower, type FollowerDeps, openFollower } from './follower.ts'
import type { Rows } from './rows.ts'

export type Keeper = {
  /** The number of entries that can be found. */
  size(): number
  /** False while the files hold words of statements that were erased. */
  isClean(): Promise<boolean>
  /** Follows the log to its end. Never twice at once. */
  catchUp(): Promise<void>
  /** Reads from the rows; `nothing` while they are damaged. */
  ask<T>(read: (rows: Rows) => T | Promise<T>, nothing: T): Promise<T>
  close(): Promise<void>
}

type Deps = FollowerDeps & { readonly log: Log; readonly isStopping: () => boolean }

/** Opens the rows in a folder. Others are made in a second folder beside it. */
export async function openKeeper(folder: string, { isStopping, ...deps }: Deps): Promise<Keeper> {
  const beside = `${folder}.next`
  /** Queries on damaged rows have no answer until the rows are remade. */
  let damaged = false
  let failed = false
  /** Set while other rows take the place of the current ones. */
  let moving: Promise<void> | undefined
  const open = (where: string) => openFollower(where, deps)
  let current = await open(await settle(folder, beside))
  /** Rows that are being made without what was erased, beside those that answer. */
  let next: Follower | undefined
  // The rest of an interrupted run may hold words of erased statements.
  if (await current.isClean()) await rm(beside, { recursive: true, force: true })

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
    while (!isStopping() && !(await current.isClean())) await renew()
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
    if (isStopping()) return
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

  async function ask<T>(read: (rows: Rows) => T | Promise<T>, nothing: T): Promise<T> {
    try {
      return await read(current.rows)
    } catch (error) {
      if (isDamage(error)) {
        deps.log.error('finder is damaged, its rows are remade', { error })
        damaged = true
      } else if (!isClosed(error)) throw error
      else if (moving !== undefined) return moving.catch(() => {}).then(() => ask(read, nothing))
      return nothing
    }
  }

  return {
    size: () => (damaged ? 0 : current.size()),
    isClean: () => current.isClean(),
    catchUp,
    ask,
    async close() {
      await current.close()
      await next?.close()
    },
  }
}

/**
 * The folder to open. If a crash came between removing it and renaming its successor, the successor
 * is renamed now.
 */
async function settle(folder: string, beside: string): Promise<string> {
  if (!(await isThere(folder)) && (await isThere(beside))) await rename(beside, folder)
  return folder
}

function isDamage(error: unknown): boolean {
  return (error as { code?: string }).code === 'LEVEL_CORRUPTION'
}

/** Whether the rows are closed for a moment, to be reopened. */
function isClosed(error: unknown): boolean {
  return /^LEVEL_(DATABASE|ITERATOR)_NOT_OPEN$/.test((error as { code?: string }).code ?? '')
}

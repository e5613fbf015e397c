/**
 * The mark of a running ledger: compared with its store before anything is sealed, and raised after
 * each head that is signed.
 */
import { resolve } from 'node:path'
import { OpenSealError } from '../core/errors.ts'
import type { BackgroundTask, Host } from '../host.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Log } from '../logger.ts'
import { defaultMarkFolder, fitMark, isWithin, type Mark, MarkError, markReason, openMarkFile } from '../mark.ts'
import { StoreError } from '../store/port/errors.ts'
import { isReplaced, type StoreHistory } from '../store/port/port.ts'
import { ServerError } from './errors.ts'

export type MarkKeeper = {
  /** Called when a head was signed: the mark is raised within a second. */
  note(): void
  /** Raises the mark to the head now. Called last, after the last seal. */
  close(): Promise<void>
  /** The problem with the mark, if there is one. */
  alarm(): { readonly code: string; readonly message: string } | undefined
}

type Deps = {
  readonly ledger: Pick<Ledger, 'origin' | 'vkey' | 'head' | 'refresh' | 'rootAt' | 'stop'>
  /** The history of the ledger's database; undefined if it is in the data folder. */
  readonly history: (() => Promise<StoreHistory>) | undefined
  readonly folder: string
  /** Whether this start created the ledger, which then has no mark yet. */
  readonly isNew: boolean
  readonly host: Pick<Host, 'sleep' | 'spawn'>
  readonly log: Log
}

/** How long after a head was signed the mark is raised. */
const RAISE_MS = 700

/**
 * The folder of marks.
 * @throws ServerError SERVER_MARK if it is inside the data folder, with which it would be copied
 */
export function markFolderOf(configured: string | undefined, dataDir: string): string {
  const folder = resolve(configured ?? defaultMarkFolder())
  if (isWithin(folder, dataDir))
    throw new ServerError(
      'SERVER_MARK',
      `OPENSEAL_MARK ${folder} is in the data folder and would be copied with it: set it to another folder.`,
    )
  return folder
}

/**
 * Refuses a database server that another one has replaced, by the mark. Asked before anything is
 * read or written under the key.
 * @throws StoreError STORE_TIMELINE
 */
export async function refuseReplaced(
  history: (() => Promise<StoreHistory>) | undefined,
  folder: string,
  of: { readonly origin: string; readonly vkey: string },
): Promise<void> {
  if (history === undefined) return
  // An unreadable mark stops the ledger later.
  const mark = await openMarkFile(folder, of)
    .read()
    .catch(error => {
      if (error instanceof MarkError) return undefined
      throw error
    })
  const found = await history()
  if (isReplaced(found, mark?.database))
    throw new StoreError(
      'STORE_TIMELINE',
      `The database is at an earlier history (timeline ${found.timeline}) than the one that this key has signed (${mark!.database!.timeline}). ` +
        'It was replaced by a standby: shut it down. If it was put back on purpose, confirm the size of its ledger: openseal restore --accept-loss SIZE.',
    )
}

/**
 * Compares the ledger with its mark and stops the ledger if it lacks what was signed. Keeps the
 * mark up to date from then on.
 */
export async function openMarkKeeper({ ledger, history, folder, isNew, host, log }: Deps): Promise<MarkKeeper> {
  let vkey = ledger.vkey
  let file = openMarkFile(folder, ledger)
  let alarm: { readonly code: string; readonly message: string } | undefined
  let written: Mark | undefined
  /** As the store told it last. */
  let database: StoreHistory | undefined
  /** Raises the mark while the head is ahead of it. */
  let task: BackgroundTask | undefined
  let isBehind = false
  let isAtOdds = false
  /** The store is closed then, so nothing can be compared with it. */
  let isClosing = false

  /**
   * The mark must be from our tree. Otherwise somebody else has signed with our key, and we sign no
   * more.
   */
  async function next(found: Mark | undefined): Promise<Mark | undefined> {
    if (found !== undefined && found.size > ledger.head().size) {
      // Another node on this machine may have signed more, and this one has not looked since.
      if (isClosing) return undefined
      await ledger.refresh()
    }
    const { size, root } = ledger.head()
    // Our own last mark needs no comparison, which is not possible once the store is closed.
    const fit = isSame(found, written) ? 'fits' : await fitMark(found, ledger)
    if (found !== undefined && fit !== 'fits' && fit !== 'missing') {
      stop(`MARK_${fit.toUpperCase()}`, markReason(fit, found, { size, isShared: history !== undefined }))
      return undefined
    }
    const newest = newestOf(database, found?.database)
    written = { size, root, ...(newest && { database: newest }) }
    const isWritten = size === found?.size && newest?.system === found.database?.system && newest?.timeline === found.database?.timeline
    return isWritten ? undefined : written
  }

  function stop(code: string, reason: string): void {
    if (!isAtOdds) log.error('mark does not match', { code, path: file.path, reason })
    isAtOdds = true
    ledger.stop(reason, code)
  }

  async function raise(): Promise<void> {
    if (vkey !== ledger.vkey) {
      // The log's key was changed while this node ran: the mark of the next one begins here.
      vkey = ledger.vkey
      file = openMarkFile(folder, ledger)
      written = undefined
    }
    // If no server answers, the last one that did is the newest that this node knows.
    if (!isClosing) database = (await history?.().catch(() => undefined)) ?? database
    try {
      await file.write(next)
      if (alarm?.code === 'MARK_NOT_WRITTEN') alarm = undefined
    } catch (cause) {
      if (cause instanceof MarkError) return stop(cause.code, cause.message)
      if (alarm?.code !== 'MARK_NOT_WRITTEN') log.error('mark not written', { path: file.path, cause })
      alarm = { code: 'MARK_NOT_WRITTEN', message: 'The mark of this ledger cannot be written: see the log, and OPENSEAL_MARK.' }
      schedule()
    }
  }

  function schedule(): void {
    isBehind = true
    task ??= host.spawn('mark', async signal => {
      while (isBehind) {
        await host.sleep(RAISE_MS, signal)
        isBehind = false
        await raise()
      }
      task = undefined
    })
  }

  const isThere = await file.read().then(found => found !== undefined, isUnreadable)
  if (!isThere && !isNew) {
    alarm = {
      code: 'MARK_MISSING',
      message: 'The mark of this ledger was missing at its start: was the folder of OPENSEAL_MARK lost, or is this another machine?',
    }
    log.warn('mark is missing', { path: file.path, size: ledger.head().size })
  }
  await raise()

  return {
    note: schedule,
    alarm: () => alarm,
    async close() {
      await task?.stop()
      isClosing = true
      if (!isAtOdds) await raise()
    },
  }
}

function isUnreadable(cause: unknown): true {
  if (cause instanceof OpenSealError) return true
  throw cause
}

/** Never an earlier timeline of the same system than another node on this machine has seen. */
function newestOf(own: StoreHistory | undefined, found: StoreHistory | undefined): StoreHistory | undefined {
  return own === undefined || isReplaced(own, found) ? found : own
}

function isSame(a: Mark | undefined, b: Mark | undefined): boolean {
  return a !== undefined && a.size === b?.size && Buffer.compare(a.root, b.root) === 0
}

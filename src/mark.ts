/**
 * The mark: the newest size and root that a key has signed for a log, kept outside the data folder.
 * If an old copy of a data folder is put back, the copy does not show what was signed since. The
 * mark does.
 */
import { createHash } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, relative } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fromHex, toHex } from './core/bytes.ts'
import { OpenSealError } from './core/errors.ts'
import type { Hash } from './core/hash.ts'
import { type FolderLock, lockFolder } from './folder-lock.ts'
import { PRIVATE, writeWhole } from './whole-file.ts'

/** The newest signed size and root, and the history of the database in which they were seen. */
export type Mark = {
  readonly size: number
  readonly root: Hash
  readonly database?: { readonly system: string; readonly timeline: number }
}

export type MarkFile = {
  readonly path: string
  /** @throws MarkError MARK_UNREADABLE */
  read(): Promise<Mark | undefined>
  /**
   * Writes another mark, under a lock. `next` gets the current one, and returns undefined to keep
   * it.
   */
  write(next: (found: Mark | undefined) => Promise<Mark | undefined>): Promise<void>
  /** Writes a mark whatever the file holds, even a smaller one, by the operator's decision. */
  reset(mark: Mark): Promise<void>
}

/**
 * How a log compares with its mark. `behind`: it is smaller. `other`: it has another root at the
 * mark's size. `forked`: the same, and that size is its own.
 */
export type MarkFit = 'missing' | 'fits' | 'behind' | 'other' | 'forked'

type Tree = { head(): { readonly size: number }; rootAt(size: number): Promise<Hash> }

/** The size of a store that does not fit its mark, and whether it is a database. */
type MarkedStore = { readonly size: number; readonly isShared: boolean }

const TYPE = 'openseal/mark@v1'
const LOCK_TRIES = 40
const LOCK_EVERY_MS = 50

/** The default folder for marks, unless OPENSEAL_MARK is set: the user's state folder. */
export function defaultMarkFolder(): string {
  return join(process.env.XDG_STATE_HOME || join(homedir(), '.local', 'state'), 'openseal')
}

/** Whether a folder is this one or in it. Both are absolute. A mark there would be copied with it. */
export function isWithin(folder: string, outer: string): boolean {
  const path = relative(outer, folder)
  return path === '' || !/^\.\.([/\\]|$)|^([A-Za-z]:)?[/\\]/.test(path)
}

/** The file of a key's mark. A vkey contains a name, which may not be a valid file name. */
export function markPath(folder: string, vkey: string): string {
  return join(folder, `${createHash('sha256').update(vkey).digest('hex').slice(0, 32)}.json`)
}

/** Opens the mark of one log and key in a folder. Creates nothing before the first write. */
export function openMarkFile(folder: string, { origin, vkey }: { readonly origin: string; readonly vkey: string }): MarkFile {
  const path = markPath(folder, vkey)

  async function read(): Promise<Mark | undefined> {
    const text = await readFile(path, 'utf8').catch(cause => {
      if (cause.code === 'ENOENT') return undefined
      throw unreadable(cause)
    })
    return text === undefined ? undefined : parseMark(text, { origin, vkey })
  }

  async function put({ size, root, database }: Mark): Promise<void> {
    await writeWhole(path, `${JSON.stringify({ type: TYPE, origin, vkey, size, root: toHex(root), database }, null, 2)}\n`, PRIVATE)
  }

  return {
    path,
    read,
    write: next =>
      withLock(folder, async () => {
        const mark = await next(await read())
        if (mark !== undefined) await put(mark)
      }),
    reset: mark => withLock(folder, () => put(mark)),
  }
}

/** Compares a log with a mark. */
export async function fitMark(mark: Mark | undefined, { head, rootAt }: Tree): Promise<MarkFit> {
  if (mark === undefined) return 'missing'
  const { size } = head()
  if (mark.size > size) return 'behind'
  if (toHex(await rootAt(mark.size)) === toHex(mark.root)) return 'fits'
  return mark.size === size ? 'forked' : 'other'
}

/**
 * The meaning of a mismatch, as the rest of a sentence after "the ledger has stopped sealing:".
 * Anyone may read it, so it names no path.
 */
export function markReason(fit: Exclude<MarkFit, 'missing' | 'fits'>, mark: Mark, { size, isShared }: MarkedStore): string {
  const accept = `If nothing is missing, confirm it: openseal restore --accept-loss ${size}.`
  const reasons = {
    behind:
      `this key has signed ${mark.size} entries, as its mark shows, but this ${isShared ? 'database' : 'store'} has only ${size}: it is an older copy. ` +
      `Stop it and put the newest copy in its place${isShared ? ', a standby or a backup that has them' : ', or fetch the rest from another copy (openseal doctor --repair --refill URL)'}. ${accept}`,
    other:
      `this key has signed another tree of ${mark.size} entries, as its mark shows: this store is a copy with another history. ` +
      `Stop it and look for the store that was signed last. ${accept}`,
    forked:
      `this key has signed another tree of the same ${size} entries, as its mark shows: two stores have run with one key. ` +
      'Stop both, and keep both: what one of them has acknowledged is missing in the other.',
  }
  return reasons[fit]
}

function parseMark(text: string, { origin, vkey }: { origin: string; vkey: string }): Mark {
  try {
    const found = JSON.parse(text)
    const isOurs = found.type === TYPE && found.origin === origin && found.vkey === vkey
    const mark = { size: found.size, root: fromHex(found.root, 32) }
    const { database } = found
    const isHistory = database === undefined || (typeof database.system === 'string' && Number.isSafeInteger(database.timeline))
    if (isOurs && isHistory && Number.isSafeInteger(mark.size) && mark.size > 0)
      return database === undefined ? mark : { ...mark, database }
  } catch (cause) {
    throw unreadable(cause)
  }
  throw unreadable()
}

function unreadable(cause?: unknown): MarkError {
  const advice = 'Check it, and confirm the size of the ledger: openseal restore --accept-loss SIZE.'
  return new MarkError('MARK_UNREADABLE', `the mark of this ledger (OPENSEAL_MARK) cannot be read. ${advice}`, { cause })
}

/** One writer at a time on this machine. */
async function withLock(folder: string, act: () => Promise<void>): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const lock = await waitForLock(folder)
  try {
    await act()
  } finally {
    await lock.release()
  }
}

async function waitForLock(folder: string): Promise<FolderLock> {
  for (let tries = 1; tries <= LOCK_TRIES; tries++) {
    const lock = await lockFolder(folder)
    if (lock !== undefined) return lock
    await sleep(LOCK_EVERY_MS)
  }
  throw new OpenSealError('MARK_LOCKED', 'Another process keeps the marks of this machine locked: end it, and try again.')
}

/** MARK_UNREADABLE. */
export class MarkError extends OpenSealError {}

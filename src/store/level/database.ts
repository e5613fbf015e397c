/**
 * A Level database that survives a failing disk. After a failed append to its journal, LevelDB
 * continues as if nothing had happened: it writes behind a torn record, and the next start cannot
 * read what follows. So the first failed write closes the journal. The database is opened again,
 * which reads what is on disk into new files, and nothing is written until that has worked.
 */
import { chmod, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Level } from 'level'
import { StoreError } from '../port/errors.ts'

/** With what the types of `level` leave out, because it does not exist in browsers. */
export type Database = Level<Uint8Array, Uint8Array> & {
  compactRange(start: Uint8Array, end: Uint8Array): Promise<void>
  /** About how many bytes of tables lie in a range. */
  approximateSize(start: Uint8Array, end: Uint8Array): Promise<number>
}

export type LevelDatabase = {
  /** For reading. Closed only during reopening; `settled` resolves when it is open again. */
  readonly db: Database
  /**
   * Runs a synced batch after all earlier ones, one at a time. A StoreError thrown by `batch`
   * itself is passed on, and leaves the database usable.
   * @throws StoreError STORE_WRITE_FAILED: the outcome is unknown until `settled`. STORE_UNSETTLED:
   * nothing was written.
   */
  write(batch: () => Promise<void>): Promise<void>
  /**
   * Resolves when the database shows what is on disk: at once unless a write has failed.
   * @throws StoreError STORE_UNSETTLED
   */
  settled(): Promise<void>
  /**
   * The value of a row, read on this thread; undefined if there is none.
   * @throws StoreError STORE_DAMAGED
   */
  get(row: Uint8Array): Promise<Uint8Array | undefined>
  /** Runs a read that takes several turns of the event loop; the database stays open meanwhile. */
  reading<T>(read: () => Promise<T>): Promise<T>
  /**
   * Closes and opens the database, only within `write`. The contents of its journal are in tables then,
   * and its list of files is written anew. Ends all iterators.
   */
  reopen(): Promise<void>
  /** How often the database was opened. LevelDB forgets with it that a compaction has failed. */
  openings(): number
  close(): Promise<void>
}

/**
 * How much Level gathers in memory before it writes a table. With its default of 4 MB, a bulk
 * submission spends a third of its time merging tables.
 */
const WRITE_BUFFER_BYTES = 32 * 1024 * 1024
/**
 * How many tables of 2 MB are open at once. Level maps them into memory: without a bound, random
 * reads of a ledger of a million records would fill 600 MB.
 */
const OPEN_TABLES = 84
const OPTIONS = { keyEncoding: 'view', valueEncoding: 'view', writeBufferSize: WRITE_BUFFER_BYTES, maxOpenFiles: OPEN_TABLES } as const
/** Space for what opening writes besides the journal's content: a manifest and an empty journal. */
const SPARE_BYTES = 256 * 1024
const PRIVATE = 0o700
/** A file name that LevelDB ignores. */
const PROBE = 'openseal.probe'

/**
 * Opens or creates the database in a folder.
 * @throws StoreError STORE_LOCKED, STORE_UNREADABLE
 */
export async function openLevelDatabase(folder: string): Promise<LevelDatabase> {
  // The folder holds statements, salts and hashed keys, so only its owner may read it. LevelDB
  // alone would follow the umask.
  await mkdir(folder, { recursive: true, mode: PRIVATE }).catch(() => {})
  await chmod(folder, PRIVATE).catch(() => {})
  const db = new Level<Uint8Array, Uint8Array>(folder, OPTIONS) as Database
  await openOrSay(db, folder)
  await rm(join(folder, PROBE), { recursive: true, force: true })
  /** A write has failed since the database was opened. */
  let inDoubt = false
  let isClosed = false
  let openings = 1
  let reopening: Promise<void> | undefined
  /**
   * The database waits for the readings to end, to be closed. New ones begin when it is open again.
   */
  let isClosing = false
  let lastWrite: Promise<unknown> = Promise.resolve()
  const readings = new Set<Promise<unknown>>()

  async function reopen(): Promise<void> {
    try {
      // While the disk refuses writes, the database stays open for readers, as it was before the
      // failed write.
      if (db.status === 'open') await probeDisk(folder)
      isClosing = true
      await Promise.allSettled(readings)
      await db.close()
      await mendCurrent(folder)
      await db.open()
      openings++
      inDoubt = false
    } catch (cause) {
      throw new StoreError(
        'STORE_UNSETTLED',
        'The disk of the data folder has refused a write and still refuses writes. Nothing is written until it recovers. Try again later.',
        { cause },
      )
    } finally {
      isClosing = false
    }
  }

  function settled(): Promise<void> {
    if (!inDoubt || isClosed) return Promise.resolve()
    reopening ??= reopen().finally(() => {
      reopening = undefined
    })
    return reopening
  }

  async function writeNow(batch: () => Promise<void>): Promise<void> {
    await settled()
    try {
      await batch()
    } catch (cause) {
      if (cause instanceof StoreError) throw cause
      inDoubt = true
      // Reopens before the error is thrown, so that a caller who sees it reads what is on disk.
      await settled().catch(() => {})
      throw new StoreError('STORE_WRITE_FAILED', 'The disk of the data folder has refused a write. Try again in a moment.', { cause })
    }
  }

  return {
    db,
    settled,
    write(batch) {
      const done = lastWrite.then(() => writeNow(batch))
      lastWrite = done.catch(() => {})
      return done
    },
    async get(row) {
      if (db.status !== 'open') await settled()
      try {
        return db.getSync(row)
      } catch (cause) {
        throw damaged(cause)
      }
    },
    async reading(read) {
      if (isClosing || db.status !== 'open') await settled()
      const reading = read().catch(cause => {
        throw damaged(cause)
      })
      readings.add(reading)
      return reading.finally(() => readings.delete(reading))
    },
    async reopen() {
      inDoubt = true
      try {
        await settled()
      } catch (cause) {
        // Without room to reopen it, it goes on as it was: no write has failed.
        if (db.status === 'open') inDoubt = false
        throw cause
      }
    },
    openings: () => openings,
    async close() {
      await lastWrite
      await reopening?.catch(() => {})
      isClosed = true
      await db.close()
    },
  }
}

/** An error for damage that LevelDB's own checksums found. */
function damaged(cause: unknown): unknown {
  const { code } = cause as { code?: string }
  if (code !== 'LEVEL_CORRUPTION' && code !== 'LEVEL_IO_ERROR') return cause
  const advice = 'The operator can find out more with "openseal doctor".'
  return new StoreError('STORE_DAMAGED', `This part of the ledger cannot be read from the disk. ${advice}`, { cause })
}

/**
 * Writes as much as reopening will, so that a database is not closed that then cannot be opened.
 */
async function probeDisk(folder: string): Promise<void> {
  const files = (await readdir(folder)).filter(name => name.endsWith('.log') || name.startsWith('MANIFEST'))
  const sizes = await Promise.all(files.map(async name => (await stat(join(folder, name))).size))
  const probe = join(folder, PROBE)
  try {
    await mkdir(probe, { recursive: true })
    for (const [i, size] of [SPARE_BYTES, ...sizes].entries())
      await writeFile(join(probe, String(i)), new Uint8Array(size), { flush: true })
  } finally {
    await rm(probe, { recursive: true, force: true })
  }
}

/**
 * The file CURRENT names LevelDB's newest manifest. If the disk reports that a rename of CURRENT
 * failed although it took effect, LevelDB removes the manifest that CURRENT names. The previous
 * manifest and its files still exist, because LevelDB removes old files only after a successful
 * start.
 */
async function mendCurrent(folder: string): Promise<void> {
  const current = join(folder, 'CURRENT')
  const named = (await readFile(current, 'utf8').catch(() => '')).trim()
  const names = await readdir(folder).catch((): string[] => [])
  const before = names.filter(name => /^MANIFEST-\d{6}$/.test(name) && name < named).sort()
  if (named === '' || names.includes(named) || before.length === 0) return
  const beside = `${current}.mended`
  await writeFile(beside, `${before.at(-1)}\n`, { flush: true })
  await rename(beside, current)
}

async function openOrSay(db: Database, folder: string): Promise<void> {
  try {
    await mendCurrent(folder)
    await db.open()
  } catch (error) {
    const cause = (error as { cause?: { code?: string; message?: string } }).cause
    if (cause?.code === 'LEVEL_LOCKED')
      throw new StoreError('STORE_LOCKED', `The data folder ${folder} is in use by another OpenSeal service: stop that one first.`, {
        cause: error,
      })
    throw new StoreError('STORE_UNREADABLE', `The store in ${folder} cannot be opened: ${cause?.message ?? String(error)}`, {
      cause: error,
    })
  }
}

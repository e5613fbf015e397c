/**
 * Backup and restore: a folder with every row of the store, and with the keys and the local chain
 * if they are on this machine.
 */
import { createReadStream, createWriteStream } from 'node:fs'
import { copyFile, mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { OpenSealError } from '../core/errors.ts'
import type { Host } from '../host.ts'
import { type BackupHeader, decodeBackup } from '../store/level/backup.ts'
import { fillLevelStore, openLevelStore } from '../store/level/level.ts'
import { isShared, type Store } from '../store/port/port.ts'
import { openPostgresStore } from '../store/postgres/postgres.ts'
import { isThere, syncFolder } from '../whole-file.ts'
import { type Diagnosis, examine } from './doctor.ts'
import { replayTombstones } from './erased.ts'
import { readStanding } from './mark.ts'
import { markRestored, readRestored, sizeToMark } from './restored.ts'

export type Taken = { readonly header: BackupHeader; readonly rows: number; readonly bytes: number; readonly withKeys: boolean }

/** The database that a ledger is in, if it is not in its data folder. */
export type LedgerDatabase = { readonly url: string; readonly host: Pick<Host, 'steadyMs' | 'sleep' | 'randomBytes'> }

const FILE = 'store.backup'
/**
 * The parts of a data folder that are copied as they are: private keys, and the state of the
 * embedded chain.
 */
const COPIED = ['keys', 'chain'] as const
const PASSED_OVER = ['cache', 'anvil.log', 'process.json']

/**
 * Writes a backup into a new folder, and reads it back before it reports success. `dataDir`: the
 * folder of the keys, if they are on this machine.
 * @throws UpkeepError BACKUP_EXISTS, FOLDER_UNWRITABLE; BackupError BACKUP_CUT_OFF and others
 */
export async function takeBackup(stream: AsyncIterable<Uint8Array>, folder: string, dataDir: string | undefined): Promise<Taken> {
  if ((await readdir(folder).catch(() => [])).length > 0)
    throw new UpkeepError('BACKUP_EXISTS', `${folder} is not empty: name a new folder.`)
  await makeFolder(folder)
  const beside = join(folder, `${FILE}.part`)
  await pipeline(Readable.from(stream), createWriteStream(beside, { mode: 0o600, flush: true }))
  const { header, rows } = await decodeBackup(createReadStream(beside))
  let count = 0
  for await (const _row of rows) count++
  await rename(beside, join(folder, FILE))
  const withKeys = dataDir !== undefined && (await isThere(join(dataDir, 'keys', 'log.key')))
  if (withKeys) for (const name of COPIED) await copyFolder(join(dataDir, name), join(folder, name))
  await syncFolder(folder)
  return { header, rows: count, bytes: (await stat(join(folder, FILE))).size, withKeys }
}

/**
 * Makes a data folder from a backup, and examines all of it. The restored ledger does not seal
 * until `acceptLoss`.
 * @throws UpkeepError RESTORE_EXISTS, FOLDER_UNWRITABLE; BackupError
 */
export async function restoreBackup(
  folder: string,
  dataDir: string,
  markFolder?: string,
): Promise<{ header: BackupHeader; diagnosis: Diagnosis }> {
  const store = join(dataDir, 'store')
  if (await isThere(store))
    throw new UpkeepError('RESTORE_EXISTS', `There is a ledger in ${dataDir} already. Name another folder with --data.`)
  const { header, rows } = await decodeBackup(createReadStream(join(folder, FILE)))
  const beside = join(dataDir, 'store.restoring')
  await rm(beside, { recursive: true, force: true })
  await makeFolder(dataDir)
  await fillLevelStore(beside, rows)
  await mark(beside, header)
  await rename(beside, store)
  for (const name of COPIED) if (await isThere(join(folder, name))) await copyFolder(join(folder, name), join(dataDir, name))
  await syncFolder(dataDir)
  return { header, diagnosis: await examine({ dataDir, repair: false, markFolder }) }
}

/**
 * Records the operator's decision that a ledger of this size is complete: removes the mark of a
 * restored ledger, and sets the mark of what was signed to the ledger's size.
 * @throws UpkeepError RESTORE_SIZE, RESTORE_NOT_MARKED, RESTORE_FORKED
 */
export async function acceptLoss(dataDir: string, size: number, markFolder: string, database?: LedgerDatabase): Promise<void> {
  const store: Store = await (database === undefined
    ? openLevelStore(join(dataDir, 'store'))
    : openPostgresStore(database.url, database.host))
  try {
    const row = await store.readHead()
    const head = row?.head.size ?? 0
    const mark = row && (await readStanding(store, row, markFolder))
    const isAtOdds = mark !== undefined && mark.fit !== 'fits' && mark.fit !== 'missing'
    const isOpen = (await readRestored(store)) !== undefined || isAtOdds || mark?.isReplaced === true
    if (!isOpen) throw new UpkeepError('RESTORE_NOT_MARKED', 'This ledger is not waiting for a decision.')
    if (head !== size)
      throw new UpkeepError('RESTORE_SIZE', `This ledger has ${head} entries, not ${size}: give the size that you have checked.`)
    if (mark?.fit === 'forked') throw new UpkeepError('RESTORE_FORKED', `No loss can be accepted here: ${mark.detail}`)
    // The mark is reset first: after a crash in between, the ledger still waits for the decision.
    if (row) await mark?.file.reset({ ...row.head, ...(isShared(store) && { database: await store.history() }) })
    await markRestored(store, undefined)
  } finally {
    await store.close()
  }
}

async function mark(folder: string, { time }: BackupHeader): Promise<void> {
  const store = await openLevelStore(folder)
  const size = await sizeToMark(store)
  await markRestored(store, { why: `was restored from a backup of ${time}`, size })
  // Where damage is in the way, the examination that follows names it.
  await replayTombstones(store).catch(error => {
    if (!(error instanceof OpenSealError)) throw error
  })
  await store.close()
}

/** A name that ends in `.new` is a file that is being written, and is renamed at any moment. */
async function copyFolder(from: string, to: string): Promise<void> {
  const names = (await readdir(from).catch(() => [])).filter(name => !PASSED_OVER.includes(name) && !name.endsWith('.new'))
  if (names.length > 0) await mkdir(to, { recursive: true, mode: 0o700 })
  for (const name of names) await copyFile(join(from, name), join(to, name))
}

async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 }).catch(cause => {
    throw new UpkeepError('FOLDER_UNWRITABLE', `${path} cannot be made (${cause.code}): name a folder that this user may write.`, { cause })
  })
}

/**
 * BACKUP_EXISTS, FOLDER_UNWRITABLE, RESTORE_EXISTS, RESTORE_SIZE, RESTORE_NOT_MARKED,
 * RESTORE_FORKED.
 */
export class UpkeepError extends OpenSealError {}

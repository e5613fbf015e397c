/** How far the finder has come, and whether its rows belong to this ledger. */
import { rm } from 'node:fs/promises'
import { equalBytes, fromHex } from '../core/bytes.ts'
import { OpenSealError } from '../core/errors.ts'
import type { Log } from '../logger.ts'
import type { FoundLedger } from './ledger.ts'
import { openRows, type Rows, readJson, rowKey } from './rows.ts'

/** Kept with the rows, in the same write. */
export type FinderProgress = {
  readonly format: number
  readonly origin: string
  /**
   * The number of entries added, and the tree's root at that size: a store restored from a backup
   * has another one.
   */
  readonly size: number
  readonly root: string
  /**
   * These rows hold nothing that was erased by tombstones up to this one; NO_TOMBSTONE if nothing
   * was erased.
   */
  readonly tombstone: number
  /** The size of the last anchor added. */
  readonly anchored: number
}

/** The key of its row. */
export const PROGRESS = rowKey('m')

const FORMAT = 7
/** In place of a tombstone's index. */
export const NO_TOMBSTONE = -1

type Ledger = Pick<FoundLedger, 'origin' | 'head' | 'rootAt' | 'newestTombstone'>
type Begun = { readonly rows: Rows; readonly progress: FinderProgress }

/** Opens the rows. Unreadable rows are removed. */
export async function begin(folder: string, ledger: Ledger, log: Log): Promise<Begun> {
  try {
    return await beginWith(folder, ledger)
  } catch (error) {
    // A failure of the ledger is not one of the rows.
    if (error instanceof OpenSealError) throw error
    log.error('finder cannot be read, its rows are remade', { error })
    await rm(folder, { recursive: true, force: true })
    return beginWith(folder, ledger)
  }
}

async function beginWith(folder: string, ledger: Ledger): Promise<Begun> {
  const rows = await openRows(folder)
  try {
    const progress = await readProgress(rows, ledger)
    if (progress !== undefined) return { rows, progress }
  } catch (error) {
    await rows.close()
    throw error
  }
  // The files go, not only the rows: they may hold words of statements that were erased.
  await rows.close()
  await rm(folder, { recursive: true, force: true })
  const tombstone = (await ledger.newestTombstone()) ?? NO_TOMBSTONE
  return { rows: await openRows(folder), progress: { format: FORMAT, origin: ledger.origin, size: 0, root: '', tombstone, anchored: 0 } }
}

/** How far the rows go; undefined for none, and for rows of another log or another format. */
async function readProgress(rows: Rows, ledger: Ledger): Promise<FinderProgress | undefined> {
  const found = readJson<FinderProgress>(rows.get(PROGRESS))
  const fits = found?.format === FORMAT && found.origin === ledger.origin && found.size <= ledger.head().size
  if (fits && (found.size === 0 || equalBytes(await ledger.rootAt(found.size), fromHex(found.root)))) return found
  return undefined
}

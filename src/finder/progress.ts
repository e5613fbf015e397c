/** How far the finder has come, and whether its rows belong to this ledger. */
import { rm } from 'node:fs/promises'
import { equalBytes, fromHex } from '../core/bytes.ts'
import { OpenSealError } from '../core/errors.ts'
import type { Hash } from '../core/hash.ts'
import type { Log } from '../logger.ts'
import { openRows, type Rows, readJson, rowKey } from './rows.ts'

/** Kept with the rows, in the same write. */
export type Progress = {
  readonly format: number
  readonly origin: string
  /**
   * The number of entries added, and the tree's root at that size: a store restored from a backup
   * has another one.
   */
  readonly size: number
  readonly root: string
  /** The size of the last anchor added. */
  readonly anchored: number
}

/** The key of its row. */
export const PROGRESS = rowKey('m')

const FORMAT = 5

type Ledger = { readonly origin: string; head(): { readonly size: number }; rootAt(size: number): Promise<Hash> }
type Begun = { readonly rows: Rows; readonly progress: Progress }

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
    return { rows, progress: await readProgress(rows, ledger) }
  } catch (error) {
    await rows.close()
    throw error
  }
}

/** How far the rows go. Rows of another log or another format are removed. */
async function readProgress(rows: Rows, ledger: Ledger): Promise<Progress> {
  const { origin } = ledger
  const found = readJson<Progress>(rows.get(PROGRESS))
  const fits = found?.format === FORMAT && found.origin === origin && found.size <= ledger.head().size
  if (fits && (found.size === 0 || equalBytes(await ledger.rootAt(found.size), fromHex(found.root)))) return found
  await rows.clear()
  return { format: FORMAT, origin, size: 0, root: '', anchored: 0 }
}

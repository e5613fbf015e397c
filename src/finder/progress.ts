/** How far the finder has come, and whether its rows belong to the ledger at hand. */
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
  /** Entries taken in, and the root of the tree of that size: a store restored from a backup has another. */
  readonly size: number
  readonly root: string
  /** Size of the last anchor taken in. */
  readonly anchored: number
}

/** The row that it is kept in. */
export const PROGRESS = rowKey('m')

const FORMAT = 5

type Ledger = { readonly origin: string; head(): { readonly size: number }; rootAt(size: number): Promise<Hash> }
type Begun = { readonly rows: Rows; readonly progress: Progress }

/** Opens the rows; what is there and cannot be read is removed. */
export async function begin(folder: string, ledger: Ledger, log: Log): Promise<Begun> {
  try {
    return await beginWith(folder, ledger)
  } catch (error) {
    // The ledger's own trouble is none of the rows'.
    if (error instanceof OpenSealError) throw error
    log.error('finder cannot be read, it is made again', { error })
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

/** How far the rows go; they are thrown away where they are of another log, or of another way to write them. */
async function readProgress(rows: Rows, ledger: Ledger): Promise<Progress> {
  const { origin } = ledger
  const found = readJson<Progress>(rows.get(PROGRESS))
  const fits = found?.format === FORMAT && found.origin === origin && found.size <= ledger.head().size
  if (fits && (found.size === 0 || equalBytes(await ledger.rootAt(found.size), fromHex(found.root)))) return found
  await rows.clear()
  return { format: FORMAT, origin, size: 0, root: '', anchored: 0 }
}

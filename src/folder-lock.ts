/** A lock on a folder among the processes of this machine. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Level } from 'level'

/** A held lock. */
export type FolderLock = { release(): Promise<void> }

/**
 * Locks a folder that exists; undefined if somebody else holds it. It opens an empty Level database
 * there: of all locks that Node 20 offers, this is the one that the operating system releases
 * however its holder ends.
 */
export async function lockFolder(folder: string): Promise<FolderLock | undefined> {
  const place = join(folder, 'lock.level')
  await mkdir(place, { recursive: true, mode: 0o700 })
  const database = new Level(place)
  try {
    await database.open()
  } catch (error) {
    if ((error as { cause?: { code?: string } }).cause?.code === 'LEVEL_LOCKED') return undefined
    throw error
  }
  return { release: () => database.close() }
}

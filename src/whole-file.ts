/** Files that are on disk whole or not at all, even after a crash, and whether a path is there. */
import { open, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Mode of a file for its owner alone, and of one for everyone whom the umask admits. */
export const PRIVATE = 0o600
export const SHARED = 0o666

/** The errors of systems that cannot sync a folder. */
const CANNOT_SYNC: readonly unknown[] = ['EINVAL', 'EISDIR', 'ENOTSUP', 'EPERM']

/**
 * Replaces a file: written beside it, synced, renamed, and the folder synced. A crash leaves at
 * most `<path>.new`, which the next write replaces. For one writer at a time.
 */
export async function writeWhole(path: string, data: string | Uint8Array, mode: typeof PRIVATE | typeof SHARED): Promise<void> {
  const beside = `${path}.new`
  // One that a crash left may have another mode.
  await rm(beside, { force: true })
  const file = await open(beside, 'wx', mode)
  try {
    await file.writeFile(data)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(beside, path)
  await syncFolder(dirname(path))
}

/** Makes durable which names a folder holds. */
export async function syncFolder(path: string): Promise<void> {
  try {
    const folder = await open(path, 'r')
    await folder.sync().finally(() => folder.close())
  } catch (error) {
    if (!CANNOT_SYNC.includes((error as NodeJS.ErrnoException).code)) throw error
  }
}

/** Whether there is a file or a folder at this path that can be looked at. */
export function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

/**
 * A disk of a few megabytes that a test may fill: a file system in memory, where this machine lets
 * the test mount one.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export type SmallDisk = {
  readonly folder: string
  /** Leaves this many bytes free. */
  fill(freeBytes: number): void
  empty(): void
  remove(): void
}

/**
 * Whether this machine lets the test mount one. Leaves nothing behind, because a suite that asks
 * may not be run at all.
 */
export function canMount(): boolean {
  const disk = mountSmallDisk(1024 * 1024)
  disk?.remove()
  return disk !== undefined
}

/** Mounts one; undefined where that is not allowed. */
export function mountSmallDisk(sizeBytes: number): SmallDisk | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'openseal-disk-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeBytes}`, 'none', folder], { stdio: 'ignore' })
  } catch {
    rmdirSync(folder)
    return undefined
  }
  const ballast = join(folder, 'ballast')
  return {
    folder,
    fill(freeBytes) {
      const { bavail, bsize } = statfsSync(folder)
      writeFileSync(ballast, new Uint8Array(Math.max(0, bavail * bsize - freeBytes)))
    },
    empty: () => rmSync(ballast, { force: true }),
    remove() {
      execFileSync('umount', ['-l', folder], { stdio: 'ignore' })
      rmdirSync(folder)
    },
  }
}

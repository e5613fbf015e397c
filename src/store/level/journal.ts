/**
 * Reads LevelDB's journals (`<number>.log`) to find lost batches. A journal consists of 32 KiB
 * blocks of records: a checksum (CRC-32C, masked), a length, a kind and the bytes. A batch that
 * does not fit into its block becomes several records. At a start, LevelDB reads what it can and
 * silently skips the rest. A crash can cut off the last batch, which nobody was answered for. But a
 * damaged batch with another one after it was synced first, and so was acknowledged.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32c, masked } from './crc.ts'

const BLOCK_BYTES = 32 * 1024
const HEADER_BYTES = 7
/** Kinds of records: a whole batch, or the first, a middle (3) or the last part of one. */
const FULL = 1
const FIRST = 2
const LAST = 4

/** The name of a journal in which a batch follows a damaged one; undefined if there is none. */
export async function findDamagedJournal(folder: string): Promise<string | undefined> {
  const names = await readdir(folder).catch((): string[] => [])
  for (const name of names.filter(found => found.endsWith('.log')).sort()) if (isDamaged(await readFile(join(folder, name)))) return name
  return undefined
}

/** Whether a batch follows a damaged one. */
export function isDamaged(journal: Uint8Array): boolean {
  let isBroken = false
  for (let block = 0; block < journal.length; block += BLOCK_BYTES) {
    const end = Math.min(journal.length, block + BLOCK_BYTES)
    for (let at = block; at + HEADER_BYTES <= end; ) {
      const record = readRecord(journal, at, end)
      if (record === undefined) {
        isBroken ||= !isPadding(journal, at, end)
        // The end of the record is unknown, so reading goes on at the next block, which begins with
        // a record.
        break
      }
      if (isBroken && record.isSound && record.beginsBatch) return true
      isBroken ||= !record.isSound
      at += HEADER_BYTES + record.length
    }
  }
  return false
}

/** The record at a position, undefined if there cannot be one. */
function readRecord(journal: Uint8Array, at: number, end: number) {
  const view = new DataView(journal.buffer, journal.byteOffset + at, HEADER_BYTES)
  const length = view.getUint16(4, true)
  const kind = view.getUint8(6)
  if (kind < FULL || kind > LAST || at + HEADER_BYTES + length > end) return undefined
  const crc = crc32c(journal, at + HEADER_BYTES - 1, at + HEADER_BYTES + length)
  return { length, beginsBatch: kind === FULL || kind === FIRST, isSound: view.getUint32(0, true) === masked(crc) }
}

/**
 * Whether the rest of the block is zeros: space that the file system allocated and nobody wrote.
 */
function isPadding(journal: Uint8Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (journal[i] !== 0) return false
  return true
}

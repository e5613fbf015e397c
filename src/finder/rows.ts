/**
 * The rows of the finder: a Level database of its own, beside the store. It is derived from the
 * log and never a source of truth: it is written without waiting for the disk, and remade if it
 * does not match the log.
 *
 *   m                 how far it goes, and of which log (`Progress`)
 *   w token 0 block   → the entries of a block that are listed under a token: their places, two
 *                     bytes each, ascending. Tokens are of words and numbers (words.ts), of what
 *                     readers filter by (facets.ts), and of states (marks.ts)
 *   c token 0 part    → how many entries of a million a token of a filter lists
 *   d D               words of titles, forwards and backwards, see vocabulary.ts
 *   p index           → the entries before it of the same record and version, see marks.ts
 *   s agency skeleton → each record id with this skeleton and its first entry, as JSON
 *   k kind index      → a silent edit, an amendment or a withdrawal; the value is the index of
 *                     what it changes, or empty
 *   v n e b a x       what became of each entry, see threads.ts
 *   g agency          → counts, as JSON
 *   t unit slot       → the entries sealed in a unit of time, and their longest wait for the
 *                     chain, as JSON
 */
import { chmod, mkdir } from 'node:fs/promises'
import { Level } from 'level'

const ROWS_AT_ONCE = 64
/** Each open table is mapped into memory. */
const OPEN_TABLES = 32

/** One row to write. */
export type FinderRow = { readonly key: Uint8Array; readonly value: Uint8Array }

export type Rows = {
  get(key: Uint8Array): Uint8Array | undefined
  /**
   * All or nothing. Gathers a few rows at a time and asks in between whether to go on; if not,
   * writes nothing and returns false.
   */
  write(rows: Iterable<FinderRow>, goOn: () => Promise<boolean>): Promise<boolean>
  /** Keys from `gte` up to but not including `lt`, in ascending order, or from the end. */
  range(
    gte: Uint8Array,
    lt: Uint8Array,
    options?: { readonly reverse?: boolean; readonly limit?: number },
  ): AsyncIterable<[Uint8Array, Uint8Array]>
  close(): Promise<void>
}

/** Opens the rows in a folder. */
export async function openRows(folder: string): Promise<Rows> {
  // The folder holds the words of statements.
  await mkdir(folder, { recursive: true, mode: 0o700 }).catch(() => {})
  await chmod(folder, 0o700).catch(() => {})
  const db = new Level<Uint8Array, Uint8Array>(folder, { keyEncoding: 'view', valueEncoding: 'view', maxOpenFiles: OPEN_TABLES })
  await db.open()
  return {
    get: key => db.getSync(key),
    async write(rows, goOn) {
      const batch = db.batch()
      let gathered = 0
      for (const { key, value } of rows) {
        batch.put(key, value)
        if (++gathered % ROWS_AT_ONCE > 0 || (await goOn())) continue
        await batch.close()
        return false
      }
      await batch.write()
      return true
    },
    range: (gte, lt, { reverse = false, limit = -1 } = {}) => db.iterator({ gte, lt, reverse, limit }),
    close: () => db.close(),
  }
}

/** The key of a row: its letter, then text, then numbers of 4 or 8 bytes. */
export function rowKey(letter: string, text = '', numbers: readonly { readonly value: number; readonly bytes: 4 | 8 }[] = []): Buffer {
  const parts: Uint8Array[] = [Buffer.from(letter + text, 'utf8')]
  for (const { value, bytes } of numbers) {
    const part = Buffer.alloc(bytes)
    if (bytes === 8) part.writeUInt32BE(Math.floor(value / 2 ** 32))
    part.writeUInt32BE(value % 2 ** 32, bytes - 4)
    parts.push(part)
  }
  return Buffer.concat(parts)
}

/** The number in the last 8 bytes. */
export function lastNumber(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset + bytes.length - 8, 8)
  return view.getUint32(0) * 2 ** 32 + view.getUint32(4)
}

/** A number as a value of 8 bytes. */
export function numberValue(value: number): Buffer {
  return rowKey('', '', [{ value, bytes: 8 }])
}

/** JSON as a value. */
export function jsonValue(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value), 'utf8')
}

/** Reads what `jsonValue` wrote; undefined if there is no row. */
export function readJson<T>(value: Uint8Array | undefined): T | undefined {
  return value === undefined ? undefined : JSON.parse(Buffer.from(value).toString('utf8'))
}

/**
 * Checks the checksums of LevelDB's tables (`<number>.ldb`), which LevelDB itself does not when it
 * reads a row. A block with a changed byte can give a wrong row, or end the process. A table has
 * blocks of rows and one of filters, two index blocks with their places, and a footer with the
 * places of those. After each block are one byte for its compression and its checksum.
 */
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32c, masked } from './crc.ts'

const FOOTER_BYTES = 48
const MAGIC_BYTES = 8
const MAGIC = 0xdb4775248b80fb57n
const SNAPPY = 1
/** A block's compression and checksum. */
const TRAILER_BYTES = 5

type Place = { readonly offset: number; readonly size: number }

/**
 * The name of a table with a changed block; undefined if there is none. Call it when the store was
 * just opened: then the older tables are those in use, and the younger ones are being written.
 */
export async function findDamagedTable(folder: string): Promise<string | undefined> {
  const opened = await stat(join(folder, 'CURRENT'))
  for (const name of (await readdir(folder)).filter(found => found.endsWith('.ldb')).sort()) {
    const path = join(folder, name)
    // A compaction may remove it meanwhile.
    const { mtimeMs } = (await stat(path).catch(() => undefined)) ?? { mtimeMs: Number.POSITIVE_INFINITY }
    if (mtimeMs > opened.mtimeMs) continue
    const table = await readFile(path).catch(() => undefined)
    if (table !== undefined && !isSound(table)) return name
  }
  return undefined
}

/** Whether every block of a table matches its checksum. */
export function isSound(table: Buffer): boolean {
  try {
    const footer = createReader(table.subarray(-FOOTER_BYTES, -MAGIC_BYTES))
    const places = [readPlace(footer), readPlace(footer)]
    while (!footer.isAtEnd()) if (footer.number(1) !== 0) return false
    if (table.readBigUInt64LE(table.length - MAGIC_BYTES) !== MAGIC) return false
    return places.every(place => isBlockSound(table, place) && placesIn(blockAt(table, place)).every(each => isBlockSound(table, each)))
  } catch (error) {
    if (error instanceof RangeError) return false
    throw error
  }
}

function isBlockSound(table: Buffer, { offset, size }: Place): boolean {
  if (offset + size + TRAILER_BYTES > table.length) throw new RangeError('a block is beyond the end')
  const end = offset + size + 1
  return masked(crc32c(table, offset, end)) === table.readUInt32LE(end)
}

/** A block as it was before it was compressed. */
function blockAt(table: Buffer, { offset, size }: Place): Buffer {
  const block = table.subarray(offset, offset + size)
  return table[offset + size] === SNAPPY ? unsnap(block) : block
}

/** The places in an index block: each entry shares the beginning of its key with the one before. */
function placesIn(index: Buffer): Place[] {
  const end = index.length - 4 - 4 * index.readUInt32LE(index.length - 4)
  const reader = createReader(index.subarray(0, end))
  const places: Place[] = []
  while (!reader.isAtEnd()) {
    reader.varint()
    const [keyBytes, valueBytes] = [reader.varint(), reader.varint()]
    reader.take(keyBytes)
    places.push(readPlace(createReader(reader.take(valueBytes))))
  }
  return places
}

function readPlace(reader: Reader): Place {
  return { offset: reader.varint(), size: reader.varint() }
}

/** Snappy: literal bytes, and copies of what came before. */
function unsnap(block: Buffer): Buffer {
  const reader = createReader(block)
  const plain = Buffer.alloc(reader.varint())
  let at = 0
  while (!reader.isAtEnd()) {
    const tag = reader.take(1)[0]!
    const kind = tag % 4
    const rest = Math.floor(tag / 4)
    if (kind === 0) {
      const length = rest < 60 ? rest : reader.number(rest - 59)
      at += reader.take(length + 1).copy(plain, at)
      continue
    }
    const length = kind === 1 ? (rest % 8) + 4 : rest + 1
    const back = kind === 1 ? Math.floor(rest / 8) * 256 + reader.number(1) : reader.number(kind === 2 ? 2 : 4)
    if (back === 0 || back > at || at + length > plain.length) throw new RangeError('a copy is out of range')
    // Byte by byte, because a copy may overlap what it writes.
    for (const end = at + length; at < end; at++) plain[at] = plain[at - back]!
  }
  return plain
}

type Reader = ReturnType<typeof createReader>

function createReader(bytes: Buffer) {
  let at = 0
  const take = (length: number): Buffer => {
    if (at + length > bytes.length) throw new RangeError('a part is longer than the rest')
    at += length
    return bytes.subarray(at - length, at)
  }
  return {
    take,
    /** A little-endian number of this many bytes. */
    number: (length: number) => take(length).readUIntLE(0, length),
    /** Seven bits a byte, the lowest first, until a byte without the eighth. */
    varint(): number {
      let value = 0
      for (let scale = 1; ; scale *= 128) {
        const byte = take(1)[0]!
        value += (byte % 128) * scale
        if (byte < 128) return value
        if (scale > 2 ** 42) throw new RangeError('a number is too long')
      }
    },
    isAtEnd: () => at === bytes.length,
  }
}

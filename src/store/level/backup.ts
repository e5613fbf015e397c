/**
 * The stream format of a backup: every row of a store as of one moment. It has the line
 * `openseal/backup@v1`, a line of JSON about the store and the time, then each row as the lengths
 * of key and value (4 bytes each), key and value. It ends with four 0xff bytes and the SHA-256 of
 * everything before.
 */
import { createHash } from 'node:crypto'
import { OpenSealError } from '../../core/errors.ts'
import { HASH_BYTES } from '../../core/hash.ts'

export type BackupHeader = { readonly origin: string; readonly vkey: string; readonly time: string }
export type StoredRow = readonly [key: Uint8Array, value: Uint8Array]

const MAGIC = 'openseal/backup@v1\n'
const END = 0xff_ff_ff_ff
const CHUNK_BYTES = 64 * 1024
const MAX_HEADER_BYTES = 4096
/** A row is a statement, a tile or a document, and far smaller than this. */
const MAX_ROW_BYTES = 64 * 1024 * 1024

/** Encodes a backup. */
export async function* encodeBackup(header: BackupHeader, rows: AsyncIterable<StoredRow>): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256')
  let parts: Uint8Array[] = [Buffer.from(`${MAGIC}${JSON.stringify(header)}\n`)]
  let gathered = 0
  const flush = () => {
    const chunk = Buffer.concat(parts)
    parts = []
    gathered = 0
    hash.update(chunk)
    return chunk
  }
  for await (const [key, value] of rows) {
    parts.push(lengths(key.length, value.length), key, value)
    gathered += 8 + key.length + value.length
    if (gathered >= CHUNK_BYTES) yield flush()
  }
  parts.push(Buffer.alloc(4, 0xff))
  yield flush()
  yield hash.digest()
}

/**
 * Decodes a backup. Its rows can be trusted only when the iteration has ended, because the hash is
 * last.
 * @throws BackupError BACKUP_MALFORMED, BACKUP_CUT_OFF, BACKUP_CHANGED
 */
export async function decodeBackup(chunks: AsyncIterable<Uint8Array>): Promise<{ header: BackupHeader; rows: AsyncGenerator<StoredRow> }> {
  const reader = createReader(chunks)
  if ((await reader.take(MAGIC.length)).toString('latin1') !== MAGIC) throw malformed('it does not begin as one')
  let line = ''
  for (let byte = ''; byte !== '\n'; line += byte) {
    if (line.length > MAX_HEADER_BYTES) throw malformed('its header does not end')
    byte = (await reader.take(1)).toString('latin1')
  }
  return { header: readHeader(Buffer.from(line, 'latin1').toString('utf8')), rows: readRows(reader) }
}

async function* readRows(reader: ReturnType<typeof createReader>): AsyncGenerator<StoredRow> {
  for (;;) {
    const keyLength = (await reader.take(4)).readUInt32BE(0)
    if (keyLength === END) break
    const valueLength = (await reader.take(4)).readUInt32BE(0)
    if (keyLength + valueLength > MAX_ROW_BYTES) throw malformed('a row is too long')
    const key = await reader.take(keyLength)
    yield [key, await reader.take(valueLength)]
  }
  const wanted = reader.digest()
  const found = await reader.take(HASH_BYTES)
  if (!wanted.equals(found))
    throw new BackupError('BACKUP_CHANGED', 'The backup has changed since it was written: its hash does not match. Use another one.')
  if (!(await reader.isAtEnd())) throw malformed('there is more after its end')
}

/** Reads exact numbers of bytes from a stream, and hashes them. */
function createReader(chunks: AsyncIterable<Uint8Array>) {
  const iterator = chunks[Symbol.asyncIterator]()
  const hash = createHash('sha256')
  let rest = Buffer.alloc(0)
  const more = async (): Promise<boolean> => {
    const { done, value } = await iterator.next()
    if (!done) rest = Buffer.concat([rest, value])
    return !done
  }
  return {
    async take(length: number): Promise<Buffer> {
      while (rest.length < length)
        if (!(await more()))
          throw new BackupError('BACKUP_CUT_OFF', 'The backup is cut off: it was not written completely. Use another one.')
      const taken = rest.subarray(0, length)
      rest = rest.subarray(length)
      hash.update(taken)
      return taken
    },
    digest: () => hash.copy().digest(),
    isAtEnd: async () => rest.length === 0 && !(await more()),
  }
}

function readHeader(line: string): BackupHeader {
  try {
    const { origin, vkey, time } = JSON.parse(line)
    if ([origin, vkey, time].every(value => typeof value === 'string')) return { origin, vkey, time }
  } catch {
    // Reported below.
  }
  throw malformed('its header cannot be read')
}

function lengths(key: number, value: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(8)
  bytes.writeUInt32BE(key, 0)
  bytes.writeUInt32BE(value, 4)
  return bytes
}

function malformed(why: string): BackupError {
  return new BackupError('BACKUP_MALFORMED', `This is not an OpenSeal backup: ${why}.`)
}

/** BACKUP_MALFORMED, BACKUP_CUT_OFF, BACKUP_CHANGED. */
export class BackupError extends OpenSealError {}

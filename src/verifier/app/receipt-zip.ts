/**
 * A ZIP archive of receipts, as a page or a mail hands them out. Archives are not trusted. They are
 * read strictly (no name twice, no contradictions between the parts of an entry) and within bounds,
 * and each entry must match its checksum.
 */
import { configure, Uint8ArrayReader, ZipReader } from '@zip.js/zip.js/lib/zip-core-native.js'
import { OpenSealError } from '../../core/errors.ts'

/** A file in an archive. */
export type ZippedFile = { readonly name: string; readonly bytes: Uint8Array }

const MAX_ENTRIES = 10_000
/**
 * How many bytes are unpacked from one archive. The unpacked bytes are counted, because the sizes
 * that an archive states may be wrong.
 */
const MAX_UNPACKED_BYTES = 64 * 1024 * 1024
const RECEIPTS = /\.receipts?\.(?:json|ndjson)$/i

// Runs without workers: a worker would be another file to serve, and archives of receipts are
// small.
configure({ useWebWorkers: false })

/**
 * The files of an archive that contains only receipts, by name; undefined for any other archive.
 * Throws ZipError.
 */
export async function readReceiptZip(bytes: Uint8Array): Promise<readonly ZippedFile[] | undefined> {
  const reader = new ZipReader(new Uint8ArrayReader(bytes), { strictness: 'strict', checkSignature: true })
  try {
    const entries = (await reader.getEntries()).filter(entry => !entry.directory)
    if (entries.length === 0 || entries.length > MAX_ENTRIES || !entries.every(({ filename }) => RECEIPTS.test(filename))) return undefined
    const budget = { bytes: MAX_UNPACKED_BYTES }
    const files: ZippedFile[] = []
    for (const entry of entries) files.push({ name: entry.filename, bytes: await unpack(stream => entry.getData(stream), budget) })
    return files
  } catch (cause) {
    if (cause instanceof ZipError) throw cause
    throw new ZipError('ZIP_REFUSED', 'the ZIP archive is ambiguous or damaged', { cause })
  } finally {
    await reader.close()
  }
}

async function unpack(write: (stream: WritableStream<Uint8Array>) => Promise<unknown>, budget: { bytes: number }): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  await write(
    new WritableStream({
      write: part => {
        budget.bytes -= part.length
        if (budget.bytes < 0) throw new ZipError('ZIP_TOO_LARGE', `the ZIP archive unpacks to more than ${MAX_UNPACKED_BYTES} bytes`)
        parts.push(part.slice())
      },
    }),
  )
  return new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer())
}

/** ZIP_REFUSED or ZIP_TOO_LARGE. */
export class ZipError extends OpenSealError {}

/**
 * A ZIP archive of receipts, as a page or a mail hands them out. The archive comes from anywhere: it is read strictly (no two names for one entry, no entry whose
 * parts contradict each other), within bounds, and each entry is held against its checksum.
 */
import { configure, Uint8ArrayReader, ZipReader } from '@zip.js/zip.js/lib/zip-core-native.js'
import { OpenSealError } from '../../core/errors.ts'

/** A file in an archive. */
export type ZippedFile = { readonly name: string; readonly bytes: Uint8Array }

const MAX_ENTRIES = 10_000
/** All that is unpacked of one archive. What an archive says of its sizes is not believed: what comes out is counted. */
const MAX_UNPACKED_BYTES = 64 * 1024 * 1024
const RECEIPTS = /\.receipts?\.(?:json|ndjson)$/i

// Everything is done here: a worker would be another file to serve, and archives of receipts are small.
configure({ useWebWorkers: false })

/** The files of an archive that holds receipts and nothing else, by their names; undefined for any other archive. Throws ZipError. */
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
    throw new ZipError('ZIP_REFUSED', 'the ZIP archive cannot be read without doubt', { cause })
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
        if (budget.bytes < 0) throw new ZipError('ZIP_TOO_LARGE', `more than ${MAX_UNPACKED_BYTES} bytes are packed in the ZIP archive`)
        parts.push(part.slice())
      },
    }),
  )
  return new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer())
}

/** ZIP_REFUSED or ZIP_TOO_LARGE. */
export class ZipError extends OpenSealError {}

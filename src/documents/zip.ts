/**
 * Reads ZIP archives, which are not trusted. No name may come twice, the parts of an entry must
 * agree, and each entry must match its checksum. Unpacked bytes are counted, because the sizes that
 * an archive states may be wrong.
 */
// Without the writer and its compression, which are most of the package: the offline verifier has it inside.
import { type FileEntry, type Reader, ZipReader } from '@zip.js/zip.js/lib/zip-core-reader.js'
import { OpenSealError } from '../core/errors.ts'

/** An entry of an archive that is not a folder. */
export type ZipEntry = {
  readonly name: string
  /** True if it needs a password. */
  readonly isEncrypted: boolean
  /** Unpacks the entry, part by part. A part is valid only during the call. */
  read(take: (part: Uint8Array) => void | Promise<void>): Promise<void>
}

/** Bounds of an archive, over all that is read of it. */
export type ZipLimits = { readonly maxEntries: number; readonly maxUnpackedBytes: number }

/** The most that an entry may grow when it is unpacked, once it is larger than RATIO_FROM_BYTES. */
const MAX_RATIO = 200
const RATIO_FROM_BYTES = 1024 * 1024

/** Lets `use` read an archive. Throws ZipError, and what `use` throws. */
export async function withZip<T>(
  blob: Blob,
  { maxEntries, maxUnpackedBytes }: ZipLimits,
  use: (entries: readonly ZipEntry[]) => Promise<T>,
): Promise<T> {
  // Runs without workers: a worker would be another file to serve.
  const reader = new ZipReader(readerOf(blob), { strictness: 'strict', checkSignature: true, useWebWorkers: false })
  const budget = { bytes: maxUnpackedBytes, max: maxUnpackedBytes }
  try {
    const files = await guarded(() => filesOf(reader, maxEntries))
    return await use(
      files.map(entry => ({ name: entry.filename, isEncrypted: entry.encrypted, read: take => unpack(entry, take, budget) })),
    )
  } finally {
    await reader.close()
  }
}

/** A reader of blobs: the package's own is in the part that is left out. */
function readerOf(blob: Blob): Reader<unknown> {
  const read = async (at: number, length: number) => new Uint8Array(await blob.slice(at, at + length).arrayBuffer())
  const createReadable = ({ offset = 0, size = blob.size }: { readonly offset?: number; readonly size?: number } = {}) =>
    blob.slice(offset, offset + size).stream()
  return { size: blob.size, readUint8Array: read, createReadable } as unknown as Reader<unknown>
}

/**
 * The entries that are no folders. An entry takes kilobytes of memory, so they are counted as they
 * are read.
 */
async function filesOf(reader: ZipReader<unknown>, maxEntries: number): Promise<FileEntry[]> {
  const files: FileEntry[] = []
  for await (const entry of reader.getEntriesGenerator()) {
    if (!entry.directory) files.push(entry)
    if (files.length > maxEntries) throw new ZipError('ZIP_TOO_LARGE', `the ZIP archive has more than ${maxEntries} files`)
  }
  return files
}

async function unpack(
  entry: FileEntry,
  take: (part: Uint8Array) => void | Promise<void>,
  budget: { bytes: number; readonly max: number },
): Promise<void> {
  let unpacked = 0
  let failure: unknown
  const sink = new WritableStream<Uint8Array>({
    write: async part => {
      unpacked += part.length
      budget.bytes -= part.length
      try {
        if (budget.bytes < 0) throw new ZipError('ZIP_TOO_LARGE', `the ZIP archive unpacks to more than ${budget.max} bytes`)
        if (unpacked > RATIO_FROM_BYTES && unpacked > entry.compressedSize * MAX_RATIO)
          throw new ZipError('ZIP_TOO_LARGE', `a file in the ZIP archive unpacks to more than ${MAX_RATIO} times its size`)
        await take(part)
      } catch (error) {
        failure = error
        throw error
      }
    },
  })
  await guarded(() => entry.getData(sink)).catch(error => {
    throw failure ?? error
  })
}

/** zip.js throws errors of its own, and others where an archive is damaged. */
async function guarded<T>(action: () => Promise<T>): Promise<T> {
  try {
    return await action()
  } catch (cause) {
    if (cause instanceof OpenSealError) throw cause
    throw new ZipError('ZIP_REFUSED', 'the ZIP archive is ambiguous or damaged', { cause })
  }
}

/** ZIP_REFUSED or ZIP_TOO_LARGE. */
export class ZipError extends OpenSealError {}

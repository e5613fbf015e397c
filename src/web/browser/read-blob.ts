/** Reads a file in the browser, in bounded memory. */
import { createFileReader, OpenSealError, type ReadFile } from '../../verifier/index.ts'

/** A package's receipts are one file, which has to be kept whole. */
const MAX_RECEIPTS_BYTES = 256 * 1024 * 1024

/** How many releases of a package are read: a page keeps a kilobyte of each. */
const MAX_RELEASES = 250_000
const CHUNK_BYTES = 1024 * 1024

/**
 * Reads a file in chunks. `onProgress` gets 0 to 1. Throws BlobError FILE_UNREADABLE, also if the
 * file changed meanwhile.
 */
export async function readBlob(name: string, file: Blob, onProgress: (part: number) => void): Promise<ReadFile> {
  try {
    const reader = createFileReader({
      maxReleases: MAX_RELEASES,
      ...(name.toLowerCase().endsWith('.receipts.ndjson') && { maxJsonBytes: MAX_RECEIPTS_BYTES }),
    })
    let read = 0
    for await (const chunk of chunksOf(file)) {
      reader.update(chunk)
      read += chunk.length
      onProgress(file.size === 0 ? 1 : read / file.size)
    }
    if (read !== file.size) throw new BlobError('FILE_UNREADABLE', `${read} of ${file.size} bytes were read`)
    return reader.finish()
  } catch (error) {
    if (error instanceof BlobError) throw error
    throw new BlobError('FILE_UNREADABLE', 'the file could not be read', { cause: error })
  }
}

/** In slices, because a browser reads a blob's stream ahead and is slow to release its chunks. */
async function* chunksOf(file: Blob): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < file.size; at += CHUNK_BYTES) yield new Uint8Array(await file.slice(at, at + CHUNK_BYTES).arrayBuffer())
}

/** FILE_UNREADABLE */
export class BlobError extends OpenSealError {}

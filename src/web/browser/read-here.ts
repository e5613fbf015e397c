/** Reads a file on this device for the desk: its digests, and what it states. */
import { MAX_READ_BYTES, TOO_LARGE } from '../../documents/reading.ts'
import { type DescribedFile, describeFile } from '../desk/describe.ts'
import { readBlob } from './read-blob.ts'

/** Throws BlobError FILE_UNREADABLE. A file that is too large to be understood is still hashed. */
export async function readHere(path: string, file: File): Promise<DescribedFile> {
  const read = await readBlob(path, file, () => {})
  if (file.size > MAX_READ_BYTES) return describeFile(path, read, TOO_LARGE)
  // The readers of all formats are the largest part of the desk's code.
  const { readDocument } = await import('../../documents/read-document.ts')
  return describeFile(path, read, await readDocument(path, new Uint8Array(await file.arrayBuffer())))
}

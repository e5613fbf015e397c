/** Reads bytes as a file is read: in chunks. */
import { createFileReader, type FileReaderOptions, type ReadFile } from '../../src/verifier/app/file-reader.ts'

export function readBytes(bytes: Uint8Array, chunkBytes = 7, options: FileReaderOptions = {}): ReadFile {
  const reader = createFileReader(options)
  for (let at = 0; at < bytes.length; at += chunkBytes) reader.update(bytes.subarray(at, at + chunkBytes))
  return reader.finish()
}

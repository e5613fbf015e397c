/** Takes a package of many records apart on this device. */
import { HEAD_BYTES } from '../../documents/file-kind.ts'
import type { OcdsReport, TakeStatement } from '../../documents/ocds/statements.ts'

const CHUNK_BYTES = 1024 * 1024

/**
 * Gives each statement of the package, the file's own last. Throws OcdsError, DocumentError,
 * ZipError, StatementError.
 */
export async function readPackageHere(path: string, file: Blob, agency: string, take: TakeStatement): Promise<OcdsReport> {
  const { createOcdsReader, readOcdsZip } = await import('../../documents/ocds/statements.ts')
  const [first, second] = new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer())
  if (first === 0x50 && second === 0x4b) return readOcdsZip(agency, path, path, file, take)
  const reader = createOcdsReader(agency, path, path, take)
  for (let at = 0; at < file.size; at += CHUNK_BYTES)
    await reader.push(new Uint8Array(await file.slice(at, at + CHUNK_BYTES).arrayBuffer()))
  return reader.end()
}

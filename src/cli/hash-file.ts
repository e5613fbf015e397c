/** Hashes files on this machine. The document itself never leaves it. */
import { constants } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { OpenSealError } from '../core/errors.ts'
import type { FileDigest } from '../documents/digest.ts'
import { createFileReader, type ReadFile } from '../verifier/app/file-reader.ts'

/** Called for every chunk of a file with the bytes read so far and its size. */
export type OnProgress = (doneBytes: number, totalBytes: number) => void

const CHUNK_BYTES = 1024 * 1024
/** Archives up to this size are kept, so that the hashed bytes are those that are opened. */
const MAX_ZIP_BYTES = 64 * 1024 * 1024

/**
 * Reads a file in one pass and bounded memory: its digests (for JSON up to 64 MiB also that of the
 * RFC 8785 form), earlier states of a PDF, and the releases of a package. Throws FileError
 * FILE_NOT_FOUND, FILE_UNREADABLE, or FILE_CHANGED if the file changed meanwhile.
 */
export async function readFile(path: string, onProgress: OnProgress = () => {}): Promise<ReadFile> {
  const reader = createFileReader({ maxZipBytes: MAX_ZIP_BYTES })
  await readWhole(path, chunk => reader.update(chunk), onProgress)
  return reader.finish()
}

/** The digests of a file. Throws as `readFile` does. */
export async function hashFile(path: string, onProgress?: OnProgress): Promise<FileDigest> {
  return (await readFile(path, onProgress)).digest
}

/**
 * Reads a file once from its beginning and passes on its chunks, each valid only during the call.
 * Throws FileError as `hashFile` does.
 */
export async function readWhole(
  path: string,
  onChunk: (chunk: Buffer) => void | Promise<void>,
  onProgress: OnProgress = () => {},
): Promise<{ bytes: number }> {
  const handle = await openFile(path)
  try {
    const before = await handle.stat()
    if (!before.isFile()) throw new FileError('FILE_UNREADABLE', `${path} is not a file`)
    // One byte more than the file has, so that growth is noticed. Thousands of small files need no
    // large buffers.
    const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, before.size + 1))
    let bytes = 0
    onProgress(0, before.size)
    for (;;) {
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, bytes)
      if (bytesRead === 0) break
      bytes += bytesRead
      if (bytes > before.size) throw changed(path)
      await onChunk(buffer.subarray(0, bytesRead))
      onProgress(bytes, before.size)
    }
    const after = await handle.stat()
    const named = await stat(path).catch(() => undefined)
    const same = (other: typeof before | undefined) =>
      other?.size === before.size && other.mtimeMs === before.mtimeMs && other.ino === before.ino && other.ctimeMs === before.ctimeMs
    if (bytes !== before.size || !same(after) || !same(named)) throw changed(path)
    return { bytes }
  } finally {
    await handle.close()
  }
}

/** The first bytes of a file. Throws FileError as `hashFile` does. */
export async function readHead(path: string, bytes: number): Promise<Uint8Array> {
  const handle = await openFile(path)
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(bytes), 0, bytes, 0).catch(error => {
      throw new FileError('FILE_UNREADABLE', `${path} cannot be read (${error.code})`, { cause: error })
    })
    return buffer.subarray(0, bytesRead)
  } finally {
    await handle.close()
  }
}

/** Opens a file to read it. A pipe is opened without waiting for somebody who writes into it. */
async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') throw new FileError('FILE_NOT_FOUND', `there is no file ${path}`, { cause: error })
    throw new FileError('FILE_UNREADABLE', `${path} cannot be read (${code})`, { cause: error })
  }
}

function changed(path: string): FileError {
  return new FileError('FILE_CHANGED', `${path} changed while it was hashed. Nothing was sent; try again when it is at rest.`)
}

/** FILE_NOT_FOUND, FILE_UNREADABLE, FILE_CHANGED, FILE_EXISTS, FILE_NAME_LONG or FILE_UNWRITABLE. */
export class FileError extends OpenSealError {}

/** Reading a file in the browser: its digests in bounded memory, and whether it is a signed PDF. */
import { createSha256 } from '#sha256'
import { toHex, toUtf8 } from '../../core/bytes.ts'
import { OpenSealError } from '../../core/errors.ts'
import { digestsOf, type FileDigest } from '../../verifier/index.ts'

/** JSON up to this size is held in memory, for its content digest and to look into packages. */
export const MAX_JSON_BYTES = 64 * 1024 * 1024

/** What was read. `bytes` is there for JSON only. */
export type ReadFile = { readonly digest: FileDigest; readonly signedPdf: boolean; readonly bytes?: Uint8Array }

/** Reads a file in chunks. `onProgress` gets 0 to 1. Throws FileError FILE_UNREADABLE, also where it changed meanwhile. */
export async function readFile(file: Blob, onProgress: (part: number) => void): Promise<ReadFile> {
  try {
    const json = file.size <= MAX_JSON_BYTES && (await looksLikeJson(file))
    const hash = createSha256()
    const mark = createMarkFinder(SIGNATURE_MARK)
    const parts: Uint8Array[] = []
    let read = 0
    for await (const chunk of chunksOf(file)) {
      hash.update(chunk)
      mark.look(chunk)
      if (json) parts.push(chunk)
      read += chunk.length
      onProgress(file.size === 0 ? 1 : read / file.size)
    }
    if (read !== file.size) throw new FileError('FILE_UNREADABLE', `${read} of ${file.size} bytes were read`)
    if (!json) return { digest: { bytes: read, sha256: toHex(hash.digest()) }, signedPdf: mark.found() }
    const bytes = new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer())
    return { digest: digestsOf(bytes), signedPdf: false, bytes }
  } catch (error) {
    if (error instanceof FileError) throw error
    throw new FileError('FILE_UNREADABLE', 'the file could not be read', { cause: error })
  }
}

/** Finds a mark in bytes that come in chunks, also across their borders. */
export function createMarkFinder(mark: Uint8Array): { look(chunk: Uint8Array): void; found(): boolean } {
  let tail = new Uint8Array(0)
  let found = false
  return {
    look(chunk) {
      if (found) return
      const seam = new Uint8Array(tail.length + Math.min(chunk.length, mark.length))
      seam.set(tail)
      seam.set(chunk.subarray(0, mark.length), tail.length)
      found = holds(seam, mark) || holds(chunk, mark)
      const joined = chunk.length >= mark.length ? chunk : new Uint8Array([...tail, ...chunk])
      tail = joined.slice(-(mark.length - 1))
    },
    found: () => found,
  }
}

/** What stands in every signed PDF (ISO 32000 §12.8.1). */
export const SIGNATURE_MARK = toUtf8('/ByteRange')

function holds(bytes: Uint8Array, mark: Uint8Array): boolean {
  const first = mark[0] ?? 0
  for (let at = bytes.indexOf(first); at !== -1; at = bytes.indexOf(first, at + 1)) {
    let length = 1
    while (length < mark.length && bytes[at + length] === mark[length]) length++
    if (length === mark.length) return true
  }
  return false
}

async function looksLikeJson(file: Blob): Promise<boolean> {
  const start = new Uint8Array(await file.slice(0, 64).arrayBuffer())
  const first = start.find(byte => byte !== 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d)
  return first === 0x7b || first === 0x5b
}

/** By its reader, because not every browser can iterate over a stream. */
async function* chunksOf(file: Blob): AsyncGenerator<Uint8Array> {
  const reader = file.stream().getReader()
  for (let part = await reader.read(); !part.done; part = await reader.read()) yield part.value
}

/** FILE_UNREADABLE */
export class FileError extends OpenSealError {}

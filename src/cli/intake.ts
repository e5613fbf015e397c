/** Reads files for submission: their digests, and what they state about themselves. */
import { stat } from 'node:fs/promises'
import { copyBytes, joinBytes } from '../core/bytes.ts'
import type { DocumentRef } from '../core/statements/statement.ts'
import { digestsOf } from '../documents/digest.ts'
import { mediaTypeOf } from '../documents/media-type.ts'
import { readDocument } from '../documents/read-document.ts'
import { baseName, brokenJson, DocumentError, type DocumentReading, MAX_READ_BYTES, TOO_LARGE } from '../documents/reading.ts'
import { hashFile, type OnProgress, readWhole } from './hash-file.ts'

/** A file to submit. `name` is its path. */
export type IntakeFile = {
  readonly name: string
  readonly document: DocumentRef
  readonly reading: DocumentReading
  /** Why JSON is known by its bytes only. */
  readonly jcsReason?: string
}

const MAY_BE_OCDS = /\.(?:(?:json|jsonl|ndjson)(?:\.gz)?|zip)$/i

/**
 * Reads a file once. Throws FileError, and DocumentError JSON_MALFORMED or TEXT_NOT_UTF8 for JSON
 * that does not parse.
 */
export async function readIntake(path: string, onProgress?: OnProgress): Promise<IntakeFile> {
  const { size } = await stat(path).catch(() => ({ size: 0 })) // the reader reports it
  if (size > MAX_READ_BYTES) return readLarge(path, onProgress)
  const parts: Uint8Array[] = []
  await readWhole(path, chunk => void parts.push(copyBytes(chunk)), onProgress)
  const bytes = joinBytes(parts)
  const reading = await readDocument(path, bytes)
  const broken = brokenJson(reading)
  if (broken !== undefined) throw new DocumentError(broken.code, `${path} is not sent, because it is not JSON: ${broken.detail}`)
  return describe(path, looksLikeJson(bytes) ? digestsOf(bytes) : { ...digestsOf(bytes), jcsReason: undefined }, reading)
}

async function readLarge(path: string, onProgress?: OnProgress): Promise<IntakeFile> {
  return describe(path, await hashFile(path, onProgress), {
    ...TOO_LARGE,
    // OCDS may be larger than memory, and its reader finds out.
    ...(MAY_BE_OCDS.test(path) && { format: 'ocds' }),
  })
}

type Digest = { readonly bytes: number; readonly sha256: string; readonly jcs?: string; readonly jcsReason?: string | undefined }

function describe(name: string, { jcsReason, ...digest }: Digest, reading: DocumentReading): IntakeFile {
  const document = { name: baseName(name), mediaType: mediaTypeOf(name), ...digest }
  return { name, document, reading, ...(jcsReason !== undefined && { jcsReason }) }
}

function looksLikeJson(bytes: Uint8Array): boolean {
  const first = bytes.find(byte => ![0x20, 0x09, 0x0a, 0x0d, 0xef, 0xbb, 0xbf].includes(byte))
  return first === 0x7b || first === 0x5b
}

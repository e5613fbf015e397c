/** The form of a reader without JavaScript: a file is hashed as it comes in, never stored, and a receipt kept in memory. */

import type { IncomingMessage } from 'node:http'
import busboy from 'busboy'
import { createSha256 } from '#sha256'
import { concatBytes, toHex } from '../core/bytes.ts'
import { OpenSealError } from '../core/errors.ts'
import { digestsOf, type FileDigest } from '../verifier/index.ts'
import { createMarkFinder, SIGNATURE_MARK } from './browser/hash-file.ts'

/** What was sent. */
export type Upload = {
  readonly file?: { readonly name: string; readonly digest: FileDigest; readonly signedPdf: boolean }
  readonly receipt?: { readonly name: string; readonly bytes: Uint8Array }
  readonly sha256?: string
}

/** The largest file that our server hashes for a reader. */
export const MAX_UPLOAD_BYTES = 64 * 1024 * 1024
const MAX_RECEIPT_BYTES = 1024 * 1024
/** JSON up to this size is held in memory for its content digest. */
const MAX_JSON_BYTES = 8 * 1024 * 1024

type Part = {
  readonly name: string
  readonly bytes: number
  readonly sha256: string
  readonly signedPdf: boolean
  readonly held: Uint8Array | undefined
  readonly cut: boolean
}

/** Reads the form. @throws UploadError UPLOAD_MALFORMED, UPLOAD_TOO_LARGE */
export async function readUpload(request: IncomingMessage): Promise<Upload> {
  const parts = new Map<string, Promise<Part>>()
  const fields = new Map<string, string>()
  await new Promise<void>((resolve, reject) => {
    const malformed = (cause: unknown) =>
      reject(new UploadError('UPLOAD_MALFORMED', 'The form could not be read: send it again.', { cause }))
    try {
      const form = busboy({
        headers: request.headers,
        defParamCharset: 'utf8',
        limits: { files: 2, fields: 4, fieldSize: 1024, parts: 8, fileSize: MAX_UPLOAD_BYTES },
      })
      form.on('file', (field, stream, info) => parts.set(field, readPart(info.filename ?? '', stream)))
      form.on('field', (field, value) => fields.set(field, value))
      form.on('close', resolve)
      form.on('error', malformed)
      request.on('aborted', malformed)
      request.on('error', malformed)
      request.pipe(form)
    } catch (error) {
      malformed(error)
    }
  })
  return toUpload(await parts.get('file'), await parts.get('receipt'), fields.get('sha256'))
}

function toUpload(file: Part | undefined, receipt: Part | undefined, hash: string | undefined): Upload {
  if (file?.cut || receipt?.cut || (receipt && receipt.bytes > MAX_RECEIPT_BYTES))
    throw new UploadError('UPLOAD_TOO_LARGE', 'The file is too large.')
  // A browser sends an empty part without a name for a file that was not chosen.
  const chosen = (part: Part | undefined) => part !== undefined && (part.name !== '' || part.bytes > 0)
  return {
    ...(file && chosen(file) && { file: { name: file.name, digest: digestOf(file), signedPdf: file.signedPdf } }),
    ...(receipt && chosen(receipt) && { receipt: { name: receipt.name, bytes: receipt.held ?? new Uint8Array(0) } }),
    ...(hash?.trim() && { sha256: hash.trim() }),
  }
}

function digestOf({ held, bytes, sha256 }: Part): FileDigest {
  return held === undefined ? { bytes, sha256 } : digestsOf(held)
}

async function readPart(name: string, stream: NodeJS.ReadableStream & { truncated?: boolean }): Promise<Part> {
  const hash = createSha256()
  const mark = createMarkFinder(SIGNATURE_MARK)
  let held: Uint8Array[] | undefined = []
  let bytes = 0
  try {
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      bytes += chunk.length
      hash.update(chunk)
      mark.look(chunk)
      if (bytes > MAX_JSON_BYTES) held = undefined
      held?.push(chunk)
    }
  } catch {
    // The form's own error tells the reader; this part just ends.
    return { name, bytes, sha256: '', signedPdf: false, held: undefined, cut: true }
  }
  return {
    name,
    bytes,
    sha256: toHex(hash.digest()),
    signedPdf: mark.found(),
    held: held && concatBytes(...held),
    cut: stream.truncated === true,
  }
}

/** UPLOAD_MALFORMED, UPLOAD_TOO_LARGE */
export class UploadError extends OpenSealError {}

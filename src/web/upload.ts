/**
 * The form for readers without JavaScript. Files are hashed on arrival and never stored; JSON is
 * kept in memory until the answer is made.
 */

import type { IncomingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'
import busboy from 'busboy'
import { createFileReader, OpenSealError, type ReadFile } from '../verifier/index.ts'

/** An upload: files, receipts and policies alike, pasted text, and all fields by their names. */
export type Upload = {
  readonly files: readonly UploadedFile[]
  readonly pasted?: string
  readonly fields?: { readonly [name: string]: string }
}

/** A file of the form. `isPolicy`: the reader chose it in the field for their own policy. */
export type UploadedFile = {
  readonly name: string
  readonly read: ReadFile
  readonly isPolicy?: boolean
  /** The whole file; missing if the form was too large to keep it. */
  readonly bytes?: Uint8Array
}

/** The most bytes that our server hashes for a reader at once. */
export const MAX_UPLOAD_BYTES = 64 * 1024 * 1024
/** The same in words. */
export const UPLOAD_LIMIT = `${MAX_UPLOAD_BYTES / 1024 / 1024} MB`
/** The most files at once. */
export const MAX_UPLOAD_FILES = 20
/**
 * JSON up to this size, for all files of a form together, is held in memory for its content digest.
 */
const MAX_JSON_BYTES = 8 * 1024 * 1024
/** ZIP archives up to this size together are held in memory, to look into them. */
const MAX_ZIP_BYTES = 32 * 1024 * 1024
/** Files up to this size together are held in memory, to read what they say of themselves. */
const MAX_KEPT_BYTES = 16 * 1024 * 1024
/** How many releases of a package are checked. */
const MAX_RELEASES = 1000
/** The longest receipt. */
const MAX_PASTED_BYTES = 1024 * 1024

/** How a form is read: its most fields, and how many bytes of whole files are kept. */
export type UploadOptions = { readonly maxFields: number; readonly keptBytes: number }

/** The form of the verify page. */
const OF_VERIFY: UploadOptions = { maxFields: 4, keptBytes: MAX_KEPT_BYTES }

/**
 * Reads the form from the headers and the body of its request.
 * @throws UploadError UPLOAD_MALFORMED, UPLOAD_TOO_LARGE, UPLOAD_TOO_MANY
 */
export async function readUpload(headers: IncomingHttpHeaders, body: Readable, { maxFields, keptBytes } = OF_VERIFY): Promise<Upload> {
  const parts: Promise<UploadedFile | undefined>[] = []
  const budget = { bytes: MAX_UPLOAD_BYTES, jsonBytes: MAX_JSON_BYTES, zipBytes: MAX_ZIP_BYTES, keptBytes }
  let pasted = ''
  const fields = new Map<string, string>()
  let isTooMany = false
  await new Promise<void>((resolve, reject) => {
    const malformed = (cause: unknown) =>
      reject(new UploadError('UPLOAD_MALFORMED', 'The form could not be read: send it again.', { cause }))
    try {
      const limits = {
        files: MAX_UPLOAD_FILES + 1,
        fields: maxFields,
        fieldSize: MAX_PASTED_BYTES,
        parts: MAX_UPLOAD_FILES + 1 + maxFields,
      }
      const form = busboy({ headers, defParamCharset: 'utf8', limits })
      form.on('file', (field, stream, info) => parts.push(readPart(field, info.filename ?? '', stream, budget)))
      form.on('field', (name, value) => {
        fields.set(name, value)
        if (name === 'pasted') pasted ||= value
      })
      form.on('filesLimit', () => {
        isTooMany = true
      })
      form.on('close', resolve)
      form.on('error', malformed)
      body.on('error', malformed)
      body.pipe(form)
    } catch (error) {
      malformed(error)
    }
  })
  const files = (await Promise.all(parts)).filter(part => part !== undefined)
  if (budget.bytes < 0) throw new UploadError('UPLOAD_TOO_LARGE', 'The files are too large.')
  // A policy has its own field.
  if (isTooMany || files.filter(({ isPolicy }) => !isPolicy).length > MAX_UPLOAD_FILES)
    throw new UploadError('UPLOAD_TOO_MANY', 'There are too many files.')
  return { files, fields: Object.fromEntries(fields), ...(pasted !== '' && { pasted }) }
}

/** The rest of the bounds of a form. */
type Budget = { bytes: number; jsonBytes: number; zipBytes: number; keptBytes: number }

/** undefined for the empty, nameless part that a browser sends if no file was chosen */
async function readPart(field: string, name: string, stream: AsyncIterable<Uint8Array>, budget: Budget) {
  const reader = createFileReader({ maxJsonBytes: budget.jsonBytes, maxZipBytes: budget.zipBytes, maxReleases: MAX_RELEASES })
  let kept: Uint8Array[] | undefined = []
  let bytes = 0
  try {
    for await (const chunk of stream) {
      bytes += chunk.length
      budget.bytes -= chunk.length
      // Reads on to the end, so that the browser receives the answer.
      if (budget.bytes < 0) continue
      reader.update(chunk)
      budget.keptBytes -= chunk.length
      if (budget.keptBytes >= 0) kept?.push(chunk)
      else kept = undefined
    }
  } catch {
    return undefined // the form's own error is reported
  }
  const read = reader.finish()
  budget.jsonBytes -= (read.json ?? read.html)?.length ?? 0
  budget.zipBytes -= read.zip?.length ?? 0
  return name === '' && bytes === 0
    ? undefined
    : {
        name,
        read,
        ...(field === 'policy' && { isPolicy: true }),
        ...(kept && { bytes: Buffer.concat(kept) }),
      }
}

/** UPLOAD_MALFORMED, UPLOAD_TOO_LARGE, UPLOAD_TOO_MANY */
export class UploadError extends OpenSealError {}

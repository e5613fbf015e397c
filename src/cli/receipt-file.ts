/**
 * Receipts as files beside the documents. A receipt is evidence: it is written atomically, and
 * never overwritten by another one.
 */

import { randomUUID } from 'node:crypto'
import { link, open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { concatBytes, copyBytes } from '../core/bytes.ts'
import { decodeText } from '../core/encoding.ts'
import { isSameRecord, parseReceipt, type Receipt, receiptIndex } from '../core/receipt.ts'
import { CommandError, EXIT_USAGE } from './command.ts'
import { FileError, readWhole } from './hash-file.ts'

/** The path of a document's receipt, and of a package's receipts. */
export const receiptPath = (path: string): string => `${path}.receipt.json`
export const receiptsPath = (path: string): string => `${path}.receipts.ndjson`

/**
 * The text of a file in any supported encoding, or undefined if there is no file. Throws FileError
 * FILE_UNREADABLE, CommandError FILE_ENCODING.
 */
export async function readIfThere(path: string): Promise<string | undefined> {
  const parts: Uint8Array[] = []
  try {
    await readWhole(path, chunk => void parts.push(copyBytes(chunk)))
  } catch (error) {
    if (error instanceof FileError && error.code === 'FILE_NOT_FOUND') return undefined
    throw error
  }
  return textOf(path, concatBytes(...parts))
}

/** The text of a file's bytes. Throws CommandError FILE_ENCODING, exit 2. */
export function textOf(path: string, bytes: Uint8Array): string {
  try {
    return decodeText(bytes)
  } catch (cause) {
    throw new CommandError(EXIT_USAGE, 'FILE_ENCODING', `${path} cannot be read as text. Save it as UTF-8.`, { cause })
  }
}

/** Whether a receipt may take the place of one of the same statement and index that is there. */
type IsBetter = (old: string) => Promise<boolean>

/**
 * Writes a receipt beside its document. An existing receipt of the same statement and index is kept
 * unless the new one is better. Throws FileError FILE_EXISTS if a receipt of another statement, or
 * another file, is there.
 */
export async function writeReceipt(path: string, text: string, isBetter: IsBetter): Promise<'written' | 'kept'> {
  const before = await readIfThere(path)
  const fresh = parseReceipt(text)
  if (before === undefined) {
    await writeNew(path, text)
    return 'written'
  }
  const old = readOld(before)
  if (old === undefined || !isSameRecord(old, fresh)) {
    throw new FileError(
      'FILE_EXISTS',
      `${path} is the receipt of another statement. Move it away, then: openseal receipt ${receiptIndex(fresh)} --out ${path}`,
    )
  }
  if (!(await isBetter(before))) return 'kept'
  await replaceFile(path, text)
  return 'written'
}

/**
 * Before anything is sent, refuses a file in the receipt's place that is not a receipt, and a name
 * that the file system cannot hold. Throws FileError FILE_EXISTS, FILE_NAME_LONG.
 */
export async function checkReceiptPlace(path: string): Promise<void> {
  const before = await readIfThere(path).catch(error => {
    if (error.cause?.code !== 'ENAMETOOLONG') throw error
    throw new FileError('FILE_NAME_LONG', `the file system has no room for the name ${path}. Shorten the name of the file.`, {
      cause: error,
    })
  })
  if (before === undefined || readOld(before) !== undefined) return
  throw new FileError('FILE_EXISTS', `${path} is there already and is not a readable receipt. Move it away first; nothing was sent.`)
}

/**
 * Writes the receipt of a newly submitted version. An earlier version's receipt is moved to
 * FILE.INDEX.receipt.json, and its new path is returned. Throws FileError FILE_EXISTS if that is
 * taken.
 */
export async function writeReceiptOfVersion(document: string, text: string, isBetter: IsBetter): Promise<string | undefined> {
  const path = receiptPath(document)
  const before = await readIfThere(path)
  const old = before === undefined ? undefined : readOld(before)
  if (before === undefined || old === undefined || isSameRecord(old, parseReceipt(text))) {
    await writeReceipt(path, text, isBetter)
    return undefined
  }
  const moved = `${document}.${receiptIndex(old)}.receipt.json`
  await writeReceipt(moved, before, async () => false)
  await replaceFile(path, text)
  return moved
}

/**
 * Writes a file that must not exist yet; the same text again is fine. Throws FileError FILE_EXISTS.
 */
export async function writeNew(path: string, text: string): Promise<void> {
  const temporary = await writeTemporary(path, text)
  try {
    await link(temporary, path) // refuses an existing file, even one created a moment ago
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw unwritable(path, error)
    if ((await readIfThere(path)) !== text)
      throw new FileError('FILE_EXISTS', `${path} is there already and holds something else. Move it away first.`)
  } finally {
    await rm(temporary, { force: true })
  }
}

/** Replaces a file as a whole: a crash leaves the old or the new one. */
export async function replaceFile(path: string, text: string | AsyncIterable<string>): Promise<void> {
  const temporary = await writeTemporary(path, text)
  await rename(temporary, path).catch(async error => {
    await rm(temporary, { force: true })
    throw unwritable(path, error)
  })
}

async function writeTemporary(path: string, text: string | AsyncIterable<string>): Promise<string> {
  // Its name is short, because that of the document may be as long as a name can be.
  const temporary = join(dirname(path), `.${randomUUID()}.tmp`)
  const handle = await open(temporary, 'wx').catch(error => {
    throw unwritable(dirname(path), error)
  })
  try {
    await handle.writeFile(text)
    await handle.sync()
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  } finally {
    await handle.close()
  }
  return temporary
}

function readOld(text: string): Receipt | undefined {
  try {
    const receipt = parseReceipt(text)
    receiptIndex(receipt)
    return receipt
  } catch {
    return undefined // damaged or not a receipt, so not ours to replace
  }
}

function unwritable(path: string, cause: unknown): FileError {
  return new FileError('FILE_UNWRITABLE', `cannot write ${path} (${(cause as NodeJS.ErrnoException).code})`, { cause })
}

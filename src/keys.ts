/**
 * The service's own secrets in the data folder: made at the first start, readable only by their
 * owner, checked when read.
 */
import { link, mkdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { fromBase64Url, fromHex, toBase64Url, toHex } from './core/bytes.ts'
import { OpenSealError } from './core/errors.ts'
import type { Host } from './host.ts'
import type { Log } from './logger.ts'
import { PRIVATE, syncFolder, writeWhole } from './whole-file.ts'

const KEY_BYTES = 32
/**
 * 32 random bytes have about 30 distinct values. Fewer than 16 by chance is less likely than
 * guessing the key.
 */
const MIN_DISTINCT = 16
const OPERATOR_PREFIX = 'oso_'

type KeyDeps = { readonly host: Pick<Host, 'randomBytes'>; readonly log: Log }

/** Reads the log's secret seed from its file, as 64 hex digits. Throws KeyFileError. */
export async function readLogKey(path: string, log: Log): Promise<Uint8Array> {
  const text = await readSecret(path, log)
  if (text === undefined)
    throw new KeyFileError('KEY_FILE_MISSING', `${path} is missing, and this ledger was begun with it: restore it from a backup.`)
  return readRandomBytes(path, text, fromHex)
}

/** The same, but makes the file if it is missing. */
export async function ensureLogKey(path: string, { host, log }: KeyDeps): Promise<Uint8Array> {
  const text = (await readSecret(path, log)) ?? (await createSecret(path, toHex(host.randomBytes(KEY_BYTES)), host))
  return readRandomBytes(path, text, fromHex)
}

/** The file of a log key that ended with a size. It is beside that of the newest key. */
export const endedKeyFile = (path: string, lastSize: number) => `${path}.until-${lastSize}`

/**
 * Replaces a log key by another and keeps the old one in its `endedKeyFile`. Atomic, and harmless
 * when repeated: the old one is there before the next one takes its place.
 * @throws KeyFileError KEY_FILE_OTHER if another key is there, such as that of an earlier ledger
 */
export async function replaceLogKey(path: string, next: string, lastSize: number): Promise<string> {
  const kept = endedKeyFile(path, lastSize)
  await link(path, kept).catch(async cause => {
    if (cause.code !== 'EEXIST') throw cause
    if ((await readFile(kept, 'utf8')) === (await readFile(path, 'utf8'))) return
    throw new KeyFileError(
      'KEY_FILE_OTHER',
      `${kept} holds another key, and the one that ends now would be lost. Move that file elsewhere, and run this again.`,
    )
  })
  await rename(next, path)
  await syncFolder(dirname(path))
  return kept
}

/** Reads the operator key from its file, or makes it. Throws KeyFileError. */
export async function ensureOperatorKey(path: string, { host, log }: KeyDeps): Promise<string> {
  const made = () => createSecret(path, `${OPERATOR_PREFIX}${toBase64Url(host.randomBytes(KEY_BYTES))}`, host)
  const text = (await readSecret(path, log)) ?? (await made())
  readRandomBytes(path, text.startsWith(OPERATOR_PREFIX) ? text.slice(OPERATOR_PREFIX.length) : '', fromBase64Url)
  return text
}

/**
 * Reads the key of the list of erased statements from its file, or makes it. If it is lost, the
 * list is useless, and a new key empties it. Throws KeyFileError.
 */
export async function ensureErasureKey(path: string, { host, log }: KeyDeps): Promise<Uint8Array> {
  const text = (await readSecret(path, log)) ?? (await createSecret(path, toHex(host.randomBytes(KEY_BYTES)), host))
  return readRandomBytes(path, text, fromHex)
}

async function readSecret(path: string, log: Log): Promise<string | undefined> {
  const text = await readFile(path, 'utf8').catch(cause => {
    if (cause.code === 'ENOENT') return undefined
    throw new KeyFileError('KEY_FILE_UNREADABLE', `${path} cannot be read (${cause.code}).`, { cause })
  })
  if (text === undefined) return undefined
  const { mode } = await stat(path)
  const openToOthers = process.platform !== 'win32' && Math.floor(mode % 0o100) !== 0
  if (openToOthers) log.warn('key file readable by others', { path, advice: `chmod 600 ${path}` })
  return text.trim()
}

/**
 * Creates a secret file, or returns the one that another node in the same folder has created
 * meanwhile. A crash may leave a file beside it, which nobody reads.
 */
async function createSecret(path: string, text: string, { randomBytes }: Pick<Host, 'randomBytes'>): Promise<string> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const own = `${path}.${toHex(randomBytes(8))}`
  await writeWhole(own, `${text}\n`, PRIVATE)
  try {
    await link(own, path)
    return text
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause
    return (await readFile(path, 'utf8')).trim()
  } finally {
    await rm(own, { force: true })
    await syncFolder(dirname(path))
  }
}

function readRandomBytes(path: string, text: string, read: (text: string, bytes: number) => Uint8Array): Uint8Array {
  let bytes: Uint8Array
  try {
    bytes = read(text, KEY_BYTES)
  } catch (cause) {
    throw new KeyFileError('KEY_FILE_MALFORMED', `${path} does not contain an OpenSeal key: restore it from a backup.`, { cause })
  }
  if (new Set(bytes).size < MIN_DISTINCT)
    throw new KeyFileError('KEY_FILE_WEAK', `${path} does not contain random bytes, so somebody could guess the key. Restore the real one.`)
  return bytes
}

/** KEY_FILE_MISSING, KEY_FILE_UNREADABLE, KEY_FILE_MALFORMED, KEY_FILE_WEAK, KEY_FILE_OTHER. */
export class KeyFileError extends OpenSealError {}

/**
 * The operator's logo: a local file, read once at the start. Readers get it from this service, as
 * a picture in which nothing runs and which loads nothing.
 */
import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import type { Context } from 'koa'
import { OpenSealError } from '../core/errors.ts'
import type { Logo } from './layout.ts'

const MAX_BYTES = 100 * 1024
const CACHE = 'public, max-age=31536000, immutable'
/**
 * For a logo that is opened by itself: its scripts do not run, and it loads nothing. In a page it is
 * an `img`, which promises the same. SVG drawings have styles of their own.
 */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"

/** An SVG document: what may be before its root, and the root. */
const SVG =
  /^\ufeff?(?:\s|<!--(?:(?!-->)[\s\S])*-->|<\?(?:(?!\?>)[\s\S])*\?>|<!DOCTYPE[^[>]*>)*<svg\s[^>]*xmlns\s*=\s*["']http:\/\/www\.w3\.org\/2000\/svg["']/

/** The first bytes of each kind. A file's name is not believed. */
const KINDS: readonly { readonly type: string; readonly ending: string; readonly isOf: (body: Buffer) => boolean }[] = [
  { type: 'image/png', ending: 'png', isOf: body => startsWith(body, '\x89PNG\r\n\x1a\n') },
  { type: 'image/jpeg', ending: 'jpg', isOf: body => startsWith(body, '\xff\xd8\xff') },
  { type: 'image/webp', ending: 'webp', isOf: body => startsWith(body, 'RIFF') && body.toString('latin1', 8, 12) === 'WEBP' },
  { type: 'image/svg+xml', ending: 'svg', isOf: body => SVG.test(body.toString('utf8')) },
]

/**
 * Reads a logo. Throws LogoError with one sentence that names the setting and the mistake.
 */
export async function readLogo(file: string): Promise<Logo> {
  const body = await readSmall(file)
  const kind = KINDS.find(({ isOf }) => isOf(body))
  if (kind === undefined) throw refusal('LOGO_TYPE', file, 'is not an SVG, PNG, JPEG or WebP picture')
  const hash = createHash('sha256').update(body).digest('hex').slice(0, 16)
  return { path: `/assets/logo-${hash}.${kind.ending}`, type: kind.type, body }
}

/** Answers a request for the logo. */
export function sendLogo(ctx: Context, { type, body }: Logo): void {
  ctx.set('Content-Security-Policy', POLICY)
  ctx.set('Cache-Control', CACHE)
  ctx.type = type
  ctx.body = Buffer.from(body)
}

/** Reads regular files only: a pipe would keep the service waiting, and a device never ends. */
async function readSmall(file: string): Promise<Buffer> {
  const unreadable = (cause: NodeJS.ErrnoException) => {
    throw refusal('LOGO_UNREADABLE', file, `cannot be read (${cause.code})`, cause)
  }
  const found = await stat(file).catch(unreadable)
  if (!found.isFile()) throw refusal('LOGO_UNREADABLE', file, 'is not a file')
  if (found.size > MAX_BYTES) throw refusal('LOGO_TOO_LARGE', file, `is larger than ${MAX_BYTES / 1024} KiB`)
  return readFile(file).catch(unreadable)
}

function startsWith(body: Buffer, text: string): boolean {
  return body.toString('latin1', 0, text.length) === text
}

function refusal(code: string, file: string, what: string, cause?: unknown): LogoError {
  return new LogoError(code, `OPENSEAL_OPERATOR_LOGO ${JSON.stringify(file.slice(0, 200))} ${what}.`, { cause })
}

/** LOGO_UNREADABLE, LOGO_TOO_LARGE, LOGO_TYPE. */
export class LogoError extends OpenSealError {}

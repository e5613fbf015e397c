/**
 * Bodies: requests' bodies, bounded in bytes and time and of an accepted type; answers' bodies, in
 * the form that is sent fastest.
 */
import type { Context } from 'koa'
import { fromUtf8 } from '../core/bytes.ts'
import { RequestError } from './problem.ts'

/**
 * The most bytes of a request body that is read as a whole, and of one line of a stream: twice a
 * statement, because it may come in another spelling.
 */
export const MAX_BODY_BYTES = 262_144

const BODY_TIMEOUT_MS = 30_000
const MAX_PIECES = 64

/**
 * The body's media type without its parameters. Throws BODY_TYPE unless it is one of `accepted`,
 * BODY_ENCODING if the body is compressed.
 */
export function bodyType<T extends string>(ctx: Context, accepted: readonly T[]): T {
  const encoding = ctx.get('Content-Encoding')
  if (encoding !== '' && encoding !== 'identity') throw new RequestError('BODY_ENCODING', 'Send the body without Content-Encoding.')
  const sent = (ctx.get('Content-Type').split(';')[0] ?? '').trim().toLowerCase()
  const found = accepted.find(type => type === sent)
  if (found === undefined) throw new RequestError('BODY_TYPE', `Send Content-Type: ${accepted.join(' or ')}.`)
  return found
}

/**
 * The whole body, at most MAX_BODY_BYTES or `maxBytes`. Throws BODY_TOO_LARGE, BODY_TIMEOUT, or
 * BODY_MALFORMED if the client cuts it off.
 */
export function readBody(ctx: Context, maxBytes = MAX_BODY_BYTES): Promise<Buffer> {
  const { req } = ctx
  const chunks: Buffer[] = []
  let bytes = 0
  // Only the first outcome counts. The rest of a refused body is dropped as it arrives.
  return new Promise((resolve, reject) => {
    const fail = (code: string, message: string) => {
      clearTimeout(timer)
      reject(new RequestError(code, message))
    }
    const failTooLarge = () =>
      fail('BODY_TOO_LARGE', `The body has more than ${maxBytes} bytes. Keep the documents, and send only their hashes.`)
    const failCut = () => fail('BODY_MALFORMED', 'The body was cut off.')
    const timer = setTimeout(
      () => fail('BODY_TIMEOUT', `The body did not arrive within ${BODY_TIMEOUT_MS / 1000} seconds.`),
      BODY_TIMEOUT_MS,
    )
    req.on('error', failCut).on('aborted', failCut)
    if (Number(ctx.get('Content-Length')) > maxBytes) return failTooLarge()
    req.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > maxBytes) return failTooLarge()
      chunks.push(chunk)
      // Without this, a body that arrives byte by byte would take a hundred times its length in
      // memory.
      if (chunks.length > MAX_PIECES) chunks.splice(0, chunks.length, Buffer.concat(chunks))
    })
    req.on('end', () => {
      clearTimeout(timer)
      resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks))
    })
  })
}

/**
 * A text as an answer's body. Text beyond ASCII is encoded first, because sending it as a string
 * takes several times longer.
 */
export function textBody(text: string): string | Buffer {
  return Buffer.byteLength(text) === text.length ? text : Buffer.from(text, 'utf8')
}

/** The body of an operator's request as a JSON value. */
export async function readJson(ctx: Context): Promise<unknown> {
  bodyType(ctx, ['application/json'])
  const body = await readBody(ctx)
  try {
    return JSON.parse(fromUtf8(body))
  } catch (cause) {
    throw new RequestError('JSON_MALFORMED', 'The body is not JSON.', { cause })
  }
}

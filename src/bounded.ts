/**
 * Reads answers of bounded size. A server chooses what it sends, so a reader bounds what it
 * accepts.
 */
import { joinBytes } from './core/bytes.ts'

/**
 * The whole body, or undefined if it has more than `maxBytes`; then the rest is not read. Rejects
 * if the body breaks off.
 */
export async function readBounded(body: ReadableStream<Uint8Array> | null, maxBytes: number): Promise<Uint8Array | undefined> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of chunksOf(body)) {
    length += part.length
    if (length > maxBytes) return undefined
    parts.push(part)
  }
  return joinBytes(parts)
}

/** The body's chunks. Uses its reader, because not every browser can iterate over a stream. */
export async function* chunksOf(body: ReadableStream<Uint8Array> | null): AsyncGenerator<Uint8Array> {
  const reader = body?.getReader()
  if (reader === undefined) return
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) yield part.value
  } finally {
    await reader.cancel()
  }
}

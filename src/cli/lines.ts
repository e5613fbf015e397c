/**
 * The lines of a file or an answer. They end only at a newline, with or without a carriage return.
 * `node:readline` also ends a line at U+2028, U+2029 and a lone carriage return, which JSON strings
 * may contain.
 */
import { createReadStream } from 'node:fs'

/** The longest line that is accepted, and the error for a longer one. */
type Bound = { readonly maxBytes: number; tooLong(): Error }

const READ_BYTES = 1024 * 1024
const NEWLINE = 10

/** The lines of a file. It is read once, in bounded memory. */
export function fileLines(path: string): AsyncGenerator<string> {
  return linesOf(createReadStream(path, { highWaterMark: READ_BYTES }))
}

/** Each line as text without its newline, including a last line that has none. */
export async function* linesOf(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, bound?: Bound): AsyncGenerator<string> {
  let held: Uint8Array[] = []
  let heldBytes = 0
  const hold = (piece: Uint8Array) => {
    heldBytes += piece.length
    if (bound !== undefined && heldBytes > bound.maxBytes) throw bound.tooLong()
    held.push(piece)
  }
  for await (const chunk of chunks) {
    let from = 0
    for (let to = chunk.indexOf(NEWLINE); to !== -1; to = chunk.indexOf(NEWLINE, from)) {
      hold(chunk.subarray(from, to))
      yield textOf(held)
      held = []
      heldBytes = 0
      from = to + 1
    }
    if (from < chunk.length) hold(chunk.subarray(from))
  }
  if (held.length > 0) yield textOf(held)
}

function textOf(pieces: readonly Uint8Array[]): string {
  const [only = Buffer.alloc(0)] = pieces
  const bytes = pieces.length > 1 ? Buffer.concat(pieces) : Buffer.from(only.buffer, only.byteOffset, only.length)
  const text = bytes.toString('utf8')
  return text.endsWith('\r') ? text.slice(0, -1) : text
}

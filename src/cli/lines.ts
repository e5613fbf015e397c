/**
 * The lines of a file, which end at a newline, after a carriage return or not, and nowhere else. `node:readline` also ends a line at
 * U+2028, U+2029 and a lone carriage return, which JSON may hold inside a string.
 */
import { createReadStream } from 'node:fs'

const READ_BYTES = 1024 * 1024
const NEWLINE = 10

/** Each line as text without its newline, the last one too where it has none. The file is read once, in bounded memory. */
export async function* fileLines(path: string): AsyncGenerator<string> {
  let held: Buffer[] = []
  for await (const chunk of createReadStream(path, { highWaterMark: READ_BYTES }) as AsyncIterable<Buffer>) {
    let from = 0
    for (let to = chunk.indexOf(NEWLINE); to !== -1; to = chunk.indexOf(NEWLINE, from)) {
      yield textOf([...held, chunk.subarray(from, to)])
      held = []
      from = to + 1
    }
    if (from < chunk.length) held.push(chunk.subarray(from))
  }
  if (held.length > 0) yield textOf(held)
}

function textOf(pieces: readonly Buffer[]): string {
  const text = (pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)).toString('utf8')
  return text.endsWith('\r') ? text.slice(0, -1) : text
}

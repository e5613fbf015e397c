/** The lines of a file: they end at a newline and nowhere else. */
import { deepEqual, rejects } from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileLines, linesOf } from '../../src/cli/lines.ts'

describe('cli: lines', () => {
  const all = async (path: string) => {
    const lines: string[] = []
    for await (const line of fileLines(path)) lines.push(line)
    return lines
  }

  it('ends a line at a newline alone, wherever the file is read in two, and gives the last one without it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'openseal-lines-'))
    const path = join(folder, 'lines')
    const long = 'ä€😀'.repeat(150_000)
    try {
      for (const lines of [[], [''], ['', ''], ['{"a":"b\u2028c\u2029d\re\u0085f"}', '', long, 'x', long, 'last']]) {
        for (const end of ['\n', '\r\n']) {
          await writeFile(path, lines.map(line => `${line}${end}`).join(''))
          deepEqual(await all(path), lines)
        }
      }
      await writeFile(path, `first\n${long}`)
      deepEqual(await all(path), ['first', long])
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it('takes a line of as many bytes as its bound, and not one more, in one piece or in several', async () => {
    const bound = { maxBytes: 10, tooLong: () => new RangeError('too long') }
    const read = async (text: string, pieceBytes: number) => {
      const bytes = Buffer.from(text)
      const pieces = Array.from({ length: Math.ceil(bytes.length / pieceBytes) }, (_, n) =>
        bytes.subarray(n * pieceBytes, (n + 1) * pieceBytes),
      )
      const lines: string[] = []
      for await (const line of linesOf(pieces, bound)) lines.push(line)
      return lines
    }
    for (const pieceBytes of [1, 3, 100]) {
      deepEqual(await read(`short\n${'x'.repeat(10)}\n${'y'.repeat(10)}`, pieceBytes), ['short', 'x'.repeat(10), 'y'.repeat(10)])
      for (const long of [`${'x'.repeat(11)}\nshort`, 'x'.repeat(11)]) await rejects(read(long, pieceBytes), RangeError)
    }
  })
})

/** The lines of a file: they end at a newline and nowhere else. */
import { deepEqual } from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileLines } from '../../src/cli/lines.ts'

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
})

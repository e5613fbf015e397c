/** Others' text in the output of commands cannot steer the terminal or reverse a sentence. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { visibleLine, wrapLines } from '../../src/cli/output.ts'
import { CATALOGUES } from '../../src/messages/language.ts'

/**
 * C0 and C1 controls (U+009B begins an escape sequence like ESC [), line separators, and every
 * character of the bidi algorithm.
 */
const UNSEEN = [
  ...Array.from({ length: 32 }, (_, code) => code),
  0x7f,
  ...Array.from({ length: 32 }, (_, code) => 0x80 + code),
  ...[0x061c, 0x200e, 0x200f, 0x2028, 0x2029, 0x202a, 0x202b, 0x202c, 0x202d, 0x202e, 0x2066, 0x2067, 0x2068, 0x2069],
]

describe('cli/output', () => {
  it('shows control and direction characters as marks, line ends too, and leaves every other letter as it is', () => {
    for (const code of UNSEEN) {
      const mark = `[U+${code.toString(16).toUpperCase().padStart(4, '0')}]`
      assert.equal(visibleLine(`a${String.fromCodePoint(code)}b`), `a${mark}b`)
    }
    const plain = 'Ανάθεση, عقد, договір, 契約 \u{1f4c4} (1–2)'
    assert.equal(visibleLine(plain), plain)
  })

  it('prints JSON of the same meaning without one of these characters in it', async () => {
    const value = { title: UNSEEN.map(code => String.fromCodePoint(code)).join('x'), deep: ['\u202e', { '\u009b': '\n' }] }
    const text = await printedBy(`printJson(${JSON.stringify(value)})`)
    assert.deepEqual(JSON.parse(text), value)
    assert.doesNotMatch(text, /[^\P{Cc}\n]|[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/u)
  })

  it('breaks lines at words for a terminal, and keeps them whole for a program', () => {
    const lines = ['  ✗ document  failed  this file is not one of the documents that the receipt lists', '', `SHA-256 ${'0'.repeat(64)}`]
    assert.deepEqual(wrapLines(lines, {}), lines)
    assert.deepEqual(wrapLines(lines, { isTTY: true, columns: 48 }), [
      '  ✗ document  failed  this file is not one of',
      '    the documents that the receipt lists',
      '',
      'SHA-256',
      `  ${'0'.repeat(64)}`,
    ])
    assert.deepEqual(wrapLines(lines, { isTTY: true, columns: 200 }), lines)
  })

  it('has no sentence of its own that would be shown with a mark in it', () => {
    for (const messages of Object.values(CATALOGUES))
      for (const sentence of Object.values(messages)) assert.equal(visibleLine(sentence), sentence)
  })
})

/** The output of a process of the command line. */
async function printedBy(code: string): Promise<string> {
  const script = `import { printJson } from './src/cli/output.ts'; ${code}`
  return (await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script])).stdout
}

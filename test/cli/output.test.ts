/** What the commands print of others' text: nothing of it steers the terminal or turns a sentence round. */
import assert from 'node:assert/strict'
import { visible } from '../../src/cli/output.ts'
import { CATALOGUES } from '../../src/messages/language.ts'

/** C0 and C1 controls (U+009B begins an escape sequence like ESC [), line separators, and every character of the bidi algorithm. */
const UNSEEN = [
  ...Array.from({ length: 32 }, (_, code) => code),
  0x7f,
  ...Array.from({ length: 32 }, (_, code) => 0x80 + code),
  ...[0x061c, 0x200e, 0x200f, 0x2028, 0x2029, 0x202a, 0x202b, 0x202c, 0x202d, 0x202e, 0x2066, 0x2067, 0x2068, 0x2069],
]

describe('cli/output', () => {
  it('shows control and direction characters as escapes, and leaves every other letter as it is', () => {
    for (const code of UNSEEN) {
      const escaped = `\\u${code.toString(16).padStart(4, '0')}`
      assert.equal(visible(`a${String.fromCodePoint(code)}b`), `a${escaped}b`)
    }
    const plain = 'Ανάθεση, عقد, договір, 契約 \u{1f4c4} (1–2)'
    assert.equal(visible(plain), plain)
  })

  it('writes JSON of the same meaning without one of these characters in it', () => {
    const value = { title: UNSEEN.map(code => String.fromCodePoint(code)).join('x'), deep: ['\u202e', { '\u009b': '\n' }] }
    const text = visible(JSON.stringify(value, undefined, 2), '\n')
    assert.deepEqual(JSON.parse(text), value)
    assert.doesNotMatch(text, /[^\P{Cc}\n]|[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/u)
  })

  it('has no sentence of its own that would be shown with an escape in it', () => {
    for (const messages of Object.values(CATALOGUES))
      for (const sentence of Object.values(messages)) assert.equal(visible(sentence), sentence)
  })
})

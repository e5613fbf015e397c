/** Text of others, made safe to show. */
import { deepEqual, equal } from 'node:assert/strict'
import fc from 'fast-check'
import { visible, visibleJson } from '../../src/core/visible.ts'

/** Everything that can reorder a line or steer a terminal. */
const STEERING = [
  ...Array.from({ length: 32 }, (_, code) => code).filter(code => code !== 9 && code !== 10 && code !== 13),
  ...Array.from({ length: 33 }, (_, n) => 0x7f + n),
  ...[0x61c, 0x200e, 0x200f, 0x2028, 0x2029],
  ...[0x202a, 0x202b, 0x202c, 0x202d, 0x202e],
  ...[0x2066, 0x2067, 0x2068, 0x2069],
].map(code => String.fromCodePoint(code))

describe('core/visible', () => {
  it('shows every control and bidi control as a mark', () => {
    for (const character of STEERING) {
      const code = character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')
      equal(visible(`a${character}b`), `a[U+${code}]b`)
    }
  })

  it('leaves other text as it is, tabs and line ends too', () => {
    for (const text of ['', 'Road works', 'Οδός\t1\r\n2', 'طريق', '👩‍⚖️', 'می‌خواهم', '\u00a0', '\u200b', '\u00ad'])
      equal(visible(text), text)
  })

  it('keeps a closed isolate, and marks one that is open, closed twice or holds another control', () => {
    equal(visible('of \u2068Οδός\u2069, today'), 'of \u2068Οδός\u2069, today')
    equal(visible('\u2068a\u2069\u2069'), '\u2068a\u2069[U+2069]')
    equal(visible('\u2068a'), '[U+2068]a')
    equal(visible('\u2068a\u202eb\u2069'), '[U+2068]a[U+202E]b[U+2069]')
    equal(visible('\u2068a\u009bb\u2069'), '\u2068a[U+009B]b\u2069')
  })

  it('changes nothing when it is applied twice', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', ' ', 'Ω', ...STEERING)), parts => {
        const shown = visible(parts.join(''))
        equal(visible(shown), shown)
      }),
    )
  })

  it('escapes them in JSON, which stays the same value', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', '"', '\\', '\n', ...STEERING)), parts => {
        const value = { [parts.join('')]: parts }
        const text = visibleJson(JSON.stringify(value, undefined, 2))
        deepEqual(JSON.parse(text), value)
        for (const character of STEERING) equal(text.includes(character), false)
      }),
    )
  })
})

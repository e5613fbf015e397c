/**
 * Inputs that are almost right: samples cut, doubled, joined and sprinkled with what parsers
 * stumble over; and some that have no meaning at all.
 */
import fc from 'fast-check'

/**
 * Inputs that have broken parsers before: limits, other spellings of the same, escapes, bits of
 * structure.
 */
const TOKENS = [
  ...['null', 'true', '-0', '007', '1e999', '1E+2', '0.1', '9007199254740993', '-1', '99999999999999999999'],
  ...['"', '\\', '\\u0000', '\\ud800', '\\"', '{', '}', '[', ']', ':', ',', '[[[[[[[[', '{"a":{"a":'],
  ...[
    '"__proto__"',
    '"constructor"',
    '"type"',
    '"toString":1,',
    '\u2028',
    '\ufeff',
    '\u0000',
    '\r\n',
    '\n\n',
    '\n',
    ' ',
    '\t',
    '=',
    '+',
    '/',
  ],
  ...['..', '%2e%2e', '%00', '%', '.p/256', '.p/0', 'x001/', '\u2014 ', '\u{1f600}', 'é', 'A'.repeat(300), '['.repeat(300)],
].map(token => new TextEncoder().encode(token))

type Edit = {
  readonly kind: 'set' | 'drop' | 'double' | 'put' | 'token' | 'cut' | 'join'
  readonly at: number
  readonly length: number
  readonly bytes: Uint8Array
}

const edit: fc.Arbitrary<Edit> = fc.record({
  kind: fc.constantFrom('set', 'drop', 'double', 'put', 'token', 'cut', 'join'),
  at: fc.nat(),
  length: fc.oneof(fc.integer({ min: 1, max: 8 }), fc.nat(400)),
  bytes: fc.uint8Array({ minLength: 1, maxLength: 6 }),
})

/** One of the samples after up to six edits; one time in ten plain noise. */
export function mutated(samples: readonly (Uint8Array | string)[]): fc.Arbitrary<Uint8Array> {
  const sources = samples.map(sample => (typeof sample === 'string' ? new TextEncoder().encode(sample) : sample))
  const almost = fc
    .tuple(fc.constantFrom(...sources), fc.array(edit, { maxLength: 6 }))
    .map(([sample, edits]) => edits.reduce((bytes, next) => apply(bytes, next, sources), sample))
  return fc.oneof({ weight: 9, arbitrary: almost }, { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }) })
}

/** The same as text, read as leniently as a decoder can. */
export function mutatedText(samples: readonly string[]): fc.Arbitrary<string> {
  return mutated(samples).map(bytes => new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes))
}

function apply(bytes: Uint8Array, { kind, at, length, bytes: noise }: Edit, sources: readonly Uint8Array[]): Uint8Array {
  const place = at % (bytes.length + 1)
  const end = Math.min(bytes.length, place + length)
  const put = (middle: Uint8Array, from = place) => Uint8Array.from([...bytes.subarray(0, place), ...middle, ...bytes.subarray(from)])
  if (kind === 'set') return put(noise, Math.min(bytes.length, place + noise.length))
  if (kind === 'drop') return put(new Uint8Array(0), end)
  if (kind === 'double') return put(bytes.subarray(place, end))
  if (kind === 'put') return put(noise)
  if (kind === 'token') return put(TOKENS[at % TOKENS.length]!, length % 2 === 0 ? place : Math.min(bytes.length, place + 1))
  if (kind === 'cut') return bytes.slice(0, place)
  const other = sources[length % sources.length]!
  return put(other.subarray(place % (other.length + 1)))
}

import { deepEqual, equal, throws } from 'node:assert/strict'
import fc from 'fast-check'
import { fromUtf8, toUtf8 } from '../../../src/core/bytes.ts'
import { EMPTY_ROOT } from '../../../src/core/hash.ts'
import { formatCheckpoint, isOrigin, parseCheckpoint } from '../../../src/core/tlog/checkpoint.ts'
import { code, damage, damages, parsedOrRefused } from '../damage.ts'

const ROOT_LINE = '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='
const TEXT = `log.example/records\n1234\n${ROOT_LINE}\n`

const anyCheckpoint = fc
  .tuple(fc.stringMatching(/^[a-z0-9./-]{1,40}$/), fc.maxSafeNat(), fc.uint8Array({ minLength: 32, maxLength: 32 }))
  .map(([origin, size, root]) => ({ origin, size, root }))

describe('checkpoint', () => {
  it('is origin, size and root, each on a line', () => {
    const checkpoint = { origin: 'log.example/records', size: 1234, root: EMPTY_ROOT }
    equal(formatCheckpoint(checkpoint), TEXT)
    deepEqual(parseCheckpoint(TEXT), checkpoint)
  })

  it('reads what it writes', () => {
    fc.assert(fc.property(anyCheckpoint, checkpoint => deepEqual(parseCheckpoint(formatCheckpoint(checkpoint)), checkpoint)))
  })

  it('reads the checkpoint of an empty log', () => {
    const empty = { origin: 'log.example/records', size: 0, root: EMPTY_ROOT }
    deepEqual(parseCheckpoint(formatCheckpoint(empty)), empty)
  })

  it('refuses every other spelling', () => {
    for (const text of [
      '',
      TEXT.slice(0, -1),
      `${TEXT}\n`,
      `${TEXT}extension\n`,
      TEXT.replaceAll('\n', '\r\n'),
      TEXT.replace('1234', '01234'),
      TEXT.replace('1234', '007'),
      TEXT.replace('1234', '+1234'),
      TEXT.replace('1234', '-0'),
      TEXT.replace('1234', '-1'),
      TEXT.replace('1234', '1e3'),
      TEXT.replace('1234', '0x10'),
      TEXT.replace('1234', '12.5'),
      TEXT.replace('1234', ' 1234'),
      TEXT.replace('1234', '9007199254740992'),
      TEXT.replace('1234', 'Infinity'),
      TEXT.replace('1234', ''),
      TEXT.replace('FU=', 'FV='),
      TEXT.replace('FU=', 'FU'),
      TEXT.replace('+/', '-_'),
      TEXT.replace('47DE', ''),
      TEXT.replace('log', ' log'),
      TEXT.replace('log', 'log+'),
      TEXT.replace('log.example/records', ''),
      `\ufeff${TEXT}`.replace('log', 'l\u2003og'),
    ]) {
      throws(() => parseCheckpoint(text), code('CHECKPOINT_MALFORMED'), JSON.stringify(text))
    }
  })

  it('writes nothing that it would not read', () => {
    const good = { origin: 'a', size: 0, root: EMPTY_ROOT }
    for (const bad of [{ origin: 'a b' }, { origin: '' }, { size: -1 }, { size: 0.5 }, { size: 2 ** 53 }, { root: new Uint8Array(31) }]) {
      throws(() => formatCheckpoint({ ...good, ...bad }), code('CHECKPOINT_MALFORMED'))
    }
  })

  it('names a log with at most 255 bytes', () => {
    equal(isOrigin('a'.repeat(255)), true)
    equal(isOrigin('a'.repeat(256)), false)
    equal(isOrigin('é'.repeat(128)), false)
  })

  it('answers any damage with a code or with a checkpoint that is spelled alike', () => {
    fc.assert(
      fc.property(anyCheckpoint, damages, (checkpoint, how) => {
        const text = parsedOrRefused(() => fromUtf8(damage(toUtf8(formatCheckpoint(checkpoint)), how)))
        const read = text === undefined ? undefined : parsedOrRefused(() => parseCheckpoint(text))
        if (read) equal(formatCheckpoint(read), text)
      }),
      { numRuns: 1000 },
    )
  })
})

import { deepEqual, equal, throws } from 'node:assert/strict'
import fc from 'fast-check'
import { readBase64 } from '../../../src/core/bytes.ts'
import { formatAddCheckpoint, formatSizeAnswer, parseAddCheckpoint, parseSizeAnswer } from '../../../src/core/tlog/add-checkpoint.ts'
import { parseCheckpoint } from '../../../src/core/tlog/checkpoint.ts'
import { parseNote } from '../../../src/core/tlog/note.ts'

/** The example of C2SP tlog-witness. */
const EXAMPLE = `old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=
`
const HASH = 'PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw='

const refused = { code: 'REQUEST_MALFORMED' }

describe('core/tlog/add-checkpoint', () => {
  it('reads the example of C2SP tlog-witness and writes it again', () => {
    const request = parseAddCheckpoint(EXAMPLE)
    deepEqual([request.oldSize, request.proof.length, request.proof[0]], [20852014, 4, readBase64(HASH)])
    const { text, signatures } = parseNote(request.note)
    deepEqual([parseCheckpoint(text).size, signatures.length], [20852163, 2])
    equal(formatAddCheckpoint(request), EXAMPLE)
  })

  it('reads a request without a proof, whose note has empty lines of its own', () => {
    deepEqual(parseAddCheckpoint('old 0\n\na\n\nb\n'), { oldSize: 0, proof: [], note: 'a\n\nb\n' })
  })

  it('reads 63 hashes and no more', () => {
    const body = (count: number) => `old 1\n${`${HASH}\n`.repeat(count)}\nnote`
    equal(parseAddCheckpoint(body(63)).proof.length, 63)
    throws(() => parseAddCheckpoint(body(64)), refused)
  })

  it('refuses every other spelling', () => {
    const sizes = ['', '00', '01', '+1', '-1', '1.0', '1e3', ' 1', '1 ', '1\r', '9007199254740992', '99999999999999999', '１']
    for (const size of sizes) throws(() => parseAddCheckpoint(`old ${size}\n\nnote`), refused, size)
    const bodies = ['', 'old 1', 'old 1\n', 'old 1\nnote', '\n\nnote', 'Old 1\n\nnote', 'old1\n\nnote', 'old  1\n\nnote', '\nold 1\n\nnote']
    for (const body of bodies) throws(() => parseAddCheckpoint(body), refused, body)
    const hashes = [
      HASH.slice(0, -1),
      `${HASH} `,
      HASH.replace('w=', 'x='),
      HASH.toLowerCase().slice(4),
      `${HASH}\r`,
      'AAAA',
      HASH.slice(1),
    ]
    for (const hash of hashes) throws(() => parseAddCheckpoint(`old 1\n${hash}\n\nnote`), refused, hash)
  })

  it('writes back whatever it reads', () => {
    const alphabet = fc.constantFrom('old ', '0', '1', '12', '\n', '\n\n', HASH, 'a', ' ')
    fc.assert(
      fc.property(fc.array(alphabet, { maxLength: 12 }), parts => {
        const text = parts.join('')
        let request: ReturnType<typeof parseAddCheckpoint>
        try {
          request = parseAddCheckpoint(text)
        } catch (error) {
          equal((error as { code?: string }).code, 'REQUEST_MALFORMED')
          return
        }
        equal(formatAddCheckpoint(request), text)
      }),
    )
  })

  it('reads a size as it writes it, and no other spelling', () => {
    for (const size of [0, 1, 20852014, Number.MAX_SAFE_INTEGER]) equal(parseSizeAnswer(formatSizeAnswer(size)), size)
    for (const text of ['', '\n', '1', '01\n', '1\n\n', ' 1\n', '1\r\n', '-1\n', '9007199254740992\n', '<html>\n'])
      equal(parseSizeAnswer(text), undefined)
  })
})

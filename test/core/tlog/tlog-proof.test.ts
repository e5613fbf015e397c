import { deepEqual, equal, match, throws } from 'node:assert/strict'
import fc from 'fast-check'
import { fromUtf8, toBase64, toUtf8 } from '../../../src/core/bytes.ts'
import { formatCheckpoint } from '../../../src/core/tlog/checkpoint.ts'
import { createSigner, signNote } from '../../../src/core/tlog/note.ts'
import { formatTlogProof, parseTlogProof, quoteTlogProof } from '../../../src/core/tlog/tlog-proof.ts'
import { code, damage, damages, parsedOrRefused } from '../damage.ts'
import { someLeaves } from './naive.ts'

const HASHES = someLeaves(64)
const signer = createSigner('log.example', new Uint8Array(32).fill(1))
const NOTE = signNote(formatCheckpoint({ origin: 'log.example', size: 8, root: HASHES[0]! }), signer)
const PROOF = { index: 7, proof: HASHES.slice(0, 3), note: NOTE }
const TEXT = `c2sp.org/tlog-proof@v1\nindex 7\n${PROOF.proof.map(hash => `${toBase64(hash)}\n`).join('')}\n${NOTE}`

const anyProof = fc
  .tuple(fc.option(fc.uint8Array({ minLength: 1, maxLength: 20 }), { nil: undefined }), fc.maxSafeNat(), fc.nat({ max: 63 }))
  .map(([extra, index, count]) => ({ ...(extra && { extra }), index, proof: HASHES.slice(0, count), note: NOTE }))

describe('tlog-proof', () => {
  it('is the index, the hashes, an empty line and the checkpoint as it is', () => {
    equal(formatTlogProof(PROOF), TEXT)
    deepEqual(parseTlogProof(TEXT), PROOF)
    deepEqual(parseTlogProof(`c2sp.org/tlog-proof@v1\nindex 0\n\n${NOTE}`), { index: 0, proof: [], note: NOTE })
    const extra = TEXT.replace('index', 'extra AQID\nindex')
    deepEqual(parseTlogProof(extra), { ...PROOF, extra: Uint8Array.of(1, 2, 3) })
  })

  it('reads what it writes', () => {
    fc.assert(fc.property(anyProof, proof => deepEqual(parseTlogProof(formatTlogProof(proof)), proof)))
  })

  it('is the same text as a JSON string, in ASCII, whatever the name of the log', () => {
    const name = 'журнал.example/𐀀'
    const other = signNote(formatCheckpoint({ origin: name, size: 8, root: HASHES[0]! }), createSigner(name, new Uint8Array(32)))
    const named = fc.constantFrom(NOTE, other).chain(note => anyProof.map(proof => ({ ...proof, note })))
    fc.assert(
      fc.property(named, proof => {
        match(quoteTlogProof(proof), /^"[\x20-\x7e]*"$/)
        equal(JSON.parse(quoteTlogProof(proof)), formatTlogProof(proof))
      }),
    )
  })

  it('refuses every other spelling', () => {
    const hash = toBase64(HASHES[0]!)
    for (const text of [
      '',
      TEXT.replace('@v1', '@v2'),
      TEXT.replace('@v1\n', '@v1 \n'),
      TEXT.replace('index 7', 'index 007'),
      TEXT.replace('index 7', 'index  7'),
      TEXT.replace('index 7', 'index -7'),
      TEXT.replace('index 7', 'index 7.0'),
      TEXT.replace('index 7', 'index 9007199254740992'),
      TEXT.replace('index 7', 'index'),
      TEXT.replace('index 7\n', ''),
      TEXT.replace('index 7\n', 'index 7\nindex 7\n'),
      TEXT.replace('index 7\n', 'index 7\nextra AQID\n'),
      TEXT.replace('index 7', 'extra \nindex 7'),
      TEXT.replace('index 7', 'extra AB==\nindex 7'),
      TEXT.replace('index 7', 'extra AQID\nextra AQID\nindex 7'),
      TEXT.replaceAll('\n', '\r\n'),
      TEXT.replace(hash, hash.slice(0, -1)),
      TEXT.replace(hash, `${hash} `),
      TEXT.replace(hash, 'AQID'),
      TEXT.replace(
        hash,
        hash.replace(/.=$/, character => `${String.fromCharCode(character.charCodeAt(0) + 1)}=`),
      ),
      TEXT.replace('index 7\n', `index 7\n${`${hash}\n`.repeat(61)}`),
      TEXT.slice(0, TEXT.indexOf('\n\n')),
    ]) {
      throws(() => parseTlogProof(text), code('TLOG_PROOF_MALFORMED'), JSON.stringify(text.slice(0, 100)))
    }
  })

  it('refuses anything but a signed checkpoint after the proof', () => {
    for (const text of [TEXT.slice(0, -1), `${TEXT}\n`, TEXT.slice(0, TEXT.indexOf('\n\n') + 2)]) {
      throws(() => parseTlogProof(text), code('NOTE_MALFORMED'))
    }
    throws(() => parseTlogProof(TEXT.replace('index 7\n', 'index 7\n\n')), code('CHECKPOINT_MALFORMED'))
    throws(() => parseTlogProof(TEXT.replace('log.example\n8', 'log.example\n08')), code('CHECKPOINT_MALFORMED'))
  })

  it('writes nothing that it would not read', () => {
    for (const bad of [{ index: -1 }, { index: 0.5 }, { proof: HASHES }, { proof: [new Uint8Array(31)] }, { extra: new Uint8Array(0) }]) {
      for (const format of [formatTlogProof, quoteTlogProof]) throws(() => format({ ...PROOF, ...bad }), code('TLOG_PROOF_MALFORMED'))
    }
    for (const format of [formatTlogProof, quoteTlogProof])
      throws(() => format({ ...PROOF, note: 'log.example\n' }), code('NOTE_MALFORMED'))
  })

  it('answers any damage with a code or with a proof that is spelled alike', () => {
    fc.assert(
      fc.property(anyProof, damages, (proof, how) => {
        const text = parsedOrRefused(() => fromUtf8(damage(toUtf8(formatTlogProof(proof)), how)))
        const read = text === undefined ? undefined : parsedOrRefused(() => parseTlogProof(text))
        if (read) equal(formatTlogProof(read), text)
      }),
      { numRuns: 1000 },
    )
  })
})

import { deepEqual, equal, throws } from 'node:assert/strict'
import { createPrivateKey, createPublicKey, sign as nodeSign } from 'node:crypto'
import fc from 'fast-check'
import { concatBytes, fromBase64, fromHex, fromUtf8, toBase64, toUtf8 } from '../../../src/core/bytes.ts'
import {
  cosign,
  createSigner,
  ed25519Vkey,
  formatVkey,
  isKeyName,
  parseNote,
  parseVkey,
  type Signer,
  signNote,
  verifyCosignatures,
  verifyNote,
  withSignaturesOf,
} from '../../../src/core/tlog/note.ts'
import { code, damage, damages, parsedOrRefused } from '../damage.ts'
import { Point, signByOwner, TORSION } from './ed25519-vectors.ts'

// C2SP signed-note, "Example".
const EXAMPLE_VKEY = 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k'
const EXAMPLE_NOTE =
  'This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n'
// golang.org/x/mod/sumdb/note, note_test.go: the public key, and the seed out of
// PRIVATE+KEY+PeterNeumann+c74f20a3+AYEK…
const NEUMANN_VKEY = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW'
const NEUMANN_SEED = fromBase64('AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz', 33).slice(1)

const seed = (byte: number) => new Uint8Array(32).fill(byte)
const log = createSigner('log.example/one', seed(1))
const other = createSigner('log.example/two', seed(2))
const witness = createSigner('witness.example', seed(3), 4)
const TEXT = 'log.example/one\n3\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n'
const NOTE = signNote(TEXT, log)

/** The note with its signature lines changed. */
const withLines = (...lines: readonly string[]) => `${TEXT}\n${lines.join('')}`
const lineOf = (signer: Signer, text = TEXT) => signNote(text, signer).split('\n\n')[1]!

describe('verifier key', () => {
  it('reads and writes the published keys, whose ids it computes', () => {
    for (const text of [EXAMPLE_VKEY, NEUMANN_VKEY]) equal(formatVkey(parseVkey(text)), text)
    equal(formatVkey(createSigner('PeterNeumann', NEUMANN_SEED).vkey), NEUMANN_VKEY)
    equal(parseVkey(NEUMANN_VKEY).id, 'c74f20a3')
  })

  it('has another id for each name and each type', () => {
    const { publicKey } = log.vkey
    const ids = [log.vkey, ed25519Vkey('log.example/ones', publicKey), ed25519Vkey('log.example/one', publicKey, 4)].map(({ id }) => id)
    equal(new Set(ids).size, 3)
    deepEqual(parseVkey(formatVkey(witness.vkey)), witness.vkey)
  })

  it('refuses every other spelling', () => {
    for (const text of [
      '',
      'PeterNeumann',
      `${NEUMANN_VKEY}\n`,
      ` ${NEUMANN_VKEY}`,
      NEUMANN_VKEY.replace('c74f20a3', 'C74F20A3'),
      NEUMANN_VKEY.replace('c74f20a3', 'c74f20a4'),
      NEUMANN_VKEY.replace('PeterNeumann', 'Peter Neumann'),
      NEUMANN_VKEY.replace('PeterNeumann', ''),
      NEUMANN_VKEY.replace('10TW', '10TX'),
      `${NEUMANN_VKEY}==`,
      NEUMANN_VKEY.slice(0, -4),
      NEUMANN_VKEY.replace('+AR', '+Ah'),
    ]) {
      throws(() => parseVkey(text), code('NOTE_KEY_MALFORMED'), text)
    }
    throws(() => ed25519Vkey('a', seed(1), 2), code('NOTE_KEY_MALFORMED'))
    throws(() => ed25519Vkey('a', new Uint8Array(31)), code('NOTE_KEY_MALFORMED'))
    throws(() => createSigner('a', new Uint8Array(31)), code('NOTE_KEY_MALFORMED'))
  })

  it('makes no key of a bad name, of another type, or of a seed that does not have 32 bytes', () => {
    const seed = new Uint8Array(32).fill(1)
    for (const name of ['', 'a b', 'a+b', 'a\u2003b', 'a\nb', '\ud800']) throws(() => createSigner(name, seed), code('NOTE_KEY_MALFORMED'))
    for (const type of [0, 2, 3, 5]) throws(() => createSigner('a', seed, type), code('NOTE_KEY_MALFORMED'))
    for (const length of [0, 31, 33]) throws(() => createSigner('a', new Uint8Array(length)), code('NOTE_KEY_MALFORMED'))
    throws(() => ed25519Vkey('a', new Uint8Array(31)), code('NOTE_KEY_MALFORMED'))
  })

  it('names a key without spaces of any script, plus signs or control characters', () => {
    for (const name of ['', 'a b', 'a+b', 'a\tb', 'a\u00a0b', 'a\u0085b', 'a\u3000b', 'a\u2028b', 'a\u0001b', 'a\ud800'])
      equal(isKeyName(name), false)
    for (const name of ['a', 'log.example/2024', 'Ελλάδα']) equal(isKeyName(name), true)
  })

  it('answers any damage with a code or with a key that is spelled alike', () => {
    fc.assert(
      fc.property(damages, how => {
        const text = parsedOrRefused(() => fromUtf8(damage(toUtf8(NEUMANN_VKEY), how)))
        const vkey = text === undefined ? undefined : parsedOrRefused(() => parseVkey(text))
        if (vkey) equal(formatVkey(vkey), text)
      }),
      { numRuns: 1000 },
    )
  })
})

describe('note', () => {
  it('verifies the published example', () => {
    const vkey = parseVkey(EXAMPLE_VKEY)
    deepEqual(verifyNote(EXAMPLE_NOTE, [vkey]), [vkey])
    equal(parseNote(EXAMPLE_NOTE).text, 'This is an example message.\n')
  })

  it('signs like node:crypto, from which a signer of the same shape can be made', () => {
    const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), NEUMANN_SEED])
    const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
    const raw = Uint8Array.from(createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32))
    const native: Signer = { vkey: ed25519Vkey('PeterNeumann', raw), sign: message => Uint8Array.from(nodeSign(null, message, key)) }
    equal(formatVkey(native.vkey), NEUMANN_VKEY)
    equal(signNote(TEXT, native), signNote(TEXT, createSigner('PeterNeumann', NEUMANN_SEED)))
  })

  it('reports which of the known keys signed, and ignores unknown ones', () => {
    const both = signNote(TEXT, other, log)
    deepEqual(verifyNote(both, [log.vkey]), [log.vkey])
    deepEqual(verifyNote(both, [log.vkey, other.vkey]), [other.vkey, log.vkey])
    deepEqual(verifyNote(withLines(lineOf(log), lineOf(log)), [log.vkey]), [log.vkey])
    throws(() => verifyNote(NOTE, [other.vkey]), code('NOTE_UNSIGNED'))
    throws(() => verifyNote(NOTE, []), code('NOTE_UNSIGNED'))
    throws(() => verifyNote(NOTE, [{ ...log.vkey, id: '00000000' }]), code('NOTE_UNSIGNED'))
  })

  it('refuses a note with one bad signature of a known key beside a good one', () => {
    const bad = lineOf(log, 'another text\n')
    throws(() => verifyNote(withLines(lineOf(other), bad), [log.vkey, other.vkey]), code('NOTE_SIGNATURE'))
    throws(() => verifyNote(withLines(bad, lineOf(log)), [log.vkey]), code('NOTE_SIGNATURE'))
    throws(() => verifyNote(NOTE.replace('\n3\n', '\n4\n'), [log.vkey]), code('NOTE_SIGNATURE'))
    const bytes = fromBase64(lineOf(log).trimEnd().split(' ')[2]!)
    for (const length of [5, 67]) {
      const short = `— ${log.vkey.name} ${toBase64(bytes.subarray(0, length))}\n`
      throws(() => verifyNote(withLines(short), [log.vkey]), code('NOTE_SIGNATURE'))
    }
  })

  it('refuses a key of small order, with which one signature fits every text', () => {
    const key = Uint8Array.of(1, ...new Uint8Array(31))
    throws(() => ed25519Vkey('weak', key), code('NOTE_KEY_MALFORMED'))
    const weak = { ...log.vkey, publicKey: key }
    const signature = Uint8Array.of(1, ...new Uint8Array(63))
    throws(() => verifyNote(signNote(TEXT, { vkey: weak, sign: () => signature }), [weak]), code('NOTE_SIGNATURE'))
  })

  it('refuses a signature that holds only when multiplied by the cofactor, which other implementations refuse', () => {
    // Design §7: otherwise the owner of a key can sign what one verifier accepts and another does
    // not.
    const { key, signature } = signByOwner(seed(4), toUtf8(TEXT), 5n, Point.BASE.multiply(5n).add(TORSION))
    const owner = ed25519Vkey('log.example/one', key)
    throws(() => verifyNote(signNote(TEXT, { vkey: owner, sign: () => signature }), [owner]), code('NOTE_SIGNATURE'))
  })

  it('keeps empty lines in the text, the last one ends it', () => {
    const note = signNote('a\n\n\n— log.example/one AAAA\n', log)
    equal(parseNote(note).text, 'a\n\n\n— log.example/one AAAA\n')
    deepEqual(verifyNote(note, [log.vkey]), [log.vkey])
  })

  it('refuses every other spelling', () => {
    const line = lineOf(log)
    for (const note of [
      '',
      TEXT,
      `${TEXT}\n`,
      NOTE.slice(0, -1),
      withLines(line, line).slice(0, -1),
      `x${line}`,
      `x${line}${line}`,
      `${NOTE}\n`,
      `${NOTE} \n`,
      NOTE.replaceAll('\n', '\r\n'),
      NOTE.replace('3', '3\t'),
      NOTE.replace('3', '\u0000'),
      NOTE.replace('3', '\ud800'),
      NOTE.replace('— ', '- '),
      NOTE.replace('— ', '—  '),
      NOTE.replace('— ', '—'),
      withLines(line.replace('\n', ' \n')),
      withLines(`x${line}`),
      withLines(line.replace('\n', ' x\n')),
      withLines(line.replace('=\n', '\n')),
      withLines('— log.example/one AAAAAA==\n'),
      withLines('— log.example/one+ AAAAAAA=\n'),
      withLines('— log.example/one AAAAAAB=\n'),
      withLines(...Array(101).fill(line)),
      `${'a'.repeat(1_000_000)}${NOTE}`,
    ]) {
      throws(() => verifyNote(note, [log.vkey]), code('NOTE_MALFORMED'), JSON.stringify(note.slice(0, 300)))
    }
    equal(parseNote(withLines(...Array(100).fill(line))).signatures.length, 100)
    throws(() => signNote('no newline', log), code('NOTE_MALFORMED'))
    throws(() => signNote(TEXT), code('NOTE_MALFORMED'))
  })

  it('verifies each key once: what follows in its name is not tried', () => {
    const bad = `— ${log.vkey.name} ${toBase64(concatBytes(fromHex(log.vkey.id), new Uint8Array(64)))}\n`
    deepEqual(verifyNote(NOTE + bad.repeat(99), [log.vkey]), [log.vkey])
    throws(() => verifyNote(withLines(bad, NOTE.slice(NOTE.indexOf('— '))), [log.vkey]), code('NOTE_SIGNATURE'))
    const line = cosign(TEXT, 1, witness)
    deepEqual(verifyCosignatures(NOTE + line + line.replace(/.{4}\n$/, 'AAA=\n'), [witness.vkey]).length, 1)
  })

  it('keeps the first signature of each named key, in their order, and no other line', () => {
    const named = createSigner(log.vkey.name, seed(77))
    const line = cosign(TEXT, 1, witness)
    const [ours = ''] = NOTE.split('\n\n').slice(1)
    const long = signNote(TEXT, named, log) + line + ours + cosign(TEXT, 2, witness)
    equal(withSignaturesOf(long, [log.vkey]), NOTE)
    equal(withSignaturesOf(long, [log.vkey, witness.vkey]), NOTE + line)
    equal(withSignaturesOf(long, [witness.vkey, log.vkey]), `${TEXT}\n${line}${ours}`)
    throws(() => withSignaturesOf(NOTE, [named.vkey, witness.vkey]), code('NOTE_MALFORMED'))
    throws(() => withSignaturesOf(NOTE, []), code('NOTE_MALFORMED'))
  })

  it('reads back any text that it signed', () => {
    const texts = fc.string({ unit: 'grapheme' }).map(text => `${[...text].filter(c => c >= ' ' || c === '\n').join('')}\n`)
    fc.assert(
      fc.property(texts, text => equal(parseNote(signNote(text, log)).text, text)),
      { numRuns: 30 },
    )
  })

  it('answers any damage to the signed text or its signature with a code', () => {
    fc.assert(
      fc.property(damages, how => {
        const damaged = damage(toUtf8(NOTE), how)
        const text = parsedOrRefused(() => fromUtf8(damaged))
        if (text !== undefined && text !== NOTE)
          equal(
            parsedOrRefused(() => verifyNote(text, [log.vkey])),
            undefined,
          )
      }),
      { numRuns: 1000 },
    )
  })
})

describe('cosignature', () => {
  const time = 1_700_000_000
  const cosigned = NOTE + cosign(TEXT, time, witness)

  it('holds the time and verifies beside the signature of the log', () => {
    deepEqual(verifyCosignatures(cosigned, [witness.vkey]), [{ vkey: witness.vkey, timeSeconds: time }])
    deepEqual(verifyNote(cosigned, [log.vkey]), [log.vkey])
    equal(parseNote(cosigned).signatures[1]!.signature.length, 8 + 64)
    const late = NOTE + cosign(TEXT, 2 ** 53 - 1, witness)
    deepEqual(verifyCosignatures(late, [witness.vkey]), [{ vkey: witness.vkey, timeSeconds: 2 ** 53 - 1 }])
    deepEqual(verifyCosignatures(NOTE + cosign(TEXT, 0, witness), [witness.vkey]), [{ vkey: witness.vkey, timeSeconds: 0 }])
    for (const no of [-1, 0.5, 2 ** 53]) throws(() => cosign(TEXT, no, witness), /^Error: bug/)
    throws(() => cosign(TEXT, time, log), /^Error: bug/)
  })

  it('counts a witness once', () => {
    deepEqual(verifyCosignatures(cosigned + cosign(TEXT, time + 1, witness), [witness.vkey, witness.vkey]), [
      { vkey: witness.vkey, timeSeconds: time },
    ])
  })

  it('is empty if no known witness signed', () => {
    deepEqual(verifyCosignatures(NOTE, [witness.vkey]), [])
    deepEqual(verifyCosignatures(cosigned, []), [])
  })

  it('never counts as a signature of the log, nor the other way round', () => {
    const asLog = ed25519Vkey(witness.vkey.name, witness.vkey.publicKey)
    throws(() => verifyNote(cosigned, [asLog, witness.vkey]), code('NOTE_UNSIGNED'))
    deepEqual(verifyCosignatures(NOTE, [log.vkey]), [])
    throws(() => cosign(TEXT, time, log), /bug/)
    throws(() => cosign(TEXT, -1, witness), /bug/)
  })

  it('is refused with another time, another text or another length', () => {
    const line = cosign(TEXT, time, witness).trimEnd()
    const bytes = fromBase64(line.split(' ')[2]!)
    const relined = (changed: Uint8Array) => `${NOTE}— ${witness.vkey.name} ${toBase64(changed)}\n`
    const late = bytes.with(4, 0xff)
    for (const changed of [
      bytes.with(11, bytes[11]! ^ 1),
      bytes.with(75, bytes[75]! ^ 1),
      late,
      bytes.subarray(0, 75),
      bytes.subarray(0, 5),
    ]) {
      throws(() => verifyCosignatures(relined(changed), [witness.vkey]), code('NOTE_SIGNATURE'))
    }
    throws(() => verifyCosignatures(cosigned.replace('\n3\n', '\n4\n'), [witness.vkey]), code('NOTE_SIGNATURE'))
  })
})

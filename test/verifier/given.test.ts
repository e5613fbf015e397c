/** What a reader gave, sorted; and reading files in chunks. */
import assert from 'node:assert/strict'
import { toUtf8 } from '../../src/core/bytes.ts'
import { digestsOf } from '../../src/verifier/digest.ts'
import { createFileReader, type FileReaderOptions, type ReadFile } from '../../src/verifier/file-reader.ts'
import { type GivenFile, type GivenReceipt, matchReceipts, readPasted, recognize } from '../../src/verifier/given.ts'

const receipt = (name: string, ...digests: string[]): GivenReceipt => ({ name, text: '', digests })
const file = (name: string, sha256: string, states: readonly string[] = []): GivenFile => ({
  name,
  read: {
    digest: { bytes: 9, sha256 },
    releases: [],
    releasesLeftOut: 0,
    pdf: { isSigned: true, states: states.map(state => ({ bytes: 1, sha256: state })) },
  },
})

function readBytes(bytes: Uint8Array, chunkBytes = 7, options: FileReaderOptions = {}): ReadFile {
  const reader = createFileReader(options)
  for (let at = 0; at < bytes.length; at += chunkBytes) reader.update(bytes.subarray(at, at + chunkBytes))
  return reader.finish()
}

const given = (name: string, text: string) => recognize(name, readBytes(toUtf8(text)))

describe('verifier/given', () => {
  it('pairs by digest whatever the names, then by name, then what is left alone', () => {
    const a = receipt('x.receipt.json', 'aa')
    const b = receipt('b.txt.receipt.json', 'zz')
    const c = receipt('any.receipt.json', 'yy')
    const files = [file('renamed.txt', 'aa'), file('b.txt', 'bb'), file('c.txt', 'cc')]
    assert.deepEqual(matchReceipts(files, [c, b, a]), { pairs: [[a], [b], [c]], alone: [] })
    assert.deepEqual(matchReceipts([], [a, c]), { pairs: [], alone: [a, c] })
    // A damaged receipt may fit another file: the file that it is named after gets it all the same.
    const swapped = receipt('b.txt.receipt.json', 'aa')
    assert.deepEqual(matchReceipts(files.slice(0, 2), [swapped]), { pairs: [[swapped], [swapped]], alone: [] })
    assert.deepEqual(matchReceipts(files.slice(1), [c]), { pairs: [[], []], alone: [c] })
  })

  it('puts what names the bytes of a file before what names only its content', () => {
    const content = receipt('c.receipt.json', 'jj')
    const bytes = receipt('b.receipt.json', 'ss', 'jj')
    const bare: GivenFile = { name: 'bare.json', read: { digest: { bytes: 9, sha256: 'ss', jcs: 'jj' }, releases: [], releasesLeftOut: 0 } }
    assert.deepEqual(matchReceipts([bare], [content, bytes]), { pairs: [[bytes, content]], alone: [] })
  })

  it('pairs a PDF with the receipt of an earlier state of it', () => {
    const old = receipt('old.receipt.json', 'e1')
    const files = [file('a.pdf', 'aa', ['e0', 'e1']), file('b.pdf', 'bb')]
    assert.deepEqual(matchReceipts(files, [old]), { pairs: [[old], []], alone: [] })
  })

  it('tells a damaged receipt by its name, whether or not it looks like JSON', () => {
    for (const text of ['{"type":', '', 'rubbish']) assert.equal(given('a.pdf.receipt.json', text).kind, 'receipts')
  })

  it('tells a policy, and a receipt under any name', () => {
    assert.equal(given('x', '{"type":"openseal/policy@v1"}').kind, 'policy')
    assert.equal(given('x', '{"type":"openseal/receipt@v1"}').kind, 'receipts')
    const other = given('x', '{"type":"else"}')
    assert.ok(other.kind === 'file' && other.file.read.json === undefined && other.file.read.digest.jcs !== undefined)
  })

  it('takes fingerprints as they are pasted, also from sha256sum, and the text of a receipt', () => {
    const hash = 'aB'.repeat(32)
    const files = (text: string) => {
      const pasted = readPasted('pasted', text)
      return pasted.kind === 'given' ? pasted.files.map(({ name, read }) => [name, read.digest.sha256]) : pasted
    }
    const small = hash.toLowerCase()
    for (const text of [hash, ` 0x${hash} `, `sha256:${hash}\n`]) assert.deepEqual(files(text), [[small, small]])
    assert.deepEqual(files(`${hash}  a b.pdf\r\n\\${hash} *c.pdf\n`), [
      ['a b.pdf', small],
      ['c.pdf', small],
    ])
    const receipt = readPasted('pasted', ' {"statement":{"documents":[{"sha256":"aa"}]}}\n')
    assert.ok(receipt.kind === 'given')
    assert.deepEqual(receipt.receipts[0]?.digests, ['aa'])
    assert.deepEqual(files('a'.repeat(40)), { kind: 'other-hash', algorithm: 'SHA-1' })
    for (const text of ['', ' ', '<b>', `${hash}x`, `${hash}\nrubbish`, 'g'.repeat(64)]) assert.deepEqual(files(text), { kind: 'nothing' })
  })

  it('splits the receipts of a package by lines', () => {
    const line = JSON.stringify({
      index: 1,
      receipt: { type: 'openseal/receipt@v1', statement: { documents: [{ sha256: 'aa', jcs: 'bb' }] } },
    })
    const lines = given('p.receipts.ndjson', `${line}\n\nrubbish\n`)
    assert.ok(lines.kind === 'receipts')
    assert.deepEqual(
      lines.receipts.map(({ name, digests }) => ({ name, digests })),
      [
        { name: 'p.receipts.ndjson:1', digests: ['aa', 'bb'] },
        { name: 'p.receipts.ndjson:3', digests: [] },
      ],
    )
    assert.deepEqual(
      lines.receipts.map(({ text }) => text),
      ['{"statement":{"documents":[{"jcs":"bb","sha256":"aa"}]},"type":"openseal/receipt@v1"}', 'rubbish'],
    )
  })
})

describe('verifier/file-reader', () => {
  it('reads a file in chunks to the digests of its bytes', () => {
    for (const text of ['', 'plain', ' {"b":1.0,"a":2}', '[1', '{"a":1,"a":2}']) {
      const bytes = toUtf8(text)
      for (const chunkBytes of [1, 3, 100]) {
        const { digest } = readBytes(bytes, chunkBytes)
        const { sha256, jcs } = digestsOf(bytes)
        assert.deepEqual([digest.sha256, digest.jcs, digest.bytes], [sha256, jcs, bytes.length])
      }
    }
  })

  it('keeps no JSON that is too large, and says so', () => {
    const { digest, json } = readBytes(toUtf8('{"a":1}'), 2, { maxJsonBytes: 5 })
    assert.deepEqual([digest.jcs, digest.jcsReason, json], [undefined, 'larger than 5 bytes', undefined])
  })

  it('finds the releases of a package each by its RFC 8785 form, and keeps the rest where one is refused', () => {
    const release = { ocid: 'ocds-1', id: 'r1', tender: { b: 1, a: null } }
    const text = `{"uri":"u","releases":[${JSON.stringify(release)},7,{"id":"no ocid"},{"id":"x","id":"y"}]}`
    const { jcs } = digestsOf(toUtf8(JSON.stringify(release)))
    const [first, second, third, ...more] = readBytes(toUtf8(text)).releases
    assert.deepEqual([first?.name, first?.position, first?.digest?.sha256, first?.digest?.jcs], ['ocds-1 r1', 1, jcs, jcs])
    assert.deepEqual([second?.name, second?.position], ['no ocid', 2])
    assert.ok(third && third.digest === undefined && third.refused.includes('stands twice'))
    assert.deepEqual(more, [])
  })

  it('finds those embedded in the records of a record package, also past the size that is kept', () => {
    const text = JSON.stringify({
      uri: 'u',
      records: [
        { ocid: 'a', releases: [{ ocid: 'a', id: '1' }] },
        { ocid: 'b', releases: [{ ocid: 'b', id: 2 }] },
      ],
    })
    assert.deepEqual(
      readBytes(toUtf8(text), 7, { maxJsonBytes: 10 }).releases.map(({ name }) => name),
      ['a 1', 'b 2'],
    )
  })

  it('reads as many releases as it is told to, and counts the others', () => {
    const text = JSON.stringify({ releases: ['1', '2', '3', '4'].map(id => ({ ocid: 'a', id })) })
    const { releases, releasesLeftOut } = readBytes(toUtf8(text), 7, { maxReleases: 3 })
    assert.deepEqual([releases.map(({ name }) => name), releasesLeftOut], [['a 1', 'a 2', 'a 3'], 1])
  })

  it('takes what is no whole package for a plain file', () => {
    for (const text of ['{"releases":[],"releases":[]}', '{"releases":[{"id":1}', '[{"id":1}]', '{"ocid":"a","id":"1"}', 'releases'])
      assert.deepEqual(readBytes(toUtf8(text)).releases, [], text)
  })
})

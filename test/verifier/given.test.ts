/** What a reader gave, sorted. */
import assert from 'node:assert/strict'
import { toUtf8 } from '../../src/core/bytes.ts'
import { type GivenFile, type GivenReceipt, matchReceipts, readPasted, recognize } from '../../src/verifier/given.ts'
import { readBytes } from './read-bytes.ts'

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

  it('tells a file by more than the beginning or the middle of its name', () => {
    for (const name of ['p.receipts.ndjson.txt', 'a.receipt.json.bak']) assert.equal(given(name, 'text').kind, 'file')
  })

  it('takes no receipt from a file of receipts that holds nothing, or cannot be kept', () => {
    for (const text of ['', 'rubbish']) {
      const lines = given('p.receipts.ndjson', text)
      assert.ok(lines.kind === 'receipts')
      assert.deepEqual(lines.receipts, [])
    }
  })

  it('hands on a damaged receipt as it stands, with the digests that can be read of it', () => {
    const whole = '{"type":"openseal/receipt@v1","statement":{"documents":[{"sha256":"aa"},7,{"sha256":8,"jcs":"bb"}]}}'
    const one = given('a.receipt.json', whole)
    assert.ok(one.kind === 'receipts')
    assert.deepEqual(
      one.receipts.map(({ name, text, digests }) => ({ name, text: new TextDecoder().decode(text as Uint8Array), digests })),
      [{ name: 'a.receipt.json', text: whole, digests: ['aa', 'bb'] }],
    )
    const torn = given('a.receipt.json', 'torn')
    assert.ok(torn.kind === 'receipts')
    assert.deepEqual(torn.receipts, [{ name: 'a.receipt.json', text: '', digests: [] }])
  })

  it('names a hash of another kind by its length, only where nothing else was pasted', () => {
    for (const [digits, algorithm] of [
      [32, 'MD5'],
      [40, 'SHA-1'],
      [96, 'SHA-384'],
      [128, 'SHA-512'],
    ] as const)
      assert.deepEqual(readPasted('pasted', 'aB'.repeat(digits / 2)), { kind: 'other-hash', algorithm })
    for (const text of [`x${'a'.repeat(31)}`, `${'a'.repeat(31)}x`, `=${'a'.repeat(64)}`, 'a'.repeat(33)])
      assert.deepEqual(readPasted('pasted', text), { kind: 'nothing' }, text)
  })

  it('reads a fingerprint as a file of which nothing else is known', () => {
    const sha256 = 'ab'.repeat(32)
    const read = { digest: { bytes: 0, sha256 }, releases: [], releasesLeftOut: 0 }
    assert.deepEqual(readPasted('pasted', sha256), { kind: 'given', files: [{ name: sha256, read }], receipts: [] })
  })
})

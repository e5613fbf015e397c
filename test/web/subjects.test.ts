/** What a reader gave, sorted; and reading files in chunks. */
import assert from 'node:assert/strict'
import { toUtf8 } from '../../src/core/bytes.ts'
import { digestsOf } from '../../src/verifier/index.ts'
import { createMarkFinder, readFile, SIGNATURE_MARK } from '../../src/web/browser/hash-file.ts'
import { type GivenReceipt, matchReceipts, recognize } from '../../src/web/subjects.ts'

const receipt = (name: string, ...digests: string[]): GivenReceipt => ({ name, text: '', digests })

describe('web/subjects', () => {
  it('pairs by digest whatever the names, then by name, then what is left alone', () => {
    const a = receipt('x.receipt.json', 'aa')
    const b = receipt('b.txt.receipt.json', 'zz')
    const c = receipt('any.receipt.json', 'yy')
    const files = [
      { name: 'renamed.txt', digests: ['aa'] },
      { name: 'b.txt', digests: ['bb'] },
      { name: 'c.txt', digests: ['cc'] },
    ]
    assert.deepEqual(matchReceipts(files, [c, b, a]), { pairs: [[a], [b], [c]], alone: [] })
    assert.deepEqual(matchReceipts([], [a, c]), { pairs: [], alone: [a, c] })
    // A damaged receipt may fit another file: the file that it is named after gets it all the same.
    const swapped = receipt('b.txt.receipt.json', 'aa')
    assert.deepEqual(matchReceipts(files.slice(0, 2), [swapped]), { pairs: [[swapped], [swapped]], alone: [] })
    assert.deepEqual(matchReceipts(files.slice(1), [c]), { pairs: [[], []], alone: [c] })
  })

  it('tells a damaged receipt by its name', () => {
    const given = recognize('a.pdf.receipt.json', toUtf8('{"type":'))
    assert.equal(given.kind, 'receipts')
  })

  it('finds the releases of a package, each by its RFC 8785 form', () => {
    const release = { ocid: 'ocds-1', id: 'r1', tender: { b: 1, a: null } }
    const given = recognize('package.json', toUtf8(JSON.stringify({ uri: 'u', releases: [release, 7, { id: 'no ocid' }] })))
    const { jcs } = digestsOf(toUtf8(JSON.stringify(release)))
    assert.ok(given.kind === 'file')
    assert.deepEqual(
      given.releases.map(({ id, digest }) => [id, digest.sha256]),
      [['r1', jcs]],
    )
  })

  it('takes what the strict reader refuses for a plain file', () => {
    assert.deepEqual(recognize('a.json', toUtf8('{"releases":[],"releases":[]}')), { kind: 'file', releases: [] })
  })

  it('splits the receipts of a package by lines', () => {
    const line = JSON.stringify({
      index: 1,
      receipt: { type: 'openseal/receipt@v1', statement: { documents: [{ sha256: 'aa', jcs: 'bb' }] } },
    })
    const given = recognize('p.receipts.ndjson', toUtf8(`${line}\n\nrubbish\n`))
    assert.ok(given.kind === 'receipts')
    assert.deepEqual(
      given.receipts.map(({ name, digests }) => ({ name, digests })),
      [
        { name: 'p.receipts.ndjson:1', digests: ['aa', 'bb'] },
        { name: 'p.receipts.ndjson:3', digests: [] },
      ],
    )
  })

  it('finds a mark across every border between chunks', () => {
    const bytes = toUtf8('%PDF //ByteRange[0')
    for (let first = 0; first <= bytes.length; first++) {
      for (let second = first; second <= bytes.length; second++) {
        const finder = createMarkFinder(SIGNATURE_MARK)
        for (const part of [bytes.subarray(0, first), bytes.subarray(first, second), bytes.subarray(second)]) finder.look(part)
        assert.equal(finder.found(), true, `${first} ${second}`)
      }
    }
    const finder = createMarkFinder(SIGNATURE_MARK)
    for (const byte of toUtf8('/ByteRang e')) finder.look(new Uint8Array([byte]))
    assert.equal(finder.found(), false)
  })

  it('reads a file in chunks to the digests of its bytes', async () => {
    for (const text of ['', 'plain', ' {"b":1.0,"a":2}', '[1']) {
      const bytes = toUtf8(text)
      const { digest } = await readFile(new Blob([bytes as BlobPart]), () => {})
      const { sha256, jcs } = digestsOf(bytes)
      assert.deepEqual([digest.sha256, digest.jcs, digest.bytes], [sha256, jcs, bytes.length])
    }
  })
})

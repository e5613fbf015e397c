/** Sorting a reader's inputs. */
import assert from 'node:assert/strict'
import { gzipSync } from 'node:zlib'
import { toUtf8 } from '../../../src/core/bytes.ts'
import { type GivenFile, type GivenReceipt, matchReceipts, readReceipt, recognize } from '../../../src/verifier/app/given.ts'
import { savedAs } from '../../core/saved-as.ts'
import { readBytes } from '../read-bytes.ts'

const receipt = (name: string, ...digests: string[]): GivenReceipt => ({
  name,
  text: '',
  documents: [],
  digests,
  ...(name.endsWith('.receipt.json') && { of: name.slice(0, -'.receipt.json'.length) }),
})
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

describe('verifier/app/given', () => {
  it('pairs by digest first, then by name, then the only file and receipt that are left', () => {
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

  it('prefers receipts of the bytes of a file to receipts of its content', () => {
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

  it('recognises a damaged receipt by its name, whether or not it looks like JSON', () => {
    for (const text of ['{"type":', '', 'rubbish']) assert.equal(given('a.pdf.receipt.json', text).kind, 'receipts')
  })

  it('recognises a policy, and a receipt under any name', () => {
    assert.equal(given('x', '{"type":"openseal/policy@v1"}').kind, 'policy')
    assert.equal(given('x', '{"type":"openseal/receipt@v1"}').kind, 'receipts')
    const other = given('x', '{"type":"else"}')
    assert.ok(other.kind === 'file' && other.file.read.json === undefined && other.file.read.digest.jcs !== undefined)
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

  it('identifies a file by more than the beginning or the middle of its name', () => {
    for (const name of ['p.receipts.ndjson.txt', 'a.receipt.json.bak']) assert.equal(given(name, 'text').kind, 'file')
  })

  it('takes no receipt from a file of receipts that holds nothing, or cannot be kept', () => {
    for (const text of ['', 'rubbish']) {
      const lines = given('p.receipts.ndjson', text)
      assert.ok(lines.kind === 'receipts')
      assert.deepEqual(lines.receipts, [])
    }
  })

  it('passes on a damaged receipt unchanged, with the digests that can be read in it', () => {
    const whole = '{"type":"openseal/receipt@v1","statement":{"documents":[{"sha256":"aa"},7,{"sha256":8,"jcs":"bb"}]}}'
    const one = given('a.receipt.json', whole)
    assert.ok(one.kind === 'receipts')
    assert.deepEqual(
      one.receipts.map(({ name, text, digests }) => ({ name, text, digests })),
      [{ name: 'a.receipt.json', text: whole, digests: ['aa', 'bb'] }],
    )
    const torn = given('a.receipt.json', 'torn')
    assert.ok(torn.kind === 'receipts')
    assert.deepEqual(torn.receipts, [{ name: 'a.receipt.json', of: 'a', text: '', documents: [], digests: [] }])
  })

  it('reads receipts and policies in UTF-16 and with a byte order mark, and says of a receipt in another encoding that it cannot', () => {
    const receipt = '{"type":"openseal/receipt@v1","statement":{"documents":[{"name":"a","sha256":"aa"}]}}'
    for (const [encoding, bytes] of Object.entries(savedAs(receipt))) {
      const given = recognize('x', readBytes(bytes))
      assert.ok(given.kind === 'receipts', encoding)
      assert.deepEqual([given.receipts[0]?.text, given.receipts[0]?.digests], [receipt, ['aa']])
      assert.deepEqual(readReceipt('x', bytes).digests, ['aa'])
      assert.equal(recognize('x', readBytes(savedAs('{"type":"openseal/policy@v1"}')[encoding]!)).kind, 'policy')
    }
    const latin1 = Buffer.from('{"type":"openseal/receipt@v1","statement":"caf\xe9"}', 'latin1')
    const damaged = recognize('a.receipt.json', readBytes(latin1))
    assert.deepEqual(damaged, {
      kind: 'receipts',
      receipts: [{ name: 'a.receipt.json', of: 'a', text: undefined, documents: [], digests: [] }],
    })
    assert.equal(recognize('a.json', readBytes(latin1)).kind, 'file')
  })

  it('recognises several receipts in one file by their content: lines, lines of a ledger, and a list', () => {
    const one = (sha256: string) => `{"type":"openseal/receipt@v1","statement":{"documents":[{"name":"d","sha256":"${sha256}"}]}}`
    const forms = [
      `${one('aa')}\n${one('bb')}\n`,
      `{"index":1,"receipt":${one('aa')}}\n{"index":2,"receipt":${one('bb')}}`,
      `[${one('aa')},${one('bb')}]`,
    ]
    for (const text of forms) {
      const many = given('download', text)
      assert.ok(many.kind === 'receipts', text)
      assert.deepEqual(
        many.receipts.map(({ name, digests, of }) => [name, digests, of]),
        [
          ['download:1', ['aa'], undefined],
          ['download:2', ['bb'], undefined],
        ],
      )
    }
    assert.equal(given('x', `{"index":1,"receipt":${one('aa')}}`).kind, 'receipts')
    for (const text of ['[]', '[{"a":1}]', '{"a":1}\n{"b":2}']) assert.equal(given('x', text).kind, 'file')
  })

  it('names the kind of a file', () => {
    const kind = (text: string | Uint8Array) => {
      const found = recognize('x', readBytes(typeof text === 'string' ? toUtf8(text) : text))
      return found.kind === 'file' ? found.file.read.kind : found.kind
    }
    const named = [
      '{"a":1}\n{"b":2}\n',
      '[{"ocid":"o"}]',
      '{"ocid":"o","tag":["compiled"]}',
      '{"projects":[]}',
      '\ufeff{"releases":[]}',
    ].map(kind)
    assert.deepEqual(named, ['json-lines', 'json-list', 'compiled-release', 'oc4ids', 'encoding'])
    assert.equal(kind(gzipSync('{}')), 'gzip')
    for (const plain of ['Ωδε', '契約 {', '{"ocid":"o","id":"1"}', '{"releases":[]}', '{', '']) assert.equal(kind(plain), undefined, plain)
  })

  it('takes a receipt beside a file as its own, whether it fits or not, and lets it fit other files too', () => {
    const beside: GivenReceipt = { ...receipt('A.txt.receipt.json', 'zz'), of: 'A.txt' }
    const other = receipt('other.receipt.json', 'aa')
    assert.deepEqual(matchReceipts([file('a.txt', 'aa')], [other, beside]), { pairs: [[other, beside]], alone: [] })
    assert.deepEqual(matchReceipts([file('a.txt', 'aa'), file('z.txt', 'zz')], [other, beside]), { pairs: [[other], [beside]], alone: [] })
  })

  it('compares a package with the newest receipt of the whole beside it, and leaves no other receipt over', () => {
    const lines = given(
      'p.json.receipts.ndjson',
      [statement('urn:sha256:old', undefined, 'old'), statement('ocds-1', '1', 'r1'), statement('urn:sha256:new', undefined, 'new')].join(
        '\n',
      ),
    )
    assert.ok(lines.kind === 'receipts')
    const [older, release, newest] = lines.receipts
    assert.deepEqual(matchReceipts([file('p.json', 'forged')], lines.receipts), { pairs: [[newest]], alone: [] })
    assert.deepEqual(matchReceipts([file('p.json', 'old')], lines.receipts), { pairs: [[older]], alone: [] })
    assert.deepEqual(matchReceipts([file('else.json', 'forged')], lines.receipts).pairs, [[]])
    assert.equal(release?.release, 'ocds-1 1')
  })
})

const statement = (record: string, revision: string | undefined, sha256: string) =>
  JSON.stringify({ type: 'openseal/receipt@v1', statement: { record, revision, documents: [{ name: 'd', sha256 }] } })

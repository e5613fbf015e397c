/**
 * ZIP archives: what is in them is found and paired, hostile ones are refused, and what is not
 * looked at is named.
 */
import assert from 'node:assert/strict'
import { TextReader, Uint8ArrayReader, Uint8ArrayWriter, ZipWriter, type ZipWriterAddDataOptions } from '@zip.js/zip.js'
import { toUtf8 } from '../../../src/core/bytes.ts'
import { OWN_DEVICE, readArchive } from '../../../src/verifier/app/archive.ts'
import { matchReceipts, recognizeZipped, type Unread } from '../../../src/verifier/app/given.ts'
import { readBytes } from '../read-bytes.ts'

const RECEIPT = '{"type":"openseal/receipt@v1","statement":{"documents":[{"name":"d","sha256":"aa"}]}}'

type Packed = readonly [string, string | Uint8Array, ZipWriterAddDataOptions?]

async function zipOf(files: readonly Packed[], level = 6): Promise<Uint8Array> {
  const writer = new ZipWriter(new Uint8ArrayWriter(), { level, useWebWorkers: false })
  for (const [name, content, options] of files)
    await writer.add(name, typeof content === 'string' ? new TextReader(content) : new Uint8ArrayReader(content), options)
  return writer.close()
}
const read = (zip: Uint8Array, limits = OWN_DEVICE) => readArchive('z.zip', new Blob([zip as BlobPart]), limits)
const given = (zip: Uint8Array, name = 'z.zip') => recognizeZipped(name, readBytes(zip, 4096), () => read(zip))
const whyOf = (unread: readonly Unread[]) => unread.map(({ name, why }) => [name, why])
/** Replaces these bytes everywhere by others of the same length. */
const replaced = (bytes: Uint8Array, before: string, after: string) =>
  Uint8Array.from(Buffer.from(Buffer.from(bytes).toString('latin1').replaceAll(before, after), 'latin1'))

describe('verifier/app/archive', () => {
  it('reads receipts alone for files elsewhere, packed or not, and files by their paths', async () => {
    for (const level of [0, 6]) {
      const alone = await read(
        await zipOf(
          [
            ['a.pdf.receipt.json', RECEIPT],
            ['folder/p.json.receipts.ndjson', `${RECEIPT}\n${RECEIPT}\n`],
            ['.DS_Store', 'x'],
          ],
          level,
        ),
      )
      assert.deepEqual(
        alone.receipts.map(({ name, of }) => [name, of]),
        [
          ['z.zip/a.pdf.receipt.json', 'a.pdf'],
          ['z.zip/p.json.receipts.ndjson:1', 'p.json'],
          ['z.zip/p.json.receipts.ndjson:2', 'p.json'],
        ],
      )
      const mixed = await zipOf(
        [
          ['f/a.pdf', 'x'],
          ['r/a.pdf.receipt.json', RECEIPT],
          ['f/b.pdf', 'y'],
          ['f/b.pdf.receipt.json', RECEIPT],
          ['f/c.pdf', 'z'],
          ['r/c.pdf.receipt.json', RECEIPT],
        ],
        level,
      )
      const found = await given(mixed)
      assert.ok(found.kind === 'archive')
      const [archive, ...files] = found.files
      assert.deepEqual(
        [archive?.name, archive?.isArchive, files.map(({ name }) => name)],
        ['z.zip', true, ['z.zip/f/a.pdf', 'z.zip/f/b.pdf', 'z.zip/f/c.pdf']],
      )
      assert.ok(files.every(file => file.archive === archive))
      // The one beside its file goes by its path, the other by its name.
      const { pairs, alone: left } = matchReceipts(found.files, found.receipts)
      assert.deepEqual(
        pairs.map(each => each.map(({ name }) => name)),
        [[], ['z.zip/r/a.pdf.receipt.json'], ['z.zip/f/b.pdf.receipt.json'], ['z.zip/r/c.pdf.receipt.json']],
      )
      assert.deepEqual(left, [])
    }
  })

  it('pairs nothing by a name that several files or receipts have', async () => {
    const found = await read(
      await zipOf([
        ['1/a.pdf', 'x'],
        ['2/a.pdf', 'y'],
        ['r/a.pdf.receipt.json', RECEIPT],
      ]),
    )
    assert.deepEqual(matchReceipts(found.files, found.receipts).pairs, [[], []])
  })

  it('names what it did not look at: encrypted, hidden, damaged, too large, an archive inside, a policy', async () => {
    const zip = await zipOf([
      ['secret.pdf', 'x', { password: 'p' }],
      ['__MACOSX/._a.pdf', 'x'],
      ['folder/.DS_Store', 'x'],
      ['bad.txt', 'content of bad', { level: 0 }],
      ['inner.zip', await zipOf([['deep.txt', 'x']])],
      ['bomb.txt', '0'.repeat(8 * 1024 * 1024)],
      ['policy.json', '{"type":"openseal/policy@v1"}'],
      ['\u202egnp.txt', 'x'],
      ['ok.txt', 'x'],
    ])
    const found = await read(replaced(zip, 'content of bad', 'content of BAD'))
    assert.deepEqual(whyOf(found.unread), [
      ['z.zip/secret.pdf', 'encrypted'],
      ['z.zip/__MACOSX/._a.pdf', 'hidden'],
      ['z.zip/folder/.DS_Store', 'hidden'],
      ['z.zip/bad.txt', 'damaged'],
      ['z.zip/inner.zip', 'nested'],
      ['z.zip/bomb.txt', 'large'],
      ['z.zip/policy.json', 'policy'],
    ])
    assert.deepEqual(
      found.files.map(({ name }) => name),
      ['z.zip/inner.zip', 'z.zip/\u202egnp.txt', 'z.zip/ok.txt'],
    )
  })

  it('leaves an archive with nothing to check a file, and office documents as they are', async () => {
    const empty = await given(await zipOf([['.hidden', 'x']]))
    assert.ok(empty.kind === 'archive' && empty.files.length === 1 && empty.files[0]?.isArchive === undefined)
    const sheet = await given(
      await zipOf(
        [
          ['xl/workbook.xml', '<x/>'],
          ['a.txt', 'x'],
        ],
        0,
      ),
      'a.xlsx',
    )
    assert.equal(sheet.kind, 'file')
  })

  it('refuses an archive that can be read in two ways, checks it as a file, and says so', async () => {
    const two = await zipOf(
      [
        ['a.receipt.json', RECEIPT],
        ['b.receipt.json', RECEIPT.replace('aa', 'bb')],
      ],
      0,
    )
    const hostile = {
      'one name twice': replaced(two, 'b.receipt.json', 'a.receipt.json'),
      'cut off': two.subarray(0, -30),
      'a path that leads out': replaced(await zipOf([['aa/x.receipt.json', RECEIPT]]), 'aa/x', '../x'),
      rubbish: toUtf8('PK\x03\x04 no archive'),
    }
    // Each entry is compared with the directory when it is read.
    const renamed = Buffer.concat([two.subarray(0, 200), replaced(two.subarray(200), 'a.receipt.json', 'c.receipt.json')])
    const { receipts, unread } = await read(renamed)
    assert.deepEqual([receipts.length, whyOf(unread)], [1, [['z.zip/c.receipt.json', 'damaged']]])
    for (const [title, bytes] of Object.entries(hostile)) {
      await assert.rejects(read(bytes), { code: 'ZIP_REFUSED' }, title)
      const found = await given(bytes)
      assert.ok(found.kind === 'archive', title)
      assert.deepEqual([found.files.map(({ name }) => name), whyOf(found.unread)], [['z.zip'], [['z.zip', 'refused']]], title)
    }
  })

  it('unpacks no more than its bounds, whatever the archive says of its size, and goes on with small files only before', async () => {
    const zip = await zipOf([
      ['first.txt', 'x'],
      ['a.txt', 'a'.repeat(900_000)],
      ['b.txt', 'b'.repeat(900_000)],
      ['c.txt', 'c'],
    ])
    const found = await read(zip, { ...OWN_DEVICE, maxUnpackedBytes: 1_000_000 })
    assert.deepEqual(
      [found.files.map(({ name }) => name), whyOf(found.unread)],
      [
        ['z.zip/first.txt', 'z.zip/a.txt'],
        [
          ['z.zip/b.txt', 'large'],
          ['z.zip/c.txt', 'large'],
        ],
      ],
    )
    await assert.rejects(read(zip, { ...OWN_DEVICE, maxEntries: 3 }), { code: 'ZIP_TOO_LARGE' })
    const releases = await zipOf(
      ['1', '2'].map(id => [`${id}.json`, `{"uri":"u","releases":[{"id":"${id}","ocid":"o"},{"id":"x${id}","ocid":"o"}]}`]),
    )
    const few = await read(releases, { ...OWN_DEVICE, maxReleases: 3 })
    assert.deepEqual(
      few.files.map(file => [file.read.releases.length, file.read.releasesLeftOut]),
      [
        [2, 0],
        [1, 1],
      ],
    )
  })

  it('reads archives written with data descriptors and with ZIP64 sizes', async () => {
    for (const options of [{ dataDescriptor: true }, { zip64: true }]) {
      const found = await read(
        await zipOf([
          ['a.txt', 'x', options],
          ['a.txt.receipt.json', RECEIPT, options],
        ]),
      )
      assert.deepEqual([found.files.length, found.receipts.length, found.unread], [1, 1, []])
    }
  })
})

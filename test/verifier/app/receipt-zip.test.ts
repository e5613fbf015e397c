/**
 * ZIP archives of receipts: well-made ones are read, hostile ones refused, and all others are files
 * like any other.
 */
import assert from 'node:assert/strict'
import { TextReader, Uint8ArrayWriter, ZipWriter } from '@zip.js/zip.js'
import { toUtf8 } from '../../../src/core/bytes.ts'
import { recognizeZipped } from '../../../src/verifier/app/given.ts'
import { readReceiptZip } from '../../../src/verifier/app/receipt-zip.ts'
import { readBytes } from '../read-bytes.ts'

const RECEIPT = '{"type":"openseal/receipt@v1","statement":{"documents":[{"name":"d","sha256":"aa"}]}}'

async function zipOf(files: readonly (readonly [string, string])[], level = 6): Promise<Uint8Array> {
  const writer = new ZipWriter(new Uint8ArrayWriter(), { level, useWebWorkers: false })
  for (const [name, text] of files) await writer.add(name, new TextReader(text))
  return writer.close()
}
const names = (files: Awaited<ReturnType<typeof readReceiptZip>>) => files?.map(({ name }) => name)
/** Replaces these bytes everywhere by others of the same length. */
const replaced = (bytes: Uint8Array, before: string, after: string) =>
  Uint8Array.from(Buffer.from(Buffer.from(bytes).toString('latin1').replaceAll(before, after), 'latin1'))

describe('verifier/app/receipt-zip', () => {
  it('reads an archive that holds receipts and nothing else, packed or not', async () => {
    for (const level of [0, 6]) {
      const zip = await zipOf(
        [
          ['a.pdf.receipt.json', RECEIPT],
          ['folder/p.json.receipts.ndjson', `${RECEIPT}\n${RECEIPT}\n`],
        ],
        level,
      )
      const files = await readReceiptZip(zip)
      assert.deepEqual(names(files), ['a.pdf.receipt.json', 'folder/p.json.receipts.ndjson'])
      assert.equal(Buffer.from(files![0]!.bytes).toString(), RECEIPT)
      const given = await recognizeZipped('all.zip', readBytes(zip), readReceiptZip)
      assert.ok(given.kind === 'receipts')
      assert.deepEqual(
        given.receipts.map(({ name, of }) => [name, of]),
        [
          ['all.zip/a.pdf.receipt.json', 'a.pdf'],
          ['all.zip/p.json.receipts.ndjson:1', 'p.json'],
          ['all.zip/p.json.receipts.ndjson:2', 'p.json'],
        ],
      )
    }
  })

  it('leaves every other archive a file', async () => {
    for (const files of [
      [['a.pdf', 'x']],
      [
        ['a.pdf', 'x'],
        ['a.pdf.receipt.json', RECEIPT],
      ],
      [],
    ] as const) {
      const zip = await zipOf(files)
      assert.equal(await readReceiptZip(zip), undefined)
      assert.equal((await recognizeZipped('x.zip', readBytes(zip), readReceiptZip)).kind, 'file')
    }
  })

  it('refuses an archive that can be read in two ways, or whose content was changed', async () => {
    const two = await zipOf(
      [
        ['a.receipt.json', RECEIPT],
        ['b.receipt.json', RECEIPT.replace('aa', 'bb')],
      ],
      0,
    )
    const hostile = {
      'one name twice': replaced(two, 'b.receipt.json', 'a.receipt.json'),
      'changed content': replaced(two, '"sha256":"aa"', '"sha256":"cc"'),
      'another name in the directory': Buffer.concat([
        two.subarray(0, 200),
        replaced(two.subarray(200), 'a.receipt.json', 'c.receipt.json'),
      ]),
      'cut off': two.subarray(0, -30),
      'a path that leads out': replaced(await zipOf([['aa/x.receipt.json', RECEIPT]]), 'aa/x', '../x'),
    }
    for (const [title, bytes] of Object.entries(hostile)) {
      await assert.rejects(readReceiptZip(bytes), { code: 'ZIP_REFUSED' }, title)
      assert.equal((await recognizeZipped('x.zip', readBytes(bytes, 4096), readReceiptZip)).kind, 'file', title)
    }
    await assert.rejects(readReceiptZip(toUtf8('PK\x03\x04 no archive')), { code: 'ZIP_REFUSED' })
  })

  it('unpacks no more than a bound, whatever the archive says of its size', async () => {
    const zip = await zipOf([['bomb.receipt.json', '0'.repeat(80 * 1024 * 1024)]])
    assert.ok(zip.length < 200_000)
    await assert.rejects(readReceiptZip(zip), (error: Error & { code?: string }) => /^ZIP_(TOO_LARGE|REFUSED)$/.test(error.code ?? ''))
  })
})

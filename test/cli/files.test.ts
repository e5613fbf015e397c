/** Documents and receipts as files: hashed as they are, never half-written, never lost. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FileError, hashFile, readWhole } from '../../src/cli/hash-file.ts'
import { readIntake } from '../../src/cli/intake.ts'
import { writeReceipt } from '../../src/cli/receipt-file.ts'
import { canonicalJson, type Json } from '../../src/core/json.ts'
import { formatReceipt } from '../../src/core/receipt.ts'
import { mediaTypeOf } from '../../src/documents/media-type.ts'

const isCode = (code: string) => (error: unknown) => error instanceof FileError && error.code === code
let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'openseal-test-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe('hashing a file', () => {
  it('hashes the exact bytes, and JSON by its content too', async () => {
    const path = join(folder, 'a.json')
    writeFileSync(path, ' {"b": 1.0, "a": null}\n')
    assert.deepEqual(await hashFile(path), {
      sha256: createHash('sha256').update(' {"b": 1.0, "a": null}\n').digest('hex'),
      bytes: 23,
      jcs: createHash('sha256').update('{"a":null,"b":1}').digest('hex'),
    })
  })

  it('hashes a file that takes several reads, whichever reader takes it', async () => {
    const texts = {
      'a.bin': Buffer.from(Array.from({ length: 2_500_000 }, (_, at) => (at * at) % 251)),
      'a.json': Buffer.from(JSON.stringify({ a: Array.from({ length: 400_000 }, (_, at) => at) })),
    }
    for (const [name, bytes] of Object.entries(texts)) {
      const path = join(folder, name)
      writeFileSync(path, bytes)
      const sha256 = createHash('sha256').update(bytes).digest('hex')
      // JSON.stringify has written the form of RFC 8785 already.
      const digest = { bytes: bytes.length, sha256, ...(name === 'a.json' && { jcs: sha256 }) }
      const { name: _, mediaType: __, ...document } = (await readIntake(path)).document
      assert.deepEqual([document, await hashFile(path)], [digest, digest], name)
    }
  })

  it('says why JSON has no content hash, and keeps the hash of its bytes', async () => {
    const path = join(folder, 'a.json')
    writeFileSync(path, '{"a":1,"a":2}')
    const digest = await hashFile(path)
    assert.equal(digest.jcs, undefined)
    assert.match(digest.jcsReason!, /twice|duplicate/i)
  })

  it('notices a file that grew, shrank or was replaced while it was hashed', async () => {
    const path = join(folder, 'a.bin')
    const changes = [
      () => appendFileSync(path, 'x'),
      () => writeFileSync(path, 'short'),
      () => {
        writeFileSync(`${path}.new`, Buffer.alloc(3 * 1024 * 1024))
        renameSync(`${path}.new`, path)
      },
    ]
    for (const change of changes) {
      writeFileSync(path, Buffer.alloc(3 * 1024 * 1024))
      let isDone = false
      const changing = hashFile(path, done => {
        if (done > 0 && !isDone) {
          isDone = true
          change()
        }
      })
      await assert.rejects(changing, isCode('FILE_CHANGED'))
    }
  })

  it('does not follow a file that grows as fast as it is read', async () => {
    const path = join(folder, 'growing.bin')
    writeFileSync(path, 'x')
    let grown = 0
    const reading = readWhole(path, () => {
      if (++grown < 100) appendFileSync(path, 'x'.repeat(1000))
    })
    await assert.rejects(reading, isCode('FILE_CHANGED'))
    assert.ok(grown < 3, `${grown} chunks`)
  })

  it('names a file that is not there, and a folder', async () => {
    await assert.rejects(hashFile(join(folder, 'none')), isCode('FILE_NOT_FOUND'))
    await assert.rejects(hashFile(folder), isCode('FILE_UNREADABLE'))
  })

  it('guesses the media type by the extension', () => {
    assert.deepEqual(['A.PDF', 'b.json', 'c', 'd.weird'].map(mediaTypeOf), [
      'application/pdf',
      'application/json',
      'application/octet-stream',
      'application/octet-stream',
    ])
  })
})

describe('receipts beside documents', () => {
  const no = async () => false
  const receipt = (index: number, statement: Json, anchored = false) =>
    formatReceipt({
      statementText: canonicalJson(statement),
      proof: { index, proof: [], note: NOTE },
      anchors: anchored ? [{ type: 'evm', chainId: 1, contract: `0x${'1'.repeat(40)}`, logId: `0x${'2'.repeat(64)}`, size: 9 }] : [],
    })

  it('replaces one of the same statement only if the new one is better', async () => {
    const path = join(folder, 'a.receipt.json')
    const [sealed, anchored] = [receipt(3, { a: 1 }), receipt(3, { a: 1 }, true)]
    assert.equal(await writeReceipt(path, sealed, no), 'written')
    assert.equal(await writeReceipt(path, anchored, async old => old === sealed), 'written')
    assert.equal(await writeReceipt(path, sealed, no), 'kept')
    assert.equal(readFileSync(path, 'utf8'), anchored)
    assert.deepEqual(readdirSync(folder), ['a.receipt.json'])
  })

  it('never replaces the receipt of another statement or index, or any other file', async () => {
    const path = join(folder, 'a.receipt.json')
    for (const there of [receipt(3, { a: 1 }), receipt(4, { a: 2 }), 'my notes', '']) {
      writeFileSync(path, there)
      await assert.rejects(
        writeReceipt(path, receipt(3, { a: 2 }), async () => true),
        isCode('FILE_EXISTS'),
      )
      assert.equal(readFileSync(path, 'utf8'), there)
    }
    assert.deepEqual(readdirSync(folder), ['a.receipt.json'])
  })
})

const NOTE = `a.example/log\n9\n${'A'.repeat(43)}=\n\n— a.example/log ${Buffer.alloc(68).toString('base64')}\n`

/** Journals that LevelDB wrote, cut and changed at every place. */
import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Level } from 'level'
import { isDamaged } from '../../../src/store/level/journal.ts'

/** Batches that fit into a block, fill it, and go over several. */
const SIZES = [10, 5000, 40_000, 27_000, 1, 90_000, 300, 700, 20_000]

describe('Level journal', () => {
  let journal: Buffer
  /**
   * Where the last batch begins: what is changed before it was acknowledged with something behind
   * it.
   */
  let lastBatch: number
  before(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'openseal-journal-'))
    const db = new Level<string, Uint8Array>(folder, { valueEncoding: 'view' })
    const read = async () => {
      const [name] = (await readdir(folder)).filter(found => found.endsWith('.log'))
      return readFile(join(folder, name!))
    }
    for (const [i, size] of SIZES.entries()) {
      lastBatch = i === 0 ? 0 : (await read()).length
      await db.put(`key ${i}`, new Uint8Array(size).fill(i + 1), { sync: true })
    }
    journal = await read()
    await db.close()
    await rm(folder, { recursive: true })
  })

  it('is sound as it was written, with zeros behind it, and cut off anywhere', () => {
    assert.equal(isDamaged(journal), false)
    assert.equal(isDamaged(Buffer.concat([journal, Buffer.alloc(5000)])), false)
    for (let length = 0; length < journal.length; length += 97)
      assert.equal(isDamaged(journal.subarray(0, length)), false, `cut at ${length}`)
  })

  it('is damaged where a bit was changed in a batch that others follow', () => {
    const missed: number[] = []
    for (let at = 0; at < lastBatch; at += 61) if (!isDamaged(flip(journal, at))) missed.push(at)
    // A length that was changed hides where the next record begins, and in the last block nothing
    // tells it.
    assert.ok(missed.length <= 1, `not noticed at ${missed}`)
  })

  it('takes a damaged last batch for one that was cut short: nobody was answered', () => {
    for (let at = lastBatch; at < journal.length; at += 61) assert.equal(isDamaged(flip(journal, at)), false)
  })
})

function flip(bytes: Buffer, at: number): Buffer {
  const changed = Buffer.from(bytes)
  changed[at]! ^= 1
  return changed
}

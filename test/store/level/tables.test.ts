/** Tables that LevelDB wrote, changed at many places. */
import { deepEqual, equal } from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Level } from 'level'
import { findDamagedTable, isSound } from '../../../src/store/level/tables.ts'

describe('Level tables', () => {
  let folder: string
  let tables: Buffer[]
  const names = async () => (await readdir(folder)).filter(name => name.endsWith('.ldb')).sort()
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'openseal-tables-'))
    const db = new Level<string, Uint8Array>(folder, { valueEncoding: 'view' }) as Level<string, Uint8Array> & {
      compactRange(start: string, end: string): Promise<void>
    }
    // Rows that compress, and rows that do not.
    for (let i = 0; i < 3000; i++) await db.put(`key ${i}`, i % 2 === 0 ? new Uint8Array(300).fill(i) : randomBytes(1000))
    await db.compactRange('a', 'z')
    await db.close()
    tables = await Promise.all((await names()).map(name => readFile(join(folder, name))))
  })
  after(() => rm(folder, { recursive: true }))

  it('are sound as they were written', () => {
    equal(tables.length > 0, true)
    deepEqual(
      tables.map(isSound),
      tables.map(() => true),
    )
  })

  it('are damaged wherever a bit was changed, and where they are cut off', () => {
    const table = tables[0]!
    const missed: number[] = []
    for (let at = 0; at < table.length; at += Math.floor(table.length / 300)) {
      const changed = Buffer.from(table)
      changed[at]! ^= 1
      if (isSound(changed)) missed.push(at)
    }
    deepEqual(missed, [])
    for (let length = 0; length < table.length; length += Math.floor(table.length / 50)) equal(isSound(table.subarray(0, length)), false)
  })

  it('are found in a store that was just opened, by their names', async () => {
    const [name] = await names()
    const path = join(folder, name!)
    const openOnce = async () => {
      const db = new Level<string, Uint8Array>(folder, { valueEncoding: 'view' })
      await db.open()
      const found = await findDamagedTable(folder)
      await db.close()
      return found
    }
    equal(await openOnce(), undefined)
    const changed = Buffer.from(tables[0]!)
    changed[5000]! ^= 1
    await writeFile(path, changed)
    equal(await openOnce(), name)
    await writeFile(path, tables[0]!)
    equal(await openOnce(), undefined)
  })
})

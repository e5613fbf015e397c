/** A database whose pages or rows were damaged: what can be read is read, and the rest says so. */
import assert from 'node:assert/strict'
import { closeSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { systemHost } from '../../../src/host.ts'
import { silentLog } from '../../../src/logger.ts'
import type { SharedStore } from '../../../src/store/port/port.ts'
import { openPostgresStore } from '../../../src/store/postgres/postgres.ts'
import { commitOf, plain } from '../conformance/commits.ts'
import { startPostgres, type TestServer } from './server.ts'

const PAGE_BYTES = 8192

describe('a damaged database', () => {
  let server: TestServer
  let address: string
  let database: string
  const opened: SharedStore[] = []
  const open = async () => {
    const store = await openPostgresStore(address, systemHost(silentLog))
    opened.push(store)
    return store
  }
  const sizeOf = async (store: SharedStore) => (await store.readHead())?.head.size
  const sql = (text: string) => server.sql(text, database)

  before(async () => {
    server = await startPostgres()
  })
  after(() => server.stop())
  beforeEach(async () => {
    address = await server.newDatabase()
    database = new URL(address).pathname.slice(1)
  })
  afterEach(() => Promise.all(opened.splice(0).map(store => store.close())))

  it('says which part cannot be read where a page is damaged, and shows the others', async () => {
    const store = await open()
    await store.commit(commitOf(0, 600))
    await store.close()
    const [{ file }] = await sql("SELECT pg_relation_filepath('openseal.statement') AS file")
    const rows = await sql("SELECT idx::int, split_part(ctid::text, ',', 1) = '(1' AS is_hit FROM openseal.statement ORDER BY idx")
    const [hit, spared] = [true, false].map(isHit => rows.find(({ is_hit }) => is_hit === isHit).idx as number)
    await server.end()
    const pages = openSync(join(server.data, file), 'r+')
    writeSync(pages, Buffer.from('damaged'), 0, 7, PAGE_BYTES + 5000)
    closeSync(pages)
    await server.start()
    const again = await open()
    await assert.rejects(again.readStatement(hit!), { code: 'STORE_DAMAGED', message: /cannot be read from the database \(XX001\)/ })
    assert.equal(plain(await again.readStatement(spared!)), `statement ${spared}`)
    assert.equal(await sizeOf(again), 600)
  })

  it('refuses a number beyond the safe integers, and a head that is gone, cut or not that of its edge', async () => {
    const store = await open()
    await store.commit(commitOf(0, 2))
    const broken = async (damage: string, repair: string) => {
      await sql(damage)
      const again = await open()
      await assert.rejects(
        again.readHead(),
        { code: 'STORE_CORRUPT', message: /restore the database with its own tools|beyond what/ },
        damage,
      )
      await sql(repair)
      assert.equal(await sizeOf(again), 2)
    }
    await sql('UPDATE openseal.batch SET time_ms = 9007199254740993')
    await assert.rejects(store.readCommits(0, 1), { code: 'STORE_CORRUPT', message: /beyond what/ })
    await broken('UPDATE openseal.head SET size = 9007199254740993', 'UPDATE openseal.head SET size = 2')
    await broken('UPDATE openseal.head SET size = 0', 'UPDATE openseal.head SET size = 2')
    await broken('UPDATE openseal.head SET id = 1, size = 1', 'UPDATE openseal.head SET size = 2')
    await broken(
      "UPDATE openseal.head SET root = '\\x00'",
      `UPDATE openseal.head SET root = '\\x${Buffer.from(commitOf(0, 2).next.root).toString('hex')}'`,
    )
    await broken('UPDATE openseal.edge SET is_whole = false', 'UPDATE openseal.edge SET is_whole = true')
    await broken('UPDATE openseal.edge SET row = substr(row, 1, 44)', await restoreEdge())
    await sql('DELETE FROM openseal.head')
    await assert.rejects((await open()).readHead(), { code: 'STORE_CORRUPT', message: /is gone/ })
    await assert.rejects(store.commit(commitOf(0, 2)), { code: 'STORE_CORRUPT', message: /is gone/ })
  })
  const restoreEdge = async () => {
    const [{ row }] = await sql("SELECT encode(row, 'hex') AS row FROM openseal.edge")
    return `UPDATE openseal.edge SET row = '\\x${row}'`
  }
})

/**
 * `openseal move` as an operator types it, with a real PostgreSQL: its messages and exit codes, and
 * what a service then says of the folder that was left.
 */
import assert from 'node:assert/strict'
import { readdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { readConfig } from '../../src/config.ts'
import { startServer } from '../../src/server/server.ts'
import { openLevelStore } from '../../src/store/level/level.ts'
import { layToRest, type Rest } from '../care/world.ts'
import { startPostgres, type TestServer } from '../store/postgres/server.ts'
import { type Commands, openCommands } from './commands.ts'

const NOBODY_THERE = 'postgres://ledger:secret-of-the-test@127.0.0.1:1/ledger'
const CODE = /\[([A-Z_]+)\]\s*$/

describe('move on the command line', function () {
  this.timeout(60_000)
  let commands: Commands
  let server: TestServer
  let rest: Rest
  before(async () => {
    commands = openCommands()
    server = await startPostgres()
    rest = await layToRest(300)
  })
  after(async () => {
    await rest.remove()
    await server.stop()
    commands.close()
  })

  const move = async (store: string | undefined, ...args: string[]) => {
    const { code, out, err } = await commands.run(['move', ...args], { env: { ...(store && { OPENSEAL_STORE: store }) } })
    assert.doesNotMatch(out + err, /secret-of-the-test/)
    return { code, out: out + err, json: () => JSON.parse(out) }
  }
  const starting = (dataDir: string) =>
    startServer({ ...readConfig({ OPENSEAL_PORT: '0', OPENSEAL_CHAIN_PORT: '0' }), dataDir }).then(
      () => 'started',
      error => error.code,
    )

  it('refuses what is no move, and marks nothing', async () => {
    const { dataDir } = rest
    const refused = async (code: number, last: string, store: string | undefined, ...args: string[]) => {
      const { code: found, out } = await move(store, ...args)
      assert.deepEqual([found, CODE.exec(out)?.[1]], [code, last], args.join(' '))
    }
    await refused(2, 'USAGE_WRONG', undefined, '--from', dataDir)
    await refused(2, 'USAGE_WRONG', undefined, '--from', dataDir, '--to', `${dataDir}-2`)
    await refused(2, 'USAGE_WRONG', undefined, '--from', dataDir, '--to', 'database')
    await refused(2, 'USAGE_WRONG', undefined, '--from', dataDir, '--to', NOBODY_THERE)
    await refused(2, 'USAGE_WRONG', NOBODY_THERE, '--from', dataDir, '--to', 'database', '--abort')
    await refused(1, 'STORE_UNREACHABLE', NOBODY_THERE, '--from', dataDir, '--to', 'database')
    await refused(1, 'MOVE_EMPTY', NOBODY_THERE, '--from', join(dataDir, 'none'), '--to', 'database')
    await refused(1, 'MOVE_NONE', undefined, '--from', dataDir, '--abort')
  })

  it('takes a move back, ends it, says afterwards where the ledger is, and ends what a crash left of it', async () => {
    const { dataDir } = rest
    const database = await server.newDatabase()
    const store = await openLevelStore(join(dataDir, 'store'))
    const mark = { role: 'source', other: 'The database x on y', isDone: false }
    await store.writeDocuments([{ collection: 'local-move', key: 'mark', value: JSON.stringify(mark) }])
    await store.close()
    assert.equal(await starting(dataDir), 'STORE_MOVED')
    assert.match((await move(undefined, '--from', dataDir, '--abort')).out, /^The ledger in the folder .* starts again\.$/m)

    const moved = await move(database, '--from', dataDir, '--to', 'database', '--json')
    assert.equal(moved.code, 0, moved.out)
    const { size, erased, root } = moved.json()
    assert.deepEqual([size, erased, root.length], [300, 0, 64])
    assert.deepEqual((await readdir(dataDir)).sort(), ['keys', 'store.moved'])
    assert.equal(await starting(dataDir), 'SERVER_STORE')
    assert.match((await move(database, '--from', dataDir, '--to', 'database')).out, /was moved already\. \[MOVE_EMPTY\]/)

    // A crash before the folder was renamed.
    await rename(join(dataDir, 'store.moved'), join(dataDir, 'store'))
    assert.equal(await starting(dataDir), 'STORE_MOVED')
    assert.match((await move(database, '--from', dataDir, '--to', 'database')).out, /\[MOVE_DONE\]/)
    assert.deepEqual(
      (await readdir(dataDir)).filter(name => name.startsWith('store')),
      ['store.moved'],
    )
  })
})

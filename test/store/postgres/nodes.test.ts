/** Several nodes of one ledger on one database, all of which take and seal submissions. */
import assert from 'node:assert/strict'
import { systemHost } from '../../../src/host.ts'
import type { Ledger } from '../../../src/ledger/ledger.ts'
import { silentLog } from '../../../src/logger.ts'
import type { SharedStore } from '../../../src/store/port/port.ts'
import { openPostgresStore } from '../../../src/store/postgres/postgres.ts'
import { checkLog } from '../../ledger/check-log.ts'
import { openTestLedger, statementOf } from '../../ledger/fixtures.ts'
import { startPostgres, type TestServer } from './server.ts'

const STATEMENTS = 60
/** Two others may be in front in a turn; a node that is slow at the moment loses another one. */
const WAITED_ON_AVERAGE = 6

describe('nodes of one ledger on PostgreSQL', () => {
  let server: TestServer
  before(async () => {
    server = await startPostgres()
  })
  after(() => server.stop())

  for (const isolation of ['read committed', 'serializable'])
    it(`begin one log, give each statement one index and sign one history, at ${isolation}`, async () => {
      const address = await server.newDatabase()
      await server.sql(`ALTER ROLE ledger SET default_transaction_isolation = '${isolation}'`)
      const stores = await Promise.all([1, 2, 3].map(() => openPostgresStore(address, systemHost(silentLog))))
      await server.sql('ALTER ROLE ledger RESET default_transaction_isolation')
      const nodes = await Promise.all(stores.map(store => openTestLedger(store)))

      // Every statement goes to every node, in another order and pace at each.
      const indexesOf = async (node: Ledger, at: number) => {
        const found = new Map<number, number>()
        const order = Array.from({ length: STATEMENTS }, (_, i) => (i * [1, 7, 11][at]!) % STATEMENTS)
        for (let i = 0; i < order.length; i += at + 2)
          await Promise.all(order.slice(i, i + at + 2).map(async n => found.set(n, (await node.submit(statementOf(`r${n}`, n + 1))).index)))
        return found
      }
      const [first, ...others] = await Promise.all(nodes.map(indexesOf))
      assert.deepEqual(
        [...first!.values()].sort((a, b) => a - b),
        Array.from({ length: STATEMENTS }, (_, i) => i + 1),
      )
      const sorted = (found: Map<number, number>) => [...found].sort(([a], [b]) => a - b)
      for (const other of others) assert.deepEqual(sorted(other), sorted(first!))

      await Promise.all(nodes.map(node => node.refresh()))
      const checkpoints = await Promise.all(nodes.map(node => node.checkpointAt(STATEMENTS + 1)))
      assert.equal(new Set(checkpoints).size, 1)
      assert.equal(await checkLog(stores[0] as SharedStore), STATEMENTS + 1)
      await Promise.all(nodes.map(node => node.close()))
    })

  it('take turns, so that a node that seldom seals waits for only a few batches of busy nodes', async () => {
    const address = await server.newDatabase()
    const stores: SharedStore[] = []
    for (let i = 0; i < 3; i++) stores.push(await openPostgresStore(address, systemHost(silentLog)))
    const [rare, ...busy] = await Promise.all(stores.map(store => openTestLedger(store)))
    let [isOver, record] = [false, 0]
    const submit = (node: Ledger) => node.submit(statementOf(`r${record++}`))
    const busyOnes = busy.map(async node => {
      while (!isOver) await submit(node)
    })
    const waits: number[] = []
    for (let round = 0; round < 30; round++) {
      // Each batch has one statement, and the node that has just sealed knows the newest head.
      await submit(busy[0]!)
      const before = busy[0]!.head().size
      waits.push((await submit(rare!)).index - before)
    }
    isOver = true
    await Promise.all(busyOnes)
    const average = waits.reduce((sum, each) => sum + each, 0) / waits.length
    assert.ok(average <= WAITED_ON_AVERAGE, `waited for ${waits.join(', ')} batches`)
    await Promise.all([rare!, ...busy].map(node => node.close()))
  })
})

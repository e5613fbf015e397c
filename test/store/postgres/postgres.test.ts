/** The PostgreSQL store against the conformance suite, at the default isolation and at the strictest. */
import { systemHost } from '../../../src/host.ts'
import { silentLog } from '../../../src/logger.ts'
import { openPostgresStore } from '../../../src/store/postgres/postgres.ts'
import { sharedConformance, storeConformance } from '../conformance.ts'
import { startPostgres, type TestServer } from './server.ts'

describe('PostgreSQL store', () => {
  let server: TestServer
  before(async () => {
    server = await startPostgres()
  })
  after(() => server.stop())

  for (const isolation of ['read committed', 'serializable'])
    describe(`at ${isolation}`, () => {
      let address: string
      const openAgain = () => openPostgresStore(address, systemHost(silentLog))
      before(async () => {
        await server.sql(`ALTER ROLE ledger SET default_transaction_isolation = '${isolation}'`)
        address = await server.newDatabase()
      })
      storeConformance(
        {
          async open() {
            await server.sql('DROP SCHEMA IF EXISTS openseal CASCADE', new URL(address).pathname.slice(1))
            return openAgain()
          },
          reopen: openAgain,
        },
        opened => sharedConformance(opened, openAgain),
      )
    })
})

/**
 * The store of many nodes, on PostgreSQL. Any number of nodes use one database at the same time.
 * `schema.ts` describes its tables.
 */
import type { Host } from '../../host.ts'
import type { SharedStore } from '../port/port.ts'
import { parseAddress } from './address.ts'
import { type DatabaseStatement, LIMITS } from './connection.ts'
import { createDatabase } from './database.ts'
import { createDocuments } from './documents.ts'
import { createLinks } from './link.ts'
import { createLog } from './log.ts'
import { createLookups } from './lookups.ts'

/** The clock of the server, not of the transaction. */
const NOW: DatabaseStatement = { name: 'now', text: 'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint' }

/**
 * Opens the store at an address. Makes its tables at the first start. `onMoved` is told when another
 * server of the cluster has taken over.
 * @throws StoreError STORE_ADDRESS, STORE_UNREACHABLE, STORE_LOGIN, STORE_RIGHTS, STORE_TLS,
 * STORE_NO_DATABASE, STORE_NO_PRIMARY, STORE_VERSION, STORE_POOLER, STORE_UNSAFE, STORE_SCHEMA
 */
export async function openPostgresStore(
  text: string,
  host: Pick<Host, 'steadyMs' | 'sleep' | 'randomBytes'>,
  limits = LIMITS,
  onMoved?: () => void,
): Promise<SharedStore> {
  const links = createLinks({ address: parseAddress(text), limits, host, onMoved })
  await links.get()
  const database = createDatabase(links)
  const nowMs = async () => (await database.read(NOW))[0]![0] as number
  return {
    ...createLog(database),
    ...createLookups(database),
    ...createDocuments(database),
    nowMs,
    history: () => links.history(),
    close: database.close,
  }
}

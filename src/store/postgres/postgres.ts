/**
 * The store of many nodes, on PostgreSQL. Any number of nodes use one database at the same time.
 * `schema.ts` describes its tables.
 */
import type { Host } from '../../host.ts'
import type { Store } from '../port/port.ts'
import { parseAddress } from './address.ts'
import { createDatabase } from './database.ts'
import { createDocuments } from './documents.ts'
import { createLinks } from './link.ts'
import { createLog } from './log.ts'
import { createLookups } from './lookups.ts'

/**
 * Opens the store at an address, and makes its tables if there are none.
 * @throws StoreError STORE_ADDRESS, STORE_UNREACHABLE, STORE_LOGIN, STORE_RIGHTS, STORE_TLS,
 * STORE_NO_DATABASE, STORE_NO_PRIMARY, STORE_VERSION, STORE_UNSAFE, STORE_SCHEMA
 */
export async function openPostgresStore(text: string, host: Pick<Host, 'steadyMs' | 'sleep' | 'randomBytes'>): Promise<Store> {
  const links = createLinks({ address: parseAddress(text), host })
  await links.get()
  const database = createDatabase(links)
  return { ...createLog(database), ...createLookups(database), ...createDocuments(database), close: database.close }
}

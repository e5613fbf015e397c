/** The places that a ledger is moved between: data folders, and the database of OPENSEAL_STORE. */
import { mkdir, rename } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Host } from '../host.ts'
import { openLevelStore } from '../store/level/level.ts'
import { parseAddress } from '../store/postgres/address.ts'
import { openPostgresStore } from '../store/postgres/postgres.ts'
import { isThere, syncFolder } from '../whole-file.ts'
import { MoveError, movedFolderOf, type NamedStore } from './move.ts'

/** An open store. `folder`: where it is, if it is on this machine. */
export type OpenPlace = NamedStore & { readonly folder?: string }

/**
 * Opens the database at an address.
 * @throws StoreError what opening it throws
 */
export async function openDatabasePlace(address: string, host: Host): Promise<OpenPlace> {
  const { database, hosts } = parseAddress(address)
  return { store: await openPostgresStore(address, host), name: `The database ${database} on ${hosts.map(each => each.host).join(', ')}` }
}

/**
 * Opens the store in a data folder. The folder of a target is made.
 * @throws MoveError MOVE_EMPTY; StoreError STORE_LOCKED while a service runs on it, and others
 */
export async function openFolderPlace(dataDir: string, isTarget: boolean): Promise<OpenPlace> {
  const folder = join(dataDir, 'store')
  if (isTarget) await mkdir(dataDir, { recursive: true, mode: 0o700 })
  else if (!(await isThere(folder)))
    throw new MoveError(
      'MOVE_EMPTY',
      (await isThere(movedFolderOf(folder))) ? `The ledger of ${dataDir} was moved already.` : `There is no ledger in ${dataDir}.`,
    )
  return { store: await openLevelStore(folder), name: `The folder ${resolve(dataDir)}`, folder }
}

/** Renames the folder of a store whose ledger was moved, so that it says so at once. */
export async function setAside(folder: string): Promise<void> {
  await rename(folder, movedFolderOf(folder))
  await syncFolder(join(folder, '..'))
}

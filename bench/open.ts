/** A ledger on a store, as the service has it, without a chain. */
import { systemHost } from '../src/host.ts'
import { type Ledger, type LedgerDeps, openLedger } from '../src/ledger/ledger.ts'
import { createLogSigner } from '../src/log/signer.ts'
import { silentLog } from '../src/logger.ts'
import { withDeadlines } from '../src/store/deadlines.ts'
import { type LevelStore, openLevelStore } from '../src/store/level/level.ts'
import type { SharedStore, Store } from '../src/store/port/port.ts'
import { openPostgresStore } from '../src/store/postgres/postgres.ts'

const ORIGIN = 'openseal.local/bench'
const STORE_MS = 30_000
const host = systemHost(silentLog)

type Opened<S> = { readonly ledger: Ledger; readonly store: S }

/** Opens, or begins, the ledger in a folder. */
export async function openBenchLedger(folder: string, onSeal?: LedgerDeps['onSeal']): Promise<Opened<LevelStore>> {
  return openOn(await openLevelStore(folder), onSeal)
}

/** The same in a database, which several may have open. */
export async function openBenchNode(address: string, onSeal?: LedgerDeps['onSeal']): Promise<Opened<SharedStore>> {
  return openOn(await openPostgresStore(address, host), onSeal)
}

async function openOn<S extends Store>(opened: S, onSeal: LedgerDeps['onSeal'] = () => {}): Promise<Opened<S>> {
  const store = withDeadlines(opened, host, STORE_MS)
  const signer = createLogSigner(ORIGIN, new Uint8Array(32).fill(7))
  return { ledger: await openLedger({ store, signer, origin: ORIGIN, anchors: [], host, onSeal }), store }
}

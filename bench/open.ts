/** A ledger on a Level store, as the service has it, without a chain. */
import { systemHost } from '../src/host.ts'
import { type Ledger, type LedgerDeps, openLedger } from '../src/ledger/ledger.ts'
import { createLogSigner } from '../src/log/signer.ts'
import { silentLog } from '../src/logger.ts'
import { openLevelStore } from '../src/store/level/level.ts'
import type { Store } from '../src/store/port/port.ts'

const ORIGIN = 'openseal.local/bench'

/** Opens, or begins, the ledger in a folder. */
export async function openBenchLedger(folder: string, onSeal: LedgerDeps['onSeal'] = () => {}): Promise<{ ledger: Ledger; store: Store }> {
  const store = await openLevelStore(folder)
  const signer = createLogSigner(ORIGIN, new Uint8Array(32).fill(7))
  const parts = { store, signer, origin: ORIGIN, anchors: [], host: systemHost(silentLog) }
  const ledger = await openLedger({ ...parts, onSeal })
  return { ledger, store }
}

/** A ledger on a Level store, as the service has it, without a chain. */
import { systemHost } from '../src/host.ts'
import { type Ledger, type LedgerDeps, openLedger } from '../src/ledger/ledger.ts'
import { createLogSigner } from '../src/log/signer.ts'
import { silentLog } from '../src/logger.ts'
import { withDeadlines } from '../src/store/deadlines.ts'
import { type LevelStore, openLevelStore } from '../src/store/level/level.ts'

const ORIGIN = 'openseal.local/bench'
const STORE_MS = 30_000

/** Opens, or begins, the ledger in a folder. */
export async function openBenchLedger(
  folder: string,
  onSeal: LedgerDeps['onSeal'] = () => {},
): Promise<{ ledger: Ledger; store: LevelStore }> {
  const host = systemHost(silentLog)
  const store = withDeadlines(await openLevelStore(folder), host, STORE_MS)
  const signer = createLogSigner(ORIGIN, new Uint8Array(32).fill(7))
  const parts = { store, signer, origin: ORIGIN, anchors: [], host }
  const ledger = await openLedger({ ...parts, onSeal })
  return { ledger, store }
}

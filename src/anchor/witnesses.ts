/** Witnesses as vouchers: each cosigns the checkpoints of rounds. */
import { formatTime } from '../core/time.ts'
import type { Documents } from '../store/port/documents.ts'
import type { AnchoredLedger } from './anchored.ts'
import { type AskedVoucher, createAskedVoucher } from './asked-voucher.ts'
import { COSIGNATURES } from './stored.ts'
import type { WitnessClient } from './witness-client.ts'

type Deps = {
  readonly client: WitnessClient
  /** How alarms and metrics call it. */
  readonly name: string
  readonly ledger: Pick<AnchoredLedger, 'stopped' | 'consistency' | 'addCosignature'>
  readonly store: Pick<Documents, 'readDocument'>
} & Pick<Parameters<typeof createAskedVoucher>[0], 'nextRound' | 'tenure' | 'host' | 'log'>

/**
 * A witness of this ledger. A round's checkpoint is shown to it after that of no larger one: it is
 * asked for rounds above its last signature only, in their order where a key of the log ended.
 */
export function createWitnessVoucher({ client, name, ledger, store, ...others }: Deps): AskedVoucher {
  const { vkey } = client
  return createAskedVoucher({
    kind: 'witness',
    name,
    ledger,
    ...others,
    newest: async () => (await COSIGNATURES.newest(store, vkey))?.size ?? 0,
    async ask({ size, checkpoint }, previous, signal) {
      const prove = async (from: number, to: number) => (await ledger.consistency(from, to)).proof
      const { line, time } = await client.cosign({ note: checkpoint, size }, previous, prove, signal)
      await ledger.addCosignature({ size, vkey, line, time: formatTime(time * 1000) })
    },
  })
}

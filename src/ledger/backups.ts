/** When the last backup was taken, which the operator's page tells. */
import { formatTime } from '../core/time.ts'
import type { Host } from '../host.ts'
import type { Documents } from '../store/port/documents.ts'

export type Backups = {
  /** Remembers that a backup was sent whole just now. */
  note(): Promise<void>
  /** When that was last, as `YYYY-MM-DDTHH:MM:SSZ`; undefined if never. */
  last(): Promise<string | undefined>
}

const LAST = { collection: 'service', key: 'last-backup' }

/** Opens the memory of a store. */
export function createBackups({ store, host }: { readonly store: Documents; readonly host: Pick<Host, 'nowMs'> }): Backups {
  return {
    note: () => store.writeDocuments([{ ...LAST, value: formatTime(host.nowMs()) }]),
    last: () => store.readDocument(LAST.collection, LAST.key),
  }
}

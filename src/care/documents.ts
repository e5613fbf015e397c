/**
 * The doctor's check of the small documents beside the log. The store refuses a document that the
 * disk has changed. Some can be remade or dropped.
 */

import type { EmbeddedStore } from '../store/port/port.ts'
import { type Complaint, FROM_BACKUP } from './complaint.ts'
import { markRestored, sizeToMark } from './restored.ts'

type Mend = (store: EmbeddedStore, key: string) => Promise<void>

/** The repairs, by collection, or by collection and key. */
const MENDED: { readonly [name: string]: Mend } = {
  // The scrub starts again from the beginning.
  scrub: (store, key) => store.writeDocuments([{ collection: 'scrub', key, value: null }]),
  // Removes the key, which is then refused like a revoked one, so nobody gets in by mistake. The
  // agency needs a new key.
  'agency-keys': (store, key) => store.writeDocuments([{ collection: 'agency-keys', key, value: null }]),
  // The holder of that session has to sign in again.
  sessions: (store, key) => store.writeDocuments([{ collection: 'sessions', key, value: null }]),
  // Its content is lost, but there was a mark.
  'ledger/restored': async store => {
    await markRestored(store, { why: 'was marked, by a mark that can no longer be read', size: await sizeToMark(store) })
  },
}

/** Every document that the disk has changed. */
export async function treatDocuments(store: EmbeddedStore, repair: boolean): Promise<Complaint[]> {
  const complaints: Complaint[] = []
  for await (const { collection, key } of store.damagedDocuments()) {
    const complaint = { code: 'DOCTOR_DOCUMENT', detail: `the document ${collection}/${key} was changed on the disk` }
    const mend = MENDED[collection] ?? MENDED[`${collection}/${key}`]
    if (repair) await mend?.(store, key)
    const advice = mend === undefined ? FROM_BACKUP : 'Run openseal doctor --repair.'
    complaints.push(repair && mend !== undefined ? { ...complaint, repaired: true } : { ...complaint, repaired: false, advice })
  }
  return complaints
}

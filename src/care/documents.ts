/** The doctor's look at the small documents beside the log. What was changed on the disk is refused by the store; some can be made again, or done without. */

import type { Store } from '../store/port/port.ts'
import { type Complaint, FROM_BACKUP } from './complaint.ts'
import { markRestored, sizeToMark } from './restored.ts'

type Mend = (store: Store, key: string) => Promise<void>

/** By the collection, or collection and key, of the document. */
const MENDED: { readonly [name: string]: Mend } = {
  // Its rounds begin anew.
  scrub: (store, key) => store.writeDocuments([{ collection: 'scrub', key, value: null }]),
  // A key that is not known is refused, as one that was revoked: nobody gets in who should not. Its agency needs another.
  'agency-keys': (store, key) => store.writeDocuments([{ collection: 'agency-keys', key, value: null }]),
  // Whatever it said, there was a mark.
  'ledger/restored': async store => {
    await markRestored(store, { why: 'was marked, by a mark that cannot be read any more', size: await sizeToMark(store) })
  },
  'ledger/latest-anchor': async store => {
    const value = (await store.listDocuments('final-anchors')).at(-1)?.value ?? null
    await store.writeDocuments([{ collection: 'ledger', key: 'latest-anchor', value }])
  },
}

/** Every document that the disk has changed. */
export async function treatDocuments(store: Store, repair: boolean): Promise<Complaint[]> {
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

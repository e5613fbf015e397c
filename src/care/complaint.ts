/** What the doctor finds wrong with a ledger at rest. */

/** What helps where nothing in the store does. */
export const FROM_BACKUP = 'Restore the data folder from a backup (openseal restore).'

/** One finding, and what was or can be done about it. */
export type Complaint = {
  /** DOCTOR_JOURNAL, DOCTOR_HEAD, DOCTOR_TILE, DOCTOR_BUNDLE, DOCTOR_STATEMENT, DOCTOR_LOOKUPS, DOCTOR_ANCHOR, DOCTOR_DOCUMENT, DOCTOR_BEHIND, DOCTOR_KEY, DOCTOR_MARK. */
  readonly code: string
  readonly detail: string
  readonly repaired: boolean
  /** What helps, where the doctor cannot. */
  readonly advice?: string
}

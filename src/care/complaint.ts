/** The doctor's findings about a ledger at rest. */

/** The advice if nothing in the store can help. */
export const FROM_BACKUP = 'Restore the data folder from a backup (openseal restore).'

/** One finding, and what was or can be done about it. */
export type Complaint = {
  /**
   * DOCTOR_JOURNAL, DOCTOR_TABLE, DOCTOR_HEAD, DOCTOR_TILE, DOCTOR_BUNDLE, DOCTOR_STATEMENT, DOCTOR_LOOKUPS,
   * DOCTOR_ANCHOR, DOCTOR_DOCUMENT, DOCTOR_BEHIND, DOCTOR_KEY, DOCTOR_MARK.
   */
  readonly code: string
  readonly detail: string
  readonly repaired: boolean
  /** Advice for the operator, if the doctor cannot repair it. */
  readonly advice?: string
}

/** The answer about one anchor of a policy, whoever gave it: a chain or a time stamp. */

import type { PolicyAnchor } from '../core/policy-anchors.ts'
import type { Remark } from './remarks.ts'

/**
 * The states of a policy's anchor, best first. Of several anchors on one chain, the best counts.
 */
export const ANCHOR_STATES = [
  'holds',
  'unserved',
  'silent',
  'disagreement',
  'unable',
  'missing',
  'disowned',
  'other-code',
  'no-code',
] as const

/** The state of an anchor, by its answer. */
export type AnchorState = (typeof ANCHOR_STATES)[number]

/** The states in which nobody gave a usable answer. */
export const SILENT_STATES = ['unserved', 'silent', 'disagreement', 'unable'] as const satisfies readonly AnchorState[]

/** The answer about one anchor of the policy. */
export type AnchorAnswer = {
  readonly anchor: PolicyAnchor
  readonly state: AnchorState
  readonly remark: Remark
  /** In Unix seconds; 0 unless the anchor holds. */
  readonly time: number
  /** Asks whether an anchor that holds is final. */
  readonly askFinal?: () => Promise<AnchorAnswer>
}

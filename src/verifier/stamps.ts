/** The time stamps of a receipt, as a policy's authorities count them. */

import type { PolicyAuthority } from '../core/policy-anchors.ts'
import type { AnchorAnswer } from './anchor-answer.ts'
import type { ReceiptParts } from './checks.ts'
import { remark } from './remarks.ts'

/** The answer for each authority: whether a token of the receipt is its time stamp of the checkpoint. */
export async function readStamps(_evidence: ReceiptParts, authorities: readonly PolicyAuthority[]): Promise<AnchorAnswer[]> {
  return authorities.map(anchor => ({ anchor, state: 'missing', time: 0, remark: remark('stampNone', { name: anchor.name }) }))
}

/**
 * Erased statements among those that a source lists. A tombstone is believed only if its receipt
 * verifies; what the erased statement did to a version is the source's word. Design §7 and §16.
 */

import { EFFECT_KINDS, type Effect, type EffectKind } from '../core/statements/effects.ts'
import { ERASURE } from '../core/statements/erasure.ts'
import { type ReceiptParts, readReceiptParts } from './checks.ts'
import { type Remark, remark } from './remarks.ts'
import type { Change, UncheckedReason } from './verdict.ts'

/**
 * A source's words about an erased statement: the tombstone's index and receipt, and what the
 * statement did to other versions. `index` is missing if the source names no tombstone, `effects`
 * if it does not say.
 */
export type ListedErasure = {
  readonly index?: number
  readonly receiptText?: string
  readonly effects?: readonly { readonly on: number; readonly what: EffectKind }[]
}

/** The state of one version by the erased statements. */
export type Erased = {
  readonly changes: readonly Change[]
  /** Why the version cannot be judged, the gravest first; empty if nothing prevents that. */
  readonly doubts: readonly { readonly why: UncheckedReason; readonly remark: Remark }[]
  /** The effects of those whose tombstones verify. */
  readonly effects: readonly Effect[]
}

type Item = { readonly index: number; readonly erased?: ListedErasure }

const ORDER: readonly UncheckedReason[] = ['unverified', ...EFFECT_KINDS.map(what => `erased-${what}` as const), 'erased']

/** Judges the erased statements. `isVerified` runs checks 2 to 4. */
export function judgeErased(own: number, items: readonly Item[], isVerified: (evidence: ReceiptParts) => boolean): Erased {
  const changes: Change[] = []
  const doubts: { why: UncheckedReason; remark: Remark }[] = []
  const effects: Effect[] = []
  for (const { index, erased } of items) {
    if (erased === undefined) continue
    const isBelieved = hasTombstone(index, erased, isVerified)
    const effect = isBelieved ? erased.effects?.find(({ on }) => on === own) : undefined
    if (isBelieved) effects.push(...(erased.effects ?? []).map(each => ({ index, ...each })))
    if (effect !== undefined && index !== own) {
      changes.push({ index, what: effect.what, verified: false, erased: erased.index! })
      doubts.push({ why: `erased-${effect.what}`, remark: remark('versionErased', { index }) })
    } else if (!isBelieved || index === own || erased.effects === undefined) {
      changes.push({ index, what: 'erased', verified: isBelieved })
      const isNamed = erased.index !== undefined || index === own
      if (!isBelieved && isNamed) doubts.push({ why: 'unverified', remark: remark('tombstoneUnverified', { index }) })
      else if (index !== own) doubts.push({ why: 'erased', remark: remark('versionErased', { index }) })
    }
  }
  doubts.sort((a, b) => ORDER.indexOf(a.why) - ORDER.indexOf(b.why))
  return { changes, doubts, effects }
}

/** Whether a verified, later entry says that the statement at this index was erased. */
function hasTombstone(index: number, { index: at, receiptText }: ListedErasure, isVerified: (evidence: ReceiptParts) => boolean): boolean {
  if (at === undefined || receiptText === undefined || at <= index) return false
  const evidence = readReceiptParts(receiptText)
  const { value: tombstone } = evidence.statement
  return tombstone?.type === ERASURE && tombstone.index === index && evidence.proof.value?.index === at && isVerified(evidence)
}

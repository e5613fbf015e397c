/** The checks of design §7 that ask who vouches for the checkpoint: `anchor` and `finality`. */

import { unwrap } from '../core/attempt.ts'
import { groupBy } from '../core/group-by.ts'
import type { Policy } from '../core/policy.ts'
import { countingAnchors, isAuthority, isChain, type PolicyAnchor, voucherOf } from '../core/policy-anchors.ts'
import { formatTime } from '../core/time.ts'
import { ANCHOR_STATES, type AnchorAnswer, SILENT_STATES } from './anchor-answer.ts'
import { askChain } from './chain-anchor.ts'
import { type ChainReader, findEndpoints } from './chain-reader.ts'
import { failed, notRun, type Outcome, passed, type ReceiptParts, unchecked } from './checks.ts'
import { type Remark, remark } from './remarks.ts'
import { readStamps } from './stamps.ts'

/** The outcome of `anchor`, with the answer for each anchor that counts. */
export type AnchorOutcome = Outcome & { readonly answers: readonly AnchorAnswer[] }

/**
 * Check 6: asks the policy's chains about the proof's size and root, whatever the receipt says of
 * them, and checks the receipt's time stamps. If the policy names enough production anchors, only
 * those count. Otherwise all count, and the verdict is `test-network`.
 */
export async function checkAnchor(evidence: ReceiptParts, policy: Policy, chain: readonly ChainReader[]): Promise<AnchorOutcome> {
  const checkpoint = unwrap(evidence.checkpoint)
  const { anchors, isTest } = countingAnchors(policy, checkpoint.size)
  // All chains of the policy are included, so that an endpoint of a chain that does not count here
  // is not mistaken for an endpoint of one that does.
  const chainIds = policy.anchors.filter(isChain).map(({ chainId }) => chainId)
  const endpoints = await findEndpoints(chain, [...new Set(chainIds)])
  const [chains, stamps] = await Promise.all([
    Promise.all(anchors.filter(isChain).map(anchor => askChain(anchor, checkpoint, endpoints.get(anchor.chainId)!))),
    readStamps(evidence, anchors.filter(isAuthority)),
  ])
  const answers = [...chains, ...stamps].sort((a, b) => anchors.indexOf(a.anchor) - anchors.indexOf(b.anchor))
  const outcome = judgeAnchors(answers, policy)
  return { ...outcome, remarks: [...outcome.remarks, ...(isTest ? tellTests(anchors) : [])], isTest, answers }
}

/**
 * Check 7: the same answer at the chain's `finalized` block, or at head minus n; otherwise
 * `sealed`. A time stamp is final. The date is the earliest time by which the required number of final anchors agree, so
 * that no single anchor sets it.
 */
export async function checkFinality(
  { requireAnchors }: Policy,
  anchor: Outcome & Partial<Pick<AnchorOutcome, 'answers'>>,
): Promise<Outcome> {
  if (anchor.status !== 'passed') return notRun(remark('anchorNone'))
  const asked = anchor.answers ?? []
  const answers = await Promise.all(asked.map(answer => (isHeld(answer) ? (answer.askFinal?.() ?? answer) : answer)))
  const remarks = answers.filter((_, at) => asked[at]?.state === 'holds').map(answer => answer.remark)
  const times = byVoucher(answers.filter(isHeld)).map(ofOne => Math.min(...ofOne.map(({ time }) => time)))
  const date = times.sort((a, b) => a - b)[requireAnchors - 1]
  if (date !== undefined) return { ...passed(remarks), date: formatTime(date * 1000) }
  const best = bestOfEach(answers)
  const silent = best.filter(isSilent)
  return times.length + silent.length >= requireAnchors
    ? unchecked(remarks, reasonOf(silent))
    : failed('FINALITY_PENDING', remarks, 'sealed')
}

/** Why nothing here is evidence: the chains, and each authority that is a test one. */
function tellTests(anchors: readonly PolicyAnchor[]): Remark[] {
  const tests = anchors.filter(isAuthority).filter(({ production }) => !production)
  return [...(anchors.some(isChain) ? [remark('testNetwork')] : []), ...tests.map(({ name }) => remark('testAuthority', { name }))]
}

/**
 * Design §7.6, with its letters: how many anchors hold, how many give no usable answer, how many
 * answer no.
 */
function judgeAnchors(answers: readonly AnchorAnswer[], { requireAnchors: r }: Policy): Outcome {
  const best = bestOfEach(answers)
  const remarks = answers.map(answer => answer.remark)
  const silent = best.filter(isSilent)
  const h = best.filter(isHeld).length
  const n = silent.length
  const z = best.filter(({ state }) => state === 'missing').length
  if (h >= r) return passed(remarks)
  if (h + n >= r) return unchecked(remarks, reasonOf(silent))
  if (h + n + z >= r) return failed('ANCHOR_MISSING', remarks, 'sealed')
  if (best.some(({ state }) => state === 'disowned')) return failed('ANCHOR_DISOWNED', remarks, 'disowned')
  if (best.length < r) return failed('ANCHOR_NONE', [...remarks, remark('anchorsFew')], 'unsupported')
  const isGone = best.some(({ state }) => state === 'no-code')
  return failed(isGone ? 'ANCHOR_NO_CODE' : 'ANCHOR_OTHER_CODE', remarks, 'unsupported')
}

/** The best answer for each chain and authority, because each counts once. */
function bestOfEach(answers: readonly AnchorAnswer[]): AnchorAnswer[] {
  const rank = ({ state }: AnchorAnswer) => ANCHOR_STATES.indexOf(state)
  return byVoucher(answers).map(ofOne => ofOne.reduce((a, b) => (rank(b) < rank(a) ? b : a)))
}

function byVoucher(answers: readonly AnchorAnswer[]): AnchorAnswer[][] {
  return [...groupBy(answers, ({ anchor }) => voucherOf(anchor)).values()]
}

function isHeld({ state }: AnchorAnswer): boolean {
  return state === 'holds'
}

function isSilent({ state }: AnchorAnswer): boolean {
  return SILENT_STATES.some(each => each === state)
}

/**
 * The reason to report, of several, when anchors gave no answer: the one that the reader can act
 * on first.
 */
function reasonOf(silent: readonly AnchorAnswer[]): (typeof SILENT_STATES)[number] {
  const first = (['disagreement', 'silent', 'unable'] as const).find(state => silent.some(each => each.state === state))
  return first ?? 'unserved'
}

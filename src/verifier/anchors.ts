/** The checks of design §7 that ask the chain: `anchor` and `finality`. */

import { unwrap } from '../core/attempt.ts'
import { coversSize, type Policy, type PolicyAnchor } from '../core/policy.ts'
import { formatTime } from '../core/time.ts'
import type { Checkpoint } from '../core/tlog/checkpoint.ts'
import { askAll, type ChainReader, type Endpoints, finalBlock, findEndpoints, type Named, namesOf, readTime } from './chain-reader.ts'
import { failed, notRun, type Outcome, passed, type ReceiptParts, unchecked } from './checks.ts'
import { type Remark, remark } from './remarks.ts'

/** SHA-256 of no bytes: the code hash of an address without code. */
const NO_CODE = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

/**
 * The states of a policy's anchor, best first. Of several anchors on one chain, the best counts.
 */
const STATES = ['holds', 'unserved', 'silent', 'disagreement', 'missing', 'disowned', 'other-code', 'no-code'] as const
const SILENT: readonly State[] = ['unserved', 'silent', 'disagreement']

type State = (typeof STATES)[number]

/**
 * The chain's answer about one anchor of the policy. `time` is in Unix seconds, 0 unless the anchor
 * holds.
 */
export type AnchorAnswer = {
  readonly anchor: PolicyAnchor
  readonly state: State
  readonly remark: Remark
  readonly time: number
  readonly endpoints: Endpoints
}

/** The outcome of `anchor`, with the answer for each anchor that counts. */
export type AnchorOutcome = Outcome & { readonly answers: readonly AnchorAnswer[] }

/**
 * Check 6: asks about the policy's anchors for the proof's size and root, regardless of the
 * receipt's `anchors`. If the policy names enough production chains, only those count. Otherwise
 * all chains count, and the verdict is `test-network`.
 */
export async function checkAnchor(evidence: ReceiptParts, policy: Policy, chain: readonly ChainReader[]): Promise<AnchorOutcome> {
  const checkpoint = unwrap(evidence.checkpoint)
  const { anchors, isTest } = countingAnchors(policy, checkpoint.size)
  // All chains of the policy are included, so that an endpoint of a chain that does not count here
  // is not mistaken for an endpoint of one that does.
  const endpoints = await findEndpoints(chain, chainsOf(policy.anchors))
  const answers = await Promise.all(anchors.map(anchor => askAnchor(anchor, checkpoint, endpoints.get(anchor.chainId)!)))
  const outcome = judgeAnchors(answers, policy)
  const remarks = isTest && anchors.length > 0 ? [...outcome.remarks, remark('testNetwork')] : outcome.remarks
  return { ...outcome, remarks, isTest, answers }
}

/**
 * Check 7: the same answer at the chain's `finalized` block, or at head minus n; otherwise
 * `sealed`. The date is the earliest time by which the required number of final anchors agree, so
 * that no single anchor sets it.
 */
export async function checkFinality(
  evidence: ReceiptParts,
  { requireAnchors }: Policy,
  anchor: Outcome & Partial<Pick<AnchorOutcome, 'answers'>>,
): Promise<Outcome> {
  if (anchor.status !== 'passed') return notRun(remark('anchorNone'))
  const checkpoint = unwrap(evidence.checkpoint)
  const asked = anchor.answers ?? []
  const answers = await Promise.all(asked.map(answer => (answer.state === 'holds' ? askFinal(answer, checkpoint) : answer)))
  const remarks = answers.filter((_, at) => asked[at]?.state === 'holds').map(answer => answer.remark)
  const times = byChain(answers.filter(isHeld)).map(ofChain => Math.min(...ofChain.map(({ time }) => time)))
  const date = times.sort((a, b) => a - b)[requireAnchors - 1]
  if (date !== undefined) return { ...passed(remarks), date: formatTime(date * 1000) }
  const best = bestOfEach(answers)
  const silent = best.filter(({ state }) => SILENT.includes(state))
  return times.length + silent.length >= requireAnchors
    ? unchecked(remarks, reasonOf(silent))
    : failed('FINALITY_PENDING', remarks, 'sealed')
}

/**
 * The anchors that count at a size: those on production chains if there are enough, otherwise all.
 * Each chain counts once.
 */
function countingAnchors({ anchors, requireAnchors }: Policy, size: number): { anchors: readonly PolicyAnchor[]; isTest: boolean } {
  const covering = anchors.filter(anchor => coversSize(anchor, size))
  const production = covering.filter(anchor => anchor.production)
  const isTest = chainsOf(production).length < requireAnchors
  return { anchors: isTest ? covering : production, isTest }
}

/**
 * Design §7.6, with its letters: how many anchors hold, how many give no usable answer, how many
 * answer no.
 */
function judgeAnchors(answers: readonly AnchorAnswer[], { requireAnchors: r }: Policy): Outcome {
  const best = bestOfEach(answers)
  const remarks = answers.map(answer => answer.remark)
  const silent = best.filter(({ state }) => SILENT.includes(state))
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

/**
 * One endpoint's answer about an anchor. `isClosed`: as of the final block, the log was closed
 * below the size.
 */
type Word = { readonly code: string; readonly time: number; readonly isClosed: boolean }

async function askAnchor(anchor: PolicyAnchor, checkpoint: Checkpoint, endpoints: Endpoints): Promise<AnchorAnswer> {
  const words = await askAll(endpoints.readers, reader => askWord(reader, anchor, checkpoint))
  const { state, time, answered } = judgeWords(words, anchor, endpoints)
  return { anchor, state, time, endpoints, remark: remarkOf(state, anchor, endpoints, answered) }
}

async function askWord(reader: ChainReader, anchor: PolicyAnchor, checkpoint: Checkpoint): Promise<Word> {
  const { contract, logId, codeSha256 } = anchor
  const code = await reader.codeSha256(contract)
  // The answers of any other code mean nothing.
  if (code !== codeSha256) return { code, time: 0, isClosed: false }
  const time = await readTime(reader, anchor, checkpoint, 'latest')
  const block = await finalBlock(reader, anchor)
  const lastGood = block === undefined ? undefined : await reader.lastGoodSize({ contract, logId, block })
  return { code, time, isClosed: lastGood !== undefined && lastGood < checkpoint.size }
}

type Judged = { readonly state: State; readonly time: number; readonly answered: number }

function judgeWords(words: readonly Named<Word>[], { codeSha256 }: PolicyAnchor, { readers, named }: Endpoints): Judged {
  const judged = (state: State, answered: number, time = 0) => ({ state, answered, time })
  const codes = new Set(words.map(({ value }) => value.code))
  const told = agreedTime(words.map(({ name, value }) => ({ name, value: value.time })))
  if (codes.size > 1 || told === 'disagreement') return judged('disagreement', namesOf(words).length)
  const used = words.filter(({ value }) => value.time === told)
  const answered = namesOf(used).length
  if (answered < Math.min(2, named.length) || answered === 0)
    return judged(readers.length === 0 && named.length === 0 ? 'unserved' : 'silent', answered)
  const [code] = codes
  if (code !== codeSha256) return judged(code === NO_CODE ? 'no-code' : 'other-code', answered)
  const closed = used.filter(({ value }) => value.isClosed).length
  if (closed === used.length) return judged('disowned', answered)
  if (closed > 0) return judged('disagreement', answered)
  return told === 0 ? judged('missing', answered) : judged('holds', answered, told)
}

/**
 * The time on which the endpoints agree. An endpoint that says 0 while another gives a time has not
 * seen the anchor yet, so it counts as not answering.
 */
function agreedTime(times: readonly Named<number>[]): number | 'disagreement' {
  const told = new Set(times.map(({ value }) => value).filter(time => time > 0))
  const [time = 0] = told
  return told.size > 1 ? 'disagreement' : time
}

async function askFinal(answer: AnchorAnswer, checkpoint: Checkpoint): Promise<AnchorAnswer> {
  const { anchor, endpoints } = answer
  const times = await askAll(endpoints.readers, async reader => readTime(reader, anchor, checkpoint, await finalBlock(reader, anchor)))
  const told = agreedTime(times)
  const answered = namesOf(times.filter(({ value }) => value === told)).length
  const become = (state: State, why: Remark) => ({ ...answer, state, remark: why })
  if (told === 'disagreement') return become('disagreement', remarkOf('disagreement', anchor, endpoints, answered))
  if (answered < Math.min(2, endpoints.named.length)) return become('silent', remarkOf('silent', anchor, endpoints, answered))
  const { chainId } = anchor
  if (told !== answer.time) return become('missing', remark('notFinal', { chainId }))
  return become('holds', remark('final', { chainId, answered, named: endpoints.named.length }))
}

function remarkOf(state: State, { chainId, contract }: PolicyAnchor, { named }: Endpoints, answered: number): Remark {
  const values = { chainId, contract, answered, named: named.length, endpoints: named.join(', ') }
  return remark(REMARK_OF[state], values)
}

const REMARK_OF = {
  holds: 'anchored',
  unserved: 'chainUnserved',
  silent: 'chainSilent',
  disagreement: 'chainDisagrees',
  missing: 'anchorMissing',
  disowned: 'anchorDisowned',
  'other-code': 'codeOther',
  'no-code': 'codeNone',
} as const satisfies Record<State, Remark['key']>

/** The best answer for each chain, because a chain counts once. */
function bestOfEach(answers: readonly AnchorAnswer[]): AnchorAnswer[] {
  const rank = ({ state }: AnchorAnswer) => STATES.indexOf(state)
  return byChain(answers).map(ofChain => ofChain.reduce((a, b) => (rank(b) < rank(a) ? b : a)))
}

function byChain(answers: readonly AnchorAnswer[]): AnchorAnswer[][] {
  return chainsOf(answers.map(({ anchor }) => anchor)).map(chainId => answers.filter(({ anchor }) => anchor.chainId === chainId))
}

function chainsOf(anchors: readonly PolicyAnchor[]): number[] {
  return [...new Set(anchors.map(({ chainId }) => chainId))]
}

function isHeld({ state }: AnchorAnswer): boolean {
  return state === 'holds'
}

/**
 * The reason to report, of several, when anchors gave no answer: the one that the reader can act
 * on first.
 */
function reasonOf(silent: readonly AnchorAnswer[]): 'disagreement' | 'silent' | 'unserved' {
  const states = new Set(silent.map(({ state }) => state))
  return states.has('disagreement') ? 'disagreement' : states.has('silent') ? 'silent' : 'unserved'
}

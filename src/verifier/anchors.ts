/** The checks of design §7 that ask the chain: `anchor` and `finality`. */

import { unwrap } from '../core/attempt.ts'
import { coversSize, type Policy, type PolicyAnchor } from '../core/policy.ts'
import { formatTime } from '../core/time.ts'
import type { Checkpoint } from '../core/tlog/checkpoint.ts'
import { askAll, type ChainReader, type Endpoints, finalBlock, findEndpoints, type Named, namesOf, readTime } from './chain-reader.ts'
import { type Evidence, failed, notRun, type Outcome, passed, unchecked } from './checks.ts'
import { type Note, note } from './notes.ts'

/** SHA-256 of no bytes: what an address without code has. */
const NO_CODE = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

/** What an anchor of the policy came to, the best first: of the anchors of one chain the best counts. */
const STATES = ['holds', 'unserved', 'silent', 'disagreement', 'missing', 'disowned', 'other-code', 'no-code'] as const
const SILENT: readonly State[] = ['unserved', 'silent', 'disagreement']

type State = (typeof STATES)[number]

/** An anchor of the policy, by what its chain says. `time` is in Unix seconds, 0 unless it holds. */
export type AnchorAnswer = {
  readonly anchor: PolicyAnchor
  readonly state: State
  readonly note: Note
  readonly time: number
  readonly endpoints: Endpoints
}

/** What `anchor` came to, with what each of the anchors that count answered. */
export type AnchorOutcome = Outcome & { readonly answers: readonly AnchorAnswer[] }

/**
 * Check 6: asked of the policy's anchors for the proof's size and root, whatever the receipt's `anchors` say. Where enough production chains are named,
 * only those count; else all do, and the verdict is `test-network`.
 */
export async function checkAnchor(evidence: Evidence, policy: Policy, chain: readonly ChainReader[]): Promise<AnchorOutcome> {
  const checkpoint = unwrap(evidence.checkpoint)
  const { anchors, isTest } = countingAnchors(policy, checkpoint.size)
  // Of all chains that the policy names: an endpoint of one that does not count here is none of those that do.
  const endpoints = await findEndpoints(chain, chainsOf(policy.anchors))
  const answers = await Promise.all(anchors.map(anchor => askAnchor(anchor, checkpoint, endpoints.get(anchor.chainId)!)))
  const outcome = judgeAnchors(answers, policy)
  const notes = isTest && anchors.length > 0 ? [...outcome.notes, note('testNetwork')] : outcome.notes
  return { ...outcome, notes, isTest, answers }
}

/**
 * Check 7: the same answer at the chain's `finalized` block, or at head minus n; otherwise `sealed`. The date is the time by which as many final anchors
 * as are required agree, so that no one of them sets it alone.
 */
export async function checkFinality(
  evidence: Evidence,
  { requireAnchors }: Policy,
  anchor: Outcome & Partial<Pick<AnchorOutcome, 'answers'>>,
): Promise<Outcome> {
  if (anchor.status !== 'passed') return notRun(note('anchorNone'))
  const checkpoint = unwrap(evidence.checkpoint)
  const asked = anchor.answers ?? []
  const answers = await Promise.all(asked.map(answer => (answer.state === 'holds' ? askFinal(answer, checkpoint) : answer)))
  const notes = answers.filter((_, at) => asked[at]?.state === 'holds').map(answer => answer.note)
  const times = byChain(answers.filter(isHeld)).map(ofChain => Math.min(...ofChain.map(({ time }) => time)))
  const date = times.sort((a, b) => a - b)[requireAnchors - 1]
  if (date !== undefined) return { ...passed(notes), date: formatTime(date * 1000) }
  const best = bestOfEach(answers)
  const silent = best.filter(({ state }) => SILENT.includes(state))
  return times.length + silent.length >= requireAnchors ? unchecked(notes, reasonOf(silent)) : failed('FINALITY_PENDING', notes, 'sealed')
}

/** The anchors that count at a size: those of production chains where there are as many as are required, else all. One chain counts once. */
function countingAnchors({ anchors, requireAnchors }: Policy, size: number): { anchors: readonly PolicyAnchor[]; isTest: boolean } {
  const covering = anchors.filter(anchor => coversSize(anchor, size))
  const production = covering.filter(anchor => anchor.production)
  const isTest = chainsOf(production).length < requireAnchors
  return { anchors: isTest ? covering : production, isTest }
}

/** Design §7.6, with the letters that stand there: so many hold, give no usable answer, answer no. */
function judgeAnchors(answers: readonly AnchorAnswer[], { requireAnchors: r }: Policy): Outcome {
  const best = bestOfEach(answers)
  const notes = answers.map(answer => answer.note)
  const silent = best.filter(({ state }) => SILENT.includes(state))
  const h = best.filter(isHeld).length
  const n = silent.length
  const z = best.filter(({ state }) => state === 'missing').length
  if (h >= r) return passed(notes)
  if (h + n >= r) return unchecked(notes, reasonOf(silent))
  if (h + n + z >= r) return failed('ANCHOR_MISSING', notes, 'sealed')
  if (best.some(({ state }) => state === 'disowned')) return failed('ANCHOR_DISOWNED', notes, 'disowned')
  if (best.length < r) return failed('ANCHOR_NONE', [...notes, note('anchorsFew')], 'unsupported')
  const isGone = best.some(({ state }) => state === 'no-code')
  return failed(isGone ? 'ANCHOR_NO_CODE' : 'ANCHOR_OTHER_CODE', notes, 'unsupported')
}

/** What one endpoint says of an anchor. `isClosed`: the log was closed below the size, as of the final block. */
type Word = { readonly code: string; readonly time: number; readonly isClosed: boolean }

async function askAnchor(anchor: PolicyAnchor, checkpoint: Checkpoint, endpoints: Endpoints): Promise<AnchorAnswer> {
  const words = await askAll(endpoints.readers, reader => askWord(reader, anchor, checkpoint))
  const { state, time, answered } = judgeWords(words, anchor, endpoints)
  return { anchor, state, time, endpoints, note: noteOf(state, anchor, endpoints, answered) }
}

async function askWord(reader: ChainReader, anchor: PolicyAnchor, checkpoint: Checkpoint): Promise<Word> {
  const { contract, logId, codeSha256 } = anchor
  const code = await reader.codeSha256(contract)
  // Other code may answer whatever it likes.
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

/** The time that they tell. One that says 0 where another tells a time has not seen it yet, and gave no answer. */
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
  const become = (state: State, why: Note) => ({ ...answer, state, note: why })
  if (told === 'disagreement') return become('disagreement', noteOf('disagreement', anchor, endpoints, answered))
  if (answered < Math.min(2, endpoints.named.length)) return become('silent', noteOf('silent', anchor, endpoints, answered))
  const { chainId } = anchor
  if (told !== answer.time) return become('missing', note('notFinal', { chainId }))
  return become('holds', note('final', { chainId, answered, named: endpoints.named.length }))
}

function noteOf(state: State, { chainId, contract }: PolicyAnchor, { named }: Endpoints, answered: number): Note {
  const values = { chainId, contract, answered, named: named.length, endpoints: named.join(', ') }
  return note(NOTE_OF[state], values)
}

const NOTE_OF = {
  holds: 'anchored',
  unserved: 'chainUnserved',
  silent: 'chainSilent',
  disagreement: 'chainDisagrees',
  missing: 'anchorMissing',
  disowned: 'anchorDisowned',
  'other-code': 'codeOther',
  'no-code': 'codeNone',
} as const satisfies Record<State, Note['key']>

/** Of the anchors of each chain the one that answered best: a chain counts once. */
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

/** What to tell the reader where several gave no answer: what they can mend first. */
function reasonOf(silent: readonly AnchorAnswer[]): 'disagreement' | 'silent' | 'unserved' {
  const states = new Set(silent.map(({ state }) => state))
  return states.has('disagreement') ? 'disagreement' : states.has('silent') ? 'silent' : 'unserved'
}

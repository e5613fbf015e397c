/** The checks of design §7 that ask the chain: `anchor` and `finality`. */

import type { Checkpoint } from '../core/checkpoint.ts'
import { OpenSealError } from '../core/errors.ts'
import type { Hash } from '../core/hash.ts'
import { coversSize, type Policy, type PolicyAnchor } from '../core/policy.ts'
import { formatTime } from '../core/time.ts'
import { type Attempt, attemptAsync, unwrap } from './attempt.ts'
import { type Evidence, failed, notRun, type Outcome, passed } from './checks.ts'
import { type Note, note } from './notes.ts'

/** The last second of the year 9999, in Unix seconds: no four-digit year can say more. */
const LATEST_TIME = 253_402_300_799

/** A block: the newest, the newest that is final by the chain's own rule, or one by its number. */
export type BlockTag = 'latest' | 'finalized' | number

/** One endpoint of a chain. Its functions reject with an OpenSealError when it gives no usable answer. */
export type ChainReader = {
  /** What to call the endpoint when it disagrees with another. */
  readonly name?: string
  chainId(): Promise<number>
  /** SHA-256, lower-case hex, of the runtime code at a contract's address. */
  codeSha256(contract: string): Promise<string>
  /** When the contract was given this size and root, in Unix seconds; 0 when it was not. */
  anchoredAt(query: { contract: string; logId: string; size: number; root: Hash; block: BlockTag }): Promise<number>
  blockNumber(): Promise<number>
}

/** An anchor of the policy, by what its chain says at the newest block. */
export type AnchorAnswer = {
  readonly anchor: PolicyAnchor
  readonly state: 'anchored' | 'not-anchored' | 'other-code' | 'no-answer'
  readonly note: Note
  /** Unix seconds; 0 unless anchored. */
  readonly time: number
  readonly endpoints: readonly ChainReader[]
}

/** What `anchor` came to, with what each of the policy's anchors answered. */
export type AnchorOutcome = Outcome & { readonly answers: readonly AnchorAnswer[] }

/**
 * Check 6: asked of the policy's anchors for the proof's size and root, whatever the receipt's `anchors` say; at least `requireAnchors` of them know both.
 */
export async function checkAnchor(evidence: Evidence, policy: Policy, chain: readonly ChainReader[]): Promise<AnchorOutcome> {
  const checkpoint = unwrap(evidence.checkpoint)
  const anchors = policy.anchors.filter(anchor => coversSize(anchor, checkpoint.size))
  const answers = await Promise.all(anchors.map(anchor => askAnchor(anchor, checkpoint, chain)))
  return { ...judgeAnchors(answers, policy), answers }
}

/**
 * Check 7: the same answer at the chain's `finalized` block, or at head minus n; otherwise `sealed`. Only final anchors give the date, and unless
 * `requireAnchors` of them are `production` it is a test network.
 */
export async function checkFinality(
  evidence: Evidence,
  policy: Policy,
  anchor: Outcome & Partial<Pick<AnchorOutcome, 'answers'>>,
): Promise<Outcome> {
  if (anchor.status !== 'passed') return notRun(note('anchorNone'))
  const checkpoint = unwrap(evidence.checkpoint)
  const anchored = anchor.answers?.filter(({ state }) => state === 'anchored') ?? []
  const answers = await Promise.all(anchored.map(answer => askFinal(answer, checkpoint)))
  return judgeFinality(answers, policy)
}

function judgeAnchors(answers: readonly AnchorAnswer[], { requireAnchors }: Policy): Outcome {
  const states = answers.map(({ state }) => state)
  const notes = answers.map(answer => answer.note)
  if (states.filter(state => state === 'anchored').length >= requireAnchors) return passed(notes)
  if (answers.length < requireAnchors) return failed('ANCHOR_NONE', note('anchorsFew'), 'unsupported')
  if (states.includes('other-code')) return failed('ANCHOR_OTHER_CODE', notes, 'unsupported')
  if (states.includes('no-answer')) return notRun(notes, 'unchecked')
  return failed('ANCHOR_MISSING', notes, 'sealed')
}

function judgeFinality(answers: readonly AnchorAnswer[], { requireAnchors }: Policy): Outcome {
  const final = answers.filter(({ state }) => state === 'anchored')
  const notes = answers.map(answer => answer.note)
  if (final.length < requireAnchors) {
    const silent = answers.some(({ state }) => state === 'no-answer')
    return silent ? notRun(notes, 'unchecked') : failed('FINALITY_PENDING', notes, 'sealed')
  }
  // Test networks, whose clocks anyone may set, do not date what production chains vouch for.
  const production = final.filter(({ anchor }) => anchor.production)
  const isEvidence = production.length >= requireAnchors
  const date = formatTime(1000 * Math.min(...(isEvidence ? production : final).map(({ time }) => time)))
  return { ...(isEvidence ? passed(notes) : passed([...notes, note('testNetwork')], 'test-network')), date }
}

async function askAnchor(anchor: PolicyAnchor, checkpoint: Checkpoint, chain: readonly ChainReader[]): Promise<AnchorAnswer> {
  const { chainId, contract } = anchor
  const ids = await Promise.all(chain.map(reader => attemptAsync(() => reader.chainId())))
  const endpoints = chain.filter((_, at) => ids[at]?.value === chainId)
  const nothing = { anchor, state: 'no-answer', time: 0, endpoints } as const
  if (endpoints.length === 0) return { ...nothing, note: note('chainUnserved', { chainId }) }
  const answers = await askAll(endpoints, async reader => ({
    code: await reader.codeSha256(anchor.contract),
    time: await readTime(reader, anchor, checkpoint, 'latest'),
  }))
  const first = answers[0]?.value
  if (first === undefined) return { ...nothing, note: note('chainSilent', { chainId }) }
  if (answers.some(({ value }) => value.code !== first.code || value.time !== first.time)) {
    return { ...nothing, note: note('chainDisagrees', { chainId, endpoints: answers.map(({ name }) => name).join(', ') }) }
  }
  if (first.code !== anchor.codeSha256) return { ...nothing, state: 'other-code', note: note('codeOther', { chainId, contract }) }
  if (first.time === 0) return { ...nothing, state: 'not-anchored', note: note('anchorMissing', { chainId, contract }) }
  return { ...nothing, state: 'anchored', time: first.time, note: note('anchored', { chainId, contract }) }
}

async function askFinal(answer: AnchorAnswer, checkpoint: Checkpoint): Promise<AnchorAnswer> {
  const { anchor, endpoints, time } = answer
  const { chainId } = anchor
  const answers = await askAll(endpoints, async reader => readTime(reader, anchor, checkpoint, await finalBlock(reader, anchor)))
  if (answers.length === 0) return { ...answer, state: 'no-answer', note: note('chainSilent', { chainId }) }
  // An endpoint that lags says 0 for a while; two times for one anchor are two histories.
  if (new Set(answers.map(({ value }) => value).filter(value => value > 0)).size > 1) {
    return {
      ...answer,
      state: 'no-answer',
      note: note('chainDisagrees', { chainId, endpoints: answers.map(({ name }) => name).join(', ') }),
    }
  }
  if (answers.some(({ value }) => value !== time)) return { ...answer, state: 'not-anchored', note: note('notFinal', { chainId }) }
  return { ...answer, note: note('final', { chainId }) }
}

/** A block of which the policy says that it is final; undefined while the chain is shorter than the confirmations asked for. */
async function finalBlock(reader: ChainReader, { finality }: PolicyAnchor): Promise<BlockTag | undefined> {
  if (finality === 'finalized') return finality
  const block = (await reader.blockNumber()) - finality.confirmations
  return block < 0 ? undefined : block
}

async function readTime(
  reader: ChainReader,
  anchor: PolicyAnchor,
  { size, root }: Checkpoint,
  block: BlockTag | undefined,
): Promise<number> {
  if (block === undefined) return 0
  const time = await reader.anchoredAt({ contract: anchor.contract, logId: anchor.logId, size, root, block })
  if (!Number.isSafeInteger(time) || time < 0 || time > LATEST_TIME) throw new AnchorError('ANCHOR_TIME', `${time} is no time of a block`)
  return time
}

/** The answers of those that gave one, with their names. */
async function askAll<T>(
  endpoints: readonly ChainReader[],
  ask: (reader: ChainReader) => Promise<T>,
): Promise<{ name: string; value: T }[]> {
  const answers: Attempt<T>[] = await Promise.all(endpoints.map(reader => attemptAsync(() => ask(reader))))
  return answers.flatMap((answer, at) => (answer.error ? [] : [{ name: endpoints[at]?.name ?? `endpoint ${at + 1}`, value: answer.value }]))
}

/** ANCHOR_TIME. */
export class AnchorError extends OpenSealError {}

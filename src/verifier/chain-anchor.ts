/** One anchor of a policy on a chain: what its endpoints say, now and as of the final block. */

import type { PolicyChain } from '../core/policy-anchors.ts'
import type { Checkpoint } from '../core/tlog/checkpoint.ts'
import type { AnchorAnswer, AnchorState } from './anchor-answer.ts'
import { askAll, type ChainReader, type Endpoints, finalBlock, type Named, NO_CODE, namesOf, readTime } from './chain-reader.ts'
import { type Remark, remark } from './remarks.ts'

type ChainState = Exclude<AnchorState, 'unable'>

/**
 * One endpoint's answer about an anchor. `isClosed`: as of the final block, the log was closed
 * below the size.
 */
type Word = { readonly code: string; readonly time: number; readonly isClosed: boolean }

/** The answer of a chain's endpoints about one anchor. */
export async function askChain(anchor: PolicyChain, checkpoint: Checkpoint, endpoints: Endpoints): Promise<AnchorAnswer> {
  const words = await askAll(endpoints.readers, reader => askWord(reader, anchor, checkpoint))
  const { state, time, answered } = judgeWords(words, anchor, endpoints)
  const answer = { anchor, state, time, remark: remarkOf(state, anchor, endpoints, answered) }
  return { ...answer, askFinal: () => askFinal(answer, endpoints, checkpoint) }
}

async function askWord(reader: ChainReader, anchor: PolicyChain, checkpoint: Checkpoint): Promise<Word> {
  const { contract, logId, codeSha256 } = anchor
  const code = await reader.codeSha256(contract)
  // The answers of any other code mean nothing.
  if (code !== codeSha256) return { code, time: 0, isClosed: false }
  const time = await readTime(reader, anchor, checkpoint, 'latest')
  const block = await finalBlock(reader, anchor)
  const lastGood = block === undefined ? undefined : await reader.lastGoodSize({ contract, logId, block })
  return { code, time, isClosed: lastGood !== undefined && lastGood < checkpoint.size }
}

type Judged = { readonly state: ChainState; readonly time: number; readonly answered: number }

function judgeWords(words: readonly Named<Word>[], { codeSha256 }: PolicyChain, { readers, named }: Endpoints): Judged {
  const judged = (state: ChainState, answered: number, time = 0) => ({ state, answered, time })
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

type Held = Pick<AnchorAnswer, 'state' | 'remark' | 'time'> & { readonly anchor: PolicyChain }

async function askFinal(answer: Held, endpoints: Endpoints, checkpoint: Checkpoint): Promise<AnchorAnswer> {
  const { anchor } = answer
  const times = await askAll(endpoints.readers, async reader => readTime(reader, anchor, checkpoint, await finalBlock(reader, anchor)))
  const told = agreedTime(times)
  const answered = namesOf(times.filter(({ value }) => value === told)).length
  const become = (state: ChainState, why: Remark): AnchorAnswer => ({ ...answer, state, remark: why })
  if (told === 'disagreement') return become('disagreement', remarkOf('disagreement', anchor, endpoints, answered))
  if (answered < Math.min(2, endpoints.named.length)) return become('silent', remarkOf('silent', anchor, endpoints, answered))
  const { chainId } = anchor
  if (told !== answer.time) return become('missing', remark('notFinal', { chainId }))
  return become('holds', remark('final', { chainId, answered, named: endpoints.named.length }))
}

function remarkOf(state: ChainState, { chainId, contract }: PolicyChain, { named }: Endpoints, answered: number): Remark {
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
} as const satisfies Record<ChainState, Remark['key']>

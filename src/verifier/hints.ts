/**
 * What a receipt says of its anchors (`anchors[]`): hints for people, and no evidence. But a hint that contradicts the proof, or what the
 * chain answers, tells of a receipt that was damaged or forged.
 */

import type { Checkpoint } from '../core/checkpoint.ts'
import type { AnchorHint } from '../core/receipt.ts'
import { formatTime, isTime } from '../core/time.ts'
import type { AnchorAnswer, AnchoredEvent, ChainReader } from './anchors.ts'
import { attemptAsync } from './attempt.ts'
import { failed, type Outcome } from './checks.ts'
import { note } from './notes.ts'

const ADDRESS = /^0x[0-9a-f]{40}$/
const HASH = /^0x[0-9a-f]{64}$/

/** What is wrong with a hint, by the member that shows it. */
type Contradiction = { readonly key: 'hintMalformed' | 'hintContradicted'; readonly member: string }

/** What is wrong with each hint by itself, by the proof, or by what the endpoints know of its transaction; undefined where it may stand. */
export function askHints(
  hints: readonly AnchorHint[],
  checkpoint: Checkpoint,
  chain: readonly ChainReader[],
): Promise<(Contradiction | undefined)[]> {
  return Promise.all(
    hints.map(async hint => {
      const malformed = malformedMember(hint)
      if (malformed !== undefined) return { key: 'hintMalformed', member: malformed }
      const member = hint.size === checkpoint.size ? await contradictedByChain(hint, chain) : 'size'
      return member === undefined ? undefined : { key: 'hintContradicted', member }
    }),
  )
}

/** A failed outcome for the first hint that cannot be or is contradicted, else undefined. What nobody knows contradicts nothing. */
export function checkHints(
  hints: readonly AnchorHint[],
  answers: readonly AnchorAnswer[],
  contradictions: readonly (Contradiction | undefined)[],
): Outcome | undefined {
  const found = hints.map((hint, at): Contradiction | undefined => {
    const member = contradictedByContract(hint, answers)
    return contradictions[at] ?? (member === undefined ? undefined : { key: 'hintContradicted', member })
  })
  const first = found.find(contradiction => contradiction !== undefined)
  return first && failed('ANCHOR_HINT', note(first.key, { member: first.member }))
}

function malformedMember({ contract, logId, transaction, block }: AnchorHint): string | undefined {
  if (!ADDRESS.test(contract)) return 'contract'
  if (!HASH.test(logId)) return 'logId'
  if (transaction !== undefined && !HASH.test(transaction)) return 'transaction'
  if (block !== undefined && !HASH.test(block.hash)) return 'block.hash'
  return block !== undefined && !isTime(block.time) ? 'block.time' : undefined
}

/** The time of the block stands in the contract too. */
function contradictedByContract({ chainId, contract, logId, block }: AnchorHint, answers: readonly AnchorAnswer[]): string | undefined {
  const answer = answers.find(
    ({ anchor, state }) => state === 'anchored' && anchor.chainId === chainId && anchor.contract === contract && anchor.logId === logId,
  )
  return answer && block && formatTime(answer.time * 1000) !== block.time ? 'block.time' : undefined
}

/** Every endpoint that knows the transaction or its block must contradict the hint: one that does not is enough to let it stand. */
async function contradictedByChain(
  { transaction, block, ...hint }: AnchorHint,
  chain: readonly ChainReader[],
): Promise<string | undefined> {
  if (transaction === undefined || block === undefined) return undefined
  const wholeHint = { ...hint, transaction, block }
  const place = { transaction, blockHash: block.hash }
  const found = await Promise.all(
    chain.map(async reader => {
      const { value } = await attemptAsync(async () => ({ chainId: await reader.chainId(), events: await reader.anchoredIn?.(place) }))
      return value?.events && differenceOf(wholeHint, value.chainId, value.events)
    }),
  )
  const differences = found.filter(difference => difference !== undefined)
  return differences.includes('') ? undefined : differences[0]
}

type WholeHint = AnchorHint & Required<Pick<AnchorHint, 'transaction' | 'block'>>

/** The first member that differs from the event that is most like the hint; '' where one fits it whole. */
function differenceOf(hint: WholeHint, chainId: number, events: readonly AnchoredEvent[]): string {
  const members = events.map(event => differingMembers(hint, chainId, event))
  const fewest = members.reduce((best, next) => (next.length < best.length ? next : best), members[0] ?? ['transaction'])
  return fewest[0] ?? ''
}

function differingMembers(hint: WholeHint, chainId: number, event: AnchoredEvent): string[] {
  const { block } = hint
  const fits: readonly (readonly [string, boolean])[] = [
    ['chainId', hint.chainId === chainId],
    ['contract', hint.contract === event.contract],
    ['logId', hint.logId === event.logId],
    ['size', hint.size === event.size],
    ['transaction', hint.transaction === event.transaction],
    ['block.number', block.number === event.block.number],
    ['block.hash', block.hash === event.block.hash],
    ['block.time', block.time === formatTime(event.time * 1000)],
  ]
  return fits.filter(([, isFit]) => !isFit).map(([member]) => member)
}

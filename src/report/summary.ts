/** The answers of a check together: how many there are of each verdict, the gravest first. */
import { type Say, sayNumber } from '../messages/say.ts'
import { sayMark } from '../messages/verdict.ts'
import type { Answer, Answers, VerdictCode } from '../verifier/index.ts'
import { VERDICTS } from '../verifier/verdict.ts'

/** Answers of one verdict: their badge, how many there are, and the place of the first among all tasks. */
export type VerdictCount = {
  /** `none` for answers without a verdict. */
  readonly verdict: VerdictCode | 'none'
  readonly isGreen: boolean
  readonly mark: string
  readonly count: number
  readonly first: Place
  /** The next of them, as far as a summary names them. */
  readonly others: readonly Place[]
}

type Place = { readonly at: number; readonly name: string }

/** How many answers of one verdict a summary names besides the first. */
const MAX_OTHERS = 2

/** The place of answers without a verdict: after invalid ones. */
const NO_VERDICT = 0.5

/** Smaller is graver. On a test network, the finding decides among answers of one verdict. */
export function rankOf({ finding }: Answer): number {
  if (finding === undefined) return NO_VERDICT
  const placeOf = (code: VerdictCode) => VERDICTS.findIndex(verdict => verdict.code === code)
  const { verdict, finding: found, isGreen } = finding.result
  return placeOf(verdict) + placeOf(found) / 100 + Number(isGreen) / 10_000
}

/** The answers, the gravest first, and in their own order within a verdict. */
export function gravestFirst(answers: readonly Answer[]): Answer[] {
  return answers.toSorted((a, b) => rankOf(a) - rankOf(b))
}

/** The answers of many inputs, those with the gravest answer first. */
export function gravestInputsFirst(all: readonly Answers[]): Answers[] {
  const ranks = new Map(all.map(each => [each, Math.min(...each.own.map(rankOf), ...each.parts.map(rankOf))]))
  return all.toSorted((a, b) => (ranks.get(a) ?? 0) - (ranks.get(b) ?? 0))
}

/** The number of answers of each verdict, the gravest first. Parts of a file do not count. */
export function countVerdicts(say: Say, all: readonly Answers[]): VerdictCount[] {
  const found = new Map<
    string,
    { count: number; readonly rank: number; readonly others: Place[] } & Omit<VerdictCount, 'count' | 'others'>
  >()
  for (const [at, { own }] of all.entries())
    for (const answer of own) {
      const { finding } = answer
      const isGreen = finding?.result.isGreen ?? false
      const mark = sayShort(say, answer)
      const key = `${mark} ${isGreen}`
      const known = found.get(key)
      const place = { at, name: nameOf(answer) }
      if (known !== undefined) {
        known.count++
        if (known.others.length < MAX_OTHERS) known.others.push(place)
      } else
        found.set(key, {
          ...{ verdict: finding?.result.verdict ?? 'none', isGreen, mark, count: 1, rank: rankOf(answer) },
          ...{ first: place, others: [] },
        })
    }
  return [...found.values()].sort((a, b) => a.rank - b.rank)
}

/** The badge of an answer, with a remark if its words are like those of a green one. */
export function sayShort(say: Say, { finding }: Answer): string {
  if (finding === undefined) return say('mark.none')
  const { result } = finding
  const mark = sayMark(say, result)
  return result.verdict === 'anchored' && !result.isGreen ? say('sum.read', { mark }) : mark
}

/** The counts in one line. */
export function sayCounts(say: Say, all: readonly Answers[]): string {
  return countVerdicts(say, all)
    .map(({ mark, count }) => `${mark}: ${sayNumber(say, count)}`)
    .join(' · ')
}

/** The name under which an answer was given. */
export function nameOf({ finding, ...answer }: Answer): string {
  if (finding === undefined) return 'name' in answer ? answer.name : ''
  return finding.fileName ?? finding.receiptName ?? finding.result.record ?? ''
}

/** How many releases these answers are about. One has several if ledgers do not agree about it. */
export function countReleases(answers: readonly Answer[]): number {
  const positions = answers.map(answer => {
    const part = answer.finding ? answer.finding.part : answer.part
    return part?.kind === 'release' && part.position
  })
  return new Set(positions).size
}

/** What was found, in a language: the sentence of the verdict (design §8), and all that stands under it. */
import type { CheckResult, Finding, Part, Pasted, Problem, Result, VerdictCode } from '../verifier/index.ts'
import type { MessageKey } from './en.ts'
import { type Say, sayNumber, sayTime } from './say.ts'

/** The sentence of the verdict in the reader's language. */
export function sayVerdict(say: Say, { verdict, matched, failed = 'statement', date, withdrawn }: Result): string {
  if (verdict === 'invalid') {
    return failed === 'document' ? say('verdict.invalid.document') : say('verdict.invalid', { check: say(`check.${failed}`) })
  }
  const values = { date: date === undefined ? '–' : sayTime(say, date), withdrawn: withdrawn === undefined ? '–' : sayTime(say, withdrawn) }
  const isOfStatement = matched === undefined
  if (isOfStatement && (verdict === 'sealed' || verdict === 'withdrawn' || verdict === 'superseded' || verdict === 'anchored'))
    return say(`verdict.${verdict}.statement`, values)
  return say(`verdict.${verdict}`, values)
}

/**
 * What stands first about a finding, and what under it. An earlier state that fits must not read as if the file did: what was added since may
 * show anything.
 */
export function sayHeading(say: Say, { part, result }: Finding): { readonly sentence: string; readonly more: readonly string[] } {
  const verdict = sayVerdict(say, result)
  if (part?.kind === 'state') return { sentence: say('result.stateWarning'), more: [say('result.stateVerdict', { sentence: verdict })] }
  return { sentence: verdict, more: result.matched ? [say(`matched.${result.matched}`)] : [] }
}

/** What a check has to say, in the reader's language as far as that has words for it. */
export function sayDetail(say: Say, { detail, notes }: CheckResult): { readonly text: string; readonly isTranslated: boolean } {
  if (notes.length === 0) return { text: detail, isTranslated: false }
  const sentences = notes.map(({ key, values }) =>
    say(`detail.${key}`, key === 'withdrawn' ? { ...values, reason: sayReason(say, values.reason) } : values),
  )
  return { text: sentences.join('; '), isTranslated: true }
}

/** Of a statement that was read: its reason is one of those that there are. */
function sayReason(say: Say, code: string | number | undefined): string {
  return REASONS.includes(code as Reason) ? say(`reason.${code as Reason}`) : ''
}

/** What to do next, where the verdict leaves something to do. */
export function sayNext(say: Say, verdict: VerdictCode): string | undefined {
  const key = NEXT[verdict]
  return key && say(key)
}

/** Why a PDF may not match, where its bytes tell; `state` is the earlier state that does. */
export function sayPdf(say: Say, { pdf, result }: Finding, state: Part | undefined): string[] {
  if (pdf === undefined || (result.verdict !== 'unknown' && result.failed !== 'document')) return []
  const why = pdf.isSigned ? [say('pdf.signed')] : pdf.states.length > 1 ? [say('pdf.saved')] : []
  return state?.kind === 'state' ? [...why, say('pdf.earlier', { bytes: sayNumber(say, state.bytes) })] : why
}

/** What a part of a file is called. */
export function sayPart(say: Say, part: Part): string {
  if (part.kind === 'state') return say('result.state', { bytes: sayNumber(say, part.bytes) })
  return say('result.release', { id: part.name ?? part.position })
}

/** What else is to be said of a finding. */
export function sayRemarks(say: Say, { digest, isFresher, result }: Finding): string[] {
  const { verdict, checks } = result
  const isOld =
    (verdict === 'anchored' || verdict === 'test-network') && checks.some(({ name, status }) => name === 'currency' && status === 'not-run')
  return [
    ...(digest === undefined ? [say('result.nofile')] : []),
    ...(isFresher ? [say('result.fresher')] : []),
    ...(isOld ? [say('result.currencyUnchecked')] : []),
  ]
}

/** Why there is no verdict. */
export function sayProblem(say: Say, { problem, reason = '' }: { readonly problem: Problem; readonly reason?: string }): string {
  if (problem === 'ledger-gone') return say('verify.ledgerGone')
  return problem === 'need-receipt' ? say('verify.needReceipt') : say('result.refused', { reason })
}

const REASONS = ['correction', 'legal-change', 'publication-error', 'personal-data', 'court-order', 'other'] as const
type Reason = (typeof REASONS)[number]
const NEXT: { readonly [verdict in VerdictCode]?: MessageKey } = {
  invalid: 'next.invalid',
  unknown: 'next.unknown',
  unsupported: 'next.unsupported',
  unchecked: 'next.unchecked',
  'test-network': 'next.test-network',
  sealed: 'next.sealed',
}

/** What to do about something pasted that cannot be checked. */
export function sayNotPasted(say: Say, pasted: Exclude<Pasted, { kind: 'given' }>): string {
  return pasted.kind === 'other-hash' ? say('verify.otherHash', { kind: pasted.algorithm }) : say('verify.nothing')
}

/**
 * The results of a check in a language: the sentence of the verdict (design §8), and everything
 * under it.
 */
import type {
  Answers,
  ChangeCode,
  CheckResult,
  Finding,
  LookedUp,
  Part,
  Pasted,
  Problem,
  Remark,
  ReportData,
  Result,
  Unread,
  VerdictCode,
  Voice,
} from '../verifier/index.ts'
// Not imported from the index: the verify page begins with this file, and loads the checks later.
import { formatLimits, formatVerdict, type SentenceFacts } from '../verifier/sentence.ts'
import { decidingChange, VERDICTS } from '../verifier/verdict.ts'
import type { MessageKey } from './en.ts'
import { isolate, type Say, sayNumber, sayTime } from './say.ts'

/** The sentence of the verdict in the reader's language. */
export function sayVerdict(say: Say, result: SentenceFacts): string {
  return formatVerdict(result, voiceOf(say))
}

/**
 * The verdict in a few words. On a test network the finding comes first, so that nobody on a pilot
 * misses a withdrawal.
 */
export function sayMark(say: Say, { verdict, finding }: Pick<Result, 'verdict' | 'finding'>): string {
  const mark = say(`mark.${verdict}`)
  return verdict === 'test-network' && finding !== 'anchored' ? `${say(`mark.${finding}`)} (${mark})` : mark
}

/** The limits of what the result shows, in the reader's language; undefined if it shows nothing. */
export function sayLimits(say: Say, result: SentenceFacts): string | undefined {
  return formatLimits(result, voiceOf(say))
}

function voiceOf(say: Say): Voice {
  return { say: (key, values) => say(`verdict.${key}`, values), time: time => sayTime(say, time) }
}

/**
 * The heading of a finding, and the sentence under it. An earlier state that matches must not read
 * as if the file did: what was added since may show anything.
 */
export function sayHeading(say: Say, { part, result }: Finding): { readonly sentence: string; readonly more: readonly string[] } {
  const verdict = sayVerdict(say, result)
  if (part?.kind === 'state') return { sentence: say('result.stateWarning'), more: [say('result.stateVerdict', { sentence: verdict })] }
  // A match with a receipt that proves nothing must not be called a match here.
  const isMatch = result.matched !== undefined && result.subject === 'file' && result.limits !== undefined
  return { sentence: verdict, more: isMatch ? [say(`matched.${result.matched}`)] : [] }
}

/** The changes to a version that the verdict's sentence does not name, the gravest first. */
export function sayChanges(say: Say, { finding, changes }: Result): string[] {
  const told = decidingChange(finding, changes)
  return changes
    .filter(change => change !== told)
    .sort((a, b) => GRAVITY.indexOf(a.what) - GRAVITY.indexOf(b.what))
    .slice(0, MAX_CHANGES)
    .map(({ what, index, verified, erased }) => {
      const change = say(`change.${what}`, { index })
      if (erased !== undefined) return say('change.gone', { change })
      return verified || what === 'erased' ? change : say('change.unverified', { change })
    })
}

const MAX_CHANGES = 5
const GRAVITY: readonly ChangeCode[] = [
  'withdrawn',
  'edited',
  'superseded',
  'erased',
  'edited-elsewhere',
  'published',
  'added',
  'reformatted',
]

/**
 * A check's remarks in the reader's language. `technical` is the code with its English text, for
 * support.
 */
export function sayDetail(say: Say, { code, detail, remarks }: CheckResult): { readonly text: string; readonly technical?: string } {
  if (remarks.length === 0 && code !== undefined) return { text: sayFault(say, code), technical: `${code}: ${detail}` }
  const sentences = remarks.map(({ key, values }) => say(`detail.${key}`, { ...values, ...spokenOf(say, key, values) }))
  return { text: sentences.join('; '), ...(code !== undefined && { technical: code }) }
}

/** The sentence for a failure of an input, by its code. */
export function sayFault(say: Say, code: string): string {
  return say(`fault.${(Object.hasOwn(FAULTS, code) ? FAULTS[code] : undefined) ?? 'broken'}`)
}

/** A policy file that cannot be used, and why. */
export function sayBadPolicy(say: Say, name: string, code: string): string {
  return `${isolate(name)}: ${say('verify.badPolicy')} ${sayFault(say, code)} (${code})`
}

/** The values that the language says in its own way: reasons, times, and names of others. */
function spokenOf(say: Say, key: Remark['key'], { reason, code, name, time }: Remark['values']): Remark['values'] {
  if (name !== undefined) return { name: isolate(String(name)), ...(time !== undefined && { time: sayTime(say, time) }) }
  if (key === 'withdrawn') return { reason: sayReason(say, reason) }
  return key === 'versionsUnanswered' ? { reason: sayFault(say, String(code)) } : {}
}

/** A reason of a parsed statement, which is always a known code. */
function sayReason(say: Say, code: string | number | undefined): string {
  return REASONS.includes(code as Reason) ? say(`reason.${code as Reason}`) : ''
}

/** The next step, if the verdict calls for one. */
export function sayNext(say: Say, verdict: VerdictCode): string | undefined {
  const key = NEXT[verdict]
  return key && say(key)
}

/** The failed checks in plain words, each with the next step: one line a check. */
export function saySteps(say: Say, { checks }: Pick<Result, 'checks'>): string[] {
  return checks.flatMap(check => {
    if (check.status !== 'failed') return []
    const step = stepOf(check.code ?? '')
    const fault = check.remarks.length === 0 ? [sayFault(say, check.code ?? '')] : []
    return [[...fault, ...(step === undefined ? [] : [say(step)])].join(' ')]
  })
}

/** The sentence with the next step for a failed check. undefined if the sentence of the fault has it. */
function stepOf(code: string): MessageKey | undefined {
  if (Object.hasOwn(STEPS, code)) return `step.${STEPS[code]!}`
  const step = STEPS_OF_FAULTS[(Object.hasOwn(FAULTS, code) ? FAULTS[code] : undefined) ?? 'broken']
  return step && `step.${step}`
}

/** Why a PDF may not match, by its bytes; `state` is the earlier state that matches. */
export function sayPdf(say: Say, { pdf, result }: Finding, state: Part | undefined): string[] {
  if (pdf === undefined || (result.verdict !== 'unknown' && result.failed !== 'document')) return []
  const why = pdf.isSigned ? [say('pdf.signed')] : pdf.states.length > 1 ? [say('pdf.saved')] : []
  return state?.kind === 'state' ? [...why, say('pdf.earlier', { bytes: state.bytes })] : why
}

/** The kind of the file, if that explains why it is not on the record, or not as a whole. */
export function sayKind(say: Say, { fileKind, result }: Finding): string[] {
  const isOther = result.verdict === 'unknown' || result.failed === 'document'
  return fileKind !== undefined && isOther ? [say(`is.${fileKind}`)] : []
}

/** The policy that was used. */
export function sayTrust(say: Say, { policySource, result }: Finding): string {
  const { list } = result
  if (list !== undefined)
    return say(list.entry === undefined ? 'trust.unlisted' : 'trust.list', {
      entry: isolate(list.entry ?? ''),
      list: isolate(list.name),
      hash: list.sha256,
    })
  if (result.trust === 'list') return ''
  if (result.trust !== 'policy' || policySource === undefined) return say(`trust.${result.trust}`)
  if (policySource.kind === 'saved') return say('trust.saved')
  return say('trust.file', { name: isolate(policySource.name), hash: policySource.sha256 })
}

/** The name of a part of a file. */
export function sayPart(say: Say, part: Part): string {
  if (part.kind === 'state') return say('result.state', { bytes: part.bytes })
  return say('result.release', { id: part.name ?? part.position })
}

/** Other remarks about a finding. */
export function sayRemarks(say: Say, { digest, earlier, isArchive, isFresher, lookedUp }: Finding): string[] {
  return [
    ...(isArchive ? [say('result.archive')] : []),
    ...(digest === undefined ? [say('result.nofile')] : []),
    ...(isFresher ? [say('result.fresher')] : []),
    ...(earlier ? [sayEarlier(say, earlier)] : []),
    ...(lookedUp ? sayLookedUp(say, lookedUp) : []),
  ]
}

function sayEarlier(say: Say, { index, date }: NonNullable<Finding['earlier']>): string {
  return date === undefined ? say('result.earlierSealed', { index }) : say('result.earlier', { index, date: sayTime(say, date) })
}

/** The ledgers that were asked for a file, those that did not answer, and those that were not asked. */
export function sayLookedUp(say: Say, { answered, ...others }: LookedUp): string[] {
  return [...(answered.length > 0 ? [say('result.lookedUp', { names: sayNames(answered) })] : []), ...sayUnanswered(say, others)]
}

/** The ledgers that said nothing of some parts of a file. */
export function sayPartsUnanswered(say: Say, { parts, partsNotAsked = [] }: Answers): string[] {
  const all = parts.flatMap(({ finding, lookedUp = finding?.lookedUp }) => lookedUp ?? [])
  const union = (names: readonly string[]) => [...new Set(names)]
  return sayUnanswered(say, {
    silent: union(all.flatMap(each => each.silent)),
    notAsked: union([...all.flatMap(each => each.notAsked), ...partsNotAsked]),
  })
}

/**
 * The sentence for one line, without remarks. If no ledger has the file, it also names the ledgers
 * of the list that said nothing.
 */
export function sayInLine(say: Say, finding: Finding): string {
  const { result, lookedUp } = finding
  const unanswered = result.verdict === 'unknown' && lookedUp !== undefined ? sayUnanswered(say, lookedUp) : []
  return [sayHeading(say, finding).sentence, ...unanswered].join(' ')
}

function sayUnanswered(say: Say, { silent, notAsked }: Omit<LookedUp, 'answered'>): string[] {
  return [
    ...(silent.length > 0 ? [say('result.silent', { names: sayNames(silent) })] : []),
    ...(notAsked.length > 0 ? [say('result.notAsked', { names: sayNames(notAsked) })] : []),
    ...(silent.length + notAsked.length > 0 ? [say('result.addReceipt')] : []),
  ]
}

function sayNames(names: readonly string[]): string {
  const more = names.length > MAX_NAMES ? ` … (+${names.length - MAX_NAMES})` : ''
  return `${names.slice(0, MAX_NAMES).map(isolate).join(', ')}${more}`
}

type TheProblem = { readonly problem: Problem; readonly code?: string; readonly lookedUp?: LookedUp }

/** Why there is no verdict. */
export function sayProblem(say: Say, { problem, code = '', lookedUp }: TheProblem): string {
  if (problem === 'receipt-encoding') return say('result.receiptEncoding')
  if (problem === 'ledger-gone')
    return lookedUp === undefined ? say('verify.ledgerGone') : [say('result.notFoundYet'), ...sayLookedUp(say, lookedUp)].join(' ')
  if (problem === 'ledger-other') return say('verify.ledgerOther')
  if (problem === 'erasing') return say('verify.erasing')
  return problem === 'need-receipt' ? say('verify.needReceipt') : say('result.refused', { reason: sayFault(say, code) })
}

/** The words of an opened report. They are not believed. */
export function sayReport(say: Say, name: string, { time, files }: Pick<ReportData, 'time' | 'files'>): string {
  const placeOf = (code: VerdictCode) => VERDICTS.findIndex(verdict => verdict.code === code)
  const said = files.map(({ verdict, finding = 'anchored' }) => ({ verdict, finding, mark: sayMark(say, { verdict, finding }) }))
  const counted = new Map<string, number>()
  for (const { mark } of said.sort((a, b) => placeOf(a.verdict) - placeOf(b.verdict) || placeOf(a.finding) - placeOf(b.finding)))
    counted.set(mark, (counted.get(mark) ?? 0) + 1)
  const counts = [...counted].map(([mark, count]) => `${mark}: ${sayNumber(say, count)}`)
  return say('report.opened', { name: isolate(name), date: sayTime(say, time), said: counts.join(' · ') || '–' })
}

/** The given parts that were not checked, a sentence for each reason. */
export function sayUnread(say: Say, unread: readonly Unread[]): string[] {
  return WHYS.flatMap(why => {
    const names = unread.filter(each => each.why === why).map(({ name }) => name)
    return names.length === 0 ? [] : [say(`unread.${why}`, { names: sayNames(names) })]
  })
}

const MAX_NAMES = 5
const WHYS: readonly Unread['why'][] = ['refused', 'damaged', 'encrypted', 'large', 'nested', 'policy', 'hidden']

/** The sentence for each failure. Codes with the same remedy share one. */
export const FAULTS: {
  readonly [code: string]: 'broken' | 'newer' | 'twice' | 'characters' | 'number' | 'large' | 'root' | 'unsigned' | 'signature' | 'ledger'
} = {
  RECEIPT_MALFORMED: 'broken',
  STATEMENT_MALFORMED: 'broken',
  TLOG_PROOF_MALFORMED: 'broken',
  NOTE_MALFORMED: 'broken',
  CHECKPOINT_MALFORMED: 'broken',
  POLICY_MALFORMED: 'broken',
  POLICY_NO_FORK_GUARD: 'broken',
  TRUST_MALFORMED: 'broken',
  TRUST_ORIGIN_TWICE: 'broken',
  JSON_MALFORMED: 'broken',
  JSON_NULL: 'broken',
  HEX_MALFORMED: 'broken',
  BASE64_MALFORMED: 'broken',
  PROOF_RANGE: 'broken',
  PROOF_LENGTH: 'broken',
  RECEIPT_UNSUPPORTED: 'newer',
  STATEMENT_UNSUPPORTED: 'newer',
  POLICY_UNSUPPORTED: 'newer',
  TRUST_UNSUPPORTED: 'newer',
  NOTE_KEY_MALFORMED: 'newer',
  JSON_DUPLICATE_KEY: 'twice',
  STATEMENT_NAME_TWICE: 'twice',
  JSON_NOT_UTF8: 'characters',
  JSON_SURROGATE: 'characters',
  UTF8_MALFORMED: 'characters',
  TEXT_NOT_UTF8: 'characters',
  JSON_NUMBER: 'number',
  JSON_DEPTH: 'large',
  STATEMENT_TOO_LARGE: 'large',
  RELEASE_TOO_LARGE: 'large',
  PROOF_MISMATCH: 'root',
  NOTE_UNSIGNED: 'unsigned',
  NOTE_SIGNATURE: 'signature',
  LEDGER_UNREACHABLE: 'ledger',
  LEDGER_REFUSED: 'ledger',
  LEDGER_ANSWER: 'ledger',
  LEDGER_OTHER: 'ledger',
  LEDGER_TOO_MANY: 'ledger',
  LEDGER_NOT_ASKED: 'ledger',
  RECORD_ERASED: 'ledger',
  RECORD_ERASING: 'ledger',
}

type Step = Extract<MessageKey, `step.${string}`> extends `step.${infer Name}` ? Name : never

/** The next step after each check that fails with a remark of its own. */
export const STEPS: { readonly [code: string]: Step } = {
  DOCUMENT_NONE: 'documentNone',
  DOCUMENT_OTHER: 'documentOther',
  COSIGNATURES_TOO_FEW: 'witnesses',
  CHECKPOINT_ORIGIN: 'origin',
  ANCHOR_NONE: 'anchorPolicy',
  ANCHOR_NO_CODE: 'anchorCode',
  ANCHOR_OTHER_CODE: 'anchorCode',
  ANCHOR_MISSING: 'anchorMissing',
  ANCHOR_DISOWNED: 'anchorDisowned',
  FINALITY_PENDING: 'finality',
  CURRENCY_WITHDRAWN: 'withdrawn',
  CURRENCY_EDITED: 'edited',
  CURRENCY_SUPERSEDED: 'superseded',
}

/** The next step after each failure of an input; undefined if its own sentence has the step. */
const STEPS_OF_FAULTS: { readonly [fault in (typeof FAULTS)[string]]: Step | undefined } = {
  broken: undefined,
  newer: undefined,
  twice: 'copy',
  characters: 'copy',
  number: 'copy',
  large: 'copy',
  root: 'copy',
  unsigned: 'unsigned',
  signature: 'signature',
  ledger: undefined,
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

/** Advice about pasted text that cannot be checked. */
export function sayNotPasted(say: Say, pasted: Exclude<Pasted, { kind: 'given' }>): string {
  return pasted.kind === 'other-hash' ? say('verify.otherHash', { kind: pasted.algorithm }) : say('verify.nothing')
}

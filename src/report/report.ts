/**
 * The report of a check: one HTML file that loads nothing and runs nothing. It shows what somebody's
 * program said at that time, and holds the receipts and the policy, so that all can be checked again.
 */
import { formatTime } from '../core/time.ts'
import { fingerprintOf, jsonOf } from '../core/trust.ts'
import { visibleJson } from '../core/visible.ts'
import { fill, type Html, html, scriptJson, trusted } from '../html.ts'
import { clockLocale } from '../messages/clock.ts'
import type { MessageKey } from '../messages/en.ts'
import { type Say, sayNumber, sayTime } from '../messages/say.ts'
import {
  sayChanges,
  sayDetail,
  sayHeading,
  sayInLine,
  sayKind,
  sayLimits,
  sayPart,
  sayPartsUnanswered,
  sayPdf,
  sayProblem,
  sayRemarks,
  saySteps,
  sayTrust,
  sayUnread,
} from '../messages/verdict.ts'
import {
  type Answer,
  type Answers,
  type CheckResult,
  type Finding,
  type Policy,
  partOf,
  REPORT_ID,
  REPORT_TYPE,
  type ReportData,
  type Result,
  type TrustList,
  type Unread,
} from '../verifier/index.ts'
import type { RemarkKey } from '../verifier/remarks.ts'
import { REPORT_STYLE } from './report-style.ts'
import { countVerdicts, gravestFirst, gravestInputsFirst, nameOf, sayShort } from './summary.ts'

/** The version of OpenSeal, which the package has too. */
export const VERSION = '0.1.0'

/** A finished check: its results, who made it, and when. */
export type Checkup = {
  readonly all: readonly Answers[]
  readonly unread: readonly Unread[]
  readonly policy: Policy | TrustList
  /** With a single policy: the list that judged receipts of other ledgers. */
  readonly others?: TrustList | undefined
  /** Addresses of the chain's endpoints. */
  readonly endpoints: readonly string[]
  /** The addresses of the ledgers that were asked. */
  readonly ledgers: readonly string[]
  readonly nowMs: number
  /** Whose clock it is, and its time zone if it has one. */
  readonly clock: { readonly of: 'device' | 'server'; readonly zone?: string }
}

/** How many parts of one file are listed. The receipts of the others are not kept. */
const MAX_PARTS = 500
/** How many documents of a receipt are listed if the file is not one of them. */
const MAX_EXPECTED = 5
/** Remarks of a source that was asked and gave no usable answer. */
const IN_VAIN: readonly RemarkKey[] = ['versionsUnanswered', 'versionsUnsigned', 'versionsBehind', 'versionsUnlisted']
const MARKS = { passed: '✓', failed: '✗', 'not-run': '–' } as const

/** The report as an HTML file, in the language of its reader. */
export function renderReport(say: Say, checkup: Checkup): string {
  const all = gravestInputsFirst(checkup.all.filter(({ own }) => own.length > 0))
  const data = dataOf(checkup, all)
  return html`<!doctype html>
<html lang="${say.lang}" dir="${say.dir}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${say('report.title')}, ${sayTime(say, checkup.nowMs)}</title>
<style>${trusted(REPORT_STYLE)}</style>
</head>
<body>
<main>
<h1>${say('report.title')}</h1>
<p class="note">${say('report.note')}</p>
${renderMade(say, checkup, all.length)}
${renderUnchecked(say, all, checkup.unread)}
${renderSummary(say, all)}
${all.map((answers, at) => renderInput(say, answers, at))}
<h2>${say('report.again')}</h2>
<p>${say('report.againHow')}</p>
<p>${say('verify.limits')}</p>
</main>
<script type="application/json" id="${REPORT_ID}">${trusted(visibleJson(scriptJson(data).safe))}</script>
</body>
</html>
`.safe
}

/** The name of a report's file: its time, without signs that a system refuses. */
export function reportName(nowMs: number, ext: 'html' | 'csv'): string {
  return `openseal-report-${new Date(nowMs).toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-')}.${ext}`
}

function dataOf({ policy, others, nowMs }: Checkup, all: readonly Answers[]): ReportData {
  const receipts = new Map<string, number>()
  const files = all.flatMap(({ own, parts }) =>
    [...own, ...parts.slice(0, MAX_PARTS)].flatMap(({ finding }) => {
      if (finding === undefined) return []
      const { receipt, digest, part, result } = finding
      if (receipt !== undefined && !receipts.has(receipt)) receipts.set(receipt, receipts.size)
      const name = `${finding.fileName ?? finding.receiptName ?? ''}${part === undefined ? '' : ` (${part.kind === 'state' ? part.bytes : (part.name ?? part.position)})`}`
      return {
        name: name.toWellFormed(),
        verdict: result.verdict,
        finding: result.finding,
        ...(digest && { ...(!finding.isFingerprint && { bytes: digest.bytes }), sha256: digest.sha256 }),
        ...(receipt !== undefined && { receipt: receipts.get(receipt)! }),
      }
    }),
  )
  const held = jsonOf(policy, others)
  return { type: REPORT_TYPE, time: formatTime(nowMs), version: VERSION, policy: held, files, receipts: [...receipts.keys()] }
}

type Fact = readonly [MessageKey, Html | string | false | undefined]

function renderFacts(say: Say, facts: readonly Fact[]): Html {
  return html`<dl>${facts.map(([key, value]) => value && html`<dt>${say(key)}</dt><dd>${value}</dd>\n`)}</dl>`
}

function renderMade(say: Say, { policy, others, endpoints, ledgers, nowMs, clock }: Checkup, count: number): Html {
  const local =
    clock.zone !== undefined &&
    clock.zone !== 'UTC' &&
    new Intl.DateTimeFormat(clockLocale(say.lang), { dateStyle: 'long', timeStyle: 'long', timeZone: clock.zone }).format(nowMs)
  const held = jsonOf(policy, others)
  const list = (names: readonly string[]) => html`${names.map((name, at) => html`${at > 0 && ', '}<bdi>${name}</bdi>`)}`
  return renderFacts(say, [
    [
      'report.when',
      html`${formatTime(nowMs)} (UTC)${local && html`<br>${local} (<bdi>${clock.zone}</bdi>)`}<br>${say(`report.clock.${clock.of}`)}`,
    ],
    ['report.inputs', sayNumber(say, count)],
    ['report.policy', html`<bdi>${String(held.origin ?? held.name)}</bdi>, SHA-256 <span class="hash">${fingerprintOf(held)}</span>`],
    ['report.chain', endpoints.length > 0 ? list(endpoints.map(hostOf)) : say('report.nobody')],
    ['report.currency', ledgers.length > 0 ? list(ledgers.map(hostOf)) : say('report.nobody')],
    ['report.version', `OpenSeal ${VERSION}`],
  ])
}

/** A host without the rest of its address, which may hold a secret. */
function hostOf(address: string): string {
  return /^https?:/.test(address) && URL.canParse(address) ? new URL(address).host : address
}

/** Parts that were not checked come before those that were. */
function renderUnchecked(say: Say, all: readonly Answers[], unread: readonly Unread[]): Html {
  const [own, parts] = [all.flatMap(each => each.own), all.flatMap(each => each.parts)]
  const isOpen = ({ finding }: Answer) => finding?.result.verdict === 'unchecked'
  const isWithout = ({ finding }: Answer) => finding === undefined
  // The same numbers as in the summary, which counts no parts.
  const [open, without] = [isOpen, isWithout].map(is => own.filter(is).length) as [number, number]
  const leftOut = all.reduce((sum, { partsLeftOut }) => sum + partsLeftOut, 0)
  const partsLeft = parts.filter(part => isOpen(part) || isWithout(part)).length + leftOut
  const shown = [...own, ...parts].flatMap(({ finding }) => (finding?.result.limits === undefined ? [] : [askedOf(finding.result)]))
  const unasked = shown.filter(asked => asked === 'none').length
  const uncurrent = shown.filter(asked => asked === 'nobody' || asked === 'copy').length
  const lines = [
    ...sayUnread(say, unread),
    ...(open > 0 ? [`${say('mark.unchecked')}: ${sayNumber(say, open)}`] : []),
    ...(without > 0 ? [say('report.without', { count: without })] : []),
    ...(partsLeft > 0 ? [say('report.partsLeft', { count: partsLeft })] : []),
    ...(unasked > 0 ? [say('report.unasked', { count: unasked })] : []),
    ...(uncurrent > 0 ? [say('report.uncurrent', { count: uncurrent })] : []),
  ]
  return html`<h2>${say('report.unchecked')}</h2>
${lines.length === 0 ? html`<p>${say('report.uncheckedNone')}</p>` : html`<ul>${lines.map(line => html`<li>${line}</li>`)}</ul>`}
<p class="soft">${say('report.uncheckedMore')}</p>`
}

/** The source of newer versions that answered; `nobody` if one was asked in vain, `none` if none was asked. */
function askedOf({ asked, checks }: Result): Result['asked'] | 'none' {
  if (asked !== 'nobody') return asked
  const remarks = checks.find(({ name }) => name === 'currency')?.remarks ?? []
  return remarks.some(({ key }) => IN_VAIN.includes(key)) ? 'nobody' : 'none'
}

function renderSummary(say: Say, all: readonly Answers[]): Html {
  const rows = countVerdicts(say, all).map(
    ({ verdict, isGreen, mark, count, first }) =>
      html`<tr class="${toneOf(verdict, isGreen)}"><td class="mark">${mark}</td><td class="count">${sayNumber(say, count)}</td><td><a href="#r${first.at + 1}"><bdi>${first.name}</bdi></a></td></tr>\n`,
  )
  return html`<h2>${say('sum.title')}</h2>
<table><thead><tr><th scope="col">${say('result.verdict')}</th><th scope="col">${say('sum.count')}</th><th scope="col">${say('sum.first')}</th></tr></thead><tbody>${rows}</tbody></table>`
}

/** The same colours as on the page. */
function toneOf(verdict: string, isGreen: boolean): string {
  if (isGreen) return 'good'
  if (verdict === 'invalid') return 'bad'
  return ['unsupported', 'disowned', 'test-network', 'withdrawn', 'edited', 'superseded'].includes(verdict) ? 'warn' : 'calm'
}

function renderInput(say: Say, answers: Answers, at: number): Html {
  const { own, parts, partsLeftOut } = answers
  const state = parts.find(answer => partOf(answer)?.kind === 'state')
  const others = gravestFirst(parts.filter(answer => answer !== state))
  const shown = others.slice(0, MAX_PARTS)
  return html`<div id="r${at + 1}">${own.map(answer => renderAnswer(say, answer, `${sayNumber(say, at + 1)}. `, state))}
${state && renderAnswer(say, state, '')}
${
  shown.length > 0 &&
  html`<table><caption>${say('result.releases')}</caption><tbody>${shown.map(answer => renderPart(say, answer))}</tbody></table>
${others.length + partsLeftOut > shown.length && html`<p>${say('report.partsMore', { count: others.length + partsLeftOut - shown.length })}</p>`}
${sayPartsUnanswered(say, answers).map(line => html`<p>${line}</p>`)}`
}</div>
`
}

function renderPart(say: Say, answer: Answer): Html {
  const part = partOf(answer)
  const sentence = answer.finding ? sayInLine(say, answer.finding) : sayProblem(say, answer)
  return html`<tr><td><bdi>${part ? sayPart(say, part) : ''}</bdi></td><td>${sayShort(say, answer)}</td><td>${sentence}</td></tr>\n`
}

function renderAnswer(say: Say, answer: Answer, number: string, state?: Answer): Html {
  const { finding } = answer
  const part = partOf(answer)
  const name = html`${number}<bdi>${part ? sayPart(say, part) : nameOf(answer)}</bdi>`
  if (finding === undefined)
    return html`<section class="card calm"><div class="head"><h2>${name}</h2><p class="mark">${say('mark.none')}</p><p class="sentence">${sayProblem(say, answer)}</p></div></section>`
  const { result } = finding
  const { sentence, more } = sayHeading(say, finding)
  const open = result.checks.filter(({ status }) => status === 'not-run')
  const about = [
    ...more,
    ...sayChanges(say, result),
    ...saySteps(say, result),
    ...sayKind(say, finding),
    ...sayPdf(say, finding, state && partOf(state)),
    ...sayRemarks(say, finding),
  ]
  const isState = part?.kind === 'state'
  return html`<section class="card ${isState ? 'warn' : toneOf(result.verdict, result.isGreen)}">
<div class="head"><h2>${name}</h2><p class="mark">${isState ? name : sayShort(say, answer)}</p><p class="sentence">${sentence}</p></div>
${open.length > 0 && html`<p>${fill(say('report.open'), { checks: html`${open.map((check, at) => html`${at > 0 && '; '}${say(`check.${check.name}`)} (${sayDetail(say, check).text})`)}` })}</p>`}
${about.map(line => html`<p>${line}</p>`)}
${renderFacts(say, factsOf(say, finding))}
<table><caption>${say('result.checks')}</caption><tbody>${result.checks.map(check => renderCheck(say, check))}</tbody></table>
${result.verdict !== 'unknown' && html`<p class="soft">${sayLimits(say, result)} ${sayTrust(say, finding)}</p>`}
</section>
`
}

function factsOf(say: Say, { result, digest, isFingerprint, expected = [], receiptName }: Finding): Fact[] {
  const text = (value: string | undefined, lang?: string) =>
    value !== undefined && html`<bdi${lang !== undefined && html` lang="${lang}"`}>${value}</bdi>`
  const hash = (value: string) => html`<span class="hash">${value}</span>`
  return [
    ['result.size', digest && !isFingerprint && say('result.bytes', { count: digest.bytes })],
    ['result.hash', digest && hash(digest.sha256)],
    ['record.content', digest?.jcs !== undefined && digest.jcs !== digest.sha256 && hash(digest.jcs)],
    ...expected.slice(0, MAX_EXPECTED).map(({ name, sha256 }): Fact => ['result.expected', html`<bdi>${name}</bdi>: ${hash(sha256)}`]),
    ['report.date', result.date !== undefined && result.verdict !== 'test-network' && `${sayTime(say, result.date)} (${result.date})`],
    ['result.receipt', text(receiptName)],
    ['record.title', text(result.title, result.language ?? '')],
    ['result.agency', text(result.agency)],
    ['result.record', text(result.record)],
    ['record.revision', text(result.revision)],
    [
      'result.index',
      result.index === undefined ? undefined : html`${String(result.index)}${result.origin && html` (<bdi>${result.origin}</bdi>)`}`,
    ],
    ['report.wasAsked', result.verdict !== 'unknown' && say(`report.asked.${askedOf(result)}`)],
  ]
}

function renderCheck(say: Say, check: CheckResult): Html {
  const { text, technical } = sayDetail(say, check)
  return html`<tr><td>${MARKS[check.status]}</td><td>${say(`check.${check.name}`)}<br><span class="soft">${say(`what.${check.name}`)}</span></td><td>${say(`status.${check.status}`)}</td><td>${text}${technical && html` <span lang="en" dir="ltr" class="soft">(${technical})</span>`}</td></tr>
`
}

/**
 * The result of a check for people: the verdict first, as a sentence. One renderer for the server,
 * the page and the offline file.
 */

import { type Html, html, trusted } from '../html.ts'
import type { MessageKey } from '../messages/en.ts'
import { isolate, type Say, sayNumber } from '../messages/say.ts'
import {
  sayChanges,
  sayDetail,
  sayHeading,
  sayInLine,
  sayKind,
  sayLimits,
  sayMark,
  sayNext,
  sayPart,
  sayPartsUnanswered,
  sayPdf,
  sayProblem,
  sayRemarks,
  saySteps,
  sayTrust,
  sayUnread,
} from '../messages/verdict.ts'
import { countReleases, countVerdicts, gravestFirst, nameOf, sayCounts, sayShort } from '../report/summary.ts'
import type { Answer, Answers, CheckResult, Finding, GivenPolicy, NamedDocument, Part, Unread, VerdictCode } from '../verifier/index.ts'
import { CHECKS } from '../verifier/verdict.ts'
import { type IconName, icon } from './icons.ts'

/** The ledger whose record pages are linked, and the links' prefix. The offline file links none. */
export type RecordPages = { readonly origin: string; readonly base: string }

type Tone = 'good' | 'bad' | 'warn' | 'calm'

/** The colour and drawing of each verdict that is not green. */
const LOOKS: { readonly [verdict in VerdictCode]: readonly [Tone, IconName] } = {
  invalid: ['bad', 'cross'],
  unknown: ['calm', 'question'],
  unsupported: ['warn', 'warn'],
  disowned: ['warn', 'warn'],
  unchecked: ['calm', 'dash'],
  'test-network': ['warn', 'flask'],
  sealed: ['calm', 'clock'],
  withdrawn: ['warn', 'warn'],
  edited: ['warn', 'warn'],
  superseded: ['warn', 'newer'],
  anchored: ['calm', 'seal'],
}
/** The colour and the drawing of a verdict where nothing was compared. Never green. */
export function lookOf(verdict: VerdictCode): readonly [tone: string, drawing: IconName] {
  return LOOKS[verdict]
}

/** Only the verifier decides what is green. */
const GREEN: readonly [Tone, IconName] = ['good', 'tick']

/** An earlier state is never green, because it is not the file itself. */
const STATE_LOOK: readonly [Tone, IconName] = ['warn', 'newer']
const STATUS_ICONS = { passed: 'tick', failed: 'cross', 'not-run': 'dash' } as const
/** If there are more inputs than this, those with the gravest answers are shown first. */
export const MANY = 50
/**
 * How many releases of one verdict get a whole card. Later ones get one line each, so that a page
 * with thousands stays small.
 */
export const WHOLE_CARDS = 200
/** How many of a receipt's documents are listed if the file is not one of them. */
const SHOWN_DOCUMENTS = 5

/**
 * All answers for one input: its own, the earlier state of a PDF, and the first `shown` releases of
 * a package.
 */
export function renderAnswers(say: Say, answers: Answers, pages?: RecordPages, shown = Number.POSITIVE_INFINITY): Html {
  const { own, partsLeftOut } = answers
  const state = answers.parts.find(isState)
  const releases = releasesOf(answers)
  return html`${own.map(answer => renderAnswer(say, answer, { level: 2, pages, state: state && partOf(state) }))}
${state && html`<section class="parts">${renderAnswer(say, state, { level: 3, pages })}</section>`}
${
  releases.length + partsLeftOut > 0 &&
  html`<section class="parts"><h3>${say('result.releases')}</h3><p>${sayCounts(say, [{ own: releases, parts: [], partsLeftOut: 0 }])}</p>
${partsLeftOut > 0 && html`<p>${say('verify.tooManyReleases', { count: countReleases(releases), left: sayNumber(say, partsLeftOut) })}</p>`}
${sayPartsUnanswered(say, answers).map(line => html`<p>${line}</p>`)}
${renderReleases(say, answers, 0, shown, pages)}
${releases.length > shown && html`<p class="no-print"><button type="button" class="quiet more">${say('verify.more', { count: Math.min(shown, releases.length - shown) })}</button></p>`}</section>`
}`
}

/**
 * How many results there are of each verdict, the gravest first, each with a link to the first of
 * them: one bad file among many must not be missed. Parts that were not checked come first. Empty for a
 * single result.
 */
export function renderSum(say: Say, all: readonly Answers[], unread: readonly Unread[] = []): Html {
  const counts = countVerdicts(say, all)
  const total = counts.reduce((sum, { count }) => sum + count, 0)
  const left = sayUnread(say, unread)
  return html`${left.length > 0 && html`<div class="banner" id="unread">${icon('warn')}<div>${left.map(line => html`<p>${line}</p>`)}</div></div>`}${
    total > 1 &&
    html`<ul class="sum" aria-label="${say('sum.title')}">${counts.map(({ verdict, isGreen, mark, count, first, others }) => {
      const [tone, drawing] = isGreen ? GREEN : verdict === 'none' ? (['calm', 'question'] as const) : LOOKS[verdict]
      return html`<li class="${tone}">${icon(drawing)} <a href="#result-${first.at + 1}"><b>${mark}: ${sayNumber(say, count)}</b></a> <span class="small"><bdi>${first.name}</bdi>${others.map(({ at, name }) => html` · <a href="#result-${at + 1}"><bdi>${name}</bdi></a>`)}${count > others.length + 1 && ' …'}</span></li>`
    })}</ul>`
  }`
}

/** The answers of one input, with the id that the sum links to. */
export function renderInput(say: Say, answers: Answers, at: number, pages?: RecordPages, shown?: number): Html {
  return html`<div class="slot" id="result-${at + 1}">${renderAnswers(say, answers, pages, shown)}</div>`
}

/** One line for an input of which no card is shown. */
export function renderLine(say: Say, { own }: Answers, at: number): Html {
  return html`<div class="slot" id="result-${at + 1}">${own.map(answer => {
    const { finding } = answer
    const drawing = finding === undefined ? 'question' : finding.result.isGreen ? GREEN[1] : LOOKS[finding.result.verdict][1]
    const sentence = finding ? sayInLine(say, finding) : sayProblem(say, answer)
    return html`<p class="release" data-verdict="${finding?.result.verdict ?? 'none'}">${icon(drawing)} <bdi>${nameOf(answer)}</bdi>: <b>${sayShort(say, answer)}</b>. ${sentence}</p>`
  })}</div>`
}

/** A range of the releases, in the order of `releasesOf`. */
export function renderReleases(say: Say, answers: Answers, from: number, to: number, pages?: RecordPages): Html {
  const isTold = answers.own.every(({ finding }) => finding?.result.matched !== undefined && finding.result.verdict !== 'invalid')
  return html`${releasesOf(answers)
    .slice(from, to)
    .map(answer => renderRelease(say, answer, { level: 3, pages, isTold }))}`
}

/**
 * The releases of a package, the gravest verdict first, and in the order of the file within a
 * verdict.
 */
export function releasesOf({ parts }: Answers): Answer[] {
  return gravestFirst(parts.filter(answer => !isState(answer)))
}

function partOf(answer: Answer): Part | undefined {
  return answer.finding ? answer.finding.part : answer.part
}

function isState(answer: Answer): boolean {
  return partOf(answer)?.kind === 'state'
}

/** The list of checks while they run. */
export function renderRunning(say: Say, name: string): Html {
  return html`<article class="card calm" aria-label="${name}" aria-busy="true"><header>${icon('clock')}<div><p class="sentence">${say('verify.checking', { name: isolate(name) })}</p></div></header>
<div class="body"><ol class="checks">${CHECKS.map(
    check =>
      html`<li class="running" data-check="${check}">${RUNNING}<div><b>${say(`check.${check}`)}</b>: ${say('status.running')} <span class="soft">– ${say(`what.${check}`)}</span></div></li>`,
  )}</ol><p><button type="button" class="quiet stop" hidden>${say('verify.stop')}</button></p></div></article>`
}

/** A given policy: its kind, its ledger, and its fingerprint. */
export function renderPolicy(say: Say, { policy, source }: GivenPolicy): Html {
  const name = isolate(source.name)
  const ask = 'entries' in policy ? say('verify.listAsk', { name, list: isolate(policy.name) }) : say('verify.policyAsk', { name })
  return html`<p>${ask}</p>${renderPolicyFacts(say, { policy, source })}`
}

/** The facts by which people recognise a policy, or each policy of a list. */
export function renderPolicyFacts(say: Say, { policy, source: { sha256 } }: GivenPolicy): Html {
  if ('entries' in policy)
    return html`<dl class="facts">${policy.entries.map(
      entry =>
        html`<dt><bdi>${entry.name}</bdi></dt><dd><bdi>${entry.origin}</bdi>${entry.ledger !== undefined && html` · <bdi>${entry.ledger}</bdi>`}<br><span class="hash">${entry.sha256}</span>${entry.policy === undefined && html`<br>${say('verify.listNewer')}`}</dd>\n`,
    )}<dt>${say('verify.listHash')}</dt><dd><span class="hash">${sha256}</span></dd></dl>`
  return html`<dl class="facts"><dt>${say('verify.policyLedger')}</dt><dd><bdi>${policy.origin}</bdi></dd>
<dt>${say('verify.policyHash')}</dt><dd><span class="hash">${sha256}</span></dd></dl>`
}

/** One check of design §7, as a drawing with words. */
export function renderCheck(say: Say, check: CheckResult): Html {
  const { text, technical } = sayDetail(say, check)
  return html`<li class="${check.status}" data-check="${check.name}">${icon(STATUS_ICONS[check.status])}<div><b>${say(`check.${check.name}`)}</b>: ${say(`status.${check.status}`)}
<span class="soft">– ${say(`what.${check.name}`)}</span><br><span class="small soft detail">${text} ${renderTechnical(technical)}</span></div></li>`
}

function renderTechnical(text: string | undefined): Html | undefined {
  return text === undefined ? undefined : html`<span lang="en" dir="ltr">(${text})</span>`
}

type Setting = {
  readonly level: 2 | 3
  readonly pages?: RecordPages | undefined
  readonly state?: Part | undefined
  /**
   * False for a release in a file with a problem of its own: a green card inside it could be
   * mistaken for the file's.
   */
  readonly isTold?: boolean
}

function renderAnswer(say: Say, answer: Answer, setting: Setting): Html {
  if (answer.finding) return renderFinding(say, answer, setting)
  const name = answer.part ? sayPart(say, answer.part) : answer.name
  return html`<article class="card calm" data-verdict="none" aria-label="${name}"><header>${icon('question')}<div><p class="sentence">${sayProblem(say, answer)}</p></div></header><div class="body"><p><bdi><b>${name}</b></bdi></p>
${answer.code && html`<p class="small soft detail">${renderTechnical(`${answer.code}: ${answer.reason}`)}</p>`}</div></article>`
}

function renderFinding(say: Say, answer: Answer & { readonly finding: Finding }, { level, pages, state, isTold = true }: Setting): Html {
  const { finding } = answer
  const { result } = finding
  const { verdict } = result
  const isState = finding.part?.kind === 'state'
  const [tone, drawing] = isState ? STATE_LOOK : result.isGreen && isTold ? GREEN : LOOKS[verdict]
  const name = finding.part ? sayPart(say, finding.part) : nameOf(answer) || say('result.file')
  const { sentence: heading, more } = sayHeading(say, finding)
  const mark = isState ? name : sayMark(say, result)
  const sentence = html`<span class="sr">${mark}: </span>${heading}`
  const next = sayNext(say, verdict)
  const onRecord =
    pages && result.index !== undefined && result.origin === pages.origin && verdict !== 'invalid' && verdict !== 'unsupported'
  return html`<article class="card ${tone}" data-verdict="${verdict}" aria-label="${name}">
<header>${icon(drawing)}<div><p class="mark" aria-hidden="true">${mark}</p>
${level === 2 ? html`<h2 class="sentence">${sentence}</h2>` : html`<h3 class="sentence">${sentence}</h3>`}</div></header>
<div class="body">
${!isState && html`<p><bdi><b>${name}</b></bdi></p>`}
${[...sayChanges(say, result), ...more].map(line => html`<p>${line}</p>`)}
${result.limits && html`<p>${say('result.agency')}: <bdi>${result.agency}</bdi> · ${say('result.record')}: <bdi${result.title && html` lang="${result.language ?? ''}"`}>${result.title ?? result.record}</bdi></p>`}
${[...saySteps(say, result), next].map(line => line !== undefined && html`<p>${line}</p>`)}
${[...sayKind(say, finding), ...sayPdf(say, finding, state), ...sayRemarks(say, finding)].map(remark => html`<p>${remark}</p>`)}
${onRecord && html`<p><a href="${pages.base}/records/${result.index}">${say('result.open')}</a></p>`}
${onRecord && result.matched === 'bytes' && finding.digest && finding.part === undefined && html`<p class="no-print"><a class="copy" href="${pages.base}/verify#sha256=${finding.digest.sha256}&amp;entry=${result.index}">${say('link.copy')}</a> <span class="small soft"></span></p>`}
<details${verdict === 'invalid' && html` open`}><summary>${say('result.checks')}</summary><ol class="checks">${result.checks.map(check => renderCheck(say, check))}</ol></details>
<details><summary>${say('result.details')}</summary>${renderFacts(say, finding)}</details>
${verdict !== 'unknown' && !isState && html`<p class="limits small">${sayLimits(say, result)} ${sayTrust(say, finding)}</p>`}
</div></article>`
}

function renderRelease(say: Say, answer: Answer, setting: Setting): Html {
  const { finding } = answer
  const part = partOf(answer)
  const name = part ? sayPart(say, part) : ''
  const verdict = finding?.result.verdict ?? 'none'
  const drawing =
    finding === undefined ? 'question' : finding.result.isGreen && setting.isTold !== false ? GREEN[1] : LOOKS[finding.result.verdict][1]
  const line = html`${icon(drawing)} <bdi>${name}</bdi>: ${finding ? sayMark(say, finding.result) : say('mark.none')}`
  if (finding?.result.checks.length === 0) return html`<p class="release" data-release-verdict="${verdict}">${line}</p>`
  return html`<details class="release" data-release-verdict="${verdict}"><summary>${line}</summary>${renderAnswer(say, answer, setting)}</details>`
}

function renderFacts(say: Say, { result, digest, isFingerprint, expected = [], fileName, receiptName }: Finding): Html {
  const facts: (readonly [MessageKey, Html | string | false | undefined])[] = [
    ['result.file', fileName && html`<bdi>${fileName}</bdi>`],
    ['result.size', digest && digest.bytes > 0 && say('result.bytes', { count: digest.bytes })],
    [expected.length > 0 && !isFingerprint ? 'result.computed' : 'result.hash', digest && html`<span class="hash">${digest.sha256}</span>`],
    ['record.content', digest?.jcs && html`<span class="hash">${digest.jcs}</span>`],
    ...expected.slice(0, SHOWN_DOCUMENTS).map(document => ['result.expected', renderDocument(document)] as const),
    ['result.receipt', receiptName && html`<bdi>${receiptName}</bdi>`],
    ['record.title', result.title && html`<bdi lang="${result.language ?? ''}">${result.title}</bdi>`],
    ['result.ledger', result.list?.entry && html`<bdi>${result.list.entry}</bdi> (<bdi>${result.origin}</bdi>)`],
    ['result.agency', result.agency && html`<bdi>${result.agency}</bdi>`],
    ['result.record', result.record && html`<bdi>${result.record}</bdi>`],
    ['record.revision', result.revision && html`<bdi>${result.revision}</bdi>`],
    ['result.index', result.index === undefined ? undefined : String(result.index)],
  ]
  return html`<dl class="facts">${facts.map(([key, value]) => value && html`<dt>${say(key)}</dt><dd>${value}</dd>`)}</dl>
<p class="small hash" lang="en">${result.sentence}</p>`
}

function renderDocument({ name, sha256 }: NamedDocument): Html {
  return html`<bdi>${name}</bdi>: <span class="hash">${sha256}</span>`
}

const RUNNING = trusted(
  '<svg class="icon" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" aria-hidden="true"><path d="M12 1.5A10.5 10.5 0 0 1 22.5 12"/></svg>',
)

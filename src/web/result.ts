/** The answer to a check as people see it: the verdict first, as a sentence. One renderer for the server, the page and the offline file. */
import type { MessageKey } from '../messages/en.ts'
import { type Say, sayNumber } from '../messages/say.ts'
import { sayVerdict } from '../messages/verdict.ts'
import type { CheckResult, FileDigest, Result, VerdictCode } from '../verifier/index.ts'
import { type Html, html, trusted } from './html.ts'
import { type IconName, icon } from './icons.ts'

/** What was checked and what came out. */
export type Finding = {
  readonly fileName?: string | undefined
  readonly receiptName?: string | undefined
  readonly digest?: FileDigest | undefined
  /** Whether the bytes hold the marks of a signed PDF. */
  readonly signedPdf?: boolean
  readonly result: Result
  /** The id of a release where one of an OCDS package was checked. */
  readonly release?: string
  /** Something else to say, such as that the ledger did not answer. */
  readonly note?: string | undefined
  /** Address of the ledger's pages, to link the record; absent offline. */
  readonly recordHref?: string | undefined
}

type Tone = 'good' | 'bad' | 'warn' | 'calm'

/** Colour and drawing of each verdict. A test network is never green. */
export const VERDICT_LOOKS: { readonly [verdict in VerdictCode]: readonly [Tone, IconName] } = {
  invalid: ['bad', 'cross'],
  unknown: ['calm', 'question'],
  unsupported: ['warn', 'warn'],
  unchecked: ['calm', 'dash'],
  'test-network': ['warn', 'flask'],
  sealed: ['calm', 'clock'],
  withdrawn: ['warn', 'warn'],
  superseded: ['warn', 'newer'],
  anchored: ['good', 'tick'],
}

const STATUS_ICONS = { passed: 'tick', failed: 'cross', 'not-run': 'dash' } as const
const NEXT: { readonly [verdict in VerdictCode]?: MessageKey } = {
  invalid: 'next.invalid',
  unknown: 'next.unknown',
  unsupported: 'next.unsupported',
  unchecked: 'next.unchecked',
  'test-network': 'next.test-network',
  sealed: 'next.sealed',
}

/** A finding as a card. */
export function renderFinding(say: Say, finding: Finding, level: 2 | 3 = 2): Html {
  const { result, signedPdf, note } = finding
  const [tone, drawing] = VERDICT_LOOKS[result.verdict]
  const next = NEXT[result.verdict]
  const mismatch = result.verdict === 'unknown' || result.verdict === 'invalid'
  const sentence = html`<span class="sr">${say(`mark.${result.verdict}`)}: </span>${sayVerdict(say, result)}`
  return html`<article class="card ${tone}" data-verdict="${result.verdict}" aria-label="${nameOf(say, finding)}">
<header>${icon(drawing)}<div><p class="mark" aria-hidden="true">${say(`mark.${result.verdict}`)}</p>
${level === 2 ? html`<h2 class="sentence">${sentence}</h2>` : html`<h3 class="sentence">${sentence}</h3>`}</div></header>
<div class="body">
<p><bdi><b>${nameOf(say, finding)}</b></bdi></p>
${result.matched && html`<p>${say(`matched.${result.matched}`)}</p>`}
${next && html`<p>${say(next)}</p>`}
${signedPdf && mismatch && html`<p>${say('pdf.signed')}</p>`}
${note && html`<p>${note}</p>`}
${currencyUnchecked(result) && html`<p>${say('result.currencyUnchecked')}</p>`}
${finding.recordHref && html`<p><a href="${finding.recordHref}">${say('result.open')}</a></p>`}
<details${result.verdict === 'invalid' && html` open`}><summary>${say('result.checks')}</summary>${renderChecks(say, result.checks)}</details>
<details><summary>${say('result.details')}</summary>${renderFacts(say, finding)}</details>
${result.verdict !== 'unknown' && html`<p class="limits small">${say('limits.sentence')} ${say(`trust.${result.trust}`)}</p>`}
</div></article>`
}

/** The checks of design §7 in their order, each with drawing and words. */
export function renderChecks(say: Say, checks: readonly CheckResult[]): Html {
  return html`<ol class="checks">${checks.map(
    check => html`<li class="${check.status}" data-check="${check.name}">${icon(STATUS_ICONS[check.status])}<div><b>${say(`check.${check.name}`)}</b>: ${say(`status.${check.status}`)}
<span class="soft">– ${say(`what.${check.name}`)}</span>${check.status !== 'passed' && html`<br><span class="small soft" lang="en" dir="ltr">${check.detail}${check.code && ` (${check.code})`}</span>`}</div></li>`,
  )}</ol>`
}

function renderFacts(say: Say, { result, digest, fileName, receiptName }: Finding): Html {
  const facts: (readonly [MessageKey, Html | string | undefined])[] = [
    ['result.file', fileName && html`<bdi>${fileName}</bdi>`],
    ['result.size', digest && say('result.bytes', { count: sayNumber(say, digest.bytes) })],
    ['result.hash', digest && html`<span class="hash">${digest.sha256}</span>`],
    ['record.content', digest?.jcs && html`<span class="hash">${digest.jcs}</span>`],
    ['result.receipt', receiptName && html`<bdi>${receiptName}</bdi>`],
    ['record.title', result.title && html`<bdi lang="${result.language ?? ''}">${result.title}</bdi>`],
    ['result.agency', result.agency && html`<bdi>${result.agency}</bdi>`],
    ['result.record', result.record && html`<bdi>${result.record}</bdi>`],
    ['record.revision', result.revision && html`<bdi>${result.revision}</bdi>`],
    ['result.index', result.index === undefined ? undefined : String(result.index)],
  ]
  return html`<dl class="facts">${facts.map(([key, value]) => value !== undefined && value !== '' && html`<dt>${say(key)}</dt><dd>${value}</dd>`)}</dl>
<p class="small hash" lang="en">${result.sentence}</p>`
}

function nameOf(say: Say, { fileName, release, receiptName, result }: Finding): string {
  if (release !== undefined) return say('result.release', { id: release })
  return fileName ?? receiptName ?? result.record ?? say('result.file')
}

function currencyUnchecked({ verdict, checks }: Result): boolean {
  return (
    (verdict === 'anchored' || verdict === 'test-network') && checks.some(check => check.name === 'currency' && check.status === 'not-run')
  )
}

/** The list of checks while they run. */
export function renderRunning(say: Say, name: string): Html {
  const names = ['document', 'statement', 'inclusion', 'checkpoint', 'cosignatures', 'anchor', 'finality', 'currency'] as const
  return html`<article class="card calm" aria-label="${name}" aria-busy="true"><header>${icon('clock')}<div><p class="sentence">${say('verify.checking', { name })}</p></div></header>
<div class="body"><ol class="checks">${names.map(
    check =>
      html`<li class="running">${RUNNING}<div><b>${say(`check.${check}`)}</b>: ${say('status.running')} <span class="soft">– ${say(`what.${check}`)}</span></div></li>`,
  )}</ol></div></article>`
}

const RUNNING = trusted(
  '<svg class="icon" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" aria-hidden="true"><path d="M12 1.500A10.500 10.500 0 0 1 22.500 12"/></svg>'.replaceAll(
    '500',
    '5',
  ),
)

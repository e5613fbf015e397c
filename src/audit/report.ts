/**
 * The audit's report for people: one self-contained HTML page, for the screen, light or dark, and
 * for paper.
 */

import { escapeText } from '../html.ts'
import type { AuditMessageKey } from '../messages/audit/en.ts'
import { type SayAudit, sayDetail } from '../messages/audit/speak.ts'
import { sayNumber, sayTime } from '../messages/say.ts'
import { drawAnchors } from './report-chart.ts'
import { REPORT_STYLE } from './report-style.ts'
import type { AuditedAnchor, AuditReport } from './run.ts'

/** The facts about the audit itself. */
export type AuditFacts = {
  readonly ledger: string
  /** The source of the policy. */
  readonly trust: 'policy' | 'ledger'
  /** When the audit was made. */
  readonly time: string
}

const MARKS = { clean: '✓', inconsistent: '✗', unfinished: '?' } as const
/** For paper: the newest anchors matter most, and the JSON report has all. */
const MAX_ROWS = 500

/** The HTML page of an audit's report. */
export function formatAuditReport(report: AuditReport, facts: AuditFacts, say: SayAudit): string {
  const title = say('title', { origin: report.origin })
  return `<!doctype html>
<html lang="${say.lang}" dir="${say.dir}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escapeText(`${say(report.verdict)} ${title}`)}</title>
<style>${REPORT_STYLE}</style>
</head>
<body>
<main>
<h1>${escapeText(title)}</h1>
<p class="verdict ${report.verdict}"><span aria-hidden="true">${MARKS[report.verdict]}</span> ${escapeText(sayVerdict(say, report))}</p>
<dl>
${factsOf(say, report, facts)
  .map(([name, value]) => `<dt>${escapeText(say(name))}</dt><dd>${escapeText(value)}</dd>`)
  .join('\n')}
</dl>
${formatFindings(report, say)}
${formatNotices(report, say)}
${formatUnfinished(report, say)}
${formatAnchors(report.anchors, say)}
${formatShown(report, say)}
</main>
</body>
</html>
`
}

/** The section about what the audit shows, if anything was checked, and what it does not show. */
function formatShown({ size, anchors, testNetwork, rounds }: AuditReport, say: SayAudit): string {
  if (size === 0) return ''
  const ofAnchors = anchors.length === 0 ? '' : say(testNetwork ? 'shows.test' : 'shows.anchors')
  const ofStamps = rounds === undefined || rounds.stamps === 0 ? '' : say(rounds.testAuthorities ? 'shows.stamps.test' : 'shows.stamps')
  const shown = [ofAnchors, ofStamps, say('shows.not')].filter(text => text !== '')
  return `<h2>${say('heading.shows')}</h2>\n<p>${say('shows.entries')}</p>\n<p>${shown.join(' ')}</p>`
}

/** The sentence of an audit's verdict. */
export function sayVerdict(say: SayAudit, { verdict, findings, size }: AuditReport): string {
  const values = { count: sayNumber(say, findings.length), size: sayNumber(say, size) }
  const isNothing = verdict === 'unfinished' && size === 0
  return `${say(verdict)} ${isNothing ? say('unfinished.nothing') : say(`${verdict}.more`, values)}`
}

/** The facts of an audit, each with its name. */
export function factsOf(say: SayAudit, report: AuditReport, { ledger, trust, time }: AuditFacts): (readonly [AuditMessageKey, string])[] {
  const number = (value: number) => sayNumber(say, value)
  const range = { from: number(report.from), to: number(report.size - 1) }
  const about = [
    ['fact.ledger', report.origin],
    ['fact.address', ledger],
    ['fact.time', sayTime(say, time)],
    ['fact.policy', say(trust === 'policy' ? 'fact.policy.own' : 'fact.policy.ledger')],
  ] as const
  if (report.size === 0) return [...about]
  return [
    ...about,
    ['fact.entries', number(report.size)],
    ['fact.read', report.size > report.from ? say('fact.read.range', range) : say('fact.read.none')],
    ['fact.root', report.root],
    ['fact.statements', number(report.statements - report.erased)],
    ...(report.erased === 0 ? [] : [['fact.erased', number(report.erased)] as const]),
    ['fact.tiles', number(report.tiles)],
    ['fact.anchors', number(report.anchors.length)],
    ...roundFacts(say, report),
  ]
}

function roundFacts(say: SayAudit, { rounds }: AuditReport): (readonly [AuditMessageKey, string])[] {
  if (rounds === undefined) return []
  const { read, final, newest, stamps } = rounds
  return [
    ['fact.rounds', say('fact.rounds.of', { final: sayNumber(say, final), read: sayNumber(say, read) })],
    ...(final === 0 ? [] : [['fact.rounds.newest', say('anchors.entries', { count: newest })] as const]),
    ['fact.stamps', sayNumber(say, stamps)],
  ]
}

function formatFindings({ findings, evidence }: AuditReport, say: SayAudit): string {
  const heading = `<h2>${say('heading.findings')}</h2>`
  if (findings.length === 0) return `${heading}\n<p>${say('findings.none')}</p>`
  const folders = evidence.map(folder => `<li><code>${escapeText(folder)}</code></li>`).join('\n')
  const kept = `\n<h3>${say('heading.evidence')}</h3>\n<p>${say('evidence.about')}</p>\n<ul>\n${folders}\n</ul>`
  return `${heading}\n<ol class="told">\n${findings.map(found => formatTold(found, say)).join('\n')}\n</ol>${folders === '' ? '' : kept}`
}

function formatUnfinished({ unfinished }: AuditReport, say: SayAudit): string {
  if (unfinished.length === 0) return ''
  return `<h2>${say('heading.unfinished')}</h2>\n<ul class="told">\n${unfinished.map(reason => formatTold(reason, say)).join('\n')}\n</ul>`
}

function formatNotices({ notices }: AuditReport, say: SayAudit): string {
  if (notices.length === 0) return ''
  return `<h2>${say('heading.notices')}</h2>\n<ul class="told">\n${notices.map(notice => formatTold(notice, say)).join('\n')}\n</ul>`
}

function formatTold(told: AuditReport['findings' | 'notices' | 'unfinished'][number], say: SayAudit): string {
  return `<li><strong>${escapeText(say(told.code))}</strong><br><bdi>${escapeText(sayDetail(say, told))}</bdi> <code>${told.code}</code></li>`
}

function formatAnchors(anchors: readonly AuditedAnchor[], say: SayAudit): string {
  const heading = `<h2>${say('heading.anchors')}</h2>`
  if (anchors.length === 0) return `${heading}\n<p>${say('anchors.none')}</p>`
  const values = { shown: sayNumber(say, MAX_ROWS), count: anchors.length }
  const caption = anchors.length > MAX_ROWS ? say('anchors.caption.newest', values) : say('anchors.caption')
  const columns = (['time', 'entries', 'root', 'chain', 'transaction'] as const).map(
    name => `<th scope="col">${say(`column.${name}`)}</th>`,
  )
  const rows = anchors.slice(-MAX_ROWS).map(anchor => formatRow(anchor, say))
  return `${heading}
${anchors.length > 1 ? drawAnchors(anchors, say) : ''}
<div class="scroll" role="region" aria-label="${escapeText(caption)}" tabindex="0"><table>
<caption>${escapeText(caption)}</caption>
<thead><tr>${columns.join('')}</tr></thead>
<tbody>
${rows.join('\n')}
</tbody></table></div>`
}

function formatRow({ time, size, root, chainId, endpoint, block, transaction, final }: AuditedAnchor, say: SayAudit): string {
  const chain = say('cell.block', { chainId, endpoint, block: sayNumber(say, block) })
  const state = final ? '' : ` <strong>${escapeText(say('cell.notFinal'))}</strong>`
  return `<tr><td>${escapeText(sayTime(say, time))}${state}</td><td class="number">${sayNumber(say, size)}</td><td><code>${root}</code></td>\
<td><bdi>${escapeText(chain)}</bdi></td><td><code>${escapeText(transaction)}</code></td></tr>`
}

/** The audit's report for people: one HTML page that needs nothing else, for the screen, light or dark, and for paper. */
import { formatTime } from '../core/time.ts'
import { FINDINGS } from './finding.ts'
import type { AuditedAnchor, AuditReport } from './run.ts'

/** What the report says of the audit itself. */
export type AuditFacts = {
  readonly ledger: string
  /** Whose policy it was. */
  readonly trust: 'policy' | 'ledger'
  /** When it was made. */
  readonly time: string
}

const SENTENCES = {
  clean: 'The ledger is consistent.',
  inconsistent: 'The ledger is not consistent.',
  unfinished: 'The audit could not be finished.',
} as const
const MARKS = { clean: '✓', inconsistent: '✗', unfinished: '?' } as const
const CHART = { width: 720, height: 280, left: 16, right: 16, top: 28, bottom: 36 }
/** A table on paper: the newest ones say the most; the JSON report has all. */
const MAX_ROWS = 500

/** The page. */
export function formatAuditReport(report: AuditReport, facts: AuditFacts): string {
  const title = `Audit of ${report.origin}`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escapeHtml(`${SENTENCES[report.verdict]} ${title}`)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${escapeHtml(title)}</h1>
<p class="verdict ${report.verdict}"><span aria-hidden="true">${MARKS[report.verdict]}</span> ${escapeHtml(sentenceOf(report))}</p>
${formatFacts(report, facts)}
${formatFindings(report)}
${formatUnfinished(report)}
${formatAnchors(report.anchors)}
<h2>What this shows</h2>
<p>The entries up to this size are those that the ledger signed for, and each statement that is still there is the one that its entry commits to.
Where an anchor is listed, the chain vouches that the tree of that size existed at that time. It does not show that what the records say is true.</p>
</main>
</body>
</html>
`
}

function sentenceOf({ verdict, findings, size }: AuditReport): string {
  if (verdict === 'clean')
    return `${SENTENCES.clean} ${size === 1 ? 'Its one entry gives' : `All ${number(size)} entries give`} the root hash that it signs.`
  if (verdict === 'inconsistent')
    return `${SENTENCES.inconsistent} ${findings.length === 1 ? 'One finding.' : `${findings.length} findings.`}`
  return `${SENTENCES.unfinished} What was looked at is in order.`
}

function formatFacts(report: AuditReport, { ledger, trust, time }: AuditFacts): string {
  const rows: [string, string][] = [
    ['Ledger', `${report.origin}, at ${ledger}`],
    ['Made', time],
    ['Policy', trust === 'policy' ? "the auditor's own copy" : "the ledger's own word"],
    ['Entries', number(report.size)],
    ['Read in this run', report.size > report.from ? `entries ${number(report.from)} to ${number(report.size - 1)}` : 'no entries'],
    ['Root hash', report.root],
    [
      'Statements compared',
      `${number(report.statements - report.erased)}${report.erased === 0 ? '' : `; ${number(report.erased)} erased`}`,
    ],
    ['Tiles compared', number(report.tiles)],
    ['Anchors compared', number(report.anchors.length)],
  ]
  return `<dl>\n${rows.map(([name, value]) => `<dt>${name}</dt><dd>${escapeHtml(value)}</dd>`).join('\n')}\n</dl>`
}

function formatFindings({ findings, evidence }: AuditReport): string {
  if (findings.length === 0) return '<h2>Findings</h2>\n<p>None.</p>'
  const items = findings.map(
    ({ code, detail }) => `<li><strong>${escapeHtml(FINDINGS[code])}</strong><br>${escapeHtml(detail)} <code>${code}</code></li>`,
  )
  const files = evidence.map(file => `<li><code>${escapeHtml(file)}</code></li>`).join('\n')
  const kept = files === '' ? '' : `\n<h3>Evidence</h3>\n<p>Both sides, as the ledger signed them:</p>\n<ul>\n${files}\n</ul>`
  return `<h2>Findings</h2>\n<ol class="findings">\n${items.join('\n')}\n</ol>${kept}`
}

function formatUnfinished({ unfinished }: AuditReport): string {
  if (unfinished.length === 0) return ''
  return `<h2>Not looked at</h2>\n<ul>\n${unfinished.map(reason => `<li>${escapeHtml(reason)}</li>`).join('\n')}\n</ul>`
}

function formatAnchors(anchors: readonly AuditedAnchor[]): string {
  if (anchors.length === 0) return '<h2>Anchors</h2>\n<p>No anchor was read from a chain.</p>'
  const rows = anchors
    .slice(-MAX_ROWS)
    .map(
      ({ time, size, root, chainId, endpoint, block, transaction }) =>
        `<tr><td class="number">${time}</td><td class="number">${number(size)}</td><td><code>${root}</code></td>` +
        `<td>${chainId} (${escapeHtml(endpoint)}), block ${number(block)}</td><td><code>${escapeHtml(transaction)}</code></td></tr>`,
    )
  const left = anchors.length > MAX_ROWS ? `, the newest ${MAX_ROWS} of ${number(anchors.length)}` : ''
  return `<h2>Anchors</h2>
${anchors.length > 1 ? drawChart(anchors) : ''}
<div class="scroll" role="region" aria-label="Table of anchors" tabindex="0"><table>
<caption>Every anchor, oldest first${left}</caption>
<thead><tr><th scope="col">Time</th><th scope="col">Entries</th><th scope="col">Root hash</th><th scope="col">Chain</th><th scope="col">Transaction</th></tr></thead>
<tbody>
${rows.join('\n')}
</tbody></table></div>`
}

/** Anchored entries over time, a line for each chain and endpoint; the table says the same. */
function drawChart(anchors: readonly AuditedAnchor[]): string {
  const { width, height, left, right, top, bottom } = CHART
  const times = anchors.map(({ time }) => Date.parse(time))
  const from = times.reduce((a, b) => Math.min(a, b))
  const to = times.reduce((a, b) => Math.max(a, b))
  const most = anchors.reduce((a, { size }) => Math.max(a, size), 1)
  const x = (time: number) => (left + ((time - from) / (to - from || 1)) * (width - left - right)).toFixed(1)
  const y = (size: number) => (height - bottom - (size / most) * (height - top - bottom)).toFixed(1)
  const series = Map.groupBy(anchors, ({ chainId, endpoint }) => `${chainId} ${endpoint}`)
  // A tree has its size until the next anchor: steps, not slopes.
  const lines = [...series.values()].map(list => {
    const steps = list.map(({ time, size }, i) => (i === 0 ? `M${x(Date.parse(time))} ${y(size)}` : `H${x(Date.parse(time))}V${y(size)}`))
    return `<path d="${steps.join('')}"/>`
  })
  const words = `Entries anchored over time: from ${number(anchors[0]!.size)} on ${formatTime(from)} to ${number(most)} on ${formatTime(to)}, in ${anchors.length} anchors.`
  return `<figure><svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(words)}">
<line x1="${left}" y1="${y(0)}" x2="${width - right}" y2="${y(0)}"/><line class="grid" x1="${left}" y1="${y(most)}" x2="${width - right}" y2="${y(most)}"/>
${lines.join('\n')}
<text x="${left}" y="${top - 10}">${number(most)} entries</text>
<text x="${left}" y="${height - 12}">${formatTime(from)}</text><text x="${width - right}" y="${height - 12}" text-anchor="end">${formatTime(to)}</text>
</svg><figcaption>${escapeHtml(words)}</figcaption></figure>`
}

function number(value: number): string {
  return value.toLocaleString('en')
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, found => `&#${found.charCodeAt(0)};`)
}

const STYLE = `
:root{color-scheme:light dark;--ink:#14181c;--soft:#4b555f;--paper:#fff;--line:#8a949e;--good:#0f5c2e;--bad:#9b1c1c;--warn:#6b4700;--curve:#0b4f8a}
@media(prefers-color-scheme:dark){:root{--ink:#eceff2;--soft:#b4bdc6;--paper:#14181c;--line:#75808b;--good:#8fe0ac;--bad:#ffa8a3;--warn:#ffd591;--curve:#8fc7ff}}
*{box-sizing:border-box}
html{font:100%/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",Arial,sans-serif}
body{margin:0;background:var(--paper);color:var(--ink);overflow-wrap:anywhere}
main{max-width:60rem;margin:auto;padding:1rem}
h1{font-size:1.6rem;line-height:1.2}h2{font-size:1.25rem;margin-top:2rem}
.verdict{font-size:1.2rem;font-weight:700;border:2px solid;border-left-width:.5rem;border-radius:.3rem;padding:.7rem 1rem}
.clean{color:var(--good)}.inconsistent{color:var(--bad)}.unfinished{color:var(--warn)}
dl{display:grid;grid-template-columns:minmax(8rem,14rem) 1fr;gap:.3rem 1rem}dt,caption,figcaption,th{color:var(--soft)}dd{margin:0;min-width:0}
.findings li{margin-block:.8rem}
code{font-family:ui-monospace,Consolas,"Liberation Mono",monospace;font-size:.85em}
.scroll{overflow-x:auto}.scroll:focus-visible{outline:3px solid var(--curve)}
table{border-collapse:collapse;width:100%;min-width:44rem}caption{text-align:start}
th,td{text-align:start;vertical-align:top;padding:.4rem .5rem;border-bottom:1px solid var(--line)}td.number,th{font-variant-numeric:tabular-nums;white-space:nowrap}
figure{margin:1rem 0}svg{width:100%;height:auto}svg path{fill:none;stroke:var(--curve);stroke-width:2.5}svg line{stroke:var(--line)}svg .grid{stroke-dasharray:4 4}svg text{fill:var(--ink);font-size:14px}
@media(max-width:40rem){svg text{font-size:26px}dl{grid-template-columns:1fr}dd{margin-bottom:.4rem}}
@media print{:root{color-scheme:light;--ink:#000;--soft:#333;--paper:#fff;--good:#000;--bad:#000;--warn:#000;--curve:#000;--line:#666}.scroll{overflow:visible}table{min-width:0;font-size:.75rem}tr,figure,li{break-inside:avoid}}
`

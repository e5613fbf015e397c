/**
 * The chart of an audit's report, as SVG: anchored entries over time. The table beside it has the
 * same data.
 */

import { groupBy } from '../core/group-by.ts'
import { escapeText } from '../html.ts'
import type { SayAudit } from '../messages/audit/speak.ts'
import { sayNumber, sayTime } from '../messages/say.ts'
import type { AuditedAnchor } from './run.ts'

const WIDTH = 720
const HEIGHT = 280
const PAD = { left: 16, right: 16, top: 30, bottom: 36 }

/** Draws a line for each chain and endpoint. Needs at least two anchors. */
export function drawAnchors(anchors: readonly AuditedAnchor[], say: SayAudit): string {
  const times = anchors.map(({ time }) => Date.parse(time))
  const from = times.reduce((a, b) => Math.min(a, b))
  const to = times.reduce((a, b) => Math.max(a, b))
  const most = anchors.reduce((a, { size }) => Math.max(a, size), 1)
  const x = (time: number) => (PAD.left + ((time - from) / (to - from || 1)) * (WIDTH - PAD.left - PAD.right)).toFixed(1)
  const y = (size: number) => (HEIGHT - PAD.bottom - (size / most) * (HEIGHT - PAD.top - PAD.bottom)).toFixed(1)
  const series = groupBy(anchors, ({ chainId, endpoint }) => `${chainId} ${endpoint}`)
  // A tree keeps its size until the next anchor, so the lines are steps, not slopes.
  const lines = [...series.values()].map(list => {
    const steps = list.map(({ time, size }, i) => (i === 0 ? `M${x(Date.parse(time))} ${y(size)}` : `H${x(Date.parse(time))}V${y(size)}`))
    return `<path d="${steps.join('')}"/>`
  })
  const number = (value: number) => sayNumber(say, value)
  const span = { first: number(anchors[0]!.size), from: sayTime(say, from), last: number(most), to: sayTime(say, to) }
  const words = say('anchors.chart', { ...span, count: anchors.length })
  return `<figure><svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeText(words)}" direction="ltr">
<line x1="${PAD.left}" y1="${y(0)}" x2="${WIDTH - PAD.right}" y2="${y(0)}"/><line class="grid" x1="${PAD.left}" y1="${y(most)}" x2="${WIDTH - PAD.right}" y2="${y(most)}"/>
${lines.join('\n')}
<text x="${PAD.left}" y="${PAD.top - 10}">${escapeText(say('anchors.entries', { count: most }))}</text>
<text x="${PAD.left}" y="${HEIGHT - 12}">${dayOf(from)}</text><text x="${WIDTH - PAD.right}" y="${HEIGHT - 12}" text-anchor="end">${dayOf(to)}</text>
</svg><figcaption>${escapeText(words)}</figcaption></figure>`
}

/** `2026-01-31`. The words above the chart have the minutes. */
function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10)
}

/** The chart of entries and waiting times, drawn on the server as SVG. The table on the same page says the same. */

import { type Say, sayDuration, sayNumber, sayTime } from '../messages/say.ts'
import type { SiteAnchor } from './deps.ts'
import { type Html, html } from './html.ts'

const WIDTH = 720
const HEIGHT = 260
const PAD = { left: 20, right: 20, top: 34, bottom: 34 }

/** A line for the entries covered, a bar for the time between two anchors. Takes two anchors or more, ascending. */
export function drawAnchors(say: Say, anchors: readonly SiteAnchor[]): Html {
  const times = anchors.map(({ block }) => Date.parse(block.time) / 1000)
  const [from = 0, to = from] = [times[0], times.at(-1)]
  const first = anchors[0]?.size ?? 0
  const last = anchors.at(-1)?.size ?? 0
  const gaps = times.map((time, at) => time - (times[at - 1] ?? time))
  const longest = Math.max(...gaps)
  const x = (time: number) => round(PAD.left + ((time - from) / (to - from || 1)) * (WIDTH - PAD.left - PAD.right))
  const y = (part: number) => round(HEIGHT - PAD.bottom - part * (HEIGHT - PAD.top - PAD.bottom))
  const line = anchors.map(({ size }, at) => `${x(times[at] ?? 0)},${y(size / (last || 1))}`).join(' ')
  const text = say('anchors.chartText', {
    from: sayTime(say, from * 1000),
    to: sayTime(say, to * 1000),
    first: sayNumber(say, first),
    last: sayNumber(say, last),
    longest: sayDuration(say, longest),
  })
  return html`<figure class="plain"><svg class="chart" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${text}" direction="ltr">
${gaps.slice(1).map((gap, at) => html`<rect class="bar" x="${round(x(times[at + 1] ?? 0) - 2)}" y="${y(0.5 * (gap / (longest || 1)))}" width="4" height="${round(0.5 * (gap / (longest || 1)) * (HEIGHT - PAD.top - PAD.bottom))}"/>`)}
<line class="axis" x1="${PAD.left}" y1="${y(0)}" x2="${WIDTH - PAD.right}" y2="${y(0)}"/>
<polyline class="curve" points="${line}"/>
<text x="${PAD.left}" y="${HEIGHT - 10}">${new Date(from * 1000).toISOString().slice(0, 10)}</text>
<text x="${WIDTH - PAD.right}" y="${HEIGHT - 10}" text-anchor="end">${new Date(to * 1000).toISOString().slice(0, 10)}</text>
<text x="${WIDTH - PAD.right}" y="20" text-anchor="end">${sayNumber(say, last)}</text></svg>
<figcaption class="small soft">${text}</figcaption></figure>`
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

/** Bar charts over time, drawn on the server as SVG. A table beside each says the same. */
import { type Say, sayDuration, sayTime } from '../messages/say.ts'
import type { Activity } from './activity.ts'
import { type Html, html } from './html.ts'

const WIDTH = 720
const HEIGHT = 170
const PAD = { side: 8, top: 26, bottom: 24 }

/** One bar for each stretch of time that has a value; `format` puts a value into words. */
export function drawBars(
  say: Say,
  { fromMs, toMs, unitMs }: Omit<Activity, 'slots' | 'range'>,
  { what, bars, format }: { what: string; bars: readonly { startMs: number; value: number }[]; format: (value: number) => string },
): Html {
  const most = Math.max(...bars.map(({ value }) => value))
  const x = (timeMs: number) => PAD.side + ((timeMs - fromMs) / (toMs - fromMs)) * (WIDTH - 2 * PAD.side)
  const room = HEIGHT - PAD.top - PAD.bottom
  const width = Math.max(1, (x(fromMs + unitMs) - x(fromMs)) * 0.8)
  const ground = HEIGHT - PAD.bottom
  const text = say('activity.text', {
    what,
    from: sayTime(say, fromMs),
    to: sayTime(say, toMs),
    duration: sayDuration(say, unitMs / 1000),
    most: format(most),
  })
  return html`<figure><svg class="chart" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${text}" direction="ltr">
${bars.map(({ startMs, value }) => {
  // The smallest value is still to be seen.
  const height = value === 0 ? 0 : Math.max(2, (value / (most || 1)) * room)
  return html`<rect class="bar" x="${round(x(startMs))}" y="${round(ground - height)}" width="${round(width)}" height="${round(height)}"/>`
})}
<line class="axis" x1="${PAD.side}" y1="${ground}" x2="${WIDTH - PAD.side}" y2="${ground}"/>
<line class="axis top" x1="${PAD.side}" y1="${PAD.top}" x2="${WIDTH - PAD.side}" y2="${PAD.top}"/>
<text x="${PAD.side}" y="${PAD.top - 8}">${format(most)}</text>
<text x="${PAD.side}" y="${HEIGHT - 7}">${stamp(fromMs)}</text>
<text x="${WIDTH - PAD.side}" y="${HEIGHT - 7}" text-anchor="end">${stamp(toMs)}</text></svg>
<figcaption class="small soft">${text}</figcaption></figure>`
}

function stamp(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 16).replace('T', ' ').replace(' 00:00', '')
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

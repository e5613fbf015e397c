/** Bar charts over time, drawn on the server as SVG. A table beside each has the same data. */

import { type Html, html } from '../html.ts'
import { type Say, sayDuration, sayTime } from '../messages/say.ts'
import type { Activity } from './activity.ts'

/**
 * The drawing is stretched to the width of the page. Its words are outside of it, so that they keep
 * their size.
 */
const WIDTH = 1000
const HEIGHT = 100

/**
 * Draws one bar for each unit of time with a value above zero, of at least one. `format` puts a
 * value into words, `mark` into the few that fit beside an axis.
 */
export function drawBars(
  say: Say,
  { fromMs, toMs, unitMs }: Omit<Activity, 'slots' | 'range'>,
  {
    what,
    bars,
    format,
    mark = format,
  }: {
    what: string
    bars: readonly { startMs: number; value: number }[]
    format: (value: number) => string
    mark?: (value: number) => string
  },
): Html {
  const most = Math.max(...bars.map(({ value }) => value))
  const x = (timeMs: number) => ((timeMs - fromMs) / (toMs - fromMs)) * WIDTH
  const width = Math.max(2, x(fromMs + unitMs) * 0.8)
  const text = say('activity.text', {
    what,
    from: sayTime(say, fromMs),
    to: sayTime(say, toMs),
    duration: sayDuration(say, unitMs / 1000),
    most: format(most),
  })
  return html`<figure><div class="plot" dir="ltr"><p class="axis" aria-hidden="true"><bdi>${mark(most)}</bdi>${most % 2 === 0 && html`<bdi>${mark(most / 2)}</bdi>`}<bdi>0</bdi></p>
<svg class="chart" viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label="${text}">
<path d="M0 ${HEIGHT / 2}H${WIDTH}"/>
${bars.map(({ startMs, value }) => {
  // Keeps the smallest value visible.
  const height = Math.max(2, (value / most) * HEIGHT)
  return html`<rect x="${round(x(startMs))}" y="${round(HEIGHT - height)}" width="${round(width)}" height="${round(height)}"/>`
})}</svg>
<p class="scale" aria-hidden="true"><span>${stamp(fromMs)}</span><span>${stamp(toMs)} UTC</span></p></div>
<figcaption class="small soft">${text}</figcaption></figure>`
}

function stamp(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 16).replace('T', ' ').replace(' 00:00', '')
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

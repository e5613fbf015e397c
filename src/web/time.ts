/** Times on pages: always UTC, in words. A small script adds the reader's own time beside each. */
import { type Html, html } from '../html.ts'
import { type Say, sayTime } from '../messages/say.ts'

/** A time with its machine-readable form. Takes unix milliseconds or `YYYY-MM-DDTHH:MM:SSZ`. */
export function renderTime(say: Say, time: string | number): Html {
  return html`<time datetime="${typeof time === 'number' ? new Date(time).toISOString() : time}">${sayTime(say, time)}</time>`
}

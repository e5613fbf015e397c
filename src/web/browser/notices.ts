/** The words of the page about itself: a line that is read out, and notices that stay. */
import { html } from '../../html.ts'
import { find } from './find.ts'

/** Shows a notice until the reader starts again, and reads it out. */
export function notice(text: string): void {
  find('#notices').insertAdjacentHTML('beforeend', html`<p>${text}</p>`.safe)
  tell(text)
}

/** Reads a text out. */
export function tell(text: string): void {
  find('#status').textContent = text
}

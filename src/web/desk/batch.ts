/** The part of a page that publishes many records: its script fills it. */
import { type Html, html } from '../../html.ts'
import type { DeskFrame } from './desk-frame.ts'

/** The progress, the buttons, and the place of the table. */
export function renderBatch({ desk, base, formToken }: DeskFrame): Html {
  return html`<progress id="progress" max="100" value="0" aria-label="${desk('folder.table')}" hidden></progress>
<p id="status" role="status" tabindex="-1"></p>
<p class="row" id="actions"><button type="button" id="go" hidden></button> <button type="button" class="quiet" id="stop" hidden>${desk('folder.stop')}</button>
<button type="button" class="quiet" id="results" hidden>${desk('folder.results')}</button></p>
<form id="zip" action="${base}/desk/receipts.zip" method="post" hidden><input type="hidden" name="token" value="${formToken}"><input type="hidden" name="of" id="zip-of"><button type="submit" class="quiet">${desk('folder.zip')}</button></form>
<div id="rows"></div>`
}

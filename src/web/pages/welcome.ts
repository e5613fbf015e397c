/** The welcome of a ledger without records, for readers and for its operator. */
import { fill, type Html, html } from '../../html.ts'
import type { Frame } from '../layout.ts'

/** The size of a ledger that has only its founding entry. */
export const FOUNDED = 1

/** The welcome, with a link to the founding entry. */
export function renderWelcome({ say, base }: Frame): Html {
  const operator = { page: html`<a href="${base}/operator">/operator</a>`, command: html`<code dir="ltr">openseal agency add</code>` }
  return html`<section class="welcome"><h2>${say('welcome.title')}</h2><p class="lead">${say('welcome.text')}</p>
<p><a href="${base}/records/0">${say('welcome.founding')}</a></p>
<h3>${say('welcome.reader')}</h3><p>${say('welcome.readerText')} <a href="${base}/verify">${say('verify.title')}</a> · <a href="${base}/about#offline">${say('about.offlineLink')}</a></p>
<h3>${say('welcome.operator')}</h3><p>${fill(say('welcome.operatorText'), operator)}</p></section>`
}

/**
 * The page for people who want something removed: what is held, what can go, what stays, who
 * decides.
 */
import { html } from '../../html.ts'
import type { SayDesk } from '../../messages/desk/speak.ts'
import { sayDuration } from '../../messages/say.ts'
import type { SiteLedger } from '../deps.ts'
import type { Frame, Page } from '../layout.ts'
import { renderOperator } from './join.ts'

/** The page. Its periods are those that the operator has set. */
export function removalPage(
  { base, say, operator }: Frame,
  desk: SayDesk,
  { erasureDelayMs, suppressionMs }: Pick<SiteLedger, 'erasureDelayMs' | 'suppressionMs'>,
): Page {
  const after = (ms: number) => ({ duration: sayDuration(say, ms / 1000) })
  const can = erasureDelayMs > 0 ? desk('removal.canText', after(erasureDelayMs)) : desk('removal.canNow')
  return {
    title: say('site.removal'),
    description: desk('removal.lead'),
    main: html`<h1>${say('site.removal')}</h1><p class="lead">${desk('removal.lead')}</p>
<h2>${desk('removal.who')}</h2><p>${desk('removal.whoText')}</p>
<p><a href="${base}/records">${desk('removal.find')}</a></p><p>${desk('removal.whoOperator')}</p>
${renderOperator(operator, desk)}
<h2>${desk('removal.holds')}</h2><p>${desk('removal.holdsText')}</p>
<h2>${desk('removal.can')}</h2><p>${can}</p>
<h2>${desk('erase.stays')}</h2>
<ul><li>${desk('erase.staysEntry')}</li><li>${desk('erase.staysEffect')}</li><li>${desk('erase.staysCopies')}</li><li>${desk('removal.staysBackups')}</li>${suppressionMs > 0 && html`<li>${desk('removal.staysList', after(suppressionMs))}</li>`}</ul>
<p><a href="${base}/changes?kind=erased">${say('erased.list')}</a></p>`,
  }
}

/** The service's own pages about who is responsible, and about what it does with visitors' data. */
import { fill, type Html, html } from '../../html.ts'
import type { DeskMessageKey } from '../../messages/desk/en.ts'
import type { SayDesk } from '../../messages/desk/speak.ts'
import type { Frame, Page } from '../layout.ts'
import { renderOperator } from './join.ts'

const LICENCE = html`<a href="https://www.apache.org/licenses/LICENSE-2.0" rel="external" lang="en" dir="ltr">Apache License 2.0</a>`

/** The legal notice: who answers for the ledger and for its records, and what the software is. */
export function legalPage({ say, operator }: Frame, desk: SayDesk): Page {
  return {
    title: say('site.legal'),
    description: desk('legal.agencies'),
    main: html`<h1>${say('site.legal')}</h1>
<h2>${desk('legal.who')}</h2><p>${desk('legal.operator')}</p>
${renderOperator(operator, desk)}
<p>${desk('legal.agencies')}</p>
<h2>${say('about.limits')}</h2><p>${say('verify.limits')}</p>
<h2>${desk('legal.software')}</h2><p>${fill(desk('legal.softwareText'), { licence: LICENCE })}</p>
<p class="small soft">${desk('legal.own')}</p>`,
  }
}

/** The privacy page: what the service learns of its visitors, and what it keeps. */
export function privacyPage({ say, base, operator }: Frame, desk: SayDesk): Page {
  const list = (...keys: readonly DeskMessageKey[]): Html => html`<ul>${keys.map(key => html`<li>${desk(key)}</li>`)}</ul>`
  return {
    title: say('site.privacy'),
    description: desk('privacy.lead'),
    main: html`<h1>${say('site.privacy')}</h1><p class="lead">${desk('privacy.lead')}</p>
<h2>${desk('privacy.reading')}</h2>
${list('privacy.noTracking', 'privacy.address', 'privacy.log', 'privacy.proxy')}
<h2>${desk('privacy.checking')}</h2>
${list('privacy.stays', 'privacy.chain', 'privacy.form')}
<h2>${desk('privacy.desk')}</h2><p>${desk('privacy.deskText')}</p>
<h2>${desk('privacy.records')}</h2><p>${desk('privacy.recordsText')} <a href="${base}/removal">${say('site.removal')}</a></p>
<h2>${desk('privacy.rights')}</h2><p>${desk('privacy.rightsText')}</p>
${renderOperator(operator, desk)}
<p class="small soft">${desk('privacy.own')}</p>`,
  }
}

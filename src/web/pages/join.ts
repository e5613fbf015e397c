/** The page for agencies that want to submit: how they join, and whom they ask. */
import { type Html, html } from '../../html.ts'
import type { SayDesk } from '../../messages/desk/speak.ts'
import { type Frame, type Page, renderContact } from '../layout.ts'

/** The page, in the language of its frame. */
export function joinPage({ base, operator }: Frame, desk: SayDesk): Page {
  return {
    title: desk('join.title'),
    description: desk('join.lead'),
    main: html`<h1>${desk('join.title')}</h1><p class="lead">${desk('join.lead')}</p>
<ol><li>${desk('join.ask')}</li><li>${desk('join.key')}</li><li>${desk('join.desk')}</li><li>${desk('join.program')}</li></ol>
<h2>${desk('join.contact')}</h2>
${renderOperator(operator, desk)}
<h2>${desk('join.public')}</h2><p>${desk('join.publicText')}</p>
<p class="row no-print"><a class="button" href="${base}/desk">${desk('join.signIn')}</a></p>`,
  }
}

/** Whom to write to: the operator, as far as it was configured. */
export function renderOperator(operator: Frame['operator'], desk: SayDesk): Html {
  const { name, contact } = operator ?? {}
  if (name === undefined && contact === undefined) return html`<p>${desk('join.noContact')}</p>`
  return html`<p>${name !== undefined && html`<bdi>${name}</bdi> `}${contact !== undefined && renderContact(contact)}</p>`
}

/** The form of the list of records. It works without a script: each choice is a part of the address. */
import { type Html, html } from '../../html.ts'
import type { MessageKey } from '../../messages/en.ts'
import { type Say, sayNumber } from '../../messages/say.ts'
import type { SiteCount, SiteWantedState } from '../deps.ts'
import type { Choices } from '../find-choices.ts'
import { type FindQuery, isNarrowed } from '../find-query.ts'
import type { Frame } from '../layout.ts'
import { vouchKey } from '../vouching.ts'

/** The words for a state. */
const STATE_WORDS = {
  current: 'find.current',
  waiting: 'state.waiting',
  withdrawn: 'state.withdrawn',
  superseded: 'state.superseded',
  edited: 'state.edited',
} as const satisfies { readonly [state in SiteWantedState]: MessageKey }

type Option = { readonly value: string; readonly words: string; readonly count?: SiteCount | undefined }

/** The search with its filters, which are open once one of them is used. */
export function renderFindForm(frame: Frame, query: FindQuery, { agencies, kinds, states }: Choices): Html {
  const { say, base } = frame
  const { q = '', agency = '', kind = '', state = '', from = '', to = '', sort = 'newest', packages = '' } = query
  const { q: _, ...filters } = query
  return html`<form role="search" class="find" action="${base}/records" method="get">
<label for="q">${say('search.label')}</label>
<div class="row"><input type="search" id="q" name="q" maxlength="512" dir="auto" value="${q}"><button type="submit">${say('site.search')}</button></div>
<details${isNarrowed(filters) && html` open`}><summary>${say('find.filters')}</summary>
<div class="filters">
<div><label for="agency">${say('find.agency')}</label>${
    agencies === undefined
      ? html`<input type="text" id="agency" name="agency" maxlength="253" dir="auto" value="${agency}" aria-describedby="agency-hint"><p class="hint small" id="agency-hint">${say('find.agencyHint')}</p>`
      : select(say, 'agency', agency, [
          { value: '', words: say('find.agencyAny') },
          ...agencies.map(({ value: { id, name }, count }) => ({ value: id, words: `${name} (${id})`, count })),
        ])
  }</div>
<div><label for="kind">${say('record.kind')}</label>${select(say, 'kind', kind, [
    { value: '', words: say('find.any') },
    ...kinds.map(({ value, count }) => ({ value, words: say(`kind.${value}`), count })),
  ])}</div>
<div><label for="state">${say('record.state')}</label>${select(say, 'state', state, [
    { value: '', words: say('find.any') },
    ...states.map(({ value, count }) => ({
      value,
      words: say(value === 'waiting' ? vouchKey('state.waiting', frame) : STATE_WORDS[value]),
      count,
    })),
  ])}</div>
<div><label for="packages">${say('find.packages')}</label>${select(say, 'packages', packages, [
    { value: '', words: say('find.packagesHide') },
    { value: 'show', words: say('find.packagesShow') },
    { value: 'only', words: say('find.packagesOnly') },
  ])}</div>
<div><label for="from">${say('find.from')}</label><input type="date" id="from" name="from" value="${from}" aria-describedby="day-hint"></div>
<div><label for="to">${say('find.to')}</label><input type="date" id="to" name="to" value="${to}" aria-describedby="day-hint"></div>
<div><label for="sort">${say('find.sort')}</label>${select(say, 'sort', sort, [
    { value: 'newest', words: say('find.newest') },
    { value: 'oldest', words: say('find.oldest') },
  ])}</div>
</div>
<p class="hint small" id="day-hint">${say('find.dayHint')}</p>
<p class="row"><button type="submit">${say('find.use')}</button> <a href="${base}/records">${say('find.clear')}</a></p></details></form>`
}

/** A number, or at least that number. */
export function sayCount(say: Say, { count, isExact }: SiteCount): string {
  return isExact ? sayNumber(say, count) : say('find.atLeast', { count: sayNumber(say, count) })
}

function select(say: Say, name: string, chosen: string, options: readonly Option[]): Html {
  const known = options.some(({ value }) => value === chosen)
  const all = known ? options : [...options, { value: chosen, words: chosen }]
  return html`<select id="${name}" name="${name}">${all.map(
    ({ value, words, count }) =>
      html`<option value="${value}"${value === chosen && html` selected`}>${words}${count && html` – ${sayCount(say, count)}`}</option>`,
  )}</select>`
}

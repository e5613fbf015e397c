import { fill, type Html, html } from '../../html.ts'
import type { SiteChange, SiteChangeKind } from '../deps.ts'
import type { Frame, Page } from '../layout.ts'
import type { Entry } from '../records.ts'
import { renderBehind, renderEntries, SPEAKS } from './entry-list.ts'

/** A change with the entry that makes it. */
export type ChangeEntry = Entry & { readonly change: SiteChange }

/** The kinds in the order of the menu. */
export const CHANGE_KINDS: readonly SiteChangeKind[] = ['silent-edit', 'amend', 'withdraw']

/** A page of the list. */
export function changesPage(
  frame: Frame,
  data: {
    readonly kind: SiteChangeKind | undefined
    readonly entries: readonly ChangeEntry[]
    readonly before: number | undefined
    readonly older: number | undefined
    /** How many of the newest entries the finder has not read yet. */
    readonly behind: number
    /** Only on the first page of all changes. */
    readonly changers?: Html | false
  },
): Page {
  const { say, base } = frame
  const { kind, entries, before, older, behind, changers } = data
  const here = `${base}/changes`
  const only = kind === undefined ? '' : `kind=${kind}&`
  return {
    title: say('site.changes'),
    description: say('changes.lead'),
    ...(kind !== undefined && { address: `/changes?kind=${kind}` }),
    ...(before !== undefined && { noIndex: true }),
    feed: `${here}/all.atom`,
    main: html`<h1>${say('site.changes')}</h1><p class="lead">${say('changes.lead')}</p>
${renderTabs(frame, kind)}
${renderBehind(frame, behind)}
${entries.length === 0 ? html`<p>${say('changes.none')}</p>` : renderEntries(frame, entries, entry => renderChange(frame, entry))}
<p class="row no-print">${before !== undefined && html`<a href="${here}${kind !== undefined && `?kind=${kind}`}">${say('changes.newest')}</a>`}
${older !== undefined && html`<a href="${here}?${only}before=${older}">${say('changes.older')}</a>`}</p>
${changers}
<p class="no-print"><a href="${here}.atom">${say('feed.watch')} (Atom)</a> · <a href="${here}/all.atom">${say('feed.changes')} (Atom)</a></p>`,
  }
}

/** The menu of kinds. The list of removals is one of them. */
export function renderTabs({ say, base }: Frame, kind: SiteChangeKind | 'erased' | undefined): Html {
  const here = `${base}/changes`
  return html`<nav class="tabs" aria-label="${say('changes.show')}"><ul><li>${tab(say('changes.all'), here, kind === undefined)}</li>
${[...CHANGE_KINDS, 'erased' as const].map(each => html`<li>${tab(say(`changes.${each}`), `${here}?kind=${each}`, kind === each)}</li>`)}</ul></nav>`
}

/** The change, its reason, and the earlier entry. */
function renderChange({ say, base }: Frame, { change, statement }: ChangeEntry): Html {
  const { kind, earlier } = change
  const { reason, target } = statement ?? {}
  const tone = kind === 'amend' ? 'note' : 'alert'
  const name = say(kind === 'silent-edit' ? 'flag.silent-edit' : `action.${kind}`)
  const entry = earlier !== undefined && html`<a href="${base}/records/${earlier}">${say('record.entry', { index: earlier })}</a>`
  const version = target !== undefined && fill(say('changes.version'), { revision: html`<bdi>${target}</bdi>` })
  const spokenOf = entry
    ? html`${version ? html`${version} · ` : kind !== 'silent-edit' && html`${say('changes.allEarlier')} `}${entry}`
    : html`${version && html`${version}: `}${say('changes.unknown')}`
  return html`<p><span class="badge ${tone}">${name}${reason && `: ${say(`reason.${reason.code}`)}`}</span>
<span class="small">${say(SPEAKS[kind])}: ${spokenOf}</span></p>`
}

function tab(name: string, href: string, isHere: boolean): Html {
  return html`<a href="${href}"${isHere && html` aria-current="page"`}>${name}</a>`
}

/** How much agencies changed their records afterwards: a sentence, and a table with bars. */
import { type Html, html, type Piece } from '../../html.ts'
import { type Say, sayNumber, sayShare } from '../../messages/say.ts'
import type { SiteChangers, SiteCounts } from '../deps.ts'
import type { Frame } from '../layout.ts'
import { CHANGE_KINDS } from './changes.ts'

/** The agencies that changed most, with their names. */
export type ShownChangers = SiteChangers & { readonly names: ReadonlyMap<string, string> }

/** The part of the page of changes that compares agencies; nothing if nobody changed anything. */
export function renderChangers({ say, base }: Frame, { agencies, all, others, names }: ShownChangers): Html | false {
  const changes = changesOf(all)
  if (changes === 0) return false
  const heads = [say('changes.agency'), say('activity.records'), ...CHANGE_KINDS.map(kind => say(`changes.${kind}`)), say('changes.share')]
  const row = (name: Piece, counts: SiteCounts) => {
    const cells = [
      name,
      sayNumber(say, counts.entries),
      ...CHANGE_KINDS.map(kind => sayNumber(say, counts[kind])),
      renderShare(say, counts),
    ]
    return html`<tr>${cells.map((cell, at) => html`<td${at > 0 && html` class="num"`} data-label="${heads[at]}">${cell}</td>`)}</tr>`
  }
  return html`<h2>${say('changes.byAgency')}</h2><p>${say('changes.sum', { changes, entries: all.entries })}</p>
<div class="scroll" role="region" tabindex="0" aria-label="${say('changes.byAgency')}"><table class="stack"><thead><tr>${heads.map(
    (head, at) => {
      const kind = CHANGE_KINDS[at - 2]
      return html`<th scope="col">${kind === undefined ? head : html`<a href="${base}/changes?kind=${kind}">${head}</a>`}</th>`
    },
  )}</tr></thead>
<tbody>${agencies.map(each => row(html`<a href="${base}/agencies/${encodeURIComponent(each.agency)}"><bdi>${names.get(each.agency) ?? each.agency}</bdi></a>`, each))}
${others > 0 && row(say('changes.others', { count: others }), restOf(all, agencies))}</tbody></table></div>`
}

/** The rest, with the entries of agencies that changed nothing. */
function restOf(all: SiteCounts, agencies: SiteChangers['agencies']): SiteCounts {
  const left = (name: keyof SiteCounts) => agencies.reduce((rest, counts) => rest - counts[name], all[name])
  return { entries: left('entries'), 'silent-edit': left('silent-edit'), amend: left('amend'), withdraw: left('withdraw') }
}

/** Zero has no bar. */
function renderShare(say: Say, counts: SiteCounts): Html {
  const share = changesOf(counts) / Math.max(1, counts.entries)
  const bar = html`<svg class="share" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true"><rect width="${Math.max(1, Math.round(share * 100))}" height="6"/></svg>`
  return html`${sayShare(say, share)}${share > 0 && bar}`
}

function changesOf(counts: SiteCounts): number {
  return CHANGE_KINDS.reduce((sum, kind) => sum + counts[kind], 0)
}

/** The checkpoints of rounds, newest first: who vouches for each, and whether that is enough. */
import { fill, type Html, html, type Piece } from '../../html.ts'
import { sayNumber } from '../../messages/say.ts'
import type { Frame } from '../layout.ts'
import { renderTime } from '../time.ts'

/** The checkpoint of a round, and those who vouch for it, by their names. */
export type RoundRow = {
  readonly size: number
  readonly openedMs: number
  readonly witnesses: readonly string[]
  readonly authorities: readonly string[]
  readonly chains: readonly string[]
  /** The date, if that is enough by the ledger's own policy. */
  readonly time: string | undefined
}

/** A page of them. */
export type RoundList = {
  readonly rows: readonly RoundRow[]
  /** Where this page begins; undefined for the newest. */
  readonly before: number | undefined
  readonly older: number | undefined
}

/** The list with links to the pages before and after it. */
export function renderRounds({ say, base }: Frame, { rows, before, older }: RoundList): Html {
  const heads = ['rounds.opened', 'anchors.covers', 'rounds.witnesses', 'rounds.stamps', 'rounds.chains', 'rounds.enough'] as const
  const cell = (head: (typeof heads)[number], content: Piece, isNumber = false) =>
    html`<td${isNumber && html` class="num"`} data-label="${say(head)}">${content}</td>`
  const names = (all: readonly string[]) => (all.length === 0 ? '–' : all.map((name, at) => html`${at > 0 && ', '}<bdi>${name}</bdi>`))
  return html`<h2 id="checkpoints">${say('rounds.title')}</h2><p>${say('rounds.lead')}</p>
<div class="scroll" role="region" tabindex="0" aria-label="${say('rounds.title')}"><table class="stack">
<thead><tr>${heads.map(head => html`<th scope="col">${say(head)}</th>`)}</tr></thead>
<tbody>${rows.map(
    ({ size, openedMs, witnesses, authorities, chains, time }) => html`<tr>${cell('rounds.opened', renderTime(say, openedMs))}
${cell('anchors.covers', sayNumber(say, size), true)}${cell('rounds.witnesses', names(witnesses))}${cell('rounds.stamps', names(authorities))}
${cell('rounds.chains', names(chains))}${cell('rounds.enough', time === undefined ? say('rounds.notYet') : fill(say('rounds.since'), { date: renderTime(say, time) }))}</tr>`,
  )}</tbody></table></div>
<p class="row no-print">${before !== undefined && html`<a href="${base}/anchors#checkpoints">${say('rounds.title')}</a>`}
${older !== undefined && html`<a href="${base}/anchors?checkpoints=${older}">${say('rounds.older')}</a>`}</p>`
}

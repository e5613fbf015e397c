/** The history of a record as a time line. Of a long one the newest part, what is near this statement, and how much is left out. */

import { sayNumber } from '../../messages/say.ts'
import type { SiteVersion } from '../deps.ts'
import { type Html, html } from '../html.ts'
import type { Frame } from '../layout.ts'
import { renderTime } from './entry-list.ts'

type Shown = { readonly version: SiteVersion; readonly isPrinted: boolean; readonly hiddenBefore: number }

const NEWEST = { screen: 12, print: 2 } as const
const NEAR = { screen: 4, print: 0 } as const

/** The versions, oldest first; silent edits and withdrawals are marked. */
export function renderTimeLine(
  { say, base }: Frame,
  { index, versions, wholeHistory }: { readonly index: number; readonly versions: readonly SiteVersion[]; readonly wholeHistory: boolean },
): Html {
  const shown = wholeHistory ? versions.map(version => ({ version, isPrinted: true, hiddenBefore: 0 })) : choose(versions, index)
  const hidden = versions.length - shown.length
  const unprinted = versions.length - shown.filter(({ isPrinted }) => isPrinted).length
  const left = (count: number) => say('record.hidden', { count: sayNumber(say, count) })
  return html`<ol class="line">${shown.map(
    ({
      version,
      isPrinted,
      hiddenBefore,
    }) => html`${hiddenBefore > 0 && html`<li class="gap no-print soft small">${left(hiddenBefore)}</li>`}
${renderVersion({ say, base }, version, { isOwn: version.index === index, isPrinted })}`,
  )}</ol>
${unprinted > 0 && html`<p class="only-print small">${left(unprinted)}</p>`}
${hidden > 0 && html`<p class="no-print"><a href="${base}/records/${index}?history=all">${say('record.showAll')}</a></p>`}`
}

function renderVersion(
  { say, base }: Pick<Frame, 'say' | 'base'>,
  { index, action, revision, published, flag, edited }: SiteVersion,
  { isOwn, isPrinted }: { isOwn: boolean; isPrinted: boolean },
): Html {
  const classes = [edited === true || action === 'withdraw' ? 'alert' : '', isPrinted ? '' : 'no-print'].join(' ').trim()
  const name = say('record.entry', { index })
  return html`<li${classes !== '' && html` class="${classes}"`}>
${isOwn ? html`<b>${name} (${say('record.current')})</b>` : html`<a href="${base}/records/${index}">${name}</a>`}:
${say(`action.${action}`)}${published !== undefined && html` · ${renderTime(say, published)}`}${revision !== undefined && html` · ${say('record.revision')} <bdi>${revision}</bdi>`}
${flag && html` <span class="badge ${flag === 'silent-edit' ? 'alert' : 'note'}">${say(`flag.${flag}`)}</span>`}</li>`
}

/** The first, those around this one, and the newest. */
function choose(versions: readonly SiteVersion[], index: number): Shown[] {
  const own = versions.findIndex(version => version.index === index)
  const isNear = (at: number, { newest, near }: { newest: number; near: number }) =>
    at === 0 || at >= versions.length - newest || Math.abs(at - own) <= near
  let last = -1
  return versions.flatMap((version, at) => {
    if (!isNear(at, { newest: NEWEST.screen, near: NEAR.screen })) return []
    const hiddenBefore = at - last - 1
    last = at
    return [{ version, isPrinted: isNear(at, { newest: NEWEST.print, near: NEAR.print }), hiddenBefore }]
  })
}

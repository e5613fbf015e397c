/**
 * Where files are chosen: by a form that uploads them or, with JavaScript, by reading them on the
 * spot.
 */
import type { Statement } from '../../core/statements/statement.ts'
import { html, scriptJson } from '../../html.ts'
import type { DeskMessages } from '../../messages/desk/en.ts'
import { isolate } from '../../messages/say.ts'
import { PAGE_DATA_ID } from '../browser/page-data.ts'
import { renderBatch } from './batch.ts'
import { type DeskFrame, deskPage, renderForm, renderHidden, type ShownProblem } from './desk-frame.ts'
import { type Draft, writeDraft } from './draft.ts'

/** The bounds of one submission by the form. */
export type ChooseLimits = { readonly files: number; readonly size: string }

/** The page. `draft` carries what is known of the record that is amended. */
export function choosePage(
  frame: DeskFrame,
  data: { readonly draft: Draft; readonly limits: ChooseLimits; readonly script: DeskScript; readonly problem?: ShownProblem },
) {
  const { desk, base, formToken } = frame
  const { draft, limits, script, problem } = data
  const isNew = draft.action === 'publish'
  const problems: ShownProblem[] = problem === undefined ? [] : [{ ...problem, field: 'files' }]
  return deskPage(frame, {
    title: isNew ? desk('new.title') : desk('new.amendTitle', { record: isolate(draft.fields.record ?? '') }),
    problems,
    main: html`<p class="lead">${desk(isNew ? 'new.lead' : 'new.amendLead')}</p>
<form id="choose" action="${base}/desk/new" method="post" enctype="multipart/form-data"><input type="hidden" name="token" value="${formToken}">${renderHidden(writeDraft(draft))}
<div class="drop"><label for="files">${desk('new.files')}</label>
<p class="small" id="files-hint">${desk('new.limit', { count: limits.files, size: limits.size })} <span id="privacy">${desk('new.uploads')}</span></p>
<input type="file" id="files" name="files" multiple required aria-describedby="files-hint">
<p id="chosen" role="status"></p></div>
<p><button type="submit">${desk('new.read')}</button></p></form>
${renderForm(frame, '/desk/form', html`<div id="read-fields" hidden></div>`)}
<div id="batch" hidden>${renderBatch(frame)}</div>`,
    scripts: renderScript(script, frame),
  })
}

/** The desk's script, and the sentences that it says. */
export type DeskScript = { readonly href: string; readonly messages: Readonly<Partial<DeskMessages>>; readonly lang: string }

/** The data that the script of a page starts with. */
export type DeskData = Omit<DeskScript, 'href'> & {
  readonly formToken: string
  readonly base: string
  readonly agency: string
  /** The name of each kind of record. */
  readonly kinds: { readonly [kind in Statement['kind']]: string }
}

/** The data and the script of a page. */
export function renderScript({ href, ...said }: DeskScript, { say, formToken, base, who }: DeskFrame) {
  const kinds = { decision: say('kind.decision'), procurement: say('kind.procurement') }
  const data: DeskData = { ...said, formToken, base, agency: who?.agency?.id ?? '', kinds }
  return html`<script type="application/json" id="${PAGE_DATA_ID}">${scriptJson(data)}</script><script type="module" src="${href}"></script>`
}

/**
 * The verify page: the tool for browsers with JavaScript, a form for others, and the answer to that
 * form.
 */

import { type Html, html, scriptJson } from '../../html.ts'
import type { Say } from '../../messages/say.ts'
import { gravestInputsFirst } from '../../report/summary.ts'
import { PAGE_DATA_ID, type PageData } from '../browser/page-data.ts'
import { icon } from '../icons.ts'
import type { Frame, Page } from '../layout.ts'
import { renderCode } from '../problem-page.ts'
import { MANY, renderInput, renderLine, renderPolicyFacts, renderSum, WHOLE_CARDS } from '../result.ts'
import type { FormAnswer } from '../server-verify.ts'

/** Data and script address of a page that checks files in the browser. */
type ToolData = { readonly data: PageData; readonly scriptHref: string }

/** The page before anything is checked. */
export function verifyPage(frame: Frame, tool: Html): Page {
  const { say } = frame
  return {
    title: say('verify.title'),
    description: `${say('verify.lead')} ${say('verify.private')}`,
    main: html`<h1>${say('verify.title')}</h1><p class="lead">${say('verify.lead')}</p>
${renderTool(frame)}
<p class="limits">${say('verify.limits')}</p>
<p class="no-print"><a href="/openseal-verifier.html" download="openseal-verifier.html">${say('about.offlineLink')}</a></p>`,
    scripts: tool,
  }
}

/** The place of the tool, and the form for browsers without JavaScript. */
export function renderTool(frame: Frame): Html {
  const { say } = frame
  return html`<div id="tool"><noscript><p>${say('verify.serverNoScript')}</p><p>${say('link.noScript')}</p></noscript></div>
<details class="server no-print" open><summary>${say('verify.serverTitle')}</summary>${renderForm(frame)}</details>`
}

/** The scripts of a page with the tool. */
export function renderToolScripts({ data, scriptHref }: ToolData): Html {
  return html`<script type="application/json" id="${PAGE_DATA_ID}">${scriptJson(data)}</script><script type="module" src="${scriptHref}"></script>`
}

/** The results as files: addresses with the files in them, if they are short enough for a browser. */
export type KeptResults = { readonly report: string; readonly csv: string } | 'too-large'

type FormResults = Extract<FormAnswer, { answers: unknown }>

/** Words of a file that is not on the record about itself. */
export type SearchWords = { readonly name: string; readonly words: readonly string[] }

/** The parts of the answer to a form besides its results. */
type More = { readonly kept?: KeptResults | undefined; readonly unknown?: readonly SearchWords[] }

/** The answer to the form: the results, or what to do instead. */
export function verifiedPage(frame: Frame, answer: FormAnswer, { kept, unknown = [] }: More = {}): Page {
  const { say, base } = frame
  const title = 'message' in answer ? 'verify.title' : 'verify.results'
  return {
    title: say(title),
    noIndex: true,
    main: html`<h1>${say(title)}</h1>
${
  'message' in answer
    ? html`<div class="banner">${icon('warn')}<p>${answer.message}</p></div>${answer.code !== undefined && renderCode(say, answer.code)}${renderForm(frame)}`
    : html`${answer.notices.map(notice => html`<p>${notice}</p>`)}${answer.policy && renderPolicyFacts(say, answer.policy)}${renderResults(frame, answer, kept)}
${unknown.map(({ name, words }) => html`<p><bdi><b>${name}</b></bdi>. ${say('stated.lead')}</p><ul>${words.map(word => html`<li><a href="${base}/records?q=${encodeURIComponent(word)}"><bdi>${word}</bdi></a></li>`)}</ul>`)}
<p class="soft">${say(answer.fileSent ? 'verify.serverSent' : 'verify.serverHashOnly')}</p>`
}
<p class="no-print"><a href="${base}/verify">${say('verify.again')}</a></p>`,
  }
}

/** All results, after their sum. Of many, only those with the gravest answers get a card. */
function renderResults({ say, base, origin }: Frame, { answers, unread }: FormResults, kept: KeptResults | undefined): Html {
  const all = answers.length > MANY ? gravestInputsFirst(answers) : answers
  return html`${renderSum(say, all, unread)}
${renderKept(say, kept)}${all.map((each, at) =>
  at < WHOLE_CARDS ? renderInput(say, each, at, { origin, base }) : renderLine(say, each, at),
)}`
}

function renderKept(say: Say, kept: KeptResults | undefined): Html | false {
  if (kept === undefined) return false
  if (kept === 'too-large') return html`<p>${say('report.tooLarge')}</p>`
  return html`<p class="no-print"><a class="button" href="${kept.report}" download="openseal-report.html">${say('report.save')}</a> <a class="button quiet" href="${kept.csv}" download="openseal-report.csv">${say('report.csv')}</a></p>`
}

function renderForm({ say, base }: Frame): Html {
  return html`<form action="${base}/verify" method="post" enctype="multipart/form-data">
<div class="banner">${icon('warn')}<p>${say('verify.serverWarning')}</p></div>
<label for="server-files">${say('verify.serverFiles')}</label><input type="file" id="server-files" name="files" multiple>
<label for="server-paste">${say('verify.serverPaste')}</label><textarea id="server-paste" name="pasted" rows="3" dir="ltr" autocomplete="off" spellcheck="false"></textarea>
<label for="server-policy">${say('verify.serverPolicy')}</label><input type="file" id="server-policy" name="policy">
<p><button type="submit">${say('verify.serverSubmit')}</button></p>
<p><button type="submit" class="quiet" name="as" value="report">${say('verify.serverReport')}</button> <button type="submit" class="quiet" name="as" value="csv">${say('verify.serverCsv')}</button></p></form>`
}

/** The verify page: the tool for browsers with JavaScript, a form for all others, and the answer to that form. */
import { PAGE_DATA_ID, type PageData } from '../browser/page-data.ts'
import { type Html, html, scriptJson } from '../html.ts'
import { icon } from '../icons.ts'
import type { Frame, Page } from '../layout.ts'
import { type Finding, renderFinding } from '../result.ts'

/** The page to begin with. */
export function verifyPage(frame: Frame, { data, scriptHref }: { readonly data: PageData; readonly scriptHref: string }): Page {
  const { say } = frame
  return {
    title: say('verify.title'),
    main: html`<h1>${say('verify.title')}</h1><p class="lead">${say('verify.lead')}</p>
<div id="tool"><noscript><p>${say('verify.serverNoScript')}</p></noscript></div>
<details class="server no-print" open><summary>${say('verify.serverTitle')}</summary>${renderForm(frame)}</details>
<p class="limits">${say('limits.sentence')}</p>
<p class="no-print"><a href="/openseal-verifier.html" download="openseal-verifier.html">${say('about.offlineLink')}</a></p>`,
    scripts: html`<script type="application/json" id="${PAGE_DATA_ID}">${scriptJson(data)}</script><script type="module" src="${scriptHref}"></script>`,
  }
}

/** The answer to the form: a finding, or what to do instead. */
export function verifiedPage(
  frame: Frame,
  answer: { readonly finding: Finding; readonly fileSent: boolean } | { readonly message: string },
): Page {
  const { say, base } = frame
  return {
    title: say('verify.results'),
    noIndex: true,
    main: html`<h1>${say('verify.results')}</h1>
${
  'message' in answer
    ? html`<div class="banner">${icon('warn')}<p>${answer.message}</p></div>${renderForm(frame)}`
    : html`${renderFinding(say, answer.finding)}<p class="soft">${say(answer.fileSent ? 'verify.serverSent' : 'verify.serverHashOnly')}</p>`
}
<p class="no-print"><a href="${base}/verify">${say('verify.again')}</a></p>`,
  }
}

function renderForm({ say, base }: Frame): Html {
  return html`<form action="${base}/verify" method="post" enctype="multipart/form-data">
<div class="banner">${icon('warn')}<p>${say('verify.serverWarning')}</p></div>
<label for="server-file">${say('verify.serverFile')}</label><input type="file" id="server-file" name="file">
<label for="server-hash">${say('verify.serverHash')}</label><input type="text" id="server-hash" name="sha256" dir="ltr" autocomplete="off" spellcheck="false" maxlength="140">
<label for="server-receipt">${say('verify.serverReceipt')}</label><input type="file" id="server-receipt" name="receipt" accept=".json,application/json">
<p><button type="submit">${say('verify.serverSubmit')}</button></p></form>`
}

/**
 * The tool on the verify page: drop area, results, and the sources to ask. Made in the browser,
 * because it needs JavaScript.
 */

import { type Html, html } from '../html.ts'
import type { Say } from '../messages/say.ts'
import { icon } from './icons.ts'

/** The tool's HTML. */
export function renderVerifyTool(
  say: Say,
  { online, endpoints }: { readonly online: boolean; readonly endpoints: readonly string[] },
): Html {
  return html`<div class="drop no-print" id="drop">
${icon('file')}
<p id="drop-text">${say('verify.drop')}</p>
<input class="sr" type="file" id="files" multiple aria-describedby="privacy"><label class="button" for="files">${say('verify.choose')}</label>
<input class="sr" type="file" id="folder" webkitdirectory><label class="button" for="folder">${say('verify.folder')}</label>
<p class="small" id="privacy">${say(online ? 'verify.private' : 'verify.privateOffline')}</p>
</div>
<details class="no-print" id="paste-part"><summary>${say('verify.paste')}</summary>
<form id="paste-form"><label for="paste">${say('verify.pasteHint')}</label>
<textarea id="paste" rows="3" dir="ltr" spellcheck="false" autocapitalize="off" autocomplete="off"></textarea>
<p><button type="submit">${say('verify.pasteUse')}</button></p></form></details>
<progress id="progress" max="100" value="0" aria-label="${say('verify.checking', { name: '' })}" hidden></progress>
<p id="status" class="sr" role="status"></p>
<div id="notices"></div>
<section id="policy-part" class="banner no-print" aria-labelledby="policy-use" hidden>${icon('warn')}<div><div id="policy-text"></div>
<p><button type="button" id="policy-use">${say('verify.policyUse')}</button> <button type="button" class="quiet" id="policy-leave">${say('verify.policyLeave')}</button></p></div></section>
<section id="results-part" aria-labelledby="results-heading" hidden>
<h2 id="results-heading" tabindex="-1">${say('verify.results')}</h2>
<div id="results-sum"></div>
<div id="results"></div>
<p class="no-print" id="results-keep"><button type="button" id="save-report">${say('report.save')}</button> <button type="button" class="quiet" id="save-csv">${say('report.csv')}</button>
<button type="button" class="quiet" id="clear">${say('verify.clear')}</button></p>
</section>
<details class="no-print"><summary>${say('verify.settings')}</summary>
<form id="endpoints-form">
<label for="endpoints">${say('verify.endpoints')}</label>
<textarea id="endpoints" rows="3" dir="ltr" spellcheck="false" autocapitalize="off" aria-describedby="endpoints-hint">${endpoints.join('\n')}</textarea>
<p class="small soft" id="endpoints-hint">${say('verify.endpointsHint')}</p>
<button type="submit">${say('verify.endpointsUse')}</button>
<p id="endpoints-status" role="status"></p>
</form></details>`
}

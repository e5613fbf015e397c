/** The page on which a whole folder is submitted. It works in the browser only. */
import { html } from '../../html.ts'
import { type DeskScript, renderScript } from './choose.ts'
import { type DeskFrame, deskPage } from './desk-frame.ts'

/** The page before a folder is chosen. Its script does the rest. */
export function folderPage(frame: DeskFrame, { agency, script }: { readonly agency: string; readonly script: DeskScript }) {
  const { desk, say, base, formToken } = frame
  return deskPage(frame, {
    title: desk('folder.title'),
    main: html`<p class="lead">${desk('folder.lead')}</p><noscript><p>${desk('folder.noScript')}</p></noscript>
<div id="folder" hidden>
<div class="field"><label for="folder-kind">${desk('folder.kind')}</label><select id="folder-kind"><option value="decision">${say('kind.decision')}</option><option value="procurement">${say('kind.procurement')}</option></select></div>
<div class="field"><label for="folder-number">${desk('folder.number')}</label><select id="folder-number"><option value="path">${desk('folder.fromPath')}</option><option value="stated">${desk('folder.onlyStated')}</option></select></div>
<div class="drop" id="drop"><p>${desk('folder.drop')}</p><input class="sr" type="file" id="folder-files" webkitdirectory multiple><label class="button" for="folder-files">${desk('folder.choose')}</label></div>
<p class="small">${desk('folder.resume')}</p>
<progress id="progress" max="100" value="0" aria-label="${desk('folder.table')}" hidden></progress>
<p id="status" role="status"></p>
<p class="row" id="actions"><button type="button" id="go" hidden></button> <button type="button" class="quiet" id="stop" hidden>${desk('folder.stop')}</button>
<button type="button" class="quiet" id="results" hidden>${desk('folder.results')}</button></p>
<form id="zip" action="${base}/desk/receipts.zip" method="post" hidden><input type="hidden" name="token" value="${formToken}"><input type="hidden" name="of" id="zip-of"><button type="submit" class="quiet">${desk('folder.zip')}</button></form>
<div id="rows"></div></div>`,
    scripts: renderScript(script, frame, agency),
  })
}

/** The page on which a whole folder is submitted. It works in the browser only. */
import { html } from '../../html.ts'
import { renderBatch } from './batch.ts'
import { type DeskScript, renderScript } from './choose.ts'
import { type DeskFrame, deskPage, renderField } from './desk-frame.ts'

/** The page before a folder is chosen. Its script does the rest. */
export function folderPage(frame: DeskFrame, script: DeskScript) {
  const { desk, say } = frame
  return deskPage(frame, {
    title: desk('folder.title'),
    main: html`<p class="lead">${desk('folder.lead')}</p><noscript><p>${desk('folder.noScript')}</p></noscript>
<div id="folder" hidden>
<div class="field"><label for="folder-kind">${desk('folder.kind')}</label><select id="folder-kind"><option value="decision">${say('kind.decision')}</option><option value="procurement">${say('kind.procurement')}</option></select></div>
<div class="field"><label for="folder-number">${desk('folder.number')}</label><select id="folder-number"><option value="path">${desk('folder.fromPath')}</option><option value="stated">${desk('folder.onlyStated')}</option></select></div>
${renderField(frame, { id: 'folder-manifest', label: desk('folder.manifest'), hint: desk('folder.manifestHint'), isOptional: true, input: attributes => html`<input type="file" accept=".csv,text/csv" ${attributes}>` })}
<div class="drop" id="drop"><p>${desk('folder.drop')}</p><input class="sr" type="file" id="folder-files" webkitdirectory multiple><label class="button" for="folder-files">${desk('folder.choose')}</label></div>
<p class="small">${desk('folder.resume')}</p>
${renderBatch(frame)}</div>`,
    scripts: renderScript(script, frame),
  })
}

/** How it works: an example from a file to the chain, and what a check does not show. */
import { toHex, toUtf8 } from '../../core/bytes.ts'
import { sha256 } from '../../core/hash.ts'
import { type Html, html, type Piece } from '../../html.ts'
import type { Frame, Page } from '../layout.ts'
import { drawChain, drawTree } from '../tree-picture.ts'
import { workExample } from '../worked-example.ts'

/** Takes the fingerprint of the offline verifier, to publish it, and whether the policy names time-stamp authorities. */
export function aboutPage(
  frame: Frame,
  { offlineSha256, hasStamps }: { readonly offlineSha256: string; readonly hasStamps: boolean },
): Page {
  const { say, base } = frame
  return {
    title: say('site.about'),
    description: say('about.lead'),
    main: html`<h1>${say('site.about')}</h1>
<p class="lead">${say('about.lead')}</p>
${renderStory(frame)}
<p class="row no-print"><a class="button" href="${base}/verify">${say('verify.title')}</a></p>
<h2>${say('about.limits')}</h2><p>${say('verify.limits')}</p><p>${say('about.limitsMore')}</p>${hasStamps && html`<p>${say('about.limitsStamps')}</p>`}
<h2 id="offline">${say('about.offline')}</h2><p>${say('about.offlineText')}</p>
<p><a class="button" href="/openseal-verifier.html" download="openseal-verifier.html">${say('about.offlineLink')}</a></p>
<dl class="facts"><dt>${say('about.offlineHash')}</dt><dd><span class="hash" id="offline-sha256">${offlineSha256}</span></dd></dl>
<h2>${say('about.programs')}</h2>
<ul><li><a href="/policy.json">${say('about.policy')}</a></li><li><a href="/openapi.json">${say('about.api')}</a></li>
<li><a href="${base}/feed.atom">${say('feed.all')} (Atom)</a></li><li><a href="${base}/changes.atom">${say('feed.watch')} (Atom)</a></li>
<li><a href="${base}/changes/all.atom">${say('feed.changes')} (Atom)</a></li></ul>
<h2>${say('about.access')}</h2><p>${say('about.accessText')}</p>`,
  }
}

/** The example in five steps, each with a picture. */
function renderStory({ say }: Frame): Html {
  const line = say('about.exampleLine')
  const changed = say('about.exampleChanged')
  const { fileHash, changedHash, statement, levels, index } = workExample(line, changed)
  const [leaves = [], , [root] = []] = levels
  const leaf = leaves[index]
  if (root === undefined || leaf === undefined) throw new Error('bug: the example has no root')
  const step = (title: string, text: string, picture: Piece) =>
    html`<li><div><h2>${title}</h2><p>${text}</p></div><div class="picture">${picture}</div></li>`
  const hash = (bytes: Uint8Array) => html`<span class="hash">${toHex(bytes)}</span>`
  return html`<ol class="story">
${step(
  say('about.step1'),
  say('about.step1Text'),
  html`<p><bdi>“${line}”</bdi><br>${hash(fileHash)}</p><p><bdi>“${changed}”</bdi><br>${hash(changedHash)}</p>`,
)}
${step(say('about.step2'), say('about.step2Text'), html`<p class="raw" dir="ltr">${statement}</p><p class="small">${say('about.itsHash')}<br>${hash(sha256(toUtf8(statement)))}</p>`)}
${step(say('about.step3'), say('about.step3Text'), html`${drawTree(say('about.treeLabel'), levels, index)}<p class="small">${say('about.treeHint')}</p>`)}
${step(say('about.step4'), say('about.step4Text'), drawChain(say('about.chainLabel'), root))}
${step(say('about.step5'), say('about.step5Text'), html`<p class="small">${say('about.itsCommand')}</p><p class="raw" dir="ltr">echo "${line}" | sha256sum</p>`)}
</ol>`
}

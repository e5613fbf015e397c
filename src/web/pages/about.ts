/** How it works, in a minute. */
import { html } from '../../html.ts'
import type { Frame, Page } from '../layout.ts'

/** Takes the fingerprint of the offline verifier, to publish it. */
export function aboutPage({ say, base }: Frame, { offlineSha256 }: { readonly offlineSha256: string }): Page {
  return {
    title: say('site.about'),
    description: `${say('about.how1')} ${say('about.how2')}`,
    main: html`<h1>${say('site.about')}</h1>
<h2>${say('about.how')}</h2>
<ol><li>${say('about.how1')}</li><li>${say('about.how2')}</li><li>${say('about.how3')}</li><li>${say('about.how4')}</li></ol>
<h2>${say('about.limits')}</h2><p>${say('verify.limits')}</p>
<h2 id="offline">${say('about.offline')}</h2><p>${say('about.offlineText')}</p>
<p><a class="button" href="/openseal-verifier.html" download="openseal-verifier.html">${say('about.offlineLink')}</a></p>
<dl class="facts"><dt>${say('about.offlineHash')}</dt><dd><span class="hash" id="offline-sha256">${offlineSha256}</span></dd></dl>
<ul><li><a href="/policy.json">${say('about.policy')}</a></li><li><a href="/openapi.json">${say('about.api')}</a></li>
<li><a href="${base}/feed.atom">${say('feed.all')} (Atom)</a></li><li><a href="${base}/changes.atom">${say('feed.watch')} (Atom)</a></li>
<li><a href="${base}/changes/all.atom">${say('feed.changes')} (Atom)</a></li></ul>
<h2>${say('about.access')}</h2><p>${say('about.accessText')}</p>`,
  }
}

/** The offline verifier: one file that contacts only the chain endpoints of its reader. */
import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { html, scriptJson, trusted } from '../html.ts'
import type { MessageKey } from '../messages/en.ts'
import { browserMessages, CATALOGUES, LANGUAGE_TAGS, type Language } from '../messages/language.ts'
import { type Policy, parsePolicy, type TrustList } from '../verifier/index.ts'
import { PAGE_DATA_ID, type PageData } from './browser/page-data.ts'
import { mark } from './icons.ts'
import { TOOL_STYLE } from './style.ts'

/**
 * The file with its policy inside, the SHA-256 (hex) of its bytes, and its Content Security Policy.
 * The same policy and endpoints always give the same file.
 */
export function makeOfflineVerifier({
  policy,
  others,
  endpoints,
  scriptText,
}: {
  policy: Policy
  others?: TrustList | undefined
  endpoints: readonly string[]
  scriptText: string
}): {
  readonly text: string
  readonly sha256: string
  readonly securityPolicy: string
} {
  const packed = gzipSync(packLanguages(), { level: 9 }).toString('base64')
  const data: PageData = {
    languages: {},
    packed,
    policy: JSON.parse(JSON.stringify(policy)),
    ...(others && { others: others.json }),
    endpoints,
  }
  parsePolicy(data.policy)
  const code = gzipSync(scriptText, { level: 9 }).toString('base64')
  const scripts = [UNPACK_SCRIPT, scriptText].map(script => `'${sourceHash(script)}'`).join(' ')
  const securityPolicy = `default-src 'none'; style-src '${sourceHash(TOOL_STYLE)}'; script-src ${scripts}; connect-src http: https:; img-src data:; base-uri 'none'; form-action 'none'`
  const text = html`<!doctype html>
<html lang="en" dir="ltr">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${securityPolicy}">
<title>OpenSeal offline verifier</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<style>${trusted(TOOL_STYLE)}</style>
</head>
<body>
<header class="top"><div class="wrap"><span class="brand">${mark('light')}OpenSeal</span>
<p id="offline-language-part" hidden><label id="offline-language-label" for="offline-language"></label> <select id="offline-language"></select></p></div></header>
<main id="main"><div class="wrap">
<h1 id="offline-title">Offline verifier for public records</h1>
<p id="offline-ledger"></p>
<div id="tool"><p>If nothing else appears here, this browser is too old for this file. Use a newer one.</p><noscript><p>This file needs JavaScript to compute fingerprints on your device.</p></noscript></div>
<p class="limits" id="offline-limits"></p>
</div></main>
<script type="application/json" id="${PAGE_DATA_ID}">${scriptJson(data)}</script>
<script type="application/gzip" id="openseal-code">${code}</script>
<script>${trusted(UNPACK_SCRIPT)}</script>
</body>
</html>
`.safe
  return { text, sha256: createHash('sha256').update(text).digest('hex'), securityPolicy }
}

/**
 * Unpacks the file's script and runs it. Packed, it takes less than half the space. The browser
 * runs it only unchanged, because its hash is in the Content Security Policy.
 */
const UNPACK_SCRIPT = `(async () => {
const bytes = Uint8Array.from(atob(document.getElementById('openseal-code').textContent), c => c.charCodeAt(0))
const script = document.createElement('script')
script.textContent = await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))).text()
document.body.append(script)
})()`

/** All sentences of a page, as PageData describes them. */
function packLanguages(): string {
  const keys = (Object.keys(browserMessages('en')) as MessageKey[]).filter(key => !OF_LEDGERS.includes(key))
  // The script already has the verifier's English sentences and remarks.
  const packed = (tag: Language, key: MessageKey) => (tag === 'en' && /^(?:detail|verdict)\./.test(key) ? '' : CATALOGUES[tag][key])
  const lists = [['key', ...keys], ...LANGUAGE_TAGS.map(tag => [tag, ...keys.map(key => packed(tag, key))])]
  if (lists.flat().some(text => /[\n\f]/.test(text))) throw new Error('bug: a sentence of two lines')
  return lists.map(list => list.join('\n')).join('\f')
}

/**
 * Sentences about asking a ledger, which the offline verifier never does. The mark of every verdict
 * stays: the file quotes reports that were made by asking.
 */
const OF_LEDGERS: readonly MessageKey[] = [
  'stated.button',
  'stated.lead',
  'stated.none',
  'stated.warn',
  'link.bad',
  'link.copied',
  'link.copy',
  'link.none',
  'link.opened',
  'link.shown',
  'report.clock.server',
  'verdict.unknown.file',
  'verdict.unknown.fingerprint',
  'next.unknown',
  'detail.receiptNone',
  'trust.ledger',
  'verify.private',
  'verify.ledgerGone',
  'verify.ledgerOther',
  'verify.erasing',
  'result.open',
  'result.fresher',
  'result.earlier',
  'result.earlierSealed',
  'verdict.unchecked.unverified',
  'verdict.unchecked.erased',
  'verdict.unchecked.erased-withdrawn',
  'verdict.unchecked.erased-edited',
  'verdict.unchecked.erased-superseded',
  'verdict.unchecked.erased-published',
  'verdict.unchecked.many',
  'verdict.edited',
  'verdict.superseded',
  'change.superseded',
  'change.edited',
  'change.edited-elsewhere',
  'change.published',
  'change.erased',
  'change.added',
  'change.reformatted',
  'change.unverified',
  'change.gone',
  'detail.versionsUnanswered',
  'fault.ledger',
  'detail.versionsUnsigned',
  'detail.versionsBehind',
  'detail.versionsUnlisted',
  'detail.versionsMany',
  'detail.versionUnverified',
  'detail.versionErased',
  'detail.tombstoneUnverified',
  'detail.versionsSeparated',
  'detail.newest',
  'detail.edited',
  'detail.editedElsewhere',
  'detail.amended',
  'detail.publishedLater',
  'detail.documentAdded',
  'detail.reformattedLater',
]

/** A Content Security Policy source that lets exactly this text run. */
function sourceHash(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`
}

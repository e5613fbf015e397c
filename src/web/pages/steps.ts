/**
 * How to check by hand: numbered steps with every number on the way, for a reader with a print-out
 * and `sha256sum`, and a block to sign.
 */
import { toHex, toUtf8 } from '../../core/bytes.ts'
import { fill, type Html, html } from '../../html.ts'
import { sayTime } from '../../messages/say.ts'
import type { SiteAnchor } from '../deps.ts'
import type { Evidence } from '../evidence.ts'
import type { Frame } from '../layout.ts'

/** A longer statement is only in the receipt, because two pages must hold everything else. */
const PRINTED_BYTES = 1300
/** Characters that cannot be read on paper. */
const UNPRINTABLE = /[\p{Cf}\p{Zl}\p{Zp}]/u
/** Commands that need no installation. */
const HASH_FILES = [
  ['Linux', 'sha256sum FILE'],
  ['macOS', 'shasum -a 256 FILE'],
  ['Windows', 'certutil -hashfile FILE SHA256'],
] as const
const TAKE_STATEMENT = `sed 's/^{"type":"openseal.receipt@v1","statement"://;s/,"proof":"c2sp.org.*//' RECEIPT | tr -d '\\n' | sha256sum`
const HASH_HEX = 'echo 0001… | xxd -r -p | sha256sum'

/** The steps from the file to the chain's date. */
export function renderSteps(
  { say, origin }: Frame,
  { index, siteUrl, evidence, anchor }: { index: number; siteUrl: string; evidence: Evidence; anchor: SiteAnchor | undefined },
): Html {
  const { statementHash, leafHash, path, size, root } = evidence
  const step = (key: 'cert.step2' | 'cert.step3' | 'cert.step5', values: Readonly<Record<string, string | Html>>) =>
    fill(say(key, { size }), values)
  return html`<p>${fill(say('cert.easy'), { url: mono(`${siteUrl}/verify`) })}</p>
<ol class="steps"><li>${fill(say('cert.step1'), { command: html`${HASH_FILES.map(([system, command], at) => html`${at > 0 && ' · '}${mono(command)} <bdi>(${system})</bdi>`)}.` })}</li>
<li>${step('cert.step2', { url: mono(`${siteUrl}/v1/records/${index}/receipt`), command: code(TAKE_STATEMENT), hash: mono(toHex(statementHash)) })}${renderStatement(say, evidence)}</li>
<li>${step('cert.step3', { command: code(HASH_HEX), hash: mono(toHex(leafHash)) })}</li>
<li>${say(path.length === 0 ? 'cert.step4none' : 'cert.step4')}${path.length > 0 && renderPath(say, evidence)}</li>
<li>${step('cert.step5', { origin: html`<bdi>${origin}</bdi>`, root: mono(toHex(root)) })}</li>
<li>${anchor === undefined ? say('cert.step6sealed') : renderQuestion(say, anchor)}</li></ol>`
}

/** A signature block for a person who has followed the steps. */
export function renderSignature({ say }: Frame): Html {
  return html`<section class="sign-part"><h2>${say('cert.sign')}</h2><p>${say('cert.signText')}</p>
<div class="sign"><div>${say('cert.signName')}</div><div>${say('cert.signDate')}</div><div>${say('cert.signSignature')}</div></div></section>`
}

function renderStatement(say: Frame['say'], { statementText }: Evidence): Html | false {
  const count = toUtf8(statementText).length
  if (count > PRINTED_BYTES || UNPRINTABLE.test(statementText)) return false
  return html`<p class="small soft">${say('cert.text', { count })}</p><p class="raw" dir="ltr">${statementText}</p>`
}

function renderPath(say: Frame['say'], { path }: Evidence): Html {
  return html`<table class="stack path"><thead><tr><th scope="col">${say('cert.line')}</th><th scope="col">${say('cert.given')}</th><th scope="col">${say('cert.side')}</th><th scope="col">${say('cert.result')}</th></tr></thead>
<tbody>${path.map(
    ({ side, given, result }, at) =>
      html`<tr><td data-label="${say('cert.line')}">${at + 1}</td><td data-label="${say('cert.given')}">${mono(toHex(given))}</td><td data-label="${say('cert.side')}">${say(`cert.${side}`)}</td><td data-label="${say('cert.result')}">${mono(toHex(result).slice(0, 8))}</td></tr>`,
  )}</tbody></table>`
}

function renderQuestion(say: Frame['say'], { chainId, contract, logId, size, root, block }: SiteAnchor): Html {
  const values = { chainId, contract: mono(contract), question: code(`anchoredAt(${logId}, ${size}, 0x${root})`) }
  const seconds = Date.parse(block.time) / 1000
  return html`${fill(say('cert.step6'), values)} ${say('cert.answer', { seconds, date: sayTime(say, block.time) })}`
}

function mono(text: string): Html {
  return html`<span class="hash">${text}</span>`
}

function code(text: string): Html {
  return html`<code dir="ltr">${text}</code>`
}

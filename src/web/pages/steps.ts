/**
 * How to check by hand: numbered steps with every number on the way, for a reader with a print-out
 * and the programs that Linux, macOS and Windows come with, and a block to sign.
 */
import { toHex, toUtf8 } from '../../core/bytes.ts'
import { fill, type Html, html } from '../../html.ts'
import { sayTime } from '../../messages/say.ts'
import type { SiteAnchor, SiteRound } from '../deps.ts'
import type { Evidence } from '../evidence.ts'
import type { Frame } from '../layout.ts'
import { vouchKey } from '../vouching.ts'

/** The statement that the steps check. */
export type StepsData = {
  readonly index: number
  readonly siteUrl: string
  readonly evidence: Evidence
  /** The final round of the tree that is shown, and its anchor if it has one. */
  readonly round: SiteRound | undefined
  readonly anchor: SiteAnchor | undefined
}

/** The longest statement to show. A longer one is only in the receipt, because nobody types it. */
const PRINTED_BYTES = 3000
/** Characters that cannot be read on paper. */
const UNPRINTABLE = /[\p{Cf}\p{Zl}\p{Zp}]/u

type Commands = readonly (readonly [system: string, command: string])[]

const POWERSHELL = 'PowerShell'
const HASH_FILES: Commands = [
  ['Linux', 'sha256sum FILE'],
  ['macOS', 'shasum -a 256 FILE'],
  ['Windows', 'certutil -hashfile FILE SHA256'],
  [POWERSHELL, 'Get-FileHash FILE'],
]
const TAKE_STATEMENT: Commands = [
  ['Linux', `sed 's/^{"type":"openseal.receipt@v1","statement"://;s/,"proof":"c2sp.org.*//' RECEIPT | tr -d '\\n' | sha256sum`],
  [
    POWERSHELL,
    `function sha($b) { (Get-FileHash -InputStream ([IO.MemoryStream]::new([byte[]]$b))).Hash }
$r = Get-Content -Raw -Encoding UTF8 RECEIPT
$s = $r -creplace '^\\{"type":"openseal.receipt@v1","statement":' -creplace ',"proof":"c2sp\\.org[\\s\\S]*$'
sha ([Text.Encoding]::UTF8.GetBytes($s))`,
  ],
]
const hashHex = (hex: string): Commands => [
  ['Linux', `perl -e 'print pack "H*", "${hex}"' | sha256sum`],
  [POWERSHELL, `sha ([byte[]] -split ('${hex}' -replace '..', '0x$& '))`],
]

/** The number of the last step that can be followed today. */
const LAST = { sealed: 5, anchored: 6 } as const

/** The steps from the file to the chain's date. */
export function renderSteps(frame: Frame, { index, siteUrl, evidence, round, anchor }: StepsData): Html {
  const { say, origin } = frame
  const { statementHash, leafHash, path, size, root } = evidence
  const step = (key: 'cert.step2' | 'cert.step3' | 'cert.step5', values: Readonly<Record<string, string | Html>>) =>
    fill(say(key, { size }), values)
  const macos = { command: code('shasum -a 256'), other: code('sha256sum') }
  return html`<p>${fill(say('cert.easy'), { url: mono(`${siteUrl}/verify`) })}</p>
<p>${fill(say('cert.macos'), macos)}</p>
<ol class="steps"><li>${fill(say('cert.step1'), { command: renderCommands(HASH_FILES) })}</li>
<li>${step('cert.step2', { url: mono(`${siteUrl}/v1/records/${index}/receipt`), command: renderCommands(TAKE_STATEMENT), hash: mono(toHex(statementHash)) })}${renderStatement(say, evidence)}</li>
<li>${step('cert.step3', { command: renderCommands(hashHex(`0001${toHex(statementHash)}`)), hash: mono(toHex(leafHash)) })}</li>
<li>${say(path.length === 0 ? 'cert.step4none' : 'cert.step4')}${path.length > 0 && renderPath(say, evidence)}</li>
<li>${step('cert.step5', { origin: html`<bdi>${origin}</bdi>`, root: mono(toHex(root)) })}</li>
<li>${anchor !== undefined ? renderQuestion(say, anchor) : say(round === undefined ? vouchKey('cert.step6sealed', frame) : 'cert.step6vouched')}</li></ol>`
}

/**
 * A block to sign for a person who has followed the steps. It says exactly what is signed, for a
 * statement with documents or without.
 */
export function renderSignature(
  { say }: Frame,
  { anchor, statement }: Pick<StepsData, 'anchor'> & { readonly statement: { readonly documents: readonly unknown[] } },
): Html {
  const last = anchor === undefined ? LAST.sealed : LAST.anchored
  const hasCopy = statement.documents.length > 0
  const fields = [hasCopy && 'cert.signCopy', 'cert.signName', 'cert.signDate', 'cert.signSignature'] as const
  return html`<section class="sign-part"><h2>${say('cert.sign')}</h2><p>${say(hasCopy ? 'cert.signText' : 'cert.signNone', { last, documents: say('record.documents') })}</p>
<div class="sign">${fields.map(field => field && html`<div>${say(field)}</div>`)}</div></section>`
}

function renderCommands(commands: Commands): Html {
  return html`<ul class="plain commands">${commands.map(([system, command]) => html`<li><bdi>${system}</bdi> ${code(command)}</li>`)}</ul>`
}

function renderStatement(say: Frame['say'], { statementText }: Evidence): Html {
  const count = toUtf8(statementText).length
  if (count > PRINTED_BYTES || UNPRINTABLE.test(statementText)) return html`<p class="small soft">${say('cert.notPrinted', { count })}</p>`
  return html`<p class="small soft">${say('cert.text', { count })}</p><p class="raw" dir="ltr">${statementText}</p>`
}

function renderPath(say: Frame['say'], { path }: Evidence): Html {
  return html`<table class="stack path"><thead><tr><th scope="col">${say('cert.line')}</th><th scope="col">${say('cert.given')}</th><th scope="col">${say('cert.side')}</th><th scope="col">${say('cert.result')}</th></tr></thead>
<tbody>${path.map(
    ({ side, given, result }, at) =>
      html`<tr><td data-label="${say('cert.line')}">${at + 1}</td><td data-label="${say('cert.given')}">${mono(toHex(given))}</td><td data-label="${say('cert.side')}">${say(`cert.${side}`)}</td><td data-label="${say('cert.result')}">${mono(toHex(result).slice(0, 8))}</td></tr>`,
  )}</tbody></table>`
}

/** The chain's question, its answer, and who answered. */
function renderQuestion(say: Frame['say'], { chainId, contract, logId, size, root, block, transaction }: SiteAnchor): Html {
  const values = { chainId, contract: mono(contract), question: code(`anchoredAt(${logId}, ${size}, 0x${root})`) }
  const seconds = Date.parse(block.time) / 1000
  const answered = fill(say('cert.answered', { block: block.number }), { hash: mono(block.hash), transaction: mono(transaction) })
  return html`${fill(say('cert.step6'), values)} ${say('cert.answer', { seconds, date: sayTime(say, block.time) })} ${answered}`
}

function mono(text: string): Html {
  return html`<span class="hash">${text}</span>`
}

function code(text: string): Html {
  return html`<code dir="ltr">${text}</code>`
}

/** The proof of an entry, folded on its page: every number that a program or an expert asks for. */
import { toHex } from '../../core/bytes.ts'
import { type Html, html, type Piece } from '../../html.ts'
import { sayNumber } from '../../messages/say.ts'
import type { SiteAnchor } from '../deps.ts'
import type { Evidence } from '../evidence.ts'
import type { Frame } from '../layout.ts'
import { renderTime } from '../time.ts'

/** The proof that is shown. `explorer` begins the addresses of the chain's block explorer. */
export type ProofData = {
  readonly index: number
  readonly evidence: Evidence
  readonly anchor: SiteAnchor | undefined
  readonly explorer: string | undefined
}

/** The longest statement to show. A part of a statement would be of no use. */
const SHOWN_LETTERS = 4096

/**
 * The folded part. Its values can be selected; the script adds a button to each that copies it, and
 * says so in the live region.
 */
export function renderProof(frame: Frame, data: ProofData): Html {
  const { say } = frame
  const { index, evidence, anchor } = data
  const { statementText, statementHash, leafHash, path, size, root, note } = evidence
  const rows: readonly Row[] = [
    [say('result.index'), index],
    [say('cert.statementHash'), hash(toHex(statementHash))],
    [say('proof.leaf'), hash(toHex(leafHash))],
    [say('proof.size'), sayNumber(say, size)],
    [say('proof.root'), hash(toHex(root))],
    ...(anchor === undefined ? [] : tellAnchor(frame, anchor, data.explorer)),
  ]
  return html`<details class="no-print proof" data-copy-label="${say('copy.copy')}" data-copied="${say('copy.done')}" data-not-copied="${say('copy.failed')}"><summary>${say('proof.title')}</summary>
<dl class="facts">${rows.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>
${path.length > 0 && html`<h3>${say('proof.path')}</h3><ol class="small">${path.map(({ side, given }) => html`<li>${hash(toHex(given))} ${say(`cert.${side}`)}</li>`)}</ol>`}
<h3>${say('proof.checkpoint')}</h3><pre dir="ltr" data-copy>${note}</pre>
<h3>${say('proof.statement')}</h3>${statementText.length <= SHOWN_LETTERS && html`<pre class="raw" dir="ltr" data-copy>${statementText}</pre>`}
<p class="small"><a href="/v1/records/${index}">${say('proof.whole')}</a></p>
<p class="sr" role="status"></p></details>`
}

type Row = readonly [name: string, value: Piece]

/** The addresses of a block explorer are those of EIP-3091. */
function tellAnchor({ say }: Frame, anchor: SiteAnchor, explorer: string | undefined): readonly Row[] {
  const { chainId, contract, logId, transaction, block } = anchor
  const link = (path: string) =>
    explorer !== undefined &&
    html` <a class="small" href="${explorer.replace(/\/+$/, '')}/${path}" rel="external noreferrer">${say('proof.explorer')}</a>`
  return [
    [say('anchors.network'), chainId],
    [say('founding.contract'), html`${hash(contract)}${link(`address/${contract}`)}`],
    [say('founding.log'), hash(logId)],
    [say('anchors.transaction'), html`${hash(transaction)}${link(`tx/${transaction}`)}`],
    [say('proof.block'), html`${block.number} · ${renderTime(say, block.time)}${link(`block/${block.number}`)}`],
    [say('proof.blockHash'), hash(block.hash)],
  ]
}

function hash(text: string): Html {
  return html`<span class="hash" data-copy>${text}</span>`
}

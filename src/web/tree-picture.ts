/**
 * Drawings for the page "How it works". They show only numbers, so that the words beside them can be
 * in any language and of any size.
 */
import { toHex } from '../core/bytes.ts'
import type { Hash } from '../core/hash.ts'
import { type Html, html } from '../html.ts'

const BOX = { width: 76, height: 30 } as const
const STEP = { x: 86, y: 78 } as const
const MARGIN = 8

/**
 * A tree with the path of one leaf lit, and the given fingerprints beside the path dashed: the
 * inclusion proof. `label` describes it for people who do not see it.
 */
export function drawTree(label: string, levels: readonly (readonly Hash[])[], index: number): Html {
  const width = MARGIN * 2 + STEP.x * ((levels[0]?.length ?? 1) - 1) + BOX.width
  const height = MARGIN * 2 + STEP.y * (levels.length - 1) + BOX.height
  const place = (level: number, at: number) => ({
    x: MARGIN + BOX.width / 2 + STEP.x * ((at + 0.5) * 2 ** level - 0.5),
    y: height - MARGIN - BOX.height / 2 - STEP.y * level,
  })
  const isLit = (level: number, at: number) => Math.floor(index / 2 ** level) === at
  const isGiven = (level: number, at: number) => !isLit(level, at) && isLit(level + 1, Math.floor(at / 2))
  const nodes = levels.flatMap((hashes, level) => hashes.map((hash, at) => ({ hash, level, at, ...place(level, at) })))
  return html`<svg class="tree" viewBox="0 0 ${width} ${height}" role="img" aria-label="${label}" direction="ltr">
${nodes
  .filter(({ level }) => level + 1 < levels.length)
  .map(({ level, at, x, y }) => {
    const above = place(level + 1, Math.floor(at / 2))
    return html`<path${isLit(level, at) && html` class="lit"`} d="M${x} ${y}L${above.x} ${above.y}"/>`
  })}
${nodes.map(({ hash, level, at, x, y }) => drawHash({ hash, x, y, look: isLit(level, at) ? 'lit' : isGiven(level, at) ? 'given' : undefined }))}</svg>`
}

/** Blocks of a chain, with the root in the newest but one. */
export function drawChain(label: string, root: Hash): Html {
  const y = MARGIN + BOX.height
  return html`<svg class="tree" viewBox="0 0 340 ${y * 2}" role="img" aria-label="${label}" direction="ltr">
<path d="M0 ${y}H340"/>
${[8, 260].map(x => html`<rect x="${x}" y="${y - 26}" width="72" height="52" rx="6"/>`)}
<rect class="lit" x="108" y="${y - 30}" width="124" height="60" rx="6"/>
${drawHash({ hash: root, x: 170, y, look: 'lit' })}</svg>`
}

function drawHash({ hash, x, y, look }: { hash: Hash; x: number; y: number; look: 'lit' | 'given' | undefined }): Html {
  return html`<rect${look && html` class="${look}"`} x="${x - BOX.width / 2}" y="${y - BOX.height / 2}" width="${BOX.width}" height="${BOX.height}" rx="4"/><text${look && html` class="${look}"`} x="${x}" y="${y + 4}">${toHex(hash).slice(0, 8)}</text>`
}

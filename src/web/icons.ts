/**
 * Drawings beside words, never instead of them, and hidden from assistive technology: small ones,
 * and the mark of OpenSeal.
 */
import { type Html, trusted } from '../html.ts'

const SHAPES = {
  tick: '<circle cx="12" cy="12" r="10.5"/><path d="m7 12.5 3.5 3.5L17 8.5"/>',
  cross: '<path d="M7.6 1.5h8.8l6.1 6.1v8.8l-6.1 6.1H7.6l-6.1-6.1V7.6z"/><path d="m8 8 8 8m0-8-8 8"/>',
  warn: '<path d="M12 2 23 21.5H1z"/><path d="M12 9v6m0 2.6v.9"/>',
  question: '<circle cx="12" cy="12" r="10.5"/><path d="M8.8 9.2a3.3 3.3 0 1 1 4.7 3c-1 .5-1.5 1.1-1.5 2.1m0 2.5v.9"/>',
  dash: '<circle cx="12" cy="12" r="10.5" stroke-dasharray="3 2.5"/><path d="M7.5 12h9"/>',
  clock: '<circle cx="12" cy="12" r="10.5"/><path d="M12 6v6.5l4 2.5"/>',
  flask: '<path d="M9 2h6m-5 0v7L3.5 20a1.5 1.5 0 0 0 1.3 2h14.400a1.5 1.5 0 0 0 1.3-2L14 9V2M6.5 15.5h11"/>',
  newer: '<circle cx="12" cy="12" r="10.5"/><path d="M12 17V7m-4 4 4-4 4 4"/>',
  file: '<path d="M5 1.5h9l5.5 5.5v15.5H5zM14 1.5V7h5.5"/><path d="m8.5 14 3 3 5-6"/>',
  office: '<path d="M2 9.5 12 3l10 6.5zM4 21.5h16M6 12v7m4-7v7m4-7v7m4-7v7"/>',
  glass: '<circle cx="10.5" cy="10.5" r="7.5"/><path d="m16 16 6.5 6.5"/>',
  globe: '<circle cx="12" cy="12" r="10.5"/><path d="M1.5 12h21M12 1.5c-7 6-7 15 0 21 7-6 7-15 0-21z"/>',
  seal: '<circle cx="12" cy="9" r="7.5"/><path d="m8.5 9 2.5 2.5L15.5 7M8 15.5 6.5 23 12 20l5.5 3-1.5-7.5"/>',
} as const

/** The name of a drawing. */
export type IconName = keyof typeof SHAPES

/** A drawing in the colour of the text around it. */
export function icon(name: IconName): Html {
  return trusted(
    `<svg class="icon" viewBox="0 0 24 24" width="24" height="24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">${SHAPES[name]}</svg>`,
  )
}

/**
 * The mark: a seal with the tree of a ledger in it. The path from one entry to the root is lit, as
 * an inclusion proof is.
 */
const MARKS = { light: ['#fff', '#0b3540', '#b35900'], dark: ['#0b3540', '#fff', '#f2b34c'] } as const

/** The mark on a light or a dark disc, as SVG text that is a file of its own, too. */
export function drawMark(disc: keyof typeof MARKS): string {
  const [ground, line, lit] = MARKS[disc]
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" width="32" height="32" fill="none" aria-hidden="true" focusable="false"><circle cx="16" cy="16" r="16" fill="${ground}"/><circle cx="16" cy="16" r="13.6" stroke="${line}" stroke-width="1.2"/><path d="m16 9-6 7m0 0-3 6.5m3-6.5 3 6.5m9-6.5 3 6.5" stroke="${line}" stroke-width="1.6" stroke-linecap="round"/><path d="m16 9 6 7-3 6.5" stroke="${lit}" stroke-width="2.4" stroke-linecap="round" stroke-linejoin="round"/><g fill="${line}"><circle cx="10" cy="16" r="1.8"/><circle cx="7" cy="22.5" r="1.8"/><circle cx="13" cy="22.5" r="1.8"/><circle cx="25" cy="22.5" r="1.8"/></g><g fill="${lit}"><circle cx="16" cy="9" r="2.5"/><circle cx="22" cy="16" r="2"/><circle cx="19" cy="22.5" r="2.5"/></g></svg>`
}

/** The mark within a page. */
export function mark(disc: keyof typeof MARKS): Html {
  return trusted(drawMark(disc))
}

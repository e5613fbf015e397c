/** Small drawings beside words, never instead of them, and hidden from assistive technology. */
import { type Html, trusted } from '../html.ts'

const SHAPES = {
  tick: '<circle cx="12" cy="12" r="10.5"/><path d="m7 12.5 3.5 3.5L17 8.5"/>',
  cross: '<path d="M7.6 1.5h8.8l6.1 6.1v8.8l-6.1 6.1H7.6l-6.1-6.1V7.6z"/><path d="m8 8 8 8m0-8-8 8"/>',
  warn: '<path d="M12 2 23 21.5H1z"/><path d="M12 9v6m0 2.6v.9"/>',
  question: '<circle cx="12" cy="12" r="10.5"/><path d="M8.8 9.2a3.3 3.3 0 1 1 4.7 3c-1 .5-1.5 1.1-1.5 2.1m0 2.5v.9"/>',
  dash: '<circle cx="12" cy="12" r="10.5" stroke-dasharray="3 2.5"/><path d="M7.5 12h9"/>',
  clock: '<circle cx="12" cy="12" r="10.5"/><path d="M12 6v6.5l4 2.5"/>',
  flask: '<path d="M9 2h6m-5 0v7L3.5 20a1.5 1.5 0 0 0 1.300 2h14.400a1.5 1.5 0 0 0 1.300-2L14 9V2M6.5 15.500h11"/>',
  newer: '<circle cx="12" cy="12" r="10.5"/><path d="M12 17V7m-4 4 4-4 4 4"/>',
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

/** Where the pages for people are: their paths, and the language that may stand before them. */
import { CATALOGUES, type Language } from '../messages/language.ts'

/** Every page. A part that begins with a colon stands for any text without a slash. */
export const PAGES = [
  '/',
  '/verify',
  '/records',
  '/records/:index',
  '/changes',
  '/agencies',
  '/agencies/:id',
  '/anchors',
  '/search',
  '/about',
] as const

/** The path of a page. */
export type PagePath = (typeof PAGES)[number]

/** The language in a path, what links to pages begin with there, and what stands after it. */
export type Place = { readonly prefix: Language | undefined; readonly base: string; readonly path: string }

/** Takes a path apart. Not by ctx.params: the router hands those of a pattern that passed a request on to the next one. */
export function placeOf(whole: string): Place {
  const first = whole.split('/')[1] ?? ''
  const prefix = Object.hasOwn(CATALOGUES, first) ? (first as Language) : undefined
  const base = prefix === undefined ? '' : `/${prefix}`
  return { prefix, base, path: whole.slice(base.length) || '/' }
}

/** Whether a path without its language fits a pattern, in which at most one part begins with a colon. */
export function isAt(path: string, pattern: string): boolean {
  if (pattern === '/') return path === '/'
  return path.split('/').length === pattern.split('/').length && path.startsWith(pattern.split(':')[0] ?? pattern)
}

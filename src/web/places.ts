/** The paths of the pages for people, with or without a language in front. */
import { CATALOGUES, type Language } from '../messages/language.ts'

/** Every page. A part that begins with a colon matches any text without a slash. */
export const PAGES = [
  '/',
  '/verify',
  '/records',
  '/records/:index',
  '/records/:index/certificate',
  '/changes',
  '/agencies',
  '/agencies/:id',
  '/anchors',
  '/about',
  '/for-agencies',
  '/removal',
  '/legal',
  '/privacy',
] as const

/** The pages that only their own users see: paths that begin so. */
export const PRIVATE_PAGES = /^\/(?:desk|operator)(?:\/|$)/

/** The path of a page. */
export type PagePath = (typeof PAGES)[number]

/** A path: its language, the prefix of links there, and the rest. */
export type Place = { readonly prefix: Language | undefined; readonly base: string; readonly path: string }

/**
 * Splits a path. ctx.params would not do: the router passes those of a pattern that called `next`
 * on to the next pattern.
 */
export function placeOf(whole: string): Place {
  const first = whole.split('/')[1] ?? ''
  const prefix = Object.hasOwn(CATALOGUES, first) ? (first as Language) : undefined
  const base = prefix === undefined ? '' : `/${prefix}`
  return { prefix, base, path: whole.slice(base.length) || '/' }
}

/** Whether a path without its language matches a pattern. */
export function isAt(path: string, pattern: string): boolean {
  const [parts, wanted] = [path.split('/'), pattern.split('/')]
  return parts.length === wanted.length && wanted.every((part, at) => part.startsWith(':') || part === parts[at])
}

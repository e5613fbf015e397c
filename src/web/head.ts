/**
 * The head of a page, for search engines and for programs that show links: a description, the
 * page's address in each language, Open Graph, and JSON-LD with the words of schema.org.
 */
import { visibleJson } from '../core/visible.ts'
import { type Html, html, type Piece, scriptJson, trusted } from '../html.ts'
import { LANGUAGE_TAGS, type Language } from '../messages/language.ts'
import type { Tongue } from '../messages/say.ts'
import { clip } from './content.ts'

/** A page's description of itself. All of it is public, and its own content. */
export type Told = {
  readonly title: string
  /** One or two sentences. A page without them is not described at all. */
  readonly description?: string | undefined
  /** Its path without the language, with what of its query makes it; missing: without a query. */
  readonly address?: string | undefined
  /** Its subject, as schema.org names it. Its texts may be hostile. */
  readonly structured?: { readonly [name: string]: unknown } | undefined
  readonly noIndex?: boolean | undefined
}

/** The place of a page. */
type Placed = {
  readonly say: Tongue
  readonly base: string
  readonly path: string | undefined
  /** The ledger's public address. Without it, nothing is said that needs an absolute address. */
  readonly siteUrl?: string | undefined
  readonly siteName: string
  /** The path of the image that a preview of a link shows. */
  readonly socialHref?: string | undefined
}

/** Open Graph names a territory too: the one whose spelling the catalogue uses. */
const LOCALES: { readonly [tag in Language]: string } = {
  en: 'en_GB',
  fr: 'fr_FR',
  es: 'es_ES',
  de: 'de_DE',
  el: 'el_GR',
  ar: 'ar_AR',
  uk: 'uk_UA',
}
/** The longest description: programs that show links cut longer ones. */
const MAX_DESCRIPTION = 300

/** The lines of the head that say what the page is. */
export function renderTold({ say, base, path, siteUrl, siteName, socialHref }: Placed, told: Told): Html | false {
  const { title, description, noIndex = false, structured } = told
  if (description === undefined) return false
  const text = clip(plain(description), MAX_DESCRIPTION)
  const address = told.address ?? path?.split('?')[0]
  if (siteUrl === undefined || address === undefined) return html`<meta name="description" content="${text}">`
  const own = `${siteUrl}${base}${address}`
  return html`<meta name="description" content="${text}">
${!noIndex && renderPlaces(siteUrl, own, address)}
<meta property="og:title" content="${plain(title)}">
<meta property="og:description" content="${text}">
<meta property="og:type" content="${structured?.['@type'] === 'CreativeWork' ? 'article' : 'website'}">
<meta property="og:url" content="${own}">
<meta property="og:site_name" content="${siteName}">
${socialHref !== undefined && html`<meta property="og:image" content="${siteUrl}${socialHref}"><meta property="og:image:alt" content="${siteName}">`}
<meta property="og:locale" content="${LOCALES[say.lang as Language]}">
${LANGUAGE_TAGS.filter(tag => tag !== say.lang).map(tag => html`<meta property="og:locale:alternate" content="${LOCALES[tag]}">`)}
${structured && renderStructured(structured)}`
}

/**
 * A block of data. Browsers do not run it, whatever its texts are, and no text can end it: `<` is
 * escaped.
 */
function renderStructured(structured: object): Html {
  const { safe } = scriptJson({ '@context': 'https://schema.org', ...structured })
  return html`<script type="application/ld+json">${trusted(visibleJson(safe))}</script>`
}

function renderPlaces(siteUrl: string, own: string, address: string): Piece {
  return html`<link rel="canonical" href="${own}">
${LANGUAGE_TAGS.map(tag => html`<link rel="alternate" hreflang="${tag}" href="${siteUrl}/${tag}${address}">`)}
<link rel="alternate" hreflang="x-default" href="${siteUrl}${address}">`
}

/** Without the isolates of pages, which other programs show as boxes, and on one line. */
function plain(text: string): string {
  return text
    .replace(/[\u2068\u2069]/g, '')
    .replace(/\s+/g, ' ')
    .trim()
}

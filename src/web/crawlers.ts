/**
 * For search engines: what they may read, and where every record is. Entries are listed by their
 * index alone, so nothing is read from the store, and nothing of an erased statement is named.
 */
import type Router from '@koa/router'
import type { Context, Next } from 'koa'
import { html } from '../html.ts'
import type { SiteDeps } from './deps.ts'
import { sendText } from './frame.ts'

/** The most addresses in one list. The protocol allows 50,000. */
const IN_A_LIST = 10_000
/** In ordinary requests. */
const COST = 10
const PAGES = ['/', '/verify', '/records', '/changes', '/agencies', '/anchors', '/about', '/for-agencies', '/removal', '/legal', '/privacy']
/** Pages that are made for one visitor, cost a search, or are for programs; in every language. */
const CLOSED = ['/desk', '/operator', '/search', '/records?', '/v1/', '/mcp', '/tile/']

/** Adds /robots.txt, /sitemap.xml and the lists that it names. */
export function crawlerRoutes(router: Router, { url, ledger, agencies }: Pick<SiteDeps, 'url' | 'ledger' | 'agencies'>): void {
  router.get('/robots.txt', async (ctx: Context) => {
    ctx.type = 'text/plain; charset=utf-8'
    const closed = CLOSED.flatMap(path => [`Disallow: ${path}`, `Disallow: /*${path}`])
    await sendText(ctx, ['User-agent: *', ...closed, `Sitemap: ${url}/sitemap.xml`, ''].join('\n'))
  })
  router.get('/sitemap.xml', async (ctx: Context) => {
    const lists = Math.ceil(ledger.head().size / IN_A_LIST)
    const places = ['pages', 'agencies', ...Array.from({ length: lists }, (_, list) => `records-${list}`)]
    await sendXml(
      ctx,
      'sitemapindex',
      'sitemap',
      places.map(place => `${url}/sitemap/${place}.xml`),
    )
  })
  router.get('/sitemap/pages.xml', async (ctx: Context) => {
    await sendXml(
      ctx,
      'urlset',
      'url',
      PAGES.map(path => `${url}${path}`),
    )
  })
  router.get('/sitemap/agencies.xml', async (ctx: Context) => {
    ctx.state.cost = COST
    const shown = (await agencies.list()).slice(0, IN_A_LIST)
    await sendXml(
      ctx,
      'urlset',
      'url',
      shown.map(({ id }) => `${url}/agencies/${encodeURIComponent(id)}`),
    )
  })
  router.get('/sitemap/records-:list.xml', async (ctx: Context, next: Next) => {
    const { list = '' } = ctx.params
    const from = Number(list) * IN_A_LIST
    const { size } = ledger.head()
    if (!/^(0|[1-9]\d{0,8})$/.test(list) || from >= size) return next()
    ctx.state.cost = COST
    const count = Math.min(IN_A_LIST, size - from)
    await sendXml(
      ctx,
      'urlset',
      'url',
      Array.from({ length: count }, (_, at) => `${url}/records/${from + at}`),
    )
  })
}

async function sendXml(
  ctx: Context,
  root: 'sitemapindex' | 'urlset',
  item: 'sitemap' | 'url',
  addresses: readonly string[],
): Promise<void> {
  ctx.type = 'application/xml; charset=utf-8'
  const [before, after] = [`<${item}><loc>`, `</loc></${item}>\n`]
  // The addresses are ours, and their only foreign part is escaped once.
  const items = addresses.map(address => `${before}${html`${address}`.safe}${after}`)
  await sendText(
    ctx,
    `<?xml version="1.0" encoding="utf-8"?>\n<${root} xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n${items.join('')}</${root}>\n`,
  )
}

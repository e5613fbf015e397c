/** The page for an entry or an agency that is not there. */
import type { Context } from 'koa'
import { html } from '../html.ts'
import type { Frame, Page } from '../layout.ts'
import { renderCode } from '../problem-page.ts'

const SENTENCES = { RECORD_NOT_FOUND: 'record.notFound', AGENCY_NOT_FOUND: 'agency.notFound' } as const

/** Says so, with status 404 and the code that programs get. */
export function missingPage({ say, base }: Frame, ctx: Context, code: keyof typeof SENTENCES): Page {
  ctx.status = 404
  const title = say('record.notFoundTitle')
  const main = html`<h1>${title}</h1><p>${say(SENTENCES[code])}</p><p><a href="${base}/search">${say('site.search')}</a></p>${renderCode(say, code)}`
  return { title, noIndex: true, main }
}

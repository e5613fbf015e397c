/** The page for what is not there. */
import type { Context } from 'koa'
import { html } from '../html.ts'
import type { Frame, Page } from '../layout.ts'

/** Says so, with status 404. */
export function missingPage({ say, base }: Frame, ctx: Context, sentence: string): Page {
  ctx.status = 404
  const title = say('record.notFoundTitle')
  return { title, noIndex: true, main: html`<h1>${title}</h1><p>${sentence}</p><p><a href="${base}/search">${say('site.search')}</a></p>` }
}

/** The routes that say who is responsible: legal notice, privacy, and the operator's logo. */
import type Router from '@koa/router'
import type { Context, Next } from 'koa'
import { speakDesk } from '../messages/desk/speak.ts'
import type { Language } from '../messages/language.ts'
import type { Frame, Operator, Page } from './layout.ts'
import { sendLogo } from './logo.ts'
import { legalPage, privacyPage } from './pages/legal.ts'
import { isAt, type PagePath, placeOf } from './places.ts'

type AddPage = (path: PagePath, reply: (frame: Frame) => Page) => void

/** Adds `/legal` and `/privacy`, which lead to the operator's own pages if there are any. */
export function responsibleRoutes(router: Router, page: AddPage, { legalUrl, privacyUrl, logo }: Operator): void {
  for (const [path, elsewhere, render] of [
    ['/legal', legalUrl, legalPage],
    ['/privacy', privacyUrl, privacyPage],
  ] as const) {
    if (elsewhere === undefined) page(path, frame => render(frame, speakDesk(frame.say.lang as Language)))
    else
      router.get(`{/:lang}${path}`, async (ctx: Context, next: Next) => {
        // A path may begin with a language that the site does not have.
        if (isAt(placeOf(ctx.path).path, path)) ctx.redirect(elsewhere)
        else await next()
      })
  }
  if (logo !== undefined) router.get(logo.path, (ctx: Context) => sendLogo(ctx, logo))
}

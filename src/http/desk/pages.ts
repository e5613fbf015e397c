/**
 * The common parts of the routes of the desk and of the operator: sessions, and the frame of pages.
 */
import type Router from '@koa/router'
import type { Context, Next } from 'koa'
import type { SessionHolder } from '../../ledger/agencies/sessions.ts'
import { browserDeskMessages, speakDesk } from '../../messages/desk/speak.ts'
import type { Language } from '../../messages/language.ts'
import { enter } from '../../turns.ts'
import type { DeskScript } from '../../web/desk/choose.ts'
import type { DeskFrame, Who } from '../../web/desk/desk-frame.ts'
import { continuePage, signInPage } from '../../web/desk/sign-in.ts'
import { type Frame, type Page, renderPage, securityPolicy } from '../../web/layout.ts'
import type { Desk, RouteDeps } from '../deps.ts'
import { BusyError, problemOf, RequestError } from '../problem.ts'
import { readCount } from '../schemas/values.ts'
import type { Fields, Gate, SentForm, Visit } from './gate.ts'

/** The dependencies of these routes: those of all routes, and the parts that only these need. */
export type DeskDeps = RouteDeps & { readonly desk: Desk }

/** One request for a page. */
export type DeskRequest = { readonly ctx: Context; readonly frame: Frame }

type Reply = (asked: DeskRequest) => Promise<void>

/** Adds a page under its path, with and without a language in front. */
export type AddPage = (method: 'get' | 'post', path: string, reply: Reply) => void

/** Creates the function that adds pages. */
export function pageAdder(router: Router, { desk }: DeskDeps): AddPage {
  return (method, path, reply) => {
    router[method](`{/:lang}${path}`, async (ctx: Context, next: Next) => {
      const frame = await desk.pages.frame(ctx, path)
      if (frame === undefined) return next()
      ctx.remove('Access-Control-Allow-Origin')
      // Without it, browsers hide from us that a form comes from our own page.
      ctx.set('Referrer-Policy', 'same-origin')
      await reply({ ctx, frame })
    })
  }
}

/** Somebody who has just signed in, with the fields that were sent with the key. */
export type SignedIn = { readonly frame: DeskFrame; readonly visit: Visit; readonly fields: Fields }

/** Shows a form again, as it was filled in when its session ended. */
export type Resume = (asked: DeskRequest, signed: SignedIn) => Promise<void> | void

/** Which of the two kinds of pages: the desk, or the operator's. */
export type PlaceName = 'desk' | 'operator'

/** The field that names the path of a form whose session has ended. */
const RESUME = 'resume'

/** Signing in for both kinds of pages, from `createPlace`. */
export type DeskPlace = ReturnType<typeof createPlace>

/** Creates what both kinds of pages do about signing in. */
export function createPlace(place: PlaceName, gate: Gate, { agencies, limits }: DeskDeps) {
  const isHolder = ({ holder }: Visit) => holder?.kind === (place === 'desk' ? 'agency' : 'operator')
  const whoIs = async (holder: SessionHolder | undefined): Promise<Who | undefined> => {
    if (holder === undefined) return undefined
    if (holder.kind === 'operator') return { isAdmin: true }
    const { id, name } = await agencies.get(holder.agency)
    return { agency: { id, name }, isAdmin: holder.role === 'admin' }
  }
  const frameOf = async ({ frame }: DeskRequest, visit: Visit): Promise<DeskFrame> => {
    const who = isHolder(visit) ? await whoIs(visit.holder) : undefined
    // Making the page is the longest piece of a request.
    await enter()
    return { ...frame, desk: speakDesk(frame.say.lang as Language), formToken: visit.formToken, who }
  }
  const resumes: { readonly matches: RegExp; readonly show: Resume }[] = []
  const askToSignIn = async (asked: DeskRequest, visit: Visit, data: Omit<Parameters<typeof signInPage>[1], 'place'>, status = 200) => {
    const frame = await frameOf(asked, { ...visit, holder: undefined })
    send(asked, signInPage(frame, { ...data, place }), status)
  }

  return {
    /**
     * The frame and the visit of somebody who is signed in. Otherwise answers with the sign-in
     * page.
     */
    async enter(asked: DeskRequest): Promise<{ frame: DeskFrame; visit: Visit } | undefined> {
      const { ctx, frame } = asked
      const visit = await gate.visit(ctx)
      if (isHolder(visit)) return { frame: await frameOf(asked, visit), visit }
      if (visit.isFromElsewhere) send(asked, continuePage(await frameOf(asked, visit), ctx.url))
      else await askToSignIn(asked, visit, { next: frame.path })
      return undefined
    },
    /**
     * A form of somebody who is signed in. If the session has ended, answers with the sign-in page,
     * which keeps the fields.
     */
    async enterForm(asked: DeskRequest): Promise<{ frame: DeskFrame; form: SentForm } | undefined> {
      const form = await gate.readForm(asked.ctx)
      if (isHolder(form.visit)) return { frame: await frameOf(asked, form.visit), form }
      const { token: _token, key: _key, ...typed } = form.fields
      const kept = { ...typed, [RESUME]: asked.frame.path ?? '' }
      await askToSignIn(asked, form.visit, { kept, notice: speakDesk(asked.frame.say.lang as Language)('sign.ended') }, 403)
      return undefined
    },
    askToSignIn,
    /** Says how a form that goes to a path is shown again after its session has ended. */
    resumes(pattern: string, show: Resume): void {
      resumes.push({ matches: new RegExp(`^${pattern.replaceAll(/:(\w+)/g, '(?<$1>[^/]+)')}$`), show })
    },
    /** Shows the form that was sent after its session had ended. False if there was none. */
    async resume(asked: DeskRequest, signed: SignedIn): Promise<boolean> {
      for (const { matches, show } of resumes) {
        const found = matches.exec(signed.fields[RESUME] ?? '')
        if (found === null) continue
        asked.ctx.params = { ...found.groups }
        await show(asked, signed)
        return true
      }
      return false
    },
    /** Signs in with the key of a form. undefined if the key was refused, which is answered. */
    async signIn(asked: DeskRequest, authenticate: (key: string) => Promise<SessionHolder>): Promise<SignedIn | undefined> {
      const { ctx } = asked
      const { fields, visit, isCurrent } = await gate.readForm(ctx)
      const desk = speakDesk(asked.frame.say.lang as Language)
      const { token: _token, key = '', next, ...kept } = fields
      const again = (problem: 'sign.wrong' | 'sign.often', status: number) =>
        askToSignIn(asked, visit, { kept, next, problem: desk(problem) }, status)
      if (!isCurrent) {
        await askToSignIn(asked, visit, { kept, next, notice: desk('sign.stale') }, 403)
        return undefined
      }
      try {
        const holder = await authenticate(key.trim())
        const signed: Visit = { holder, formToken: await gate.signIn(ctx, holder), isFromElsewhere: false }
        return { fields, visit: signed, frame: await frameOf(asked, signed) }
      } catch (error) {
        if (problemOf(error).status !== 401) throw error
      }
      try {
        limits?.noteWrongKey(ctx)
        await again('sign.wrong', 403)
      } catch (error) {
        if (!(error instanceof BusyError)) throw error
        ctx.set('Retry-After', String(error.seconds))
        await again('sign.often', 429)
      }
      return undefined
    },
    async signOut(asked: DeskRequest): Promise<void> {
      const { isCurrent } = await gate.readForm(asked.ctx)
      if (isCurrent) await gate.signOut(asked.ctx)
      // Steps that the browser kept for its back button are gone, too.
      asked.ctx.set('Clear-Site-Data', '"cache"')
      goTo(asked, `/${place}`)
    },
  }
}

/** Sends a page, uncompressed: its length must not tell anything about its token. */
export function send({ ctx, frame }: DeskRequest, page: Page, status = 200): void {
  ctx.status = status
  ctx.type = 'text/html'
  ctx.set('Content-Language', frame.say.lang)
  if (page.scripts !== undefined) ctx.set('Content-Security-Policy', securityPolicy('own'))
  ctx.body = renderPage(frame, page)
}

/**
 * Sends a step of a submission. The browser keeps it, so that its back button returns to what was
 * typed.
 */
export function sendStep(asked: DeskRequest, page: Page, status = 200): void {
  send(asked, page, status)
  asked.ctx.set('Cache-Control', 'private, no-cache')
}

/** Sends the browser to another page of the same language. A reload then sends no form again. */
export function goTo({ ctx, frame }: DeskRequest, path: string): void {
  ctx.redirect(`${frame.base}${path}`)
  ctx.status = 303
}

/** An entry of the agency that is signed in. Throws RECORD_NOT_FOUND for any other. */
export async function readOwn(ctx: Context, { who }: DeskFrame, { ledger, desk }: DeskDeps) {
  const index = readCount(ctx.params.index, 'index')
  const [entry] = (await ledger.hasEntry(index)) ? await desk.pages.entries([index]) : []
  if (entry?.statement === undefined || entry.statement.agency !== who?.agency?.id)
    throw new RequestError('RECORD_NOT_FOUND', 'Your agency has no entry with this number.')
  return { ...entry, statement: entry.statement }
}

/** The script of the desk, with what it says in the language of a page. */
export function scriptOf({ say }: DeskFrame, { desk }: DeskDeps): DeskScript {
  return { href: desk.pages.deskScript, lang: say.lang, messages: browserDeskMessages(say.lang as Language) }
}

/**
 * The gate of the desk and of the operator's page: the session cookie, the token in every form, and
 * the refusal of forms that another site sends. Only these pages read the cookie.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Context } from 'koa'
import { attempt } from '../../core/attempt.ts'
import { fromUtf8, toBase64Url } from '../../core/bytes.ts'
import type { Host } from '../../host.ts'
import type { SessionHolder, Sessions } from '../../ledger/agencies/sessions.ts'
import { enter } from '../../turns.ts'
import { MAX_DRAFT_BYTES } from '../../web/desk/draft.ts'
import { bodyType, readBody } from '../body.ts'
import { RequestError } from '../problem.ts'

/** One request: who sends it, and the token for the forms of its answer. */
export type Visit = {
  /** Missing if nobody is signed in. */
  readonly holder?: SessionHolder | undefined
  readonly formToken: string
  /**
   * A link on another site led here. The browser then withholds the cookie, so that it is unknown
   * whether somebody is signed in.
   */
  readonly isFromElsewhere: boolean
}

/** The fields of a form, by their names. */
export type Fields = { readonly [name: string]: string }

/** A form. `isCurrent` is false if it was shown before the present session began. */
export type SentForm = { readonly fields: Fields; readonly visit: Visit; readonly isCurrent: boolean }

export type Gate = {
  /** Reads the cookie, and gives one to a browser that has none. */
  visit(ctx: Context): Promise<Visit>
  /** Whether a token is that of the request's own cookie. */
  isCurrent(ctx: Context, formToken: string): boolean
  /** Reads a form. Throws FORM_ELSEWHERE if a page of another site sent it. */
  readForm(ctx: Context): Promise<SentForm>
  /**
   * Begins a session under a new token: one that somebody else knows is worth nothing. Returns the
   * token for its forms.
   */
  signIn(ctx: Context, holder: SessionHolder): Promise<string>
  signOut(ctx: Context): Promise<void>
}

export type GateOptions = {
  readonly sessions: Sessions
  readonly host: Pick<Host, 'randomBytes'>
  /** The name of the cookie without its prefix. */
  readonly name: string
  /** Whether browsers reach these pages over TLS. */
  readonly isSecure: boolean
}

/** The most bytes of a form as it is sent. Percent-encoding makes three bytes of one. */
const MAX_FORM_BYTES = 3 * MAX_DRAFT_BYTES
/** More fields than any of our forms has. */
const MAX_FIELDS = 64
const TOKEN = /^[A-Za-z0-9_-]{43}$/

/** Creates a gate. Two gates differ by the names of their cookies. */
export function createGate({ sessions, host, name, isSecure }: GateOptions): Gate {
  const cookie = isSecure ? `__Host-${name}` : name
  const attributes = `Path=/; HttpOnly; SameSite=Strict${isSecure ? '; Secure' : ''}`
  const readToken = (ctx: Context) => {
    const token = ctx.cookies.get(cookie)
    return token !== undefined && TOKEN.test(token) ? token : undefined
  }
  // No Max-Age: the browser forgets it when it is closed, and the store knows when it ends.
  const writeToken = (ctx: Context, token: string) => ctx.res.appendHeader('Set-Cookie', `${cookie}=${token}; ${attributes}`)

  const visit = async (ctx: Context): Promise<Visit> => {
    const sent = readToken(ctx)
    const isFromElsewhere = sent === undefined && /^(cross|same)-site$/.test(ctx.get('Sec-Fetch-Site'))
    const token = sent ?? toBase64Url(host.randomBytes(32))
    // A cookie that was only withheld must not be replaced.
    if (sent === undefined && !isFromElsewhere) writeToken(ctx, token)
    return { holder: sent === undefined ? undefined : await sessions.read(sent), formToken: formTokenOf(token), isFromElsewhere }
  }
  const isCurrent = (ctx: Context, formToken: string) => {
    const token = readToken(ctx)
    return token !== undefined && isSame(formTokenOf(token), formToken)
  }

  return {
    visit,
    isCurrent,
    async readForm(ctx) {
      refuseElsewhere(ctx)
      bodyType(ctx, ['application/x-www-form-urlencoded'])
      const body = await readBody(ctx, MAX_FORM_BYTES)
      await enter()
      const fields = readFields(body)
      return { fields, visit: await visit(ctx), isCurrent: isCurrent(ctx, fields.token ?? '') }
    },
    async signIn(ctx, holder) {
      const before = readToken(ctx)
      if (before !== undefined) await sessions.close(before)
      const token = await sessions.open(holder)
      writeToken(ctx, token)
      return formTokenOf(token)
    },
    async signOut(ctx) {
      const token = readToken(ctx)
      if (token !== undefined) await sessions.close(token)
      ctx.res.appendHeader('Set-Cookie', `${cookie}=; Max-Age=0; ${attributes}`)
    },
  }
}

/**
 * The fields of a form. Anybody may send one, so it is refused before it takes long: splitting it
 * takes time by the square of its fields, and showing it again by its length. Throws
 * BODY_MALFORMED, BODY_TOO_LARGE.
 */
function readFields(body: Buffer): Fields {
  let separators = 0
  for (let at = body.indexOf('&'); at !== -1 && separators < MAX_FIELDS; at = body.indexOf('&', at + 1)) separators++
  if (separators >= MAX_FIELDS) throw new RequestError('BODY_MALFORMED', `A form has at most ${MAX_FIELDS} fields.`)
  const text = attempt(() => fromUtf8(body))
  if (text.error) throw new RequestError('BODY_MALFORMED', 'The form is not UTF-8.', { cause: text.error })
  const fields = [...new URLSearchParams(text.value)]
  const bytes = fields.flat().reduce((sum, each) => sum + Buffer.byteLength(each), 0)
  if (bytes > MAX_DRAFT_BYTES)
    throw new RequestError('BODY_TOO_LARGE', `The fields of this form have more than ${MAX_DRAFT_BYTES} bytes together. Shorten the texts.`)
  return Object.fromEntries(fields)
}

/**
 * Throws FORM_ELSEWHERE unless the browser says that a page of this very site sent the request.
 * Every browser sends one of the two headers with a form.
 */
export function refuseElsewhere(ctx: Context): void {
  const site = ctx.get('Sec-Fetch-Site')
  const origin = ctx.get('Origin')
  const isOwn = site === '' ? URL.canParse(origin) && new URL(origin).host === ctx.get('Host').toLowerCase() : site === 'same-origin'
  if (!isOwn) throw new RequestError('FORM_ELSEWHERE', 'This form was sent by a page of another site. Open the desk and try again.')
}

/**
 * The token of a session's forms. It is derived from the session's own token, which it does not
 * reveal, so that a form can be recognised even when its session has ended.
 */
function formTokenOf(token: string): string {
  return toBase64Url(createHmac('sha256', token).update('form').digest())
}

function isSame(a: string, b: string): boolean {
  const [one, two] = [Buffer.from(a), Buffer.from(b)]
  return one.length === two.length && timingSafeEqual(one, two)
}

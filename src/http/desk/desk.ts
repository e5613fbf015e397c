/** The routes of the desk, at which an agency submits with a browser. Design §17. */
import type Router from '@koa/router'
import type { Context } from 'koa'
import { createWarner } from '../../ledger/warnings.ts'
import type { DeskFrame } from '../../web/desk/desk-frame.ts'
import { donePage, type OwnEntry, submissionsPage } from '../../web/desk/submissions.ts'
import { readCursor } from '../../web/frame.ts'
import { pageOf } from '../../web/records.ts'
import { chooseRoutes } from './choosing.ts'
import { erasingRoutes } from './erasing.ts'
import { folderRoutes } from './folder.ts'
import { createGate } from './gate.ts'
import { keyRoutes } from './keys.ts'
import { packageRoutes } from './package.ts'
import { createPlace, type DeskDeps, goTo, pageAdder, readOwn, send } from './pages.ts'
import { stepRoutes } from './steps.ts'

const LISTED = 25
const NEWEST = Number.MAX_SAFE_INTEGER

/** Adds the desk. */
export function deskRoutes(router: Router, deps: DeskDeps): void {
  const { desk, host } = deps
  const gate = createGate({ ...desk, host, name: 'openseal-desk', isSecure: desk.url.startsWith('https:') })
  const place = createPlace('desk', gate, deps)
  const page = pageAdder(router, deps)
  const warner = createWarner(deps)

  page('post', '/desk/sign-in', async asked => {
    const signed = await place.signIn(asked, async key => ({ kind: 'agency', ...(await deps.agencies.authenticate(key)) }))
    if (signed === undefined) return
    if (await place.resume(asked, signed)) return
    const { next = '' } = signed.fields
    goTo(asked, /^\/desk(?:[/?][!-~]*)?$/.test(next) ? next : '/desk')
  })
  // The addresses of forms, where a reader comes without one.
  for (const path of ['form', 'preview', 'submit', 'package', 'sign-in'])
    page('get', `/desk/${path}`, asked => Promise.resolve(goTo(asked, '/desk')))
  page('post', '/desk/sign-out', asked => place.signOut(asked))
  page('get', '/desk', async asked => {
    const here = await place.enter(asked)
    if (here !== undefined) send(asked, await listSubmissions(asked.ctx, here.frame, deps))
  })
  page('get', '/desk/done/:index', async asked => {
    const here = await place.enter(asked)
    if (here !== undefined) send(asked, donePage(here.frame, await readOwn(asked.ctx, here.frame, deps)))
  })
  chooseRoutes(page, place, gate, warner, deps)
  stepRoutes(page, place, warner, deps)
  packageRoutes(page, place, warner, deps)
  folderRoutes(router, page, place, gate, warner, deps)
  erasingRoutes(page, place, ({ ctx }, frame) => readOwn(ctx, frame, deps), deps)
  keyRoutes(page, place, deps)
}

async function listSubmissions(ctx: Context, frame: DeskFrame, { ledger, desk }: DeskDeps) {
  const before = readCursor(ctx)
  const { indexes, older } = pageOf(await ledger.listByAgency(frame.who!.agency!.id, before ?? NEWEST, LISTED + 1), LISTED)
  const entries: OwnEntry[] = []
  for (const entry of await desk.pages.entries(indexes))
    entries.push({ ...entry, waiting: entry.without === 'erasing' ? await ledger.waitingErasure(entry.index) : undefined })
  return submissionsPage(frame, { entries, before, older, behind: desk.pages.behind() })
}

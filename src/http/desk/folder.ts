/** The page for a whole folder, what scripts of the desk send, and archives of receipts. */
import type Router from '@koa/router'
import type { Context } from 'koa'
import type { Warner } from '../../ledger/warnings.ts'
import { folderPage } from '../../web/desk/folder.ts'
import { bodyType } from '../body.ts'
import { RequestError } from '../problem.ts'
import { closingError, submitMany } from '../submissions.ts'
import { type Gate, refuseElsewhere } from './gate.ts'
import { type AddPage, type DeskDeps, type DeskPlace, scriptOf, send } from './pages.ts'
import { readIndexes, zipReceipts } from './receipts-zip.ts'
import { refuseBusy } from './submitting.ts'

/** How many receipts take as long as an ordinary request. */
const RECEIPTS_OF_A_REQUEST = 50

/** The page for a folder, what its script sends, and archives of receipts. */
export function folderRoutes(router: Router, page: AddPage, place: DeskPlace, gate: Gate, warner: Warner, deps: DeskDeps): void {
  const { agencies, ledger, limits, notAccepting, isClosing } = deps
  page('get', '/desk/folder', async asked => {
    const here = await place.enter(asked)
    if (here !== undefined) send(asked, folderPage(here.frame, scriptOf(here.frame, deps)))
  })
  page('get', '/desk/receipts.zip', async asked => {
    const here = await place.enter(asked)
    if (here !== undefined) await sendZip(asked.ctx, String(asked.ctx.query.of ?? ''))
  })
  page('post', '/desk/receipts.zip', async asked => {
    const here = await place.enterForm(asked)
    if (here !== undefined) await sendZip(asked.ctx, here.form.fields.of ?? '')
  })
  const sendZip = async (ctx: Context, of: string) => {
    const indexes = await readIndexes(of, ledger)
    ctx.state.cost = indexes.length / RECEIPTS_OF_A_REQUEST
    ctx.type = 'application/zip'
    ctx.set('Content-Disposition', 'attachment; filename="receipts.zip"')
    ctx.body = zipReceipts(indexes, ledger)
  }

  /** The holder of the session that a script's request carries. Throws SESSION_ENDED. */
  const enterScript = async (ctx: Context) => {
    ctx.remove('Access-Control-Allow-Origin')
    refuseElsewhere(ctx)
    const { holder, formToken } = await gate.visit(ctx)
    if (holder?.kind !== 'agency') throw new RequestError('SESSION_ENDED', 'Your session has ended: sign in at the desk again.')
    return { holder, formToken }
  }
  router.get('/desk/token', async (ctx: Context) => {
    const { holder, formToken } = await enterScript(ctx)
    ctx.body = { token: formToken, agency: holder.agency }
  })
  router.post('/desk/lines', async (ctx: Context) => {
    if (isClosing?.()) throw closingError()
    const { holder } = await enterScript(ctx)
    if (!gate.isCurrent(ctx, ctx.get('X-CSRF-Token'))) throw new RequestError('SESSION_ENDED', 'This page is older than your session.')
    const dry = ctx.querystring === 'dry-run'
    if (!dry) refuseBusy(deps)
    limits?.admitKey(holder.keyId)
    bodyType(ctx, ['application/x-ndjson'])
    const reason = notAccepting?.()
    if (reason !== undefined) throw new RequestError('LEDGER_NOT_COMPARED', reason)
    await submitMany(ctx, holder, { dry, warner, authenticate: () => agencies.holderOf(holder.keyId) }, deps)
  })
}

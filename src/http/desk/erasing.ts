/**
 * Erasing at the desk, for the agency's admin keys. Asking for an erasure asks for the key again.
 */
import { ERASURE_REASONS } from '../../core/statements/erasure.ts'
import type { DeskFrame, ShownProblem } from '../../web/desk/desk-frame.ts'
import { erasePage, erasingPage } from '../../web/desk/erase.ts'
import type { Entry } from '../../web/records.ts'
import { problemOf, RequestError } from '../problem.ts'
import { type AskerWithKey, askToErase, takeBack } from '../routes/erasures.ts'
import { readCount } from '../schemas/values.ts'
import type { Visit } from './gate.ts'
import { isSessionsKey } from './keys.ts'
import { type AddPage, type DeskDeps, type DeskPlace, type DeskRequest, goTo, send } from './pages.ts'

/** Reads an entry of the agency that is signed in. */
type ReadOwn = (asked: DeskRequest, frame: DeskFrame) => Promise<Entry>

/** Adds the pages of `/desk/erase`. */
export function erasingRoutes(page: AddPage, place: DeskPlace, readOwn: ReadOwn, deps: DeskDeps): void {
  const { ledger } = deps
  const path = '/desk/erase/:index'
  const show = (asked: DeskRequest, frame: DeskFrame, entry: Entry, more: { reason?: string; problem?: ShownProblem } = {}, status = 200) =>
    send(asked, erasePage(frame, { entry, delayMs: ledger.erasureDelayMs, suppressionMs: ledger.suppressionMs, ...more }), status)

  page('get', path, async asked => {
    const here = await place.enter(asked)
    if (here === undefined) return
    const { agency } = requireAdmin(here.visit)
    const waiting = await ledger.waitingErasure(readCount(asked.ctx.params.index, 'index'))
    if (waiting?.agency === agency) return send(asked, erasingPage(here.frame, waiting))
    show(asked, here.frame, await readOwn(asked, here.frame))
  })
  place.resumes(path, async (asked, { frame, visit, fields }) => {
    requireAdmin(visit)
    const { reason = '' } = fields
    show(asked, frame, await readOwn(asked, frame), { reason, problem: { text: frame.desk('sign.again') } })
  })
  page('post', path, async asked => {
    const here = await place.enterForm(asked)
    if (here === undefined) return
    const { frame, form } = here
    const asker = requireAdmin(form.visit)
    const entry = await readOwn(asked, frame)
    const { reason = '' } = form.fields
    const again = (problem: ShownProblem, status: number) => show(asked, frame, entry, { reason, problem }, status)
    if (!form.isCurrent) return again({ text: frame.desk('sign.stale') }, 403)
    if (!(await isSessionsKey(asked, form, deps))) return again({ text: frame.desk('keys.wrong'), field: 'key' }, 403)
    const code = ERASURE_REASONS.find(each => each === reason)
    if (code === undefined) return again({ text: frame.desk('form.missing', { label: frame.desk('form.reason') }), field: 'reason' }, 400)
    try {
      const answer = await askToErase(entry.index, code, asker, deps)
      goTo(asked, 'due' in answer ? `/desk/erase/${entry.index}` : `/records/${entry.index}`)
    } catch (error) {
      if (problemOf(error).code !== 'ERASURES_MANY') throw error
      again({ text: frame.desk('erase.many') }, 429)
    }
  })
  place.resumes(`${path}/undo`, asked => goTo(asked, `/desk/erase/${readCount(asked.ctx.params.index, 'index')}`))
  page('post', `${path}/undo`, async asked => {
    const here = await place.enterForm(asked)
    if (here === undefined) return
    const { form } = here
    const asker = requireAdmin(form.visit)
    const index = readCount(asked.ctx.params.index, 'index')
    if (form.isCurrent) await takeBack(index, asker, deps)
    goTo(asked, form.isCurrent ? '/desk' : `/desk/erase/${index}`)
  })
}

/** The agency whose admin key signed in. Throws KEY_ROLE for a key that may only submit. */
function requireAdmin({ holder }: Visit): AskerWithKey & { readonly agency: string } {
  if (holder?.kind !== 'agency' || holder.role !== 'admin') throw new RequestError('KEY_ROLE', 'Your key may only submit.')
  return { by: 'agency', agency: holder.agency, keyId: holder.keyId }
}

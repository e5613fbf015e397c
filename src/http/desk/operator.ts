/** The routes of the operator's page. They are answered only where the operator's interface is. */
import { createHash, timingSafeEqual } from 'node:crypto'
import type Router from '@koa/router'
import { readAlarmSections, sectionOf } from '../../web/desk/alarm-text.ts'
import type { DeskFrame } from '../../web/desk/desk-frame.ts'
import { alarmsPage, type OperatorState, operatorAgenciesPage, operatorPage, type Step } from '../../web/desk/operator.ts'
import { isProduction } from '../../web/records.ts'
import { requireOperatorPlace } from '../place.ts'
import { problemOf, RequestError } from '../problem.ts'
import { takeBack } from '../routes/erasures.ts'
import { statusOf } from '../routes/service.ts'
import { agencyName } from '../schemas/agencies.ts'
import { agencyId, readCount } from '../schemas/values.ts'
import { createGate, type Fields } from './gate.ts'
import { addKeyPages } from './keys.ts'
import { type AddPage, createPlace, type DeskDeps, type DeskRequest, goTo, pageAdder, send } from './pages.ts'

const DAY_MS = 86_400_000
const ERASURES_LISTED = 100
/** A backup counts for so long. */
const BACKUP_MS = 2 * DAY_MS

/** Adds the operator's pages. */
export function operatorRoutes(router: Router, deps: DeskDeps): void {
  const { agencies, desk, host, log, operatorKey } = deps
  // The service itself speaks no TLS, and the operator's address is not OPENSEAL_URL.
  const gate = createGate({ ...desk, host, name: 'openseal-operator', isSecure: false })
  const place = createPlace('operator', gate, deps)
  const addPage = pageAdder(router, deps)
  const page: AddPage = (method, path, reply) =>
    addPage(method, path, async asked => {
      requireOperatorPlace(asked.ctx, deps)
      await reply(asked)
    })
  const isOperatorKey = (key: string) => timingSafeEqual(hashOf(key), hashOf(operatorKey))

  page('post', '/operator/sign-in', async asked => {
    const signed = await place.signIn(asked, async key => {
      if (!isOperatorKey(key)) throw new RequestError('OPERATOR_KEY_WRONG', 'This is not the operator key of this ledger.')
      return { kind: 'operator' }
    })
    if (signed === undefined || (await place.resume(asked, signed))) return
    const { next = '' } = signed.fields
    goTo(asked, /^\/operator(?:[/?][!-~]*)?$/.test(next) ? next : '/operator')
  })
  page('post', '/operator/sign-out', asked => place.signOut(asked))
  page('get', '/operator', async asked => {
    const here = await place.enter(asked)
    if (here !== undefined) send(asked, operatorPage(here.frame, await readState(deps)))
  })
  place.resumes('/operator/erasures/:index/undo', asked => goTo(asked, '/operator'))
  page('post', '/operator/erasures/:index/undo', async asked => {
    const here = await place.enterForm(asked)
    if (here === undefined) return
    if (here.form.isCurrent) await takeBack(readCount(asked.ctx.params.index, 'index'), { by: 'operator' }, deps)
    goTo(asked, '/operator')
  })
  page('get', '/operator/alarms', async asked => {
    const here = await place.enter(asked)
    if (here === undefined) return
    const sections = await readAlarmSections()
    const { code } = asked.ctx.query
    const section = typeof code === 'string' ? sectionOf(sections, code) : undefined
    if (section !== undefined) return goTo(asked, `/operator/alarms#${section.id}`)
    send(asked, alarmsPage(here.frame, sections))
  })
  const showAgencies = async (
    asked: DeskRequest,
    frame: DeskFrame,
    more: Partial<Parameters<typeof operatorAgenciesPage>[1]> = {},
    status = 200,
  ) => send(asked, operatorAgenciesPage(frame, { agencies: await agencies.list(), ...more }), status)
  page('get', '/operator/agencies', async asked => {
    const here = await place.enter(asked)
    if (here !== undefined) await showAgencies(asked, here.frame)
  })
  place.resumes('/operator/agencies', (asked, { frame, fields }) =>
    showAgencies(asked, frame, { typed: agencyOf(fields), problem: { text: frame.desk('sign.again') } }),
  )
  page('post', '/operator/agencies', async asked => {
    const here = await place.enterForm(asked)
    if (here === undefined) return
    const { frame, form } = here
    const typed = agencyOf(form.fields)
    const again = (text: string, field?: string) => showAgencies(asked, frame, { typed, problem: { text, field } }, 400)
    if (!form.isCurrent) return again(frame.desk('sign.stale'))
    if (!agencyId.safeParse(typed.id).success) return again(frame.desk('operator.badId'), 'id')
    if (!agencyName.safeParse(typed.name).success) return again(frame.desk('form.missing', { label: frame.desk('operator.name') }), 'name')
    try {
      await agencies.add(typed)
    } catch (error) {
      if (problemOf(error).code !== 'AGENCY_EXISTS') throw error
      return again(frame.desk('operator.taken'), 'id')
    }
    log.info('agency added', { agency: typed.id })
    goTo(asked, `/operator/agencies/${typed.id}`)
  })
  addKeyPages(page, place, deps, {
    pattern: '/operator/agencies/:id',
    pathOf: ({ ctx }) => `/operator/agencies/${encodeURIComponent(ctx.params.id)}`,
    agencyOf: ({ ctx }) => ctx.params.id,
    isOwnKey: async ({ ctx }, { fields }) => {
      const isOwn = isOperatorKey((fields.key ?? '').trim())
      if (!isOwn) deps.limits?.noteWrongKey(ctx)
      return isOwn
    },
  })
}

/** The typed words about a new agency. */
function agencyOf({ id = '', name = '' }: Fields) {
  return { id: id.trim(), name: name.trim() }
}

async function readState(deps: DeskDeps): Promise<OperatorState> {
  const { agencies, ledger, policy, desk, host, rows } = deps
  const { alarms, alarmCodes, size, accepting, behind, behindSeconds, scrub, vkey } = statusOf(deps)
  const round = ledger.latestRound()
  const backup = rows === undefined ? ('elsewhere' as const) : await desk.backups.last()
  const isFresh = backup === 'elsewhere' || (backup !== undefined && host.nowMs() - Date.parse(backup) < BACKUP_MS)
  const checks: { readonly [step in Step]: boolean } = {
    name: desk.operator?.name !== undefined && desk.operator.contact !== undefined,
    url: desk.url.startsWith('https:'),
    agency: (await agencies.list()).length > 0,
    // Entry 0 is the ledger's own.
    record: size > 1,
    chain: round !== undefined && isProduction(round.size, policy()),
    backup: isFresh,
  }
  return {
    done: (Object.keys(checks) as Step[]).filter(step => checks[step]),
    backup,
    alarms: alarms.map((message, at) => ({ message, code: alarmCodes[at] ?? '' })),
    size,
    isAccepting: accepting,
    behind,
    behindSeconds,
    anchored: round,
    scrub,
    vkey,
    erasures: await ledger.waitingErasures(ERASURES_LISTED),
  }
}

function hashOf(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

/**
 * Keys at the desk, for the agency's admin keys, and at the operator's page. Making and revoking
 * ask for the key again.
 */
import type { Agencies } from '../../ledger/agencies/agencies.ts'
import type { KeyRole } from '../../ledger/agencies/keys.ts'
import type { DeskFrame, ShownProblem } from '../../web/desk/desk-frame.ts'
import { type KeyFields, type KeysData, keysPage, revokePage } from '../../web/desk/keys.ts'
import { RequestError } from '../problem.ts'
import type { Fields, SentForm } from './gate.ts'
import { type AddPage, type DeskDeps, type DeskPlace, type DeskRequest, goTo, send } from './pages.ts'

/** How the two kinds of pages differ. */
export type KeyKeeper = {
  /** The path of the page with its parameters, and of one request. */
  readonly pattern: string
  readonly pathOf: (asked: DeskRequest) => string
  /** The agency whose keys are meant. Throws KEY_ROLE if the visitor may not keep them. */
  readonly agencyOf: (asked: DeskRequest, frame: DeskFrame) => string
  /** Whether the key that was typed again is the one that signed in. */
  readonly isOwnKey: (asked: DeskRequest, form: SentForm) => Promise<boolean>
}

/** Adds the key pages of the desk. */
export function keyRoutes(page: AddPage, place: DeskPlace, deps: DeskDeps): void {
  addKeyPages(page, place, deps, {
    pattern: '/desk/keys',
    pathOf: () => '/desk/keys',
    agencyOf: (_, { who }) => {
      if (who?.agency === undefined || !who.isAdmin) throw new RequestError('KEY_ROLE', 'Your key may only submit.')
      return who.agency.id
    },
    isOwnKey: (asked, form) => isSessionsKey(asked, form, deps),
  })
}

/** Whether a form has the key again that signed in at the desk. */
export async function isSessionsKey({ ctx }: DeskRequest, { fields, visit }: SentForm, { agencies, limits }: DeskDeps): Promise<boolean> {
  const sent = await agencies.authenticate((fields.key ?? '').trim()).catch(() => undefined)
  const isOwn = sent !== undefined && visit.holder?.kind === 'agency' && sent.keyId === visit.holder.keyId
  if (!isOwn) limits?.noteWrongKey(ctx)
  return isOwn
}

/** Adds key pages under a path. */
export function addKeyPages(page: AddPage, place: DeskPlace, { agencies, host, log }: DeskDeps, keeper: KeyKeeper): void {
  const { pattern, pathOf, agencyOf, isOwnKey } = keeper
  const show = async (asked: DeskRequest, frame: DeskFrame, more: Partial<KeysData> = {}, status = 200) => {
    const id = agencyOf(asked, frame)
    const data = { path: pathOf(asked), agency: await agencies.get(id), keys: await agencies.keys(id) }
    send(asked, keysPage(frame, { ...data, ...more }), status)
  }
  const wrongKey = ({ desk }: DeskFrame): ShownProblem => ({ text: desk('keys.wrong'), field: 'key' })

  page('get', pattern, async asked => {
    const here = await place.enter(asked)
    if (here !== undefined) await show(asked, here.frame)
  })
  place.resumes(pattern, (asked, { frame, fields }) =>
    show(asked, frame, { typed: typedOf(fields), problem: { text: frame.desk('sign.again') } }),
  )
  page('post', pattern, async asked => {
    const here = await place.enterForm(asked)
    if (here === undefined) return
    const { frame, form } = here
    const agency = agencyOf(asked, frame)
    const typed = typedOf(form.fields)
    if (!form.isCurrent) return show(asked, frame, { typed, problem: { text: frame.desk('sign.stale') } }, 403)
    if (!(await isOwnKey(asked, form))) return show(asked, frame, { typed, problem: wrongKey(frame) }, 403)
    const wanted = readWanted(form.fields)
    if (wanted.expires !== undefined && !(Date.parse(wanted.expires) > host.nowMs()))
      return show(asked, frame, { typed, problem: { text: frame.desk('keys.past'), field: 'expires' } }, 400)
    const { keyId, key } = await agencies.addKey(agency, wanted)
    log.info('key added', { agency, keyId, role: wanted.role })
    await show(asked, frame, { made: key })
  })

  const findKey = async (asked: DeskRequest, frame: DeskFrame) => {
    const key = (await agencies.keys(agencyOf(asked, frame))).find(({ keyId }) => keyId === asked.ctx.params.keyId)
    if (key === undefined) throw new RequestError('KEY_NOT_FOUND', 'There is no such key.')
    return key
  }
  place.resumes(`${pattern}/:keyId/revoke`, async (asked, { frame }) => {
    const problem = { text: frame.desk('sign.again') }
    send(asked, revokePage(frame, { path: pathOf(asked), key: await findKey(asked, frame), problem }))
  })
  page('get', `${pattern}/:keyId/revoke`, async asked => {
    const here = await place.enter(asked)
    if (here !== undefined) send(asked, revokePage(here.frame, { path: pathOf(asked), key: await findKey(asked, here.frame) }))
  })
  page('post', `${pattern}/:keyId/revoke`, async asked => {
    const here = await place.enterForm(asked)
    if (here === undefined) return
    const { frame, form } = here
    const key = await findKey(asked, frame)
    const refuse = (problem: ShownProblem) => send(asked, revokePage(frame, { path: pathOf(asked), key, problem }), 403)
    if (!form.isCurrent) return refuse({ text: frame.desk('sign.stale') })
    if (!(await isOwnKey(asked, form))) return refuse(wrongKey(frame))
    await agencies.revokeKey(agencyOf(asked, frame), key.keyId)
    log.info('key revoked', { agency: agencyOf(asked, frame), keyId: key.keyId })
    goTo(asked, pathOf(asked))
  })
}

function typedOf({ label, role, expires }: Fields): KeyFields {
  return { ...(label && { label }), ...(role && { role }), ...(expires && { expires }) }
}

/** A date means the end of that day. */
function readWanted({
  label = '',
  role,
  expires,
}: Fields): Required<Pick<Parameters<Agencies['addKey']>[1], 'role'>> & Parameters<Agencies['addKey']>[1] {
  const keyRole: KeyRole = role === 'admin' ? 'admin' : 'submit'
  const trimmed = label.trim().slice(0, 100)
  const isDate = /^\d{4}-\d{2}-\d{2}$/.test(expires ?? '') && !Number.isNaN(Date.parse(expires ?? ''))
  return { role: keyRole, ...(trimmed !== '' && { label: trimmed }), ...(isDate && { expires: `${expires}T23:59:59Z` }) }
}

/** Where files are chosen at the desk, and what our server reads of an upload. */
import type { Context } from 'koa'
import type { Statement } from '../../core/statements/statement.ts'
import type { Warner } from '../../ledger/warnings.ts'
import { speakDesk } from '../../messages/desk/speak.ts'
import type { Language } from '../../messages/language.ts'
import { isolate } from '../../messages/say.ts'
import { choosePage } from '../../web/desk/choose.ts'
import { addFiles, findBroken } from '../../web/desk/describe.ts'
import type { DeskFrame, ShownProblem } from '../../web/desk/desk-frame.ts'
import { type Draft, readDraft } from '../../web/desk/draft.ts'
import { statementFormPage } from '../../web/desk/form.ts'
import { packagePage } from '../../web/desk/package.ts'
import { MAX_UPLOAD_FILES, UPLOAD_LIMIT } from '../../web/upload.ts'
import { bodyType } from '../body.ts'
import { discardRest, problemOf } from '../problem.ts'
import { type Gate, refuseElsewhere } from './gate.ts'
import { foresee } from './package.ts'
import { type AddPage, type DeskDeps, type DeskPlace, readOwn, scriptOf, send, sendStep } from './pages.ts'

const LIMITS = { files: MAX_UPLOAD_FILES, size: UPLOAD_LIMIT }
const UPLOAD_PROBLEMS = {
  UPLOAD_TOO_LARGE: 'new.tooLarge',
  UPLOAD_TOO_MANY: 'new.tooMany',
  UPLOAD_MALFORMED: 'new.cut',
  FORM_TOO_LARGE: 'form.refusedWhole',
  PACKAGE_TOO_LARGE: 'new.packageTooLarge',
} as const

/** The pages where files are chosen, for a new record and for a change. */
export function chooseRoutes(page: AddPage, place: DeskPlace, gate: Gate, warner: Warner, deps: DeskDeps): void {
  const choose = (frame: DeskFrame, draft: Draft, problem?: ShownProblem) =>
    choosePage(frame, { draft, limits: LIMITS, script: scriptOf(frame, deps), ...(problem !== undefined && { problem }) })

  page('get', '/desk/new', async asked => {
    const here = await place.enter(asked)
    if (here !== undefined) send(asked, choose(here.frame, readDraft({})))
  })
  for (const [path, draftOf] of Object.entries(DRAFTS))
    page('get', `/desk/${path}/:index`, async asked => {
      const here = await place.enter(asked)
      if (here === undefined) return
      const draft = draftOf((await readOwn(asked.ctx, here.frame, deps)).statement)
      sendStep(asked, draft.action === 'withdraw' ? statementFormPage(here.frame, draft) : choose(here.frame, draft))
    })

  // Without JavaScript, the files come here. They are read in a process of their own.
  page('post', '/desk/new', async asked => {
    const { ctx } = asked
    refuseElsewhere(ctx)
    const visit = await gate.visit(ctx)
    if (visit.holder?.kind !== 'agency') {
      const notice = speakDesk(asked.frame.say.lang as Language)('sign.endedFiles')
      return place.askToSignIn(asked, visit, { notice, next: '/desk/new' }, 403)
    }
    bodyType(ctx, ['multipart/form-data'])
    const described = await readUpload(ctx, visit.holder.agency, deps).catch(error => {
      discardRest(ctx.req)
      return failedReading(error)
    })
    const here = await place.enter(asked)
    if (here === undefined) return
    if ('status' in described)
      return sendStep(
        asked,
        choose(here.frame, readDraft({}), { text: here.frame.desk('new.failed'), detail: described.detail }),
        described.status,
      )
    if ('code' in described) {
      const key = UPLOAD_PROBLEMS[described.code as keyof typeof UPLOAD_PROBLEMS] ?? 'new.cut'
      return sendStep(
        asked,
        choose(here.frame, readDraft({}), { text: here.frame.desk(key, { count: LIMITS.files, size: LIMITS.size }) }),
        400,
      )
    }
    const notice = gate.isCurrent(ctx, described.fields.token ?? '') ? {} : { notice: here.frame.desk('sign.again') }
    if ('rows' in described) return sendStep(asked, packagePage(here.frame, { rows: await foresee(described.rows, warner), ...notice }))
    const { fields, files } = described
    const draft = addFiles({ ...readDraft(fields), isUploaded: true }, files)
    const broken = findBroken(files)
    if (broken !== undefined) {
      const text = here.frame.desk('new.unreadable', { name: isolate(broken.name) })
      return sendStep(asked, choose(here.frame, readDraft(fields), { text, detail: `${broken.detail} (${broken.code})` }), 400)
    }
    if (files.length === 0) return sendStep(asked, choose(here.frame, draft, { text: here.frame.desk('new.none') }), 400)
    sendStep(asked, statementFormPage(here.frame, draft, notice))
  })
}

/** The contents of an upload. It is read in a process of its own, of which an agency has few. */
async function readUpload(ctx: Context, agency: string, { desk, limits }: DeskDeps) {
  const leave = limits?.admitUpload(agency)
  if (leave) ctx.res.once('close', leave)
  return desk.pages.describe(ctx.req, agency)
}

/** Why our server could not read an upload this time. Throws any other error. */
function failedReading(error: unknown): ReturnType<typeof problemOf> {
  const problem = problemOf(error)
  if (!['CHECK_BUSY', 'CHECK_DEADLINE', 'CHECK_FAILED', 'UPLOAD_SLOW', 'UPLOADS_AGENCY'].includes(problem.code)) throw error
  return problem
}

/** The drafts that begin from an entry, by their paths. */
const DRAFTS: { readonly [path: string]: (statement: Statement) => Draft } = {
  amend: statement => changeOf(statement, 'amend'),
  withdraw: statement => changeOf(statement, 'withdraw'),
  restate: restatementOf,
}

/** The facts of an entry before it is erased, without its free text. Design §16. */
function restatementOf({ action, record, kind, revision, target, reason }: Statement): Draft {
  const { code } = reason ?? {}
  return readDraft({ action, record, kind, ...(revision && { revision }), ...(target && { target }), ...(code && { reason: code }) })
}

/** A change of an entry: of the same record, aimed at this entry's version. */
function changeOf(statement: Statement, action: 'amend' | 'withdraw'): Draft {
  const { record, kind, revision, title, language } = statement
  return readDraft({
    action,
    record,
    kind,
    ...(revision !== undefined && { target: revision }),
    ...(action === 'amend' && title !== undefined && { title }),
    ...(action === 'amend' && language !== undefined && { language }),
  })
}

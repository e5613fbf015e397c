/** The routes of the desk, at which an agency submits with a browser. Design §17. */
import type Router from '@koa/router'
import type { Context } from 'koa'
import type { Statement } from '../../core/statements/statement.ts'
import type { KeyHolder } from '../../ledger/agencies/keys.ts'
import { createWarner, type Warner } from '../../ledger/warnings.ts'
import { browserDeskMessages, speakDesk } from '../../messages/desk/speak.ts'
import type { Language } from '../../messages/language.ts'
import { isolate } from '../../messages/say.ts'
import { enter } from '../../turns.ts'
import { choosePage, type DeskScript } from '../../web/desk/choose.ts'
import { addFiles, findBroken } from '../../web/desk/describe.ts'
import type { DeskFrame, ShownProblem } from '../../web/desk/desk-frame.ts'
import { type Draft, readDraft, statementOf } from '../../web/desk/draft.ts'
import { folderPage } from '../../web/desk/folder.ts'
import { statementFormPage } from '../../web/desk/form.ts'
import { packagePage } from '../../web/desk/package.ts'
import { previewPage, stoppingOf } from '../../web/desk/preview.ts'
import { donePage, type OwnEntry, submissionsPage } from '../../web/desk/submissions.ts'
import { readCursor } from '../../web/frame.ts'
import { pageOf } from '../../web/records.ts'
import { MAX_UPLOAD_FILES, UPLOAD_LIMIT } from '../../web/upload.ts'
import { bodyType } from '../body.ts'
import { problemOf, RequestError } from '../problem.ts'
import { readCount } from '../schemas/values.ts'
import { closingError, submitMany, submitOne } from '../submissions.ts'
import { erasingRoutes } from './erasing.ts'
import { createGate, type Gate, refuseElsewhere } from './gate.ts'
import { keyRoutes } from './keys.ts'
import { foresee, packageRoutes } from './package.ts'
import { createPlace, type DeskDeps, type DeskPlace, type DeskRequest, goTo, pageAdder, send, sendStep } from './pages.ts'
import { readIndexes, zipReceipts } from './receipts-zip.ts'
import { admitSubmission, refuseBusy } from './submitting.ts'

const LISTED = 25
const NEWEST = Number.MAX_SAFE_INTEGER
/** How many receipts take as long as an ordinary request. */
const RECEIPTS_OF_A_REQUEST = 50
const LIMITS = { files: MAX_UPLOAD_FILES, size: UPLOAD_LIMIT }
const UPLOAD_PROBLEMS = {
  UPLOAD_TOO_LARGE: 'new.tooLarge',
  UPLOAD_TOO_MANY: 'new.tooMany',
  UPLOAD_MALFORMED: 'new.cut',
  FORM_TOO_LARGE: 'form.refusedWhole',
  PACKAGE_TOO_LARGE: 'new.packageTooLarge',
} as const

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

type Page = ReturnType<typeof pageAdder>

/** The pages where files are chosen, for a new record and for a change. */
function chooseRoutes(page: Page, place: DeskPlace, gate: Gate, warner: Warner, deps: DeskDeps): void {
  const { desk } = deps
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
    const leave = deps.limits?.admitUpload(visit.holder.agency)
    if (leave) ctx.res.once('close', leave)
    const described = await desk.pages.describe(ctx.req, visit.holder.agency).catch(failedReading)
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

/** Why our server could not read an upload this time. Throws any other error. */
function failedReading(error: unknown): ReturnType<typeof problemOf> {
  const problem = problemOf(error)
  if (!['CHECK_BUSY', 'CHECK_DEADLINE', 'CHECK_FAILED', 'UPLOAD_SLOW'].includes(problem.code)) throw error
  return problem
}

/** The steps from the form to the ledger. */
function stepRoutes(page: Page, place: DeskPlace, warner: Warner, deps: DeskDeps): void {
  const { log } = deps
  /** The draft of a form that may be used, with its statement. Otherwise answers with the form. */
  const readStep = async (asked: DeskRequest) => {
    const here = await place.enterForm(asked)
    if (here === undefined) return undefined
    const { frame, form } = here
    const draft = readDraft(form.fields)
    const key = form.visit.holder as KeyHolder
    if (!form.isCurrent) {
      sendStep(asked, statementFormPage(frame, draft, { notice: frame.desk('sign.again') }))
      return undefined
    }
    const read = statementOf(draft, key.agency)
    if ('statement' in read) return { frame, fields: form.fields, draft, key, statement: read.statement }
    sendStep(asked, statementFormPage(frame, draft, { faults: read.faults }), 400)
    return undefined
  }

  /** What the ledger would make of a step. If it is an erased statement, answers with the form. */
  const foreseeStep = async (asked: DeskRequest, { frame, draft, statement }: NonNullable<Awaited<ReturnType<typeof readStep>>>) => {
    try {
      return await warner.dryRun()(statement)
    } catch (error) {
      const { status, code, detail } = problemOf(error)
      if (code !== 'STATEMENT_ERASED') throw error
      sendStep(asked, statementFormPage(frame, draft, { faults: [{ code: 'erased', detail }] }), status)
      return undefined
    } finally {
      // Making the page is the longest piece of a request.
      await enter()
    }
  }

  for (const path of ['/desk/form', '/desk/preview', '/desk/submit'])
    place.resumes(path, (asked, { frame, fields }) =>
      sendStep(asked, statementFormPage(frame, readDraft(fields), { notice: frame.desk('sign.again') })),
    )
  page('post', '/desk/form', async asked => {
    const here = await place.enterForm(asked)
    if (here === undefined) return
    const notice = here.form.isCurrent ? {} : { notice: here.frame.desk('sign.again') }
    const { fields } = here.form
    // The clerk overrules a file that says it changes an earlier version.
    const draft = readDraft(fields.as === 'publish' ? { ...fields, action: 'publish' } : fields)
    sendStep(asked, statementFormPage(here.frame, draft, notice))
  })
  page('post', '/desk/preview', async asked => {
    const step = await readStep(asked)
    if (step === undefined) return
    const foreseen = await foreseeStep(asked, step)
    if (foreseen === undefined) return
    sendStep(asked, previewPage(step.frame, { ...step, foreseen }))
  })
  page('post', '/desk/submit', async asked => {
    const step = await readStep(asked)
    if (step === undefined) return
    const foreseen = await foreseeStep(asked, step)
    if (foreseen === undefined) return
    const mustAccept = stoppingOf(foreseen, step.fields)
    if (mustAccept.length > 0) return sendStep(asked, previewPage(step.frame, { ...step, foreseen, mustAccept }), 400)
    try {
      const leave = admitSubmission(step.key, deps)
      const { index } = await submitOne(step.statement, warner, deps).finally(leave)
      goTo(asked, `/desk/done/${index}`)
    } catch (error) {
      const { status, code, detail } = problemOf(error)
      if (status !== 503 && status !== 429) throw error
      log.warn('desk submission refused', { code })
      // Nothing typed is lost: the preview comes back, and can be sent again.
      sendStep(asked, previewPage(step.frame, { ...step, foreseen, problem: { text: step.frame.say('problem.busy'), detail } }), status)
    }
  })
}

/** The page for a folder, what its script sends, and archives of receipts. */
function folderRoutes(router: Router, page: Page, place: DeskPlace, gate: Gate, warner: Warner, deps: DeskDeps): void {
  const { agencies, ledger, limits, notAccepting, isClosing } = deps
  page('get', '/desk/folder', async asked => {
    const here = await place.enter(asked)
    if (here !== undefined) send(asked, folderPage(here.frame, scriptOf(here.frame, deps)))
  })
  page('get', '/desk/receipts.zip', async asked => {
    const here = await place.enter(asked)
    if (here !== undefined) sendZip(asked.ctx, String(asked.ctx.query.of ?? ''))
  })
  page('post', '/desk/receipts.zip', async asked => {
    const here = await place.enterForm(asked)
    if (here !== undefined) sendZip(asked.ctx, here.form.fields.of ?? '')
  })
  const sendZip = (ctx: Context, of: string) => {
    const indexes = readIndexes(of, ledger.head().size)
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

async function listSubmissions(ctx: Context, frame: DeskFrame, { ledger, desk }: DeskDeps) {
  const before = readCursor(ctx)
  const { indexes, older } = pageOf(await ledger.listByAgency(frame.who!.agency!.id, before ?? NEWEST, LISTED + 1), LISTED)
  const entries: OwnEntry[] = []
  for (const entry of await desk.pages.entries(indexes))
    entries.push({ ...entry, waiting: entry.without === 'erasing' ? await ledger.waitingErasure(entry.index) : undefined })
  return submissionsPage(frame, { entries, before, older, behind: desk.pages.behind() })
}

/** An entry of the agency that is signed in. Throws RECORD_NOT_FOUND for any other. */
async function readOwn(ctx: Context, { who }: DeskFrame, { ledger, desk }: DeskDeps) {
  const index = readCount(ctx.params.index, 'index')
  const [entry] = index < ledger.head().size ? await desk.pages.entries([index]) : []
  if (entry?.statement === undefined || entry.statement.agency !== who?.agency?.id)
    throw new RequestError('RECORD_NOT_FOUND', 'Your agency has no entry with this number.')
  return { ...entry, statement: entry.statement }
}

/** The drafts that begin from an entry, by their paths. */
const DRAFTS: { readonly [path: string]: (statement: Statement) => Draft } = {
  amend: statement => changeOf(statement, 'amend'),
  withdraw: statement => changeOf(statement, 'withdraw'),
  restate: restatementOf,
}

/** What an entry states, without all that was written freely: before it is erased. Design §16. */
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

function scriptOf({ say }: DeskFrame, { desk }: DeskDeps): DeskScript {
  return { href: desk.pages.deskScript, lang: say.lang, messages: browserDeskMessages(say.lang as Language) }
}

/** The steps of one record, from the form over the preview to the ledger. */
import type { KeyHolder } from '../../ledger/agencies/keys.ts'
import type { Warner } from '../../ledger/warnings.ts'
import { enter } from '../../turns.ts'
import { readDraft, statementOf } from '../../web/desk/draft.ts'
import { statementFormPage } from '../../web/desk/form.ts'
import { previewPage, stoppingOf } from '../../web/desk/preview.ts'
import { problemOf } from '../problem.ts'
import { submitOne } from '../submissions.ts'
import { type AddPage, type DeskDeps, type DeskPlace, type DeskRequest, goTo, sendStep } from './pages.ts'
import { admitSubmission } from './submitting.ts'

/** The steps from the form to the ledger. */
export function stepRoutes(page: AddPage, place: DeskPlace, warner: Warner, deps: DeskDeps): void {
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

  /** The ledger's answer to a dry run. If it is an erased statement, answers with the form. */
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

/** The steps of a package that was uploaded: previewed record by record, and published by one button. */
import type { Context } from 'koa'
import type { Statement } from '../../core/statements/statement.ts'
import { STOPPING_WARNINGS } from '../../core/statements/warnings.ts'
import type { KeyHolder } from '../../ledger/agencies/keys.ts'
import type { Warner } from '../../ledger/warnings.ts'
import type { DeskFrame } from '../../web/desk/desk-frame.ts'
import { packagePage, publishedPage, readRecords } from '../../web/desk/package.ts'
import { type RecordRow, rangesOf } from '../../web/desk/rows.ts'
import { problemOf, RequestError } from '../problem.ts'
import type { Visit } from './gate.ts'
import { type AddPage, type DeskDeps, type DeskPlace, type DeskRequest, goTo, send, sendStep } from './pages.ts'
import { readIndexes } from './receipts-zip.ts'
import { admitSubmission } from './submitting.ts'

/** Adds the pages of packages. */
export function packageRoutes(page: AddPage, place: DeskPlace, warner: Warner, deps: DeskDeps): void {
  const show = async (
    asked: DeskRequest,
    frame: DeskFrame,
    rows: readonly RecordRow[],
    more: Omit<Parameters<typeof packagePage>[1], 'rows'> = {},
    status = 200,
  ) => sendStep(asked, packagePage(frame, { rows, ...more }), status)
  const readAgain = (visit: Visit, fields: { readonly records?: string }) =>
    rowsOf(readRecords(fields.records ?? '', (visit.holder as KeyHolder).agency))

  place.resumes('/desk/package', async (asked, { frame, visit, fields }) =>
    show(asked, frame, await foresee(readAgain(visit, fields), warner), { notice: frame.desk('sign.again') }),
  )
  page('post', '/desk/package', async asked => {
    const here = await place.enterForm(asked)
    if (here === undefined) return
    const { frame, form } = here
    const rows = await foresee(readAgain(form.visit, form.fields), warner)
    if (!form.isCurrent) return show(asked, frame, rows, { notice: frame.desk('sign.again') })
    const sent = await publish(rows, form.visit.holder as KeyHolder, deps)
    if ('refused' in sent)
      return show(asked, frame, rows, { problem: { text: frame.say('problem.busy'), detail: sent.refused.detail } }, sent.refused.status)
    const indexes = sent.rows.flatMap(({ index }) => (index === undefined ? [] : [index]))
    if (sent.rows.some(({ state }) => state === 'refused') || indexes.length === 0) return show(asked, frame, sent.rows, {}, 400)
    goTo(asked, `/desk/published?of=${rangesOf(indexes)}`)
  })
  page('get', '/desk/published', async asked => {
    const here = await place.enter(asked)
    if (here !== undefined) send(asked, publishedPage(here.frame, await readIndexes(ofQuery(asked.ctx), deps.ledger)))
  })
}

/** The ledger's answer to a dry run of each row, in their order. */
export async function foresee(rows: readonly RecordRow[], warner: Warner): Promise<readonly RecordRow[]> {
  const run = warner.dryRun()
  const seen: RecordRow[] = []
  for (const [at, row] of rows.entries()) {
    const { statement } = row
    seen.push(
      statement === undefined
        ? row
        : await run(statement, at + 1).then(
            ({ known, warnings }) =>
              settled(
                row,
                known,
                warnings.map(({ code }) => code),
              ),
            error => refused(row, error),
          ),
    )
  }
  return seen
}

/** The rows of statements, before the ledger has seen them. */
export function rowsOf(statements: readonly Statement[]): readonly RecordRow[] {
  return statements.map(statement => ({ path: statement.documents[0]?.name ?? '', state: 'ready', statement }))
}

function settled(row: RecordRow, known: number | undefined, codes: NonNullable<RecordRow['codes']>): RecordRow {
  if (known !== undefined) return { ...row, state: 'known', index: known, codes }
  return { ...row, state: codes.some(code => STOPPING_WARNINGS.includes(code)) ? 'warned' : 'checked', codes }
}

function refused(row: RecordRow, error: unknown): RecordRow {
  const { status, code, detail } = problemOf(error)
  if (status >= 500) throw error
  return { ...row, state: 'refused', code, detail }
}

/** Publishes the rows that can be, together; or says why the ledger takes nothing at the moment. */
async function publish(rows: readonly RecordRow[], key: KeyHolder, deps: DeskDeps) {
  const { ledger, metrics } = deps
  try {
    const leave = admitSubmission(key, deps)
    const seal = async (row: RecordRow): Promise<RecordRow> => {
      if (row.state !== 'checked' || row.statement === undefined) return row
      const { index, known } = await ledger.submit(row.statement)
      metrics.countSubmission(known ? 'known' : 'accepted')
      return { ...row, state: known ? 'known' : 'sealed', index }
    }
    return { rows: await Promise.all(rows.map(row => seal(row).catch(error => refused(row, error)))).finally(leave) }
  } catch (error) {
    const { status, detail } = problemOf(error)
    if (status !== 503 && status !== 429) throw error
    return { refused: { status, detail } }
  }
}

function ofQuery({ query }: Context): string {
  if (typeof query.of !== 'string') throw new RequestError('RANGE_MALFORMED', 'Name entries by their numbers, such as 3-7,12.')
  return query.of
}

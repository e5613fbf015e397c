/** The page of one record: reads everything that it shows. */
import type { Context } from 'koa'
import QRCode from 'qrcode'
import { breathe } from '../turns.ts'
import type { SiteDeps } from './deps.ts'
import { evidenceOf } from './evidence.ts'
import type { Frame, Page } from './layout.ts'
import { erasedPage } from './pages/erased.ts'
import { plainEntryPage, recordPage } from './pages/record.ts'
import { chooseVersions } from './pages/time-line.ts'
import { MissingError } from './problem-page.ts'
import { findAgency, isProduction, readEntries, readEntry } from './records.ts'

/**
 * Work that takes as long as an ordinary request: versions that are read, and entries that are
 * shown.
 */
const VERSIONS_OF_A_REQUEST = 20
const ENTRIES_OF_A_REQUEST = 10

/** Answers `/records/:index`. */
export async function showRecord(frame: Frame, ctx: Context, deps: SiteDeps): Promise<Page> {
  const { ledger, nowMs } = deps
  const index = /^(0|[1-9]\d{0,15})$/.test(ctx.params.index) ? Number(ctx.params.index) : -1
  if (index < 0 || index >= ledger.head().size) throw new MissingError('RECORD_NOT_FOUND', 'There is no entry with this number.')
  const { statement, text, without = 'erased' } = await readEntry(ledger, index)
  if (statement === undefined || text === undefined) {
    if (without === 'damaged') ctx.status = 500
    if (without !== 'erased' && without !== 'erasing') return plainEntryPage(frame, index, without)
    ctx.status = 410
    ctx.set('X-Robots-Tag', 'noindex')
    const [{ erasing } = {}] = await ledger.erasureStates([index])
    return erasedPage(frame, index, { erasure: await ledger.erasureOf(index), due: typeof erasing === 'string' ? erasing : undefined })
  }
  const only = Number(ctx.query.document)
  const evidence = evidenceOf(text, await ledger.receipt(index))
  const found = await ledger.anchorOf(index)
  // An anchor that became final just now is left to the next reader: page and receipt must show the
  // same tree.
  const anchor = found?.size === evidence.size ? found : undefined
  const history = await readHistory(deps, index, ctx.query.history === 'all')
  const { count, shown } = history.timeLine
  ctx.state.cost = count / VERSIONS_OF_A_REQUEST + shown.length / ENTRIES_OF_A_REQUEST
  const data = {
    index,
    statement,
    agency: await findAgency(statement.agency, deps),
    ...history,
    state: await deps.finder.state(index, statement),
    anchor,
    production: anchor !== undefined && isProduction(anchor, deps.policy()),
    sealedMs: await ledger.sealedMs(index),
    nowMs: nowMs(),
    evidence,
    siteUrl: deps.url,
    qrSvg: await QRCode.toString(`${deps.url}/records/${index}`, { type: 'svg', margin: 2, errorCorrectionLevel: 'M' }),
    onlyDocument: statement.documents[only - 1] === undefined ? undefined : only,
  }
  await breathe()
  return recordPage(frame, data)
}

/** The history of its record, with the dates and the states of the shown versions. */
async function readHistory(deps: SiteDeps, index: number, whole: boolean) {
  const { versions, ...rest } = await deps.ledger.history(index)
  const shown = chooseVersions(versions, index, whole)
  const entries = await readEntries(
    deps,
    shown.map(({ version }) => version.index),
  )
  return { ...rest, timeLine: { shown: shown.map((each, at) => ({ ...each, entry: entries[at]! })), count: versions.length } }
}

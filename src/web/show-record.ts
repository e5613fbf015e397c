/** The page of one record, and its certificate: read everything that they show. */
import type { Context } from 'koa'
import QRCode from 'qrcode'
import type { Statement } from '../core/statements/statement.ts'
import { breathe } from '../turns.ts'
import type { SiteDeps, SiteState, ToldChange } from './deps.ts'
import { evidenceOf } from './evidence.ts'
import type { Frame, Page } from './layout.ts'
import { readPackaged } from './package-files.ts'
import { certificatePage } from './pages/certificate.ts'
import { erasedPage } from './pages/erased.ts'
import { damagedPage, logEntryPage } from './pages/log-entry.ts'
import { recordPage } from './pages/record.ts'
import { chooseVersions } from './pages/time-line.ts'
import { MissingError } from './problem-page.ts'
import { countBehind, explorerOf, findAgency, isProduction, readDates, readEntries, readEntry } from './records.ts'

/**
 * Work that takes as long as an ordinary request: versions that are read, and entries that are
 * shown.
 */
const VERSIONS_OF_A_REQUEST = 20
const ENTRIES_OF_A_REQUEST = 10

/** A statement at the address that was asked for, or the page that is shown in its place. */
type Found = { readonly index: number; readonly statement: Statement; readonly text: string } | { readonly instead: Page }

/** Answers `/records/:index`. */
export async function showRecord(frame: Frame, ctx: Context, deps: SiteDeps, scriptHref: string): Promise<Page> {
  const found = await findStatement(frame, ctx, deps)
  if ('instead' in found) return found.instead
  const { index, statement, text } = found
  const evidence = evidenceOf(text, await deps.ledger.receipt(index))
  const { versions, ...history } = await deps.ledger.history(index)
  const shown = chooseVersions(versions, index, ctx.query.history === 'all')
  ctx.state.cost = versions.length / VERSIONS_OF_A_REQUEST + shown.length / ENTRIES_OF_A_REQUEST
  const entries = await readEntries(
    deps,
    shown.map(({ version }) => version.index),
  )
  const facts = await readFacts(deps, index, statement, evidence.size)
  const data = {
    ...facts,
    ...history,
    evidence,
    explorer: facts.anchor && explorerOf(facts.anchor, deps.policy()),
    withdrawnAt: await readWithdrawal(deps, facts.state, history.changes),
    scriptHref,
    timeLine: { shown: shown.map((each, at) => ({ ...each, entry: entries[at]! })), count: versions.length },
    packaged: await readPackaged(deps, statement),
    siteUrl: deps.url,
    qrSvg: await drawCode(deps, index),
  }
  await breathe()
  return recordPage(frame, data)
}

/** Answers `/records/:index/certificate`. */
export async function showCertificate(frame: Frame, ctx: Context, deps: SiteDeps): Promise<Page> {
  const found = await findStatement(frame, ctx, deps)
  if ('instead' in found) return found.instead
  const { index, statement, text } = found
  const only = Number(ctx.query.document)
  const evidence = evidenceOf(text, await deps.ledger.receipt(index))
  const { versions, ...history } = await deps.ledger.history(index)
  ctx.state.cost = versions.length / VERSIONS_OF_A_REQUEST
  const data = {
    ...(await readFacts(deps, index, statement, evidence.size)),
    ...history,
    evidence,
    siteUrl: deps.url,
    qrSvg: await drawCode(deps, index),
    behind: countBehind(deps),
    onlyDocument: statement.documents[only - 1] === undefined ? undefined : only,
  }
  await breathe()
  return certificatePage(frame, data)
}

async function findStatement(frame: Frame, ctx: Context, deps: SiteDeps): Promise<Found> {
  const { ledger } = deps
  const index = /^(0|[1-9]\d{0,15})$/.test(ctx.params.index) ? Number(ctx.params.index) : -1
  if (index < 0 || !(await ledger.hasEntry(index))) throw new MissingError('RECORD_NOT_FOUND', 'There is no entry with this number.')
  const { statement, text, ofLog, without } = await readEntry(ledger, index)
  if (statement !== undefined && text !== undefined) return { index, statement, text }
  if (ofLog !== undefined) return { instead: logEntryPage(frame, { index, statement: ofLog, dates: await readDates(deps, index) }) }
  if (without === 'damaged') {
    ctx.status = 500
    return { instead: damagedPage(frame, index) }
  }
  ctx.status = 410
  ctx.set('X-Robots-Tag', 'noindex')
  const [{ erasing } = {}] = await ledger.erasureStates([index])
  const due = typeof erasing === 'string' ? erasing : undefined
  return { instead: erasedPage(frame, index, { erasure: await ledger.erasureOf(index), due }) }
}

/** The date of the withdrawal of an entry, if there was one. */
async function readWithdrawal({ ledger }: SiteDeps, state: SiteState, changes: readonly ToldChange[]): Promise<string | undefined> {
  const index = changes.find(({ what }) => what === 'withdrawn')?.index ?? state.withdrawn
  return index === undefined ? undefined : (await ledger.roundOf(index))?.time
}

/**
 * `size`: of the tree that the receipt shows. A round that became final just now is left to the next
 * reader: page and receipt must show the same tree.
 */
async function readFacts(deps: SiteDeps, index: number, statement: Statement, size: number) {
  const found = await deps.ledger.roundOf(index)
  const round = found?.size === size ? found : undefined
  return {
    index,
    statement,
    agency: await findAgency(statement.agency, deps),
    state: await deps.finder.state(index, statement),
    round,
    anchor: round?.anchor,
    production: round !== undefined && isProduction(round.size, deps.policy()),
    sealedMs: await deps.ledger.sealedMs(index),
    nowMs: deps.nowMs(),
  }
}

/** A code that leads a telephone to the record's page. */
function drawCode({ url }: SiteDeps, index: number): Promise<string> {
  return QRCode.toString(`${url}/records/${index}`, { type: 'svg', margin: 2, errorCorrectionLevel: 'M' })
}

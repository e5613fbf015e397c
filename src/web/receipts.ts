/** Receipts to save from a record's page, each under the name of a document. */
import type Router from '@koa/router'
import type { Context } from 'koa'
import type { SiteDeps } from './deps.ts'
import { MissingError } from './problem-page.ts'
import { receiptName } from './receipt-name.ts'
import { readEntry } from './records.ts'

/** Adds `/records/:index/receipt` and, for one of several documents, `/records/:index/receipt/:document`. */
export function receiptFileRoutes(router: Router, { ledger }: Pick<SiteDeps, 'ledger'>): void {
  router.get(['/records/:index/receipt', '/records/:index/receipt/:document'], async (ctx: Context) => {
    const index = readNumber(ctx.params.index)
    if (index === undefined || !(await ledger.hasEntry(index))) throw missing('There is no entry with this number.')
    const text = await ledger.receipt(index)
    const { statement } = await readEntry(ledger, index)
    const { documents = [] } = statement ?? {}
    const number = ctx.params.document === undefined ? 1 : readNumber(ctx.params.document)
    const document = number === undefined ? undefined : documents[number - 1]
    if (ctx.params.document !== undefined && document === undefined) throw missing('This entry has no document with this number.')
    ctx.attachment(receiptName(index, document?.name))
    ctx.type = 'application/json'
    ctx.body = text
  })
}

function readNumber(text: string): number | undefined {
  return /^(0|[1-9]\d{0,15})$/.test(text) ? Number(text) : undefined
}

function missing(detail: string): MissingError {
  return new MissingError('RECORD_NOT_FOUND', detail)
}

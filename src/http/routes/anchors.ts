/** The ledger's anchors on the chain, and the policy of its verifiers. */
import type Router from '@koa/router'
import type { Context } from 'koa'
import { textBody } from '../body.ts'
import type { RouteDeps } from '../deps.ts'
import { RequestError } from '../problem.ts'
import { anchorQuery } from '../schemas/anchors.ts'
import { readAs, readCount } from '../schemas/values.ts'

/** The most final anchors in an answer. */
const PAGE = 1000

/** The anchors that are not final yet, for people, in ascending order of size. */
export function pendingAnchors(anchorer: RouteDeps['anchorer']) {
  const open = (anchorer?.state() ?? []).filter(anchor => anchor.state !== 'final')
  return open.map(({ size, root, state, attempts, transaction, block }) => {
    const newest = transaction ?? attempts.at(-1)?.hash
    return {
      size,
      root,
      state,
      ...(newest && { transaction: newest }),
      ...(block && { block: { number: block.number, hash: block.hash } }),
    }
  })
}

/** Adds the routes of /v1/anchors, /v1/keys and /policy.json. */
export function anchorRoutes(router: Router, { ledger, anchorer, policy }: RouteDeps): void {
  router.get('/v1/anchors', async (ctx: Context) => {
    const query = readAs(anchorQuery, { ...ctx.query }, 'QUERY_MALFORMED')
    const final = await ledger.listAnchors(query.after === undefined ? -1 : Number(query.after), PAGE)
    const latest = ledger.latestAnchor()
    ctx.body = {
      ...(latest && { latest }),
      final,
      ...(final.length >= PAGE && { after: final.at(-1)?.size }),
      pending: pendingAnchors(anchorer),
    }
  })
  router.get('/v1/anchors/:size', async (ctx: Context) => {
    const size = readCount(ctx.params.size, 'size')
    const anchor = await ledger.anchorAtSize(size)
    if (anchor === undefined)
      throw new RequestError('ANCHOR_NOT_FOUND', `There is no final anchor of size ${size}. GET /v1/anchors lists them.`)
    ctx.body = anchor
  })
  router.get('/v1/keys', async (ctx: Context) => {
    const linesOf = (receipts: Awaited<ReturnType<typeof ledger.keyReceipts>>) =>
      receipts.map(({ index, receipt }) => `{"index":${index},"receipt":${receipt.trimEnd()}}`).join(',')
    const [changes, places] = [linesOf(await ledger.keyReceipts()), linesOf(await ledger.anchorsReceipts())]
    ctx.type = 'application/json'
    ctx.body = textBody(`{"keys":${JSON.stringify(ledger.logKeys())},"changes":[${changes}],"anchors":[${places}]}\n`)
  })
  router.get('/policy.json', (ctx: Context) => {
    ctx.body = policy()
  })
}

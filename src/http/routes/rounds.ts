/** The rounds, and what vouches for each. Design §15. */
import type Router from '@koa/router'
import type { Context } from 'koa'
import { anchorHint } from '../../anchor/final-anchors.ts'
import type { VouchedRound } from '../../anchor/vouched.ts'
import { breathe } from '../../turns.ts'
import type { RouteDeps } from '../deps.ts'
import { RequestError } from '../problem.ts'
import { MAX_ROUNDS, roundQuery } from '../schemas/rounds.ts'
import { readAs, readCount } from '../schemas/values.ts'

/** How many rounds take as long as an ordinary request. */
const ROUNDS_OF_A_REQUEST = 10

/** Adds the routes of /v1/rounds. */
export function roundRoutes(router: Router, { ledger }: RouteDeps): void {
  const format = async ({ size, checkpoint, cosignatures, timestamps, anchors, time }: VouchedRound) => ({
    size,
    checkpoint: checkpoint ?? (await ledger.checkpointAt(size)),
    cosignatures: cosignatures.map(({ line }) => line),
    timestamps: timestamps.map(({ name, token }) => ({ name, token })),
    anchors: anchors.map(anchorHint),
    final: time !== undefined,
  })

  router.get('/v1/rounds', async (ctx: Context) => {
    const { cursor = '0', limit = String(MAX_ROUNDS) } = readAs(roundQuery, { ...ctx.query }, 'QUERY_MALFORMED')
    const opened = await ledger.rounds.list(Number(cursor), Number(limit))
    ctx.state.cost = opened.length / ROUNDS_OF_A_REQUEST
    const rounds = []
    for (const { size } of opened) {
      await breathe()
      rounds.push(await format(await ledger.roundAt(size)))
    }
    ctx.body = { rounds, ...(opened.length === Number(limit) && { cursor: String(opened.at(-1)!.size) }) }
  })
  router.get('/v1/rounds/:size', async (ctx: Context) => {
    const size = readCount(ctx.params.size, 'size')
    const round = await ledger.roundAt(size)
    // A store that was restored may lack the round itself, and have its anchors again.
    if (round.checkpoint === undefined && round.anchors.length === 0)
      throw new RequestError('ROUND_NOT_FOUND', `There is no round of size ${size}. GET /v1/rounds lists them.`)
    ctx.body = await format(round)
  })
}

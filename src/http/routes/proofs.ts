/**
 * Inclusion and consistency proofs. Their parameters are in the path, because a cache that ignored
 * queries once mixed up the proofs of a real log.
 */
import type Router from '@koa/router'
import type { Context } from 'koa'
import { toHex } from '../../core/bytes.ts'
import type { RouteDeps } from '../deps.ts'
import { IMMUTABLE } from '../headers.ts'
import { RequestError } from '../problem.ts'
import { readCount } from '../schemas/values.ts'

/** Adds the routes of /v1/proofs. */
export function proofRoutes(router: Router, { ledger }: RouteDeps): void {
  const readSize = async (text: string | undefined, name: string) => {
    const size = readCount(text, name)
    if (size > 0 && !(await ledger.hasEntry(size - 1)))
      throw new RequestError('SIZE_NOT_FOUND', `The tree has only ${ledger.head().size} entries, not ${size}.`)
    return size
  }

  router.get('/v1/proofs/inclusion/:index/:size', async (ctx: Context) => {
    const index = readCount(ctx.params.index, 'index')
    const size = await readSize(ctx.params.size, 'size')
    if (index >= size) throw new RequestError('PROOF_RANGE', `Entry ${index} is not in the tree of size ${size}.`)
    const { leafHash, root, proof } = await ledger.inclusion(index, size)
    ctx.set('Cache-Control', IMMUTABLE)
    ctx.body = { index, size, leafHash: toHex(leafHash), root: toHex(root), proof: proof.map(toHex) }
  })

  router.get('/v1/proofs/consistency/:from/:to', async (ctx: Context) => {
    const from = readCount(ctx.params.from, 'from')
    const to = readCount(ctx.params.to, 'to')
    if (from > to) throw new RequestError('PROOF_RANGE', `A tree of size ${from} cannot have grown to size ${to}.`)
    await readSize(ctx.params.to, 'to')
    const { fromRoot, toRoot, proof } = await ledger.consistency(from, to)
    ctx.set('Cache-Control', IMMUTABLE)
    ctx.body = { from, to, fromRoot: toHex(fromRoot), toRoot: toHex(toRoot), proof: proof.map(toHex) }
  })
}

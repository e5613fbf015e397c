/**
 * A backup of the whole store while the service runs, only for the operator. It contains statements
 * and hashed keys, and no private key.
 */
import { Readable } from 'node:stream'
import type Router from '@koa/router'
import type { Context } from 'koa'
import { formatTime } from '../../core/time.ts'
import { encodeBackup } from '../../store/level/backup.ts'
import { requireOperator } from '../auth.ts'
import type { RouteDeps } from '../deps.ts'
import { RequestError } from '../problem.ts'

/** Adds /v1/backup. */
export function backupRoutes(router: Router, deps: RouteDeps): void {
  const { ledger, rows, host, log, desk } = deps
  const note = () => desk?.backups.note().catch(error => log.error('backup not noted', { error }))
  router.get('/v1/backup', (ctx: Context) => {
    requireOperator(ctx, deps)
    if (rows === undefined)
      throw new RequestError('BACKUP_ELSEWHERE', 'This ledger keeps its records in a database: back up that database.')
    log.info('backup begun', { size: ledger.head().size })
    ctx.type = 'application/octet-stream'
    // Sent whole, as far as this side can tell.
    ctx.res.once('finish', () => void note())
    ctx.body = Readable.from(encodeBackup({ origin: ledger.origin, vkey: ledger.vkey, time: formatTime(host.nowMs()) }, rows()), {
      objectMode: false,
    })
  })
}

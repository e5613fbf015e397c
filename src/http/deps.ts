/** What the HTTP side is given: live parts made by the composition root. */
import type { Middleware } from 'koa'
import type { Policy } from '../core/policy.ts'
import type { Statement } from '../core/statements/statement.ts'
import type { Agencies } from '../ledger/agencies.ts'
import type { Log } from '../logger.ts'
import type { Row } from '../store/level/backup.ts'
import type { Look } from '../web/layout.ts'
import type { Admission } from './guard/admission.ts'
import type { Limits } from './guard/limits.ts'
import type { Metrics } from './metrics.ts'
import type { OperatorPlace } from './place.ts'
import type { Watched } from './watched.ts'

export type HttpDeps = Watched & {
  readonly agencies: Agencies
  /** What /policy.json serves. */
  readonly policy: () => Policy
  readonly operatorKey: string
  readonly log: Log
  /** Whether the service is on its way down: what came in is answered, and nothing more is taken. */
  readonly isClosing?: (() => boolean) | undefined
  /** Absent where nobody is limited. */
  readonly limits?: Limits | undefined
  /** Absent where everything is taken in, however long it must wait. */
  readonly admission?: Admission | undefined
  /** How many proxies stand before the service, whose `X-Forwarded-For` and `-Proto` are believed, for limits and HSTS; absent: none. */
  readonly trustedProxies?: number | undefined
  /** Record ids of an agency that people could take for this one; absent where nothing keeps them. */
  readonly recordsLike?: ((agency: string, record: string) => Promise<readonly string[]>) | undefined
  /** What became of entries, by all of them below `reached()`; absent where nothing keeps that. */
  readonly states?:
    | {
        reached(): number
        state(
          index: number,
          statement: Statement,
        ): Promise<{ readonly withdrawn?: number; readonly superseded?: number; readonly edited?: true }>
      }
    | undefined
  /** Where this application is reached, as far as it matters to the operator; absent: `local`. */
  readonly operatorPlace?: OperatorPlace | undefined
  /** Every row of the store as of one moment, for a backup; absent where the store is a database of its own. */
  readonly rows?: (() => AsyncIterable<Row>) | undefined
  /** Pages for people, which take `/` and what else they know. */
  readonly site?: { routes(): Middleware; readonly look: Look } | undefined
  /** Made beforehand where someone else counts too. */
  readonly metrics?: Metrics
}

/** What a file of routes is given. */
export type RouteDeps = HttpDeps & { readonly metrics: Metrics }

/** The dependencies of the HTTP side: live parts made by the composition root. */
import type { Policy } from '../core/policy.ts'
import type { Statement } from '../core/statements/statement.ts'
import type { Host } from '../host.ts'
import type { Agencies } from '../ledger/agencies/agencies.ts'
import type { Sessions } from '../ledger/agencies/sessions.ts'
import type { Backups } from '../ledger/backups.ts'
import type { Log } from '../logger.ts'
import type { StoredRow } from '../store/level/backup.ts'
import type { SiteFinder } from '../web/deps.ts'
import type { Operator } from '../web/layout.ts'
import type { Site, SiteParts } from '../web/site.ts'
import type { Admission } from './guard/admission.ts'
import type { Limits } from './guard/limits.ts'
import type { Metrics } from './metrics.ts'
import type { OperatorPlace } from './place.ts'
import type { Watched } from './watched.ts'

export type HttpDeps = Watched & {
  readonly agencies: Agencies
  /** The policy served at /policy.json. */
  readonly policy: () => Policy
  readonly operatorKey: string
  /** The operator of the ledger. */
  readonly operator?: Operator | undefined
  readonly host: Pick<Host, 'nowMs' | 'randomBytes' | 'breathe'>
  readonly log: Log
  /**
   * Whether the service is shutting down: it finishes the requests that came in and accepts no
   * more.
   */
  readonly isClosing?: (() => boolean) | undefined
  /** Missing if nobody is limited. */
  readonly limits?: Limits | undefined
  /** Missing if every submission is admitted, however long it must wait. */
  readonly admission?: Admission | undefined
  /**
   * How many proxies are in front of the service. Their `X-Forwarded-For` and `-Proto` are
   * believed, for limits and HSTS. Missing: none.
   */
  readonly trustedProxies?: number | undefined
  /** An agency's record ids that people could confuse with this one; missing if no finder runs. */
  readonly recordsLike?: ((agency: string, record: string) => Promise<readonly string[]>) | undefined
  /** The states of entries, by all entries below `reached()`; missing if no finder runs. */
  readonly states?:
    | {
        reached(): number
        state(
          index: number,
          statement: Statement,
        ): Promise<{ readonly withdrawn?: number; readonly superseded?: number; readonly edited?: true }>
        /** By words or a record's number, and by filters. */
        readonly search: SiteFinder['search']
      }
    | undefined
  /** The side on which this application is reached, for the operator's routes; missing: `local`. */
  readonly operatorPlace?: OperatorPlace | undefined
  /**
   * Every row of the store as of one moment, for a backup; missing if the store is a database of
   * its own.
   */
  readonly rows?: (() => AsyncIterable<StoredRow>) | undefined
  /** Pages for people, at `/` and their other paths. */
  readonly site?: Pick<Site, 'routes' | 'look'> | undefined
  /** The further parts of the desk and the operator's page; missing if there are no such pages. */
  readonly desk?: Desk | undefined
  /** Given if other parts count in it too. */
  readonly metrics?: Metrics
}

/** Parts that only the desk and the operator's page need. */
export type Desk = {
  readonly sessions: Sessions
  /** The ledger's public address. The cookies of an https address are sent over TLS only. */
  readonly url: string
  /** The operator of the ledger, as configured. */
  readonly operator?: Operator | undefined
  readonly backups: Backups
  readonly pages: SiteParts
}

/** The dependencies of a file of routes. */
export type RouteDeps = HttpDeps & { readonly metrics: Metrics }

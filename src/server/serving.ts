/** The served application: the interface for programs and the pages for people. */
import type { RequestListener } from 'node:http'
import { join } from 'node:path'
import type { Config } from '../config.ts'
import type { Statement } from '../core/statements/statement.ts'
import type { TrustList } from '../core/trust.ts'
import { openFinder } from '../finder/finder.ts'
import type { Host } from '../host.ts'
import { createHandler } from '../http/app.ts'
import { createLimits, type Limits, PLACES } from '../http/guard/limits.ts'
import type { OperatorPlace } from '../http/place.ts'
import { createAgencies } from '../ledger/agencies/agencies.ts'
import { createSessions } from '../ledger/agencies/sessions.ts'
import { createBackups } from '../ledger/backups.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { createJsonRpcReader } from '../verifier/json-rpc.ts'
import type { SiteDeps, SiteWanted } from '../web/deps.ts'
import type { Operator } from '../web/layout.ts'
import { siteRoutes } from '../web/site.ts'
import { type PlacedChain, REQUEST_MS } from './chain.ts'
import type { OpenLog, OpenStore } from './open-log.ts'
import type { Start } from './parts.ts'
import { policyOf } from './rule.ts'
import type { ServiceWatch } from './watch.ts'

/** Facts that the served application is told: its address and its operator. */
type Served = {
  readonly url: string
  readonly operator: Operator
  /** The operator's trust list. */
  readonly others: TrustList | undefined
  readonly operatorKey: string
  readonly isClosing: () => boolean
}

/** The listeners, by the address where requests come in. */
export async function openServing(
  start: Start,
  { store, embedded }: OpenStore,
  { ledger, chains, rule, anchorer }: OpenLog,
  { admission, notAccepting, scrub, alarms, metrics }: ServiceWatch,
  { url, operator, others, operatorKey, isClosing }: Served,
): Promise<(place: OperatorPlace) => RequestListener> {
  const { config, host, log } = start
  const agencies = createAgencies({ store, host })
  // Another node may change the log's key meanwhile.
  const policy = () => policyOf(ledger, rule)
  const vouchers = () => anchorer.vouchers().map(({ trouble, ...voucher }) => ({ ...voucher, isBehind: trouble !== undefined }))
  const site = await openSite(
    { url, operator, others, ledger, agencies, lag: () => anchorer.lag(), vouchers, notAccepting, policy, nowMs: host.nowMs },
    chains,
    start,
  )
  const ofLedger = { ledger, agencies, anchorer, policy, notAccepting, scrub, alarms, rows: embedded?.rows }
  const guards = { operatorKey, admission, limits: limitsOf(config, host), isClosing, trustedProxies: config.trustedProxies }
  const sessions = createSessions({ store, agencies, operatorKey, host })
  const desk = site && { sessions, url, operator, backups: createBackups({ store, host }), pages: site.parts }
  const recordsLike = async (agency: string, record: string) => (await start.parts.finder?.recordsLike(agency, record)) ?? []
  const states = {
    reached: () => start.parts.finder?.reached() ?? 0,
    state: async (index: number, statement: Statement) => (await start.parts.finder?.state(index, statement)) ?? {},
    search: async (wanted: SiteWanted, limit: number) => (await start.parts.finder?.search(wanted, limit)) ?? { indexes: [] },
  }
  const found = { recordsLike, states }
  return operatorPlace => createHandler({ ...ofLedger, ...guards, ...found, host, log, metrics, site, desk, operator, operatorPlace })
}

/** Allows bursts of five seconds' worth: a page with its files, or a script that starts. */
function limitsOf({ addressRate, keyRate }: Config, { steadyMs }: Host): Limits {
  const rate = (perSecond: number) => (perSecond === 0 ? undefined : { perSecond, burst: 5 * perSecond })
  return createLimits({ ...PLACES, address: rate(addressRate), key: rate(keyRate), nowMs: steadyMs })
}

/** The pages for people. If they fail to open, the ledger still serves programs. */
async function openSite(
  deps: Omit<SiteDeps, 'chain' | 'publicEndpoints' | 'ledger' | 'finder'> & { readonly ledger: Ledger },
  chains: readonly PlacedChain[],
  { config: { verifyRpc = [] }, dataDir, host, log, parts }: Start,
) {
  const own = chains.flatMap(({ urls, place }) => urls.map(url => ({ url, serves: place.chainId })))
  const chain = [...own, ...verifyRpc].map(endpoint => createJsonRpcReader({ ...endpoint, fetch, timeoutMs: REQUEST_MS }))
  const offered = chains.flatMap(({ publicUrls, place }) => publicUrls.map(url => ({ url, serves: place.chainId })))
  // With endpoints of several chains, each is named with its own, so that none is taken for another's.
  const isOne = chains.length === 1 && verifyRpc.length === 0
  const publicEndpoints = [...offered, ...verifyRpc].map(({ url, serves }) => (isOne ? url : `${serves}=${url}`))
  try {
    const finder = await openFinder({ ledger: deps.ledger, folder: join(dataDir, 'finder'), steadyMs: host.steadyMs, log })
    parts.finder = finder
    finder.start()
    return await siteRoutes({ ...deps, finder, chain, publicEndpoints })
  } catch (error) {
    log.error('site failed', { error })
    return undefined
  }
}

/** The composition root: makes the parts of the service from its configuration, in order, and takes them down in reverse. */
import { statfsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { checkpointAnchor } from '../chain/artifact.ts'
import type { Config } from '../config.ts'
import type { Policy } from '../core/policy.ts'
import type { GenesisAnchor } from '../core/statement.ts'
import { openFinder } from '../finder/finder.ts'
import { ADMISSION, createAdmission } from '../http/admission.ts'
import { createHandler } from '../http/app.ts'
import { createLimits, type Limits, PLACES } from '../http/limits.ts'
import { openListener } from '../http/listener.ts'
import { createMetrics, type Metrics } from '../http/metrics.ts'
import { readOperatorKey } from '../keys.ts'
import { createAgencies } from '../ledger/agencies.ts'
import type { Finality } from '../ledger/anchor-chain.ts'
import type { Ledger, LedgerDeps } from '../ledger/ledger.ts'
import { openScrub } from '../ledger/scrub.ts'
import { type Log, silentLog } from '../log.ts'
import { createJsonRpcReader } from '../verifier/json-rpc.ts'
import type { SiteDeps } from '../web/deps.ts'
import { siteRoutes } from '../web/site.ts'
import { type OpenChain, REQUEST_MS } from './chain.ts'
import { compare } from './compare.ts'
import { nowMs, openLog, openStore, randomBytes } from './open-log.ts'
import { type Parts, takeDown } from './parts.ts'

/** A running service. */
export type Service = {
  readonly url: string
  readonly origin: string
  readonly vkey: string
  /** Where the operator key is kept; absent when it came from the environment. */
  readonly operatorKeyFile?: string
  readonly chain: { readonly urls: readonly string[]; readonly anchor: GenesisAnchor; readonly embedded: boolean }
  /** Why no submission is accepted just now. */
  notAccepting(): string | undefined
  /** Stops accepting, answers what came in, stops the anchorer, closes the store, and ends the embedded chain. */
  close(): Promise<void>
}

/** Starts the service. Throws an OpenSealError with one sentence that says what to do; then nothing is left running. */
export async function startServer(config: Config, { log = silentLog }: { log?: Log } = {}): Promise<Service> {
  const parts: Parts = {}
  let closing: Promise<void> | undefined
  const close = () => {
    closing ??= takeDown(parts, log)
    return closing
  }
  try {
    return await start(config, log, parts, close)
  } catch (error) {
    await close()
    throw error
  }
}

async function start(config: Config, log: Log, parts: Parts, close: () => Promise<void>): Promise<Service> {
  const dataDir = resolve(config.dataDir)

  // The store's lock comes first: a second service on this folder touches neither its keys nor its chain. Then the port.
  const store = await openStore(config, dataDir)
  parts.store = store
  const http = await openListener(config)
  parts.http = http

  const operatorKeyFile = join(dataDir, 'keys', 'operator.key')
  let metrics: Metrics | undefined
  const onSeal: LedgerDeps['onSeal'] = batch => {
    metrics?.countSeal(batch)
    admission.noteSeal(batch.records)
  }
  const { ledger, chain, anchor, anchorChain, anchorer } = await openLog({ config, store, dataDir, log, parts, onSeal })
  const { origin } = config
  const operatorKey = config.operatorKey ?? (await readOperatorKey(operatorKeyFile, { randomBytes, log }))
  const admission = createAdmission({ ...ADMISSION, waiting: () => ledger.waiting(), nowMs })
  parts.admission = admission
  const comparison = compare(anchorer, anchorChain, config, log)
  parts.comparison = comparison
  await comparison.first

  const scrub = await openScrub({ store, entriesPerSecond: config.scrubRate, nowMs, log })
  parts.scrub = scrub
  scrub.start()
  const { notAccepting } = comparison
  metrics = createMetrics({ ledger, anchorer, scrub, nowMs, notAccepting, freeBytes: () => freeBytes(dataDir) })
  const agencies = createAgencies({ store, nowMs, randomBytes })
  const served = policyOf(ledger, anchor, chain.finality, config.production)
  const policy = () => served
  const lag = () => anchorer.lag()
  const site = await openSite({ ledger, agencies, lag, notAccepting, policy, nowMs }, config, chain, { dataDir, log, parts })
  const { trustedProxies } = config
  const guards = { admission, limits: limitsOf(config), isClosing: http.isClosing, trustedProxies }
  http.serve(
    createHandler({
      ledger,
      agencies,
      anchorer,
      policy,
      operatorKey,
      log,
      nowMs,
      notAccepting,
      scrub,
      rows: store.rows,
      metrics,
      site,
      ...guards,
    }),
  )
  log.info('serving', { url: http.url, origin, size: ledger.head().size, chainId: anchor.chainId, contract: anchor.contract })
  return {
    url: http.url,
    origin,
    vkey: ledger.vkey,
    ...(config.operatorKey === undefined && { operatorKeyFile }),
    chain: { urls: chain.urls, anchor, embedded: chain.embedded },
    notAccepting,
    close,
  }
}

/** Five seconds' worth at once: a page with its files, a script that starts. */
function limitsOf({ addressRate, keyRate }: Config): Limits {
  const rate = (perSecond: number) => (perSecond === 0 ? undefined : { perSecond, burst: 5 * perSecond })
  return createLimits({ ...PLACES, address: rate(addressRate), key: rate(keyRate), nowMs: Date.now })
}

/** The pages for people. Without them the ledger still serves programs, so that their failure stops nothing. */
async function openSite(
  deps: Omit<SiteDeps, 'chain' | 'publicEndpoints' | 'ledger' | 'finder'> & { readonly ledger: Ledger },
  { publicRpcUrls }: Config,
  { urls, embedded }: OpenChain,
  { dataDir, log, parts }: { readonly dataDir: string; readonly log: Log; readonly parts: Parts },
) {
  const chain = urls.map(url => createJsonRpcReader({ url, fetch, timeoutMs: REQUEST_MS }))
  // The ledger's own endpoint may carry a secret in its address: it stays with us.
  const publicEndpoints = publicRpcUrls ?? (embedded ? urls : [])
  try {
    const finder = await openFinder({ ledger: deps.ledger, folder: join(dataDir, 'finder'), nowMs: deps.nowMs, log })
    parts.finder = finder
    finder.start()
    return await siteRoutes({ ...deps, finder, chain, publicEndpoints })
  } catch (error) {
    log.error('site failed', { error })
    return undefined
  }
}

function policyOf(ledger: Ledger, anchor: GenesisAnchor, finality: Finality, production: boolean): Policy {
  const { codeSha256 } = checkpointAnchor
  return {
    type: 'openseal/policy@v1',
    origin: ledger.origin,
    logKeys: ledger.logKeys(),
    witnesses: [],
    quorum: 0,
    anchors: [{ ...anchor, codeSha256, production, finality, fromSize: 0 }],
    requireAnchors: 1,
  }
}

function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder)
  return bavail * bsize
}

/** The composition root: makes the parts of the service from its configuration, in order, and takes them down in reverse. */
import { randomFillSync } from 'node:crypto'
import { statfsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { checkpointAnchor } from './chain/artifact.ts'
import { type Access, ensureDeployment, ensureLog, readDeployment } from './chain/deploy.ts'
import { EMBEDDED_CHAIN_ID, EMBEDDED_KEY, startEmbeddedChain } from './chain/embedded.ts'
import { readChainId } from './chain/endpoints.ts'
import { openAnchorChain } from './chain/ethereum.ts'
import { createKeySigner, openSigner, type TxSigner } from './chain/signer.ts'
import type { Config } from './config.ts'
import { fromUtf8 } from './core/bytes.ts'
import { OpenSealError } from './core/errors.ts'
import { parseJson } from './core/json.ts'
import { formatVkey } from './core/note.ts'
import type { Policy } from './core/policy.ts'
import { type GenesisAnchor, parseAnyStatement } from './core/statement.ts'
import { type Finder, openFinder } from './finder/finder.ts'
import { ADMISSION, createAdmission } from './http/admission.ts'
import { createHandler } from './http/app.ts'
import { createLimits, type Limits, PLACES } from './http/limits.ts'
import { openListener } from './http/listener.ts'
import { createMetrics, type Metrics } from './http/metrics.ts'
import { readLogKey, readOperatorKey, replaceLogKey } from './keys.ts'
import { createAgencies } from './ledger/agencies.ts'
import type { AnchorChain, Finality } from './ledger/anchor-chain.ts'
import { type Anchorer, createAnchorer } from './ledger/anchorer.ts'
import { type Ledger, type LedgerDeps, openLedger } from './ledger/ledger.ts'
import { readKeyChanges } from './ledger/log-keys.ts'
import { readRestored, restoredReason } from './ledger/restored.ts'
import { openScrub, type Scrub } from './ledger/scrub.ts'
import { createLogSigner } from './ledger/signer.ts'
import { type Log, silentLog } from './log.ts'
import { type LevelStore, openLevelStore } from './store/level.ts'
import type { Store } from './store/port.ts'
import { createJsonRpcReader } from './verifier/json-rpc.ts'
import type { SiteDeps } from './web/deps.ts'
import { siteRoutes } from './web/site.ts'

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

/**
 * Development chains and public test networks by their ids. Whether a chain is production is the operator's word; for these it is not taken, because it
 * can only be a slip.
 */
const TEST_CHAINS = [5, 97, 1337, 17_000, 31_337, 43_113, 59_141, 80_002, 84_532, 421_614, 534_351, 560_048, 11_155_111, 11_155_420]
const COMPARE_AGAIN_MS = 2_000
const REQUEST_MS = 10_000

const nowMs = Date.now
const randomBytes = (count: number) => randomFillSync(new Uint8Array(count))
const logKeyFile = (dataDir: string) => join(dataDir, 'keys', 'log.key')

/** What has been started so far, in the order in which it is taken down. */
type Parts = {
  http?: { close(): Promise<void> }
  admission?: { stop(): void }
  comparison?: { stop(): Promise<void> }
  finder?: Finder
  scrub?: Scrub
  ledger?: { close(): Promise<void> }
  /** Only until the ledger has it, which then closes it. */
  store?: { close(): Promise<void> } | undefined
  anchorChain?: { close(): void }
  embedded?: { stop(): Promise<void> }
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

type LogDeps = { config: Config; store: Store; dataDir: string; log: Log; parts: Parts; onSeal?: LedgerDeps['onSeal'] }

/** The log with its key, its chain and its anchorer, which does nothing yet. */
async function openLog({ config, store, dataDir, log, parts, onSeal }: LogDeps) {
  const isBegun = (await store.readHead()) !== undefined
  const seed = await readLogKey(logKeyFile(dataDir), { mustExist: isBegun, randomBytes, log })
  const chain = await openChain(config, dataDir, log, parts)
  const anchor = await bindAnchor(config, chain, dataDir, store, log)
  const { origin, anchorIntervalMs: intervalMs, anchorMinBatch: minBatch } = config
  const signer = createLogSigner(origin, seed)
  const ledger = await openLedger({ store, signer, origin, anchors: [anchor], nowMs, randomBytes, ...(onSeal && { onSeal }) })
  parts.ledger = ledger
  parts.store = undefined
  const restored = await readRestored(store)
  if (restored !== undefined) ledger.stop(restoredReason(restored))
  const limits = { timeoutMs: REQUEST_MS, ceiling: config.anchorCeiling }
  const anchorChain = openAnchorChain({ ...anchor, urls: chain.urls, signer: chain.signer, finality: chain.finality, limits })
  parts.anchorChain = anchorChain
  const anchorer = createAnchorer({ ledger, store, chain: anchorChain, intervalMs, minBatch, nowMs, log })
  return { ledger, chain, anchor, anchorChain, anchorer }
}

/** What `rotateLogKey` did. */
export type Rotation = {
  readonly oldKey: string
  readonly newKey: string
  readonly index: number
  readonly fromSize: number
  readonly kept: string
}

/**
 * Ends the log's key and begins another, on a ledger at rest: no service may run on this folder. Broken off anywhere, it is finished by being called again.
 * Throws what `startServer` throws, and LEDGER_STOPPED where the ledger is behind, or at odds with, its own anchor.
 */
export async function rotateLogKey(config: Config, { log = silentLog }: { log?: Log } = {}): Promise<Rotation> {
  const parts: Parts = {}
  const dataDir = resolve(config.dataDir)
  const path = logKeyFile(dataDir)
  const next = `${path}.next`
  try {
    const store = await openStore(config, dataDir)
    parts.store = store
    if ((await store.readHead()) === undefined)
      throw new ServerError('SERVER_DATA', `There is no ledger in ${dataDir} whose key could be changed.`)
    const deps = { randomBytes, log }
    const current = formatVkey(createLogSigner(config.origin, await readLogKey(path, { ...deps, mustExist: true })).vkey)
    const newKey = formatVkey(createLogSigner(config.origin, await readLogKey(next, { ...deps, mustExist: false })).vkey)
    const done = (await readKeyChanges(store)).find(({ change }) => change.oldKey === current && change.newKey === newKey)
    const { index, change } = done ?? (await changeKey({ config, store, dataDir, log, parts }, newKey))
    const kept = await replaceLogKey(path, next, change.fromSize - 1)
    log.info('log key changed', { index, oldKey: current, newKey, fromSize: change.fromSize })
    return { oldKey: current, newKey, index, fromSize: change.fromSize, kept }
  } finally {
    await takeDown(parts, log)
  }
}

/** Only once the chain has shown that nothing is missing here: what is sealed upon an old copy would be a fork. */
async function changeKey(deps: LogDeps, newKey: string) {
  const { ledger, anchorer } = await openLog(deps)
  await anchorer.compareWithChain()
  const reason = ledger.stopped()
  if (reason !== undefined && !reason.startsWith('a change of the log key')) throw new ServerError('LEDGER_STOPPED', reason)
  return ledger.changeKey(newKey)
}

function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder)
  return bavail * bsize
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

/** Stops accepting and answers what came in, then the anchorer, the ledger with its store, and the chain. Goes on where one fails. */
async function takeDown(
  { http, admission, comparison, finder, scrub, ledger, store, anchorChain, embedded }: Parts,
  log: Log,
): Promise<void> {
  const steps = [
    () => http?.close(),
    () => admission?.stop(),
    () => comparison?.stop(),
    () => finder?.stop(),
    () => scrub?.stop(),
    () => ledger?.close(),
    () => store?.close(),
    () => anchorChain?.close(),
    () => embedded?.stop(),
  ]
  for (const step of steps) {
    try {
      await step()
    } catch (error) {
      log.error('close failed', { error })
    }
  }
}

async function openStore({ storeUrl }: Config, dataDir: string): Promise<LevelStore> {
  if (storeUrl !== undefined)
    throw new ServerError(
      'SERVER_STORE',
      'OPENSEAL_STORE: the PostgreSQL store is not built yet. Leave it out to keep the ledger in the data folder.',
    )
  await mkdir(dataDir, { recursive: true }).catch(cause => {
    throw new ServerError('SERVER_DATA', `The data folder ${dataDir} cannot be made (${cause.code}). Set OPENSEAL_DATA to another.`, {
      cause,
    })
  })
  return openLevelStore(join(dataDir, 'store'))
}

type OpenChain = {
  readonly urls: readonly string[]
  readonly signer: TxSigner
  readonly finality: Finality
  readonly embedded: boolean
  /** Brings the embedded chain's state to disk. */
  save(): Promise<void>
}

/** The chain to anchor on: the configured endpoints, or the embedded one, started here. */
async function openChain(config: Config, dataDir: string, log: Log, parts: Parts): Promise<OpenChain> {
  const { rpcUrls, anchorSigner, chainPort } = config
  const signer = anchorSigner === undefined ? createKeySigner(EMBEDDED_KEY) : await openSigner(anchorSigner)
  if (rpcUrls.length > 0) return { urls: rpcUrls, signer, finality: config.finality, embedded: false, save: async () => {} }
  const chain = await startEmbeddedChain({ dataDir, port: chainPort, log })
  parts.embedded = chain
  return { urls: [chain.url], signer, finality: { confirmations: 0 }, embedded: true, save: () => chain.save() }
}

/** Where the log is anchored: what its genesis binds, so that a later start needs no chain; at the first start what is set up on the chain. */
async function bindAnchor(config: Config, chain: OpenChain, dataDir: string, store: Store, log: Log): Promise<GenesisAnchor> {
  const bound = await readBoundAnchor(store)
  if (bound !== undefined) requireNoTestChain(config, bound.chainId)
  if (bound !== undefined) return { ...bound, contract: config.contract ?? bound.contract }
  const chainId = chain.embedded ? EMBEDDED_CHAIN_ID : await readChainId(chain.urls, REQUEST_MS)
  requireNoTestChain(config, chainId)
  const access = { rpcUrls: chain.urls, signer: chain.signer, log }
  const contract = config.contract ?? (await findContract(chainId, chain, dataDir, access))
  const logId = await ensureLog({ ...access, contract, origin: config.origin })
  await chain.save() // the genesis is about to bind it for ever
  return { type: 'evm', chainId, contract, logId }
}

function requireNoTestChain({ production }: Config, chainId: number): void {
  if (production && TEST_CHAINS.includes(chainId))
    throw new ServerError('SERVER_PRODUCTION', `Chain ${chainId} is a test network: it is no evidence. Leave OPENSEAL_PRODUCTION out.`)
}

async function readBoundAnchor(store: Store): Promise<GenesisAnchor | undefined> {
  const bytes = await store.readStatement(0)
  const genesis = bytes === undefined ? undefined : parseAnyStatement(parseJson(fromUtf8(bytes)))
  return genesis?.type === 'openseal/genesis@v1' ? genesis.anchors[0] : undefined
}

async function findContract(chainId: number, chain: OpenChain, dataDir: string, access: Access): Promise<string> {
  if (chain.embedded) return (await ensureDeployment(join(dataDir, 'chain', 'deployment.json'), access)).address
  const file = fileURLToPath(new URL(`../contracts/deployments/${chainId}.json`, import.meta.url))
  const deployment = await readDeployment(file)
  if (deployment === undefined)
    throw new ServerError(
      'SERVER_CONTRACT',
      `No contract is known on chain ${chainId}: deploy it with "openseal deploy", or set OPENSEAL_CONTRACT.`,
    )
  return deployment.address
}

/**
 * Compares the ledger with its chain before submissions are accepted, again and again while no endpoint answers. `first` is the first try;
 * the anchorer is started once the comparison is made.
 */
function compare(anchorer: Anchorer, chain: Pick<AnchorChain, 'close'>, { startWithoutChain }: Config, log: Log) {
  let reason: string | undefined = 'The ledger has not compared itself with its chain yet. Try again in a moment.'
  let stopped = false
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> = Promise.resolve()

  const attempt = async (): Promise<void> => {
    try {
      await anchorer.compareWithChain()
      if (stopped) return
      reason = undefined
      anchorer.start()
    } catch (error) {
      if (stopped) return
      const code = error instanceof OpenSealError ? error.code : 'INTERNAL'
      log.error('chain not compared', { code, error })
      const why = error instanceof OpenSealError ? error.message : 'See the log.'
      if (reason !== undefined) reason = `The ledger has not compared itself with its chain yet: ${why} Try again later.`
      if (startWithoutChain && reason !== undefined) {
        log.warn('accepting without chain', { advice: 'The ledger accepts records though it could not be compared with its chain.' })
        reason = undefined
      }
      timer = setTimeout(() => {
        running = attempt()
      }, COMPARE_AGAIN_MS)
    }
  }
  running = attempt()
  return {
    first: running,
    notAccepting: () => reason,
    stop: async () => {
      stopped = true
      clearTimeout(timer)
      const ended = anchorer.stop()
      // Breaks off what an endpoint or a signer keeps waiting: whatever was sent is stored, and the next start looks for it.
      chain.close()
      await running
      await ended
    },
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

/** SERVER_STORE, SERVER_DATA, SERVER_CONTRACT, SERVER_PRODUCTION. */
export class ServerError extends OpenSealError {}

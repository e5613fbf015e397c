/**
 * The composition root: makes the parts of the service from its configuration in order, and shuts
 * them down in reverse.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from '../config.ts'
import { attempt } from '../core/attempt.ts'
import type { GenesisAnchor } from '../core/statements/genesis.ts'
import { parseTrustList, type TrustList } from '../core/trust.ts'
import { openListener } from '../http/listener.ts'
import { statusOf } from '../http/routes/service.ts'
import { ensureOperatorKey } from '../keys.ts'
import { type Log, silentLog } from '../logger.ts'
import type { Operator } from '../web/layout.ts'
import { readLogo } from '../web/logo.ts'
import { ServerError } from './errors.ts'
import { openLog, openStore, readKeyAgain } from './open-log.ts'
import { beginStart, type Start, takeDown } from './parts.ts'
import { openServing } from './serving.ts'
import { openWatch } from './watch.ts'

/** A running service. */
export type Service = {
  /** The address where it listens. */
  readonly url: string
  /** The operator's address, if that is another one. */
  readonly operatorUrl?: string
  readonly origin: string
  readonly vkey: string
  /** The file of the operator key; missing if the key came from the environment. */
  readonly operatorKeyFile?: string
  /** The first chain. */
  readonly chain: { readonly urls: readonly string[]; readonly anchor: GenesisAnchor; readonly embedded: boolean }
  /** Whether submissions are accepted at the moment, and a sentence for each problem. */
  status(): Pick<ReturnType<typeof statusOf>, 'accepting' | 'alarms'>
  /**
   * Stops accepting, finishes current requests, stops the anchorer, closes the store, and ends the
   * embedded chain.
   */
  close(): Promise<void>
}

/**
 * Starts the service. Throws an OpenSealError with one sentence that says what to do; then nothing
 * keeps running.
 */
export async function startServer(config: Config, { log = silentLog }: { log?: Log } = {}): Promise<Service> {
  const start = beginStart(config, log)
  let closing: Promise<void> | undefined
  const close = () => {
    closing ??= takeDown(start.parts, log)
    return closing
  }
  try {
    return { ...(await open(start)), close }
  } catch (error) {
    await close()
    throw error
  }
}

/**
 * Adds each part to `parts` at once, so that a start that fails in the middle shuts down what it
 * has begun.
 */
async function open(start: Start): Promise<Omit<Service, 'close'>> {
  const { config, keysDir, host, log, parts } = start
  const operator = await readOperator(config)
  const others = config.trustList === undefined ? undefined : await readTrustList(config.trustList)
  // The store's lock comes first, so that a second service on this folder touches neither its keys
  // nor its chain. Then the port.
  const { store, embedded } = await openStore(start)
  parts.store = store
  const http = await openListener(config)
  parts.http = http
  const operatorHttp = config.operator && (await openListener(config.operator))
  if (operatorHttp) parts.operatorHttp = operatorHttp

  // The log with its key and its chain, then the operator's key, which the first start makes.
  const url = config.url ?? http.url
  const opened = await openLog(start, store, { url, readSigner: readKeyAgain(start) })
  const operatorKeyFile = join(keysDir, 'operator.key')
  const operatorKey = config.operatorKey ?? (await ensureOperatorKey(operatorKeyFile, { host, log }))

  // Nothing is served before the first try to compare the ledger with its chain.
  const watch = await openWatch(start, embedded, opened)
  const serving = await openServing(start, { store, embedded }, opened, watch, {
    url,
    operator,
    others,
    operatorKey,
    isClosing: http.isClosing,
  })
  http.serve(serving(operatorHttp === undefined ? 'local' : 'elsewhere'))
  operatorHttp?.serve(serving('here'))

  if (operatorHttp === undefined && !isLocal(url))
    log.warn('operator answered at the public port', { url, advice: 'set OPENSEAL_ADMIN to an address of its own' })

  const { ledger, chains } = opened
  const [first] = chains
  const { origin, vkey } = ledger
  log.info('serving', { url: http.url, origin, size: ledger.head().size, chains: chains.map(({ place }) => place.chainId) })
  return {
    url: http.url,
    origin,
    vkey,
    ...(operatorHttp && { operatorUrl: operatorHttp.url }),
    ...(config.operatorKey === undefined && { operatorKeyFile }),
    chain: { urls: first!.urls, anchor: first!.place, embedded: first!.embedded },
    status: () => statusOf({ ...opened, ...watch, operator, isClosing: http.isClosing }),
  }
}

/** Reads the settings that name the operator, and the operator's logo. Throws LogoError. */
async function readOperator(config: Config): Promise<Operator> {
  const { operatorName: name, operatorContact: contact, operatorLegalUrl: legalUrl, operatorPrivacyUrl: privacyUrl } = config
  const logo = config.operatorLogo === undefined ? undefined : await readLogo(config.operatorLogo)
  return { name, contact, legalUrl, privacyUrl, logo }
}

/** The operator's trust list. Throws ServerError SERVER_TRUST_LIST. */
async function readTrustList(file: string): Promise<TrustList> {
  const bytes = await readFile(file).catch(cause => {
    throw new ServerError('SERVER_TRUST_LIST', `OPENSEAL_TRUST_LIST: ${file} cannot be read (${cause.code}).`, { cause })
  })
  const { value, error } = attempt(() => parseTrustList(bytes))
  if (error) throw new ServerError('SERVER_TRUST_LIST', `OPENSEAL_TRUST_LIST: ${file}: ${error.message}.`, { cause: error })
  return value
}

function isLocal(url: string): boolean {
  return /^(localhost|127\.[\d.]+|\[::1\])$/.test(new URL(url).hostname)
}

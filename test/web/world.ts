/**
 * A real service with pages: ledger on a memory store, HTTP on a free port, and JSON-RPC endpoints
 * that answer as the contract would.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { id } from 'ethers'
import { toHex, toUtf8 } from '../../src/core/bytes.ts'
import { sha256 } from '../../src/core/hash.ts'
import { type Policy, parsePolicy } from '../../src/core/policy.ts'
import type { Statement } from '../../src/core/statements/statement.ts'
import { openFinder } from '../../src/finder/finder.ts'
import { createApp } from '../../src/http/app.ts'
import { createLimits, PLACES } from '../../src/http/guard/limits.ts'
import type { Rate } from '../../src/http/guard/rates.ts'
import { createAgencies } from '../../src/ledger/agencies/agencies.ts'
import { createSessions } from '../../src/ledger/agencies/sessions.ts'
import { createBackups } from '../../src/ledger/backups.ts'
import { openLedger } from '../../src/ledger/ledger.ts'
import { DamageError } from '../../src/log/errors.ts'
import { createLogSigner } from '../../src/log/signer.ts'
import { silentLog } from '../../src/logger.ts'
import { createMemoryStore } from '../../src/store/memory/memory.ts'
import { createJsonRpcReader, digestsOf, type TrustList } from '../../src/verifier/index.ts'
import type { SiteAnchor, SiteVoucher } from '../../src/web/deps.ts'
import type { Operator } from '../../src/web/layout.ts'
import { siteRoutes } from '../../src/web/site.ts'
import { listen, stop } from '../listen.ts'
import { testHost } from '../test-host.ts'

export const ORIGIN = 'openseal.test/web'
export const AGENCY = 'transport.gov.example'
export const OPERATOR_KEY = 'operator-key-of-the-tests'
/** The only chain of a world, unless it asks for another. */
export const CHAIN_ID = 1
const CONTRACT = `0x${'c0'.repeat(20)}`
const LOG_ID = `0x${'1d'.repeat(32)}`
const CODE = '0x6001'
const LOG_OF = id('logOf(bytes32)').slice(0, 10)
/** Six words: a log that is open, with no owner and no publisher that anyone asks for. */
const OPEN_LOG = `0x${'0'.repeat(384)}`
/** The block time of every anchor of these tests: 2026-11-20 10:00 UTC. */
export const ANCHORED_MS = Date.UTC(2026, 10, 20, 10)

/** Settings that a test may change while the service runs. */
type WorldState = {
  production: boolean
  nowMs: number
  lag: { alarm?: string }
  notAccepting: string | undefined
  isClosing: boolean
  /** Those who vouch for rounds, if they are told. */
  vouchers: readonly SiteVoucher[]
}

export type World = Awaited<ReturnType<typeof openWorld>>

/** The public address that the site is told, which is not where it listens. */
export const SITE_URL = 'https://ledger.example'

type WorldOptions = {
  readonly production?: boolean
  readonly deskUrl?: string
  readonly erasureDelayMs?: number
  readonly suppressionMs?: number
  readonly operator?: Operator
  /** Named by the policy. */
  readonly explorer?: string
  /** How often a key may submit, and an address behind a proxy may ask; missing: as often as they like. */
  readonly key?: Rate
  readonly address?: Rate
  /** The name of the log, and the id of its chain. */
  readonly origin?: string
  readonly chainId?: number
  /** The operator's trust list, and endpoints for verification only. */
  readonly others?: TrustList
  readonly verifyRpc?: readonly { readonly url: string; readonly serves: number }[]
}

export async function openWorld(options: WorldOptions = {}) {
  const { origin = ORIGIN, chainId = CHAIN_ID, others, verifyRpc = [] } = options
  const { production = true, deskUrl = 'http://localhost', erasureDelayMs = 0, suppressionMs = 365 * 86_400_000, key, address } = options
  const anchored: SiteAnchor[] = []
  const chain = await openEndpoint(chainId, ({ size, root }) => anchored.find(anchor => anchor.size === size && anchor.root === root))
  const liar = await openEndpoint(chainId, () => ({ block: { time: '1970-01-01T00:00:01Z' } }))
  const state: WorldState = { production, nowMs: ANCHORED_MS - 7_200_000, lag: {}, notAccepting: undefined, isClosing: false, vouchers: [] }
  const nowMs = () => state.nowMs
  const store = createMemoryStore()
  const signer = createLogSigner(origin, new Uint8Array(32).fill(9))
  const host = testHost({ nowMs })
  const erasure = { key: new Uint8Array(32).fill(7), delayMs: erasureDelayMs, periodMs: suppressionMs }
  const ledger = await openLedger({ store, signer, origin, anchors: [], host, erasure })
  const agencies = createAgencies({ store, host })
  await agencies.add({ id: AGENCY, name: 'Υπουργείο Μεταφορών <b>&' })
  const folder = await mkdtemp(join(tmpdir(), 'openseal-finder-'))
  const finder = await openFinder({ ledger, folder, steadyMs: () => performance.now(), log: silentLog })
  const policy = (): Policy =>
    parsePolicy({
      type: 'openseal/policy@v1',
      origin,
      logKeys: [{ vkey: ledger.vkey, fromSize: 0 }],
      anchors: [
        {
          type: 'evm',
          chainId,
          contract: CONTRACT,
          codeSha256: toHex(sha256(new Uint8Array([0x60, 0x01]))),
          logId: LOG_ID,
          production: state.production,
          finality: { confirmations: 0 },
          ...(options.explorer !== undefined && { explorer: options.explorer }),
        },
      ],
    })
  const readers = [{ url: chain.url, serves: chainId }, ...verifyRpc].map(endpoint =>
    createJsonRpcReader({ ...endpoint, fetch, timeoutMs: 5000 }),
  )
  const erased = new Set<number>()
  const damaged = new Set<number>()
  const readable: typeof ledger = {
    ...ledger,
    statement: async index => {
      if (damaged.has(index)) throw new DamageError(`statement ${index}`)
      return erased.has(index) ? undefined : ledger.statement(index)
    },
  }
  const lag = () => state.lag
  const notAccepting = () => state.notAccepting
  const { operator = { name: 'The Archive <b>', contact: 'ledger@archive.example' } } = options
  const site = await siteRoutes({
    url: SITE_URL,
    operator,
    ledger: readable,
    agencies,
    finder,
    lag,
    vouchers: () => state.vouchers,
    notAccepting,
    policy,
    chain: readers,
    others,
    publicEndpoints: [chain.url, ...verifyRpc.map(({ url, serves }) => `${serves}=${url}`)],
    nowMs,
  })
  const sessions = createSessions({ store, agencies, operatorKey: OPERATOR_KEY, host })
  const backups = createBackups({ store, host })
  const recordsLike = finder.recordsLike
  const deps = {
    ledger,
    agencies,
    policy,
    operatorKey: OPERATOR_KEY,
    host,
    log: silentLog,
    site,
    states: finder,
    recordsLike,
    notAccepting,
    isClosing: () => state.isClosing,
  }
  const limits = createLimits({ ...PLACES, key, address, nowMs: () => performance.now() })
  const rows = async function* () {
    yield [Uint8Array.of(1), Uint8Array.of(2)] as const
  }
  const desk = { sessions, url: deskUrl, operator, backups, pages: site.parts }
  const app = createApp({ ...deps, limits, rows, desk, ...(address && { trustedProxies: 1 }) })
  const server = await serve(app.callback())

  return {
    url: server.url,
    ledger,
    agencies,
    sessions,
    store,
    finder,
    /** The site finds no statement at these indexes. */
    erased,
    /** The site is told that what is stored at these indexes is damaged. */
    damaged,
    state,
    chain,
    liar,
    policy,
    submit: async (record: string, text: string, changes: Partial<Statement> = {}) => {
      const { index } = await ledger.submit(statementOf(record, text, changes))
      await finder.tick()
      return index
    },
    /** Anchors the whole ledger, final at once. */
    anchor: async (atMs = ANCHORED_MS) => {
      const { size, root } = ledger.head()
      const time = new Date(atMs).toISOString().replace('.000', '')
      const block = { number: size + 100, hash: hex32(0xb1, size), time }
      const place = { chainId, contract: CONTRACT, logId: LOG_ID, size, root: toHex(root) }
      const anchor = { ...place, transaction: hex32(0x7a, size), block }
      anchored.push(anchor)
      await ledger.setFinal({ type: 'evm', ...anchor })
    },
    close: async () => {
      for (const each of [server, chain, liar]) each.close()
      await finder.stop()
      await ledger.close()
      await rm(folder, { recursive: true })
    },
  }
}

/** A statement about one text file. */
export function statementOf(record: string, text: string, changes: Partial<Statement> = {}): Statement {
  const { sha256, jcs, bytes } = digestsOf(toUtf8(text))
  return {
    type: 'openseal/statement@v1',
    agency: AGENCY,
    kind: 'procurement',
    action: 'publish',
    record,
    ...(changes.action === 'withdraw' ? {} : { revision: '1' }),
    title: 'Ανάθεση έργου <script>alert(1)</script> οδού',
    language: 'el',
    published: '2026-11-19T08:00:00Z',
    documents: [{ name: 'απόφαση <1>.txt', mediaType: 'text/plain', bytes, sha256, ...(jcs && { jcs }) }],
    ...changes,
  }
}

/**
 * A JSON-RPC endpoint of a chain over HTTP, as a browser may ask it. `down` makes it answer 503.
 */
async function openEndpoint(chainId: number, find: (asked: { size: number; root: string }) => { block: { time: string } } | undefined) {
  const state = { down: false }
  const answers: { readonly [method: string]: (parameter: never) => unknown } = {
    eth_chainId: () => `0x${chainId.toString(16)}`,
    eth_blockNumber: () => '0x3e8',
    eth_getCode: () => CODE,
    eth_call: ({ data }: { data: string }) => {
      if (data.startsWith(LOG_OF)) return OPEN_LOG
      const found = find({ size: Number.parseInt(data.slice(74, 138), 16), root: data.slice(138, 202) })
      return `0x${word(found === undefined ? 0 : Date.parse(found.block.time) / 1000)}`
    },
  }
  const server = await serve(async (request, response) => {
    response.setHeader('Access-Control-Allow-Origin', '*')
    response.setHeader('Access-Control-Allow-Headers', 'content-type')
    if (state.down) response.statusCode = 503
    if (request.method === 'OPTIONS' || state.down) return void response.end()
    let body = ''
    for await (const chunk of request) body += chunk
    const { id: call, method, params } = JSON.parse(body)
    response.end(JSON.stringify({ jsonrpc: '2.0', id: call, result: answers[method]?.(params[0] as never) }))
  })
  return { ...server, state }
}

function word(value: number): string {
  return value.toString(16).padStart(64, '0')
}

function hex32(first: number, last: number): string {
  return `0x${first.toString(16)}${last.toString(16).padStart(62, '0')}`
}

async function serve(listener: RequestListener): Promise<{ url: string; close: () => void }> {
  const server = createServer(listener)
  return { url: await listen(server), close: () => stop(server) }
}

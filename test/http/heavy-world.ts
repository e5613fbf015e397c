/**
 * A ledger as heavy as its readers can find one: many records, one of them with 30,000 versions,
 * large statements, many agencies; on a real Level store, with its pages.
 */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import type Router from '@koa/router'
import { parsePolicy } from '../../src/core/policy.ts'
import type { Statement } from '../../src/core/statements/statement.ts'
import { formatVkey } from '../../src/core/tlog/note.ts'
import { openFinder } from '../../src/finder/finder.ts'
import { createApp, createHandler } from '../../src/http/app.ts'
import type { HttpDeps } from '../../src/http/deps.ts'
import { createAgencies } from '../../src/ledger/agencies/agencies.ts'
import { createSessions } from '../../src/ledger/agencies/sessions.ts'
import { createBackups } from '../../src/ledger/backups.ts'
import { openLedger } from '../../src/ledger/ledger.ts'
import { createLogSigner } from '../../src/log/signer.ts'
import { silentLog } from '../../src/logger.ts'
import { openLevelStore } from '../../src/store/level/level.ts'
import { parseTrustList, type TrustList } from '../../src/verifier/index.ts'
import { siteRoutes } from '../../src/web/site.ts'
import { listen, stop } from '../listen.ts'
import { testHost } from '../test-host.ts'

export const ORIGIN = 'openseal.test/heavy'
export const AGENCY = 'transport.gov.example'
export const OPERATOR_KEY = 'operator-key-of-the-heavy-world'
/** The record with the long history, and where its first and newest version are. */
export const LONG = { record: 'long', versions: 30_000 }
/** So many further records, each of one version with 3 documents; behind them some with 256. */
const OTHERS = 8_000
const LARGE = 120
const AGENCIES = 2_000
const ANCHORS = 1_500

export type HeavyWorld = Awaited<ReturnType<typeof openHeavyWorld>>

export async function openHeavyWorld() {
  const folder = await mkdtemp(join(tmpdir(), 'openseal-heavy-'))
  const store = await openLevelStore(join(folder, 'log'))
  const signer = createLogSigner(ORIGIN, new Uint8Array(32).fill(9))
  const host = testHost()
  const ledger = await openLedger({ store, signer, origin: ORIGIN, anchors: [], host })
  const agencies = createAgencies({ store, host })
  await inBatches(AGENCIES, n => agencies.add({ id: n === 0 ? AGENCY : `agency-${n}.gov.example`, name: `Agency number ${n}` }))
  const { key } = await agencies.addKey(AGENCY, { role: 'admin' })
  const finder = await openFinder({ ledger, folder: join(folder, 'finder'), steadyMs: () => performance.now(), log: silentLog })
  const submitAll = (count: number, make: (n: number) => Statement) => inBatches(count, n => ledger.submit(make(n)))
  await submitAll(OTHERS, n => statementOf(`r-${n}`, 3, { title: `Road works and maintenance at street ${n}` }))
  await submitAll(LARGE, n => statementOf(`large-${n}`, 256))
  await submitAll(LONG.versions, n => statementOf(LONG.record, 1, { revision: String(n), title: `Long road ${n}` }))
  while (finder.reached() < ledger.head().size) await finder.tick()
  const { size, root } = ledger.head()
  const time = '2026-11-20T10:00:00Z'
  const place = { chainId: 1, contract: `0x${'c0'.repeat(20)}`, logId: `0x${'1d'.repeat(32)}` }
  await inBatches(ANCHORS, async n => {
    const at = size - ANCHORS + 1 + n
    const transaction = `0x${String(at).padStart(64, '0')}`
    const ofSize = at === size ? root : await ledger.rootAt(at)
    const block = { number: at, hash: transaction, time }
    await ledger.setFinal({ type: 'evm', ...place, size: at, root: Buffer.from(ofSize).toString('hex'), transaction, block })
  })
  const policy = () =>
    parsePolicy({
      type: 'openseal/policy@v1',
      origin: ORIGIN,
      logKeys: [{ vkey: ledger.vkey, fromSize: 0 }],
      anchors: [{ type: 'evm', ...place, codeSha256: '22'.repeat(32), finality: { confirmations: 0 } }],
    })
  const url = 'http://ledger.example'
  const site = await siteRoutes({
    url,
    ledger,
    agencies,
    finder,
    policy,
    chain: [],
    publicEndpoints: [],
    others: longestList(),
    nowMs: Date.now,
  })
  const sessions = createSessions({ store, agencies, operatorKey: OPERATOR_KEY, host })
  const desk = { sessions, url, backups: createBackups({ store, host }), pages: site.parts }
  const own = { ledger, agencies, policy, operatorKey: OPERATOR_KEY, host, log: silentLog }
  const deps: HttpDeps = { ...own, site, desk, states: finder, rows: store.rows }
  const server = createServer(createHandler(deps))
  const ownUrl = await listen(server)
  const client = openClient(Number(new URL(ownUrl).port))
  const cookie = `openseal-desk=${await sessions.open({ kind: 'agency', ...(await agencies.authenticate(key)) })}`
  const asDesk = { cookie, 'sec-fetch-site': 'same-origin', accept: 'text/html' }
  const { token } = await (await fetch(`${ownUrl}/desk/token`, { headers: asDesk })).json()
  return {
    ledger,
    key,
    /** The headers of a browser that is signed in at the desk, and the token of its forms. */
    asDesk,
    formToken: token as string,
    size,
    /** The indexes of the large statements. */
    large: { from: size - LONG.versions - LARGE, to: size - LONG.versions },
    /**
     * All routes that a request can match, with their methods; of a page without the language
     * before it.
     */
    routes: () =>
      createApp(deps)
        .middleware.flatMap(each => (each as { router?: Router }).router?.stack ?? [])
        .map(({ methods, path }) => ({ methods, path: String(path).replace('{/:lang}', '').replace('/:lang', '/') })),
    ...client,
    close: async () => {
      await client.stop()
      stop(server)
      await finder.stop()
      await ledger.close()
      await rm(folder, { recursive: true })
    },
  }
}

/** Does `act` so often, many at once, so that they share the waits for the disk. */
async function inBatches(count: number, act: (n: number) => Promise<unknown>): Promise<void> {
  const BATCH = 2000
  for (let from = 0; from < count; from += BATCH)
    await Promise.all(Array.from({ length: Math.min(BATCH, count - from) }, (_, n) => act(from + n)))
}

/** A statement with `count` documents. */
export function statementOf(record: string, documents: number, changes: Partial<Statement> = {}): Statement {
  return {
    type: 'openseal/statement@v1',
    agency: AGENCY,
    kind: 'procurement',
    action: 'publish',
    record,
    published: '2026-11-19T08:00:00Z',
    documents: Array.from({ length: documents }, (_, n) => ({
      name: `document-${n}.pdf`,
      mediaType: 'application/pdf',
      bytes: n + 1,
      sha256: createHash('sha256').update(`${record} ${n} ${changes.revision}`).digest('hex'),
    })),
    ...changes,
  }
}

/** The requests that run at once. */
export type Asking = { readonly method?: string; readonly path: string; readonly headers?: object; readonly body?: string }

/**
 * A client in a separate thread, so that its own work is not measured. Its connections stay open
 * as those of browsers and proxies do: at the end of a refusal, the rest of a body is still on its
 * way, and a connection that is not to stay open is reset there.
 */
function openClient(port: number) {
  const worker = new Worker(CLIENT, { eval: true, workerData: port })
  return {
    /**
     * Sends these at once and reads the answers to their ends: their statuses. Throws if one has no
     * answer.
     */
    async ask(askings: readonly Asking[]): Promise<number[]> {
      worker.postMessage(askings)
      const [told] = await once(worker, 'message')
      if (typeof told === 'string') throw new Error(told)
      return told
    },
    stop: () => worker.terminate(),
  }
}

const CLIENT = `
const { parentPort, workerData: port } = require('node:worker_threads')
const { request, Agent } = require('node:http')
const agent = new Agent({ keepAlive: false })
const ask = ({ method = 'GET', path, headers = {}, body }) => new Promise((resolve, reject) => {
  const fail = error => reject(new Error(method + ' ' + path.slice(0, 100) + ': ' + error))
  const own = { connection: 'keep-alive', ...(body && { 'content-length': Buffer.byteLength(body) }) }
  const sent = request({ port, agent, method, path, headers: { ...headers, ...own } }, answer => {
    answer.on('error', fail).on('end', () => resolve(answer.statusCode)).resume()
  })
  sent.on('error', fail)
  sent.end(body)
})
parentPort.on('message', async askings => {
  const answers = await Promise.allSettled(askings.map(ask))
  const failed = answers.find(({ status }) => status === 'rejected')
  parentPort.postMessage(failed === undefined ? answers.map(({ value }) => value) : failed.reason.message)
})
`

/** A trust list with as many entries as one may have. */
function longestList(): TrustList {
  const entries = Array.from({ length: 256 }, (_, at) => {
    const origin = `neighbour-${at}.example/log`
    const { vkey } = createLogSigner(origin, new Uint8Array(32).fill(1 + (at % 250)))
    const anchor = { type: 'evm', chainId: at + 1, contract: `0x${'ab'.repeat(20)}`, codeSha256: 'cd'.repeat(32), finality: 'finalized' }
    const anchors = [{ ...anchor, logId: `0x${'ef'.repeat(32)}` }]
    return { name: `Neighbour ${at}`, policy: { type: 'openseal/policy@v1', origin, logKeys: [{ vkey: formatVkey(vkey) }], anchors } }
  })
  return parseTrustList(JSON.stringify({ type: 'openseal/trust@v1', name: 'Neighbours', entries }))
}

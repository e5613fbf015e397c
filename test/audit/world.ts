/** A real ledger over HTTP, and a proxy in front of it that can change what it says. */
import { createServer, type ServerResponse } from 'node:http'
import { audit } from '../../src/audit/audit.ts'
import type { AuditInput, AuditReport } from '../../src/audit/run.ts'
import { createHttpSource } from '../../src/audit/source.ts'
import { createMemoryState } from '../../src/audit/state.ts'
import type { Policy } from '../../src/core/policy.ts'
import type { PolicyAnchor } from '../../src/core/policy-anchors.ts'
import type { GenesisAnchor } from '../../src/core/statements/genesis.ts'
import { createApp } from '../../src/http/app.ts'
import { createAgencies } from '../../src/ledger/agencies/agencies.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import { silentLog } from '../../src/logger.ts'
import { createMemoryStore } from '../../src/store/memory/memory.ts'
import { ORIGIN, openTestLedger, statementOf } from '../ledger/fixtures.ts'
import { listen, stop } from '../listen.ts'
import { testHost } from '../test-host.ts'

/** Changes the answer to a path; undefined leaves it as it is. */
export type Tamper = (path: string, body: Buffer) => Buffer | string | undefined

export type Served = { readonly ledger: Ledger; readonly url: string; close(): Promise<void> }
export type World = Awaited<ReturnType<typeof openWorld>>

/** Changes the answers to these paths. */
export const onPath =
  (wanted: RegExp, change: (body: Buffer) => Buffer | string): Tamper =>
  (path, body) =>
    wanted.test(path) ? change(body) : undefined

/** Changes one bit of a body. */
export const flip = (at: number) => (body: Buffer) => {
  body[at] = body[at]! ^ 1
  return body
}

/** The codes of an audit's findings. */
export const codesOf = ({ findings }: AuditReport) => findings.map(({ code }) => code)

/** The codes of what an audit could not check. */
export const reasonsOf = ({ unfinished }: AuditReport) => unfinished.map(({ code }) => code)

/**
 * Serves a ledger of `size` entries, the genesis included, over HTTP. The same `seed` makes the
 * same statements.
 */
export async function serveLedger(size: number, { seed = 'a', anchors = [] as GenesisAnchor[] } = {}): Promise<Served> {
  const store = createMemoryStore()
  const ledger = await openTestLedger(store, { anchors })
  await grow(ledger, size, seed)
  const host = testHost({ nowMs: () => Date.UTC(2026, 0, 2) })
  const agencies = createAgencies({ store, host })
  const app = createApp({ ledger, agencies, policy: () => policyOf(ledger), operatorKey: 'operator', host, log: silentLog })
  const server = createServer(app.callback())
  const url = await listen(server)
  const close = async () => {
    stop(server)
    await ledger.close()
  }
  return { ledger, url, close }
}

/** Adds records until the ledger has `size` entries. */
export async function grow(ledger: Ledger, size: number, seed = 'a'): Promise<void> {
  const before = ledger.head().size
  await Promise.all(Array.from({ length: size - before }, (_, i) => ledger.submit(statementOf(`${seed}-${before + i}`, before + i))))
}

/** The policy of a ledger that is anchored at `anchors`. */
export function policyOf(ledger: Ledger, anchors: readonly PolicyAnchor[] = []): Policy {
  const logKeys = [{ vkey: ledger.vkey, fromSize: 0 }]
  return { type: 'openseal/policy@v1', origin: ORIGIN, logKeys, witnesses: [], quorum: 0, anchors, requireAnchors: 1 }
}

/** A ledger of `size` entries behind a proxy, and an audit of it. */
export async function openWorld(size: number) {
  const served = await serveLedger(size)
  const proxy = await openProxy(served.url)
  const run = (changes: Partial<AuditInput> = {}) => {
    const source = createHttpSource({ url: proxy.url, fetch, timeoutMs: 60_000, retries: 0, parallel: 8 })
    const input = { source, policy: policyOf(served.ledger), chains: [], state: createMemoryState(), parallel: 8, ...changes }
    return audit(input).finally(() => {
      source.close()
      input.state.close()
    })
  }
  const close = async () => {
    proxy.close()
    await served.close()
  }
  return { ...served, proxy, run, close }
}

/** Passes requests on to `upstream` and changes their answers. */
export async function openProxy(upstream: string) {
  const state = {
    upstream,
    tamper: (() => undefined) as Tamper,
    requests: [] as string[],
    down: false,
    missing: undefined as RegExp | undefined,
  }
  const server = createServer(async (request, response) => {
    const path = request.url!
    state.requests.push(path)
    if (state.down) return void response.destroy()
    if (state.missing?.test(path)) return void response.writeHead(404).end()
    const answer = await fetch(state.upstream + path)
    const body = Buffer.from(await answer.arrayBuffer())
    const changed = state.tamper(path, body) ?? body
    // The change may have been that the line went dead.
    if (state.down) response.destroy()
    else response.writeHead(answer.status).end(changed)
  })
  const url = await listen(server)
  return Object.assign(state, { url, close: () => stop(server) })
}

/**
 * Passes requests on to `upstream`, except those that `answer` takes. Counts how many run at once.
 */
export async function openHostile(upstream: string) {
  const state = { answer: ((_path, _response) => false) as (path: string, response: ServerResponse) => boolean, mostAtOnce: 0 }
  let underWay = 0
  const server = createServer(async (request, response) => {
    state.mostAtOnce = Math.max(state.mostAtOnce, ++underWay)
    response.once('close', () => underWay--)
    if (state.answer(request.url!, response)) return
    const answer = await fetch(upstream + request.url)
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type')! }).end(Buffer.from(await answer.arrayBuffer()))
  })
  const url = await listen(server)
  return Object.assign(state, { url, close: () => stop(server) })
}

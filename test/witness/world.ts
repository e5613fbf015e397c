/** Logs that a test signs as it likes, and witnesses in folders of this machine. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createWitnessClient, type WitnessClient } from '../../src/anchor/witness-client.ts'
import type { Hash } from '../../src/core/hash.ts'
import { type Policy, parsePolicy } from '../../src/core/policy.ts'
import { formatAddCheckpoint } from '../../src/core/tlog/add-checkpoint.ts'
import { formatCheckpoint } from '../../src/core/tlog/checkpoint.ts'
import { createSigner, formatVkey, type Signer, signNote } from '../../src/core/tlog/note.ts'
import { type Log, silentLog } from '../../src/logger.ts'
import { serveWitness, type WitnessServerTimes } from '../../src/witness/http.ts'
import { openWitness } from '../../src/witness/open.ts'
import type { ChainWatch } from '../../src/witness/watch.ts'
import { mth, naiveSha256, subproof } from '../core/tlog/naive.ts'
import { testHost } from '../test-host.ts'

/** Where the clock of the tests begins, in Unix seconds. */
export const NOW = 1_790_000_000

export type TestLog = {
  readonly origin: string
  readonly signer: Signer
  root(size: number): Hash
  proof(from: number, to: number): Hash[]
  /** The checkpoint of a size, signed by the log's key or by others. */
  note(size: number, signers?: readonly Signer[]): string
  /** The body of a request. */
  request(oldSize: number, size: number): string
  policy(change?: object): Policy
}

/** A log of up to 64 entries. From `forkAt` on, its entries are other ones than those of the same origin. */
export function createTestLog(origin: string, forkAt = Number.POSITIVE_INFINITY): TestLog {
  const signer = createSigner(origin, naiveSha256(new TextEncoder().encode(origin)))
  const leaves = Array.from({ length: 64 }, (_, at) => naiveSha256(Uint8Array.of(0, at, at < forkAt ? 0 : 1)))
  const root = (size: number) => mth(leaves.slice(0, size))
  const proof = (from: number, to: number) => (from === 0 ? [] : subproof(from, leaves.slice(0, to)))
  const note = (size: number, signers: readonly Signer[] = [signer]) =>
    signNote(formatCheckpoint({ origin, size, root: root(size) }), ...signers)
  return {
    origin,
    signer,
    root,
    proof,
    note,
    request: (oldSize, size) => formatAddCheckpoint({ oldSize, proof: oldSize < size ? proof(oldSize, size) : [], note: note(size) }),
    policy: change =>
      parsePolicy(
        JSON.stringify({
          type: 'openseal/policy@v1',
          origin,
          logKeys: [{ vkey: formatVkey(signer.vkey) }],
          anchors: [],
          ...change,
        }),
      ),
  }
}

export type Answered = { readonly status: number; readonly type: string | null; readonly text: string }
export type Started = {
  readonly vkey: string
  readonly url: string
  readonly client: WitnessClient
  /** Sends a body to add-checkpoint. */
  add(body: string | Uint8Array): Promise<Answered>
  get(path: string): Promise<Answered>
  stop(): Promise<void>
}
export type StartOptions = {
  readonly policies: readonly Policy[]
  readonly data?: string
  readonly marks?: string
  readonly name?: string
  readonly watch?: ChainWatch
  readonly log?: Log
  readonly nowSeconds?: () => number
  readonly times?: WitnessServerTimes
  readonly port?: number
}

/** Folders of one suite, removed after it, and the witnesses in them, ended after each test. */
export function useWitnesses() {
  const folder = mkdtempSync(join(tmpdir(), 'openseal-witness-'))
  const running = new Set<Started>()
  let count = 0
  afterEach(async () => {
    await Promise.all([...running].map(witness => witness.stop()))
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  const newFolder = () => join(folder, String(count++))

  async function start(options: StartOptions): Promise<Started> {
    const {
      policies,
      data = newFolder(),
      marks = `${data}-marks`,
      name,
      watch,
      log = silentLog,
      nowSeconds = () => NOW,
      times,
      port = 0,
    } = options
    const host = testHost({ nowMs: () => nowSeconds() * 1000 })
    const opened = await openWitness({ data, markFolder: marks, name, policies, watch, host, log })
    const server = await serveWitness({ witness: opened.witness, host: '127.0.0.1', port, log, ...(times && { times }) }).catch(
      async error => {
        await opened.close()
        throw error
      },
    )
    const { vkey } = opened
    const { url } = server
    const ask = async (path: string, init: RequestInit): Promise<Answered> => {
      const response = await fetch(url + path, init)
      return { status: response.status, type: response.headers.get('content-type'), text: await response.text() }
    }
    const started: Started = {
      vkey,
      url,
      client: createWitnessClient({ vkey, url, fetch, host }),
      add: body => ask('/add-checkpoint', { method: 'POST', body: typeof body === 'string' ? body : new Uint8Array(body) }),
      get: path => ask(path, {}),
      async stop() {
        if (!running.delete(started)) return
        await server.close()
        await opened.close()
      },
    }
    running.add(started)
    return started
  }

  return { start, newFolder }
}

/**
 * A ledger of three real nodes on a real PostgreSQL with a synchronous standby, through trouble:
 * after each, everything that was acknowledged is there once, and there is one history.
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { readConfig } from '../../src/config.ts'
import { toBase64 } from '../../src/core/bytes.ts'
import { parseNote, parseVkey } from '../../src/core/tlog/note.ts'
import { rotateLogKey } from '../../src/server/rotate.ts'
import { type Commands, openCommands } from '../cli/commands.ts'
import { AGENCY, statement } from '../http/service.ts'
import type { LossyProxy } from '../store/postgres/proxy.ts'
import type { TestServer } from '../store/postgres/server.ts'
import { createDeskClient, type DeskClient } from '../web/desk-client.ts'
import { startCluster } from './cluster.ts'
import { createLoad, isServing, send } from './load.ts'
import type { ClusterNode } from './nodes.ts'
import { fillDisk, noteJournal, refuseWrites } from './triggers.ts'

const NODES = 3
/** Longer than every limit of the nodes and of the database. */
const PAUSE_MS = 30_000

describe('cluster', function () {
  this.timeout(300_000)
  let cluster: Awaited<ReturnType<typeof startCluster>>
  let commands: Commands
  let load: ReturnType<typeof createLoad>
  let operator: string
  let key: string
  let urls: string[]
  let database: string
  let whenPromoted = async (_dead: TestServer) => {}
  const told: string[] = []

  before(async () => {
    commands = openCommands()
    cluster = await startCluster({
      nodes: NODES,
      port: 0,
      told: what => told.push(what),
      env: { OPENSEAL_RATE_ADDRESS: '0', OPENSEAL_RATE_KEY: '0', OPENSEAL_ERASURE_DELAY: '0' },
      onPromoted: dead => whenPromoted(dead),
    })
    urls = cluster.nodes.map(({ url }) => url)
    database = new URL(cluster.database.address.replace(/,[^/]*/, '')).pathname.slice(1)
    operator = readFileSync(join(cluster.data, 'keys', 'operator.key'), 'utf8').trim()
    await send(urls[0]!, '/v1/agencies', operator, { id: AGENCY, name: 'Transport' })
    key = await newKey(urls[1]!)
    load = createLoad(key)
  })
  // A test that fails leaves its submitters running.
  afterEach(() => load.abandon())
  after(async () => {
    await cluster?.stop()
    await commands.close()
  })

  const newKey = async (url: string, body: object = {}) =>
    (await send(url, `/v1/agencies/${AGENCY}/keys`, operator, body)).json.key as string
  const sql = (text: string) => cluster.database.primary().sql(text, database)
  /** Changes a setting of the user of the nodes, who connect again. */
  const reconnect = async (change: string) => {
    await sql(change)
    await sql("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'openseal'")
  }
  const status = async (url: string) => (await send(url, '/v1/status', operator)).json
  const until = async (done: () => Promise<boolean>) => {
    while (!(await done())) await sleep(50)
  }
  const untilServing = () => until(async () => (await Promise.all(urls.map(isServing))).every(serves => serves))
  /** Everything acknowledged is at every node, each shows the same checkpoint, and an auditor finds one history. */
  const check = async () => {
    await untilServing()
    await load.check(urls)
    await until(async () => new Set(await Promise.all(urls.map(async url => (await status(url)).checkpoint))).size === 1)
    const asked = ['audit', '--trust-ledger', '--ledger', cluster.proxy, '--rpc', cluster.chain.url]
    const { code, out, err } = await commands.run(asked)
    assert.equal(code, 0, out + err)
  }

  it('begins one log under one set of keys where all nodes start at once on an empty database', async () => {
    assert.deepEqual(told, [])
    const states = await Promise.all(urls.map(status))
    assert.equal(new Set(states.map(({ vkey }) => vkey)).size, 1)
    const first = await Promise.all(urls.map(async url => JSON.stringify((await send(url, '/v1/records/0', operator)).json.statement)))
    assert.deepEqual([new Set(first).size, first[0]!.includes('openseal/genesis@v1')], [1, true])
    assert.deepEqual(readdirSync(join(cluster.data, 'keys')).sort(), ['erasure.key', 'log.key', 'operator.key'])
  })

  it('starves no node while all of them take records', async () => {
    const loaded = load.begin(urls, 4)
    await loaded.more(60 * NODES)
    await loaded.end()
    const shares = urls.map(url => load.acknowledgedBy(url) / load.acknowledged.size)
    assert.ok(Math.min(...shares) > 0.3 / NODES, `shares ${shares.map(share => share.toFixed(2))}`)
  })

  it('refuses a revoked key at every node from two seconds on', async () => {
    const key = await newKey(urls[0]!)
    const { keyId } = (await send(urls[0]!, '/v1/key', key)).json
    for (const url of urls) assert.equal((await send(url, '/v1/key', key)).status, 200)
    assert.ok((await send(urls[0]!, `/v1/agencies/${AGENCY}/keys/${keyId}`, operator, undefined, 'DELETE')).status < 300)
    await sleep(2000)
    const answers = await Promise.all(urls.map(url => send(url, '/v1/records', key, statement(1_000_000))))
    assert.deepEqual(
      answers.map(({ status, json }) => [status, json.code]),
      urls.map(() => [401, 'KEY_REVOKED']),
    )
  })

  it('has each record once where the database is SERIALIZABLE by default, and the server refuses one write after another', async () => {
    await reconnect("ALTER ROLE ledger SET default_transaction_isolation = 'serializable'")
    const refusing = await refuseWrites(sql)
    const before = load.refused.length
    const loaded = load.begin(urls, 2)
    const written = ['batch', 'document', 'head', 'identity', 'lookup', 'statement']
    await until(async () => {
      const found = await refusing.tables()
      return written.every(table => found.includes(table))
    })
    await loaded.more(10)
    await loaded.end()
    assert.deepEqual(load.refused.slice(before), [])
    await refusing.end()
    await reconnect('ALTER ROLE ledger RESET default_transaction_isolation')
    assert.deepEqual(told, [])
    await check()
  })

  it('refuses records with the reason while the disk of the database is full, shows the others, and goes on when there is room', async () => {
    const loaded = load.begin(urls, 1)
    await loaded.more(5)
    const full = await fillDisk(sql)
    const size = async () => Number((await sql('SELECT size FROM openseal.head'))[0].size)
    const before = await size()
    for (const url of urls) {
      const refused = await send(url, '/v1/records', key, statement(4_000_000))
      assert.deepEqual([refused.status, refused.json.code], [503, 'LEDGER_UNSETTLED'])
      assert.match(String(refused.json.detail), /Its disk is full: make room there/)
      assert.equal((await send(url, '/v1/records/1', '')).status, 200)
      await until(async () => !(await isServing(url)))
    }
    assert.equal(await size(), before)
    await full.end()
    await loaded.more(10)
    await loaded.end()
    assert.equal(await load.submitOne(4_000_000, urls[1]!), true)
    assert.deepEqual(told, [])
    await check()
  })

  it('takes a record through the desk where each step of the form meets another node', async () => {
    const jar = new Map<string, string>()
    const [first, second, third] = urls.map(url => createDeskClient(url, jar)) as [DeskClient, DeskClient, DeskClient]
    assert.equal((await first.signIn(key)).status, 303)
    const form = await second.submit(await third.get('/desk/new'), '/desk/form', {
      ...{ action: 'publish', kind: 'decision', record: 'desk-1', title: 'Filed at two nodes' },
      documents: JSON.stringify([{ name: 'a.txt', mediaType: 'text/plain', bytes: 1, sha256: 'ab'.repeat(32) }]),
    })
    const preview = await third.submit(form, '/desk/preview', { record: 'desk-1', kind: 'decision' })
    const done = await createDeskClient(cluster.proxy, jar).submit(preview, '/desk/submit')
    assert.equal(done.status, 303)
    const index = /\/desk\/done\/(\d+)/.exec(String(done.headers.location))?.[1]
    for (const node of [first, second, third])
      assert.match((await node.get(`/desk/done/${index}`)).text, /It is on the ledger[\s\S]*desk-1/)
  })

  it('shows at one node what another has just taken, on every page and route that a client is sent to', async () => {
    const second = createDeskClient(urls[1]!)
    await second.signIn(key)
    const paths: readonly ((index: number) => string)[] = [
      index => `/desk/done/${index}`,
      index => `/desk/published?of=${index}`,
      index => `/desk/receipts.zip?of=${index}`,
      index => `/records/${index}`,
      index => `/v1/records/${index}`,
      index => `/v1/records/${index}/receipt`,
      index => `/v1/proofs/inclusion/${index}/${index + 1}`,
      index => `/v1/proofs/consistency/1/${index + 1}`,
    ]
    for (const [n, path] of paths.entries()) {
      const index = Number((await send(urls[0]!, '/v1/records', key, statement(5_000_000 + n))).json.index)
      assert.equal((await second.get(path(index))).status, 200, path(index))
    }
  })

  it('has each record once where the answers to commits are lost while records come in', async () => {
    const loaded = load.begin(urls, 2)
    const lines = cluster.lines.map(([line]) => line!)
    for (let round = 0; round < 2; round++)
      for (const line of lines) {
        const before = line.fated()
        line.next(round === 0 ? 'answer' : 'lose')
        await until(async () => line.fated() > before)
      }
    await loaded.more(10)
    await loaded.end()
    await check()
  })

  it('goes on under a log key that is changed while all nodes run, and restarts none of them', async () => {
    const { vkey } = await status(urls[0]!)
    const loaded = load.begin(urls, 2)
    await loaded.more(5)
    const own = { OPENSEAL_DATA: join(cluster.data, 'rotating'), OPENSEAL_MARK: join(cluster.data, 'rotating-mark') }
    const { oldKey, newKey, fromSize } = await rotateLogKey(readConfig({ ...cluster.env, ...own }))
    await loaded.more(20)
    await loaded.end()
    await until(async () => (await Promise.all(urls.map(status))).every(({ vkey }) => vkey === newKey))
    assert.deepEqual([oldKey, told], [vkey, []])
    // Whichever node opened it, the first round of the new key has both signatures. It ends the grace at each.
    const signaturesOf = (note: string) => parseNote(note).signatures.map(({ id }) => id)
    type ShownRound = { readonly size: number; readonly checkpoint: string; readonly final: boolean }
    const rounds = async (): Promise<readonly ShownRound[]> =>
      (await (await fetch(`${urls[0]}/v1/rounds?cursor=${fromSize - 1}`)).json()).rounds
    await until(async () => (await rounds()).some(({ final }) => final))
    const [first] = await rounds()
    const ids = [newKey, oldKey].map(key => parseVkey(key).id)
    assert.deepEqual(signaturesOf(first!.checkpoint), ids)
    const shown = () => Promise.all(urls.map(async url => signaturesOf(await (await fetch(`${url}/checkpoint`)).text())))
    await until(async () => (await shown()).every(({ length }) => length === 1))
    assert.deepEqual(new Set((await shown()).flat()), new Set(ids.slice(0, 1)))
    await check()
    const policies = await Promise.all(urls.map(async url => JSON.stringify((await send(url, '/policy.json', '')).json.logKeys)))
    assert.deepEqual([new Set(policies).size, policies[0]!.includes('toSize')], [1, true])
  })

  it('anchors on where the holder of the lease is paused, which writes nothing of the journal when it wakes', async () => {
    const journal = await noteJournal(sql)
    const writers = async (after: number) =>
      (await journal.after(after)).map(({ at, port }) => ({ at, node: cluster.lines.findIndex(line => usesPort(line, port)) }))
    const loaded = load.begin([cluster.proxy], 2)
    await until(async () => (await writers(0)).length > 0)
    const [{ node: holder } = { node: -1 }] = await writers(0)
    const paused = cluster.nodes[holder]!.pid()
    process.kill(paused, 'SIGSTOP')
    // As if a minute had passed, after which another node may take it.
    await sql("UPDATE openseal.document SET value = '0' WHERE convert_from(key, 'UTF8') LIKE '%-until'")
    await until(async () => (await writers(0)).some(({ node }) => node !== holder))
    const [last] = (await writers(0)).slice(-1)
    process.kill(paused, 'SIGCONT')
    const woken = load.begin([urls[holder]!], 1)
    await woken.more(3)
    await until(async () => (await writers(last!.at)).length > 2)
    await woken.end()
    await loaded.end()
    assert.deepEqual([(await writers(last!.at)).filter(({ node }) => node === holder), told], [[], []])
    await journal.end()
    await check()
  })

  it('goes on where one node is cut off in the middle of a seal, and one is paused for half a minute', async () => {
    const [first, second, third] = cluster.nodes as [ClusterNode, ClusterNode, ClusterNode]
    const loaded = load.begin(urls, 2)
    await loaded.more(10)
    const [line] = cluster.lines[2]!
    const cut = line!.fated()
    line!.next('stop')
    await until(async () => line!.fated() > cut)
    process.kill(second.pid(), 'SIGSTOP')
    const pausedMs = performance.now()
    // The first one seals alone until the third one gives up its connection, and all but the paused one then.
    const before = load.acknowledgedBy(first.url)
    await until(async () => load.acknowledgedBy(first.url) > before + 10)
    await until(() => load.submitOne(6_000_000, third.url))
    await sleep(Math.max(0, pausedMs + PAUSE_MS - performance.now()))
    process.kill(second.pid(), 'SIGCONT')
    const woken = load.acknowledgedBy(second.url)
    await until(async () => load.acknowledgedBy(second.url) > woken + 3)
    await loaded.end()
    // None of them was started again.
    assert.deepEqual(told, [])
    await check()
  })

  it('loses nothing acknowledged and logs nothing twice while nodes and the primary die', async () => {
    const [first, second] = cluster.nodes as [ClusterNode, ClusterNode]
    const loaded = load.begin([cluster.proxy], 4)
    await loaded.more(10)
    const killed = first.pid()
    process.kill(killed, 'SIGKILL')
    await loaded.more(10)
    while (first.pid() === killed || !(await isServing(first.url))) await sleep(50)
    process.kill(second.pid(), 'SIGSTOP')
    await loaded.more(10)
    process.kill(cluster.database.primary().pid(), 'SIGKILL')
    await loaded.more(10)
    process.kill(second.pid(), 'SIGCONT')
    await loaded.more(10)
    await loaded.end()
    await check()
    assert.match(told.join('\n'), /was started again[\s\S]*the standby was promoted/)
    await until(async () => cluster.database.standby() !== undefined)
  })

  it('shows nothing that a fail-over took back, and uses the old primary no more, even after a start', async () => {
    const shown = new Set<string>()
    const look = async () => {
      for (const url of urls) {
        const note = await fetch(`${url}/checkpoint`).then(
          answer => answer.text(),
          () => undefined,
        )
        if (note !== undefined) shown.add(note)
      }
    }
    const loaded = load.begin(urls, 1)
    await loaded.more(3)
    await loaded.end()
    await check()
    const { size, vkey } = await status(urls[0]!)
    const { timeline } = JSON.parse(readFileSync(await markOf(2, String(vkey)), 'utf8')).database

    // Only the primary gets this record: its standby is cut off, and somebody cancels the wait.
    cluster.database.cutStandby()
    const pending = load.submitOne(2_000_000, urls[0]!)
    // Also what else waits, until it is the record's commit.
    const cancel = `SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND application_name = 'openseal'`
    await until(async () => {
      await sql(cancel)
      return Number((await sql('SELECT size FROM openseal.head'))[0].size) > Number(size)
    })
    // Every node meets it now, and none may show it.
    for (let i = 0; i < 3; i++) {
      await Promise.all(urls.map(url => send(url, `/v1/records/${size}`, operator)))
      await look()
    }
    assert.equal(await pending, false)
    assert.deepEqual(
      [...shown].map(note => Number(note.split('\n')[1]) > Number(size)),
      [...shown].map(() => false),
    )

    const comeBack = new Promise<void>((resolve, reject) => {
      whenPromoted = async dead => {
        await returnOf(dead, timeline + 1).then(resolve, reject)
      }
    })
    await cluster.database.primary().kill()
    await comeBack
    await until(() => load.submitOne(2_000_000, urls[0]!))
    const more = load.begin(urls, 1)
    await more.more(10)
    await more.end()
    await look()
    await check()
    for (const note of shown) {
      const [, shownSize, root] = note.split('\n')
      const { json } = await send(urls[0]!, `/v1/proofs/consistency/${shownSize}/${(await status(urls[0]!)).size}`, '')
      assert.equal(toBase64(Buffer.from(String(json.fromRoot), 'hex')), root)
    }
  })

  /** The old primary is there again, with the new one, and then alone. */
  async function returnOf(dead: TestServer, timeline: number): Promise<void> {
    const { nodes } = cluster
    const loaded = load.begin(urls, 1)
    await loaded.more(3)
    await dead.start()
    await sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'openseal'")
    await loaded.more(10)
    await loaded.end()
    // Nodes know the new timeline when their mark has it.
    const { vkey } = await status(urls[0]!)
    const mark = await markOf(2, String(vkey))
    await until(async () => JSON.parse(readFileSync(mark, 'utf8')).database.timeline === timeline)
    await cluster.database.primary().kill()
    await until(async () => !(await isServing(urls[0]!)))
    assert.equal(await load.submitOne(3_000_000, urls[0]!), false)
    process.kill(nodes[2]!.pid(), 'SIGKILL')
    await until(async () => readFileSync(join(nodes[2]!.folder, 'service.log'), 'utf8').includes('STORE_TIMELINE'))
    assert.equal(await isServing(urls[2]!), false)
    await cluster.database.primary().start()
    await untilServing()
  }

  const markOf = async (node: number, vkey: string) => {
    const folder = join(cluster.nodes[node]!.folder, 'mark')
    const files = readdirSync(folder).filter(file => file.endsWith('.json'))
    return join(folder, files.find(file => readFileSync(join(folder, file), 'utf8').includes(JSON.stringify(vkey)))!)
  }
})

function usesPort(lines: readonly LossyProxy[], port: number): boolean {
  return lines.some(line => line.ports().has(port))
}

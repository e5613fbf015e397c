/**
 * The whole service from its configuration, on the embedded chain: starts, starts again, and says
 * clearly why it cannot.
 */
import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Config, readConfig } from '../src/config.ts'
import type { Service } from '../src/server/server.ts'
import { statement } from './http/service.ts'
import { readJson, sendJson, useServices } from './services.ts'

describe('server', () => {
  let folder: string
  let config: Config
  const { start, logged } = useServices(() => config)
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'openseal-server-'))
    config = {
      ...readConfig({ OPENSEAL_PORT: '0', OPENSEAL_CHAIN_PORT: '0', OPENSEAL_ANCHOR_INTERVAL: '200ms' }),
      dataDir: join(folder, 'data'),
    }
  })
  after(() => rm(folder, { recursive: true, force: true }))

  const code = (expected: string) => (error: { code?: string; message: string }) => {
    deepEqual([error.code, error.message.split('\n').length], [expected, 1])
    return true
  }
  const waitForAnchor = async (service: Service, index: number) => {
    for (;;) {
      const { state } = await readJson(service, `/v1/records/${index}`)
      if (state === 'anchored') return
      await sleep(50)
    }
  }

  it('starts from nothing, takes a record and anchors it; started again it finds everything', async () => {
    const first = await start()
    for (const file of ['log.key', 'operator.key']) equal((await stat(join(config.dataDir, 'keys', file))).mode % 0o1000, 0o600)
    const operatorKey = (await readFile(first.operatorKeyFile!, 'utf8')).trim()
    await sendJson(first, '/v1/agencies', operatorKey, { id: 'transport.gov.example', name: 'Ministry of Transport' })
    const { key } = await sendJson(first, '/v1/agencies/transport.gov.example/keys', operatorKey, {})
    const { index } = await sendJson(first, '/v1/records', key, statement(1))
    equal(index, 1)
    await waitForAnchor(first, index)
    const receipt = await readJson(first, '/v1/records/1/receipt')
    const policy = await readJson(first, '/policy.json')
    ok(receipt.anchors.length === 1)
    await first.close()

    const second = await start()
    deepEqual([second.vkey, await readJson(second, '/policy.json')], [first.vkey, policy])
    deepEqual(await readJson(second, '/v1/records/1/receipt'), receipt)
    equal((await sendJson(second, '/v1/records', key, statement(1))).index, 1)
    equal((await sendJson(second, '/v1/records', key, statement(2))).index, 2)
    await waitForAnchor(second, 2)
    ok(!logged.some(line => line.includes(key) || line.includes(operatorKey)))
  })

  it('warns where the ledger is public and its operator has no address of their own', async () => {
    const warned = () => logged.some(line => line.includes('"operator answered at the public port"'))
    const service = await start({ url: 'http://localhost:8080' })
    equal(warned(), false)
    await service.close()
    await start({ url: 'https://ledger.example' })
    equal(warned(), true)
  })

  it('answers the operator at the address of their own alone, and begins links with the public address', async () => {
    const service = await start({ url: 'https://ledger.example', operator: { host: '127.0.0.1', port: 0 } })
    const operatorKey = (await readFile(service.operatorKeyFile!, 'utf8')).trim()
    const headers = { authorization: `Bearer ${operatorKey}` }
    equal((await sendJson(service, '/v1/agencies', operatorKey, { id: 'b.example', name: 'B' })).code, 'OPERATOR_ELSEWHERE')
    const asOperator = { ...service, url: service.operatorUrl! }
    equal((await sendJson(asOperator, '/v1/agencies', operatorKey, { id: 'b.example', name: 'B' })).id, 'b.example')
    for (const path of ['/metrics', '/v1/backup', '/v1/agencies/b.example/keys']) {
      const answers = [service.url, service.operatorUrl!].map(url => fetch(url + path, { headers }))
      const [open, own] = await Promise.all(answers)
      deepEqual([path, open!.status, (await open!.json()).code, own!.status], [path, 403, 'OPERATOR_ELSEWHERE', 200])
      await own!.body?.cancel()
    }
    ok(
      (await (await fetch(`${service.url}/feed.atom`)).text()).includes(
        '<link rel="self" type="application/atom+xml" href="https://ledger.example/feed.atom"/>',
      ),
    )
  })

  it('lets its own pages ask the embedded chain, by the address that the operator gave them', async () => {
    const allowed = async (service: Service) => {
      const headers = { origin: 'https://evil.example', 'access-control-request-method': 'POST' }
      return (await fetch(service.chain.urls[0]!, { method: 'OPTIONS', headers })).headers.get('access-control-allow-origin')
    }
    const first = await start()
    equal(await allowed(first), first.url)
    await first.close()
    equal(await allowed(await start({ url: 'https://ledger.example' })), 'https://ledger.example')
  })

  it('says before anything else which logo it cannot use', async () => {
    await rejects(start({ operatorLogo: join(folder, 'no-logo.svg') }), code('LOGO_UNREADABLE'))
  })

  it('refuses a second service on the same data folder, and the first goes on', async () => {
    const first = await start()
    await rejects(start(), code('STORE_LOCKED'))
    equal((await fetch(`${first.url}/readyz`)).status, 200)
  })

  it('says that its port is busy and leaves nothing running', async () => {
    const first = await start()
    const other = { dataDir: join(folder, 'other'), port: Number(new URL(first.url).port) }
    await rejects(start(other), code('SERVER_LISTEN'))
    await rejects(stat(join(other.dataDir, 'chain')))
    await start({ ...other, port: 0 })
  })

  it('refuses another origin than the one it began with', () =>
    rejects(start({ origin: 'another.example/log' }), code('LEDGER_ORIGIN_CHANGED')))

  it('refuses another contract than the one it began with', () =>
    rejects(start({ contract: `0x${'12'.repeat(20)}` }), code('LEDGER_ANCHOR_CHANGED')))

  it('refuses a database beside a ledger in the data folder, and opens neither', () =>
    rejects(start({ storeUrl: 'postgres://nobody@127.0.0.1:1/none' }), code('SERVER_STORE')))

  it('refuses a log key that is missing, damaged or not random, and never makes another', async () => {
    const path = join(config.dataDir, 'keys', 'log.key')
    const key = await readFile(path)
    for (const [text, expected] of [
      ['00'.repeat(32), 'KEY_FILE_WEAK'],
      ['abc', 'KEY_FILE_MALFORMED'],
      ['', 'KEY_FILE_MALFORMED'],
    ] as const) {
      await writeFile(path, text)
      await rejects(start(), code(expected))
    }
    await rm(path)
    await rejects(start(), code('KEY_FILE_MISSING'))
    await rejects(stat(path))
    await writeFile(path, key, { mode: 0o644 })
    logged.length = 0
    await start()
    ok(logged.some(line => line.includes('key file readable by others')))
  })

  it('serves reads and refuses submissions while no endpoint of the chain answers, unless told to start without', async () => {
    const rpc = { rpcUrls: ['http://127.0.0.1:9'], anchorSigner: { privateKey: `0x${'ab'.repeat(32)}` } }
    const closed = await start(rpc)
    equal((await fetch(`${closed.url}/v1/records/0`)).status, 200)
    const ready = await fetch(`${closed.url}/readyz`)
    deepEqual([ready.status, ready.headers.has('retry-after')], [503, true])
    const { accepting, alarms } = closed.status()
    deepEqual([accepting, alarms[0]?.includes('has not compared itself with its chain')], [false, true])
    await closed.close()
    logged.length = 0
    const open = await start({ ...rpc, startWithoutChain: true })
    equal(open.status().accepting, true)
    ok(logged.some(line => line.includes('accepting without chain')))
  })

  it('says that the chain does not answer when a new ledger is started on it', () =>
    rejects(
      start({ dataDir: join(folder, 'new'), rpcUrls: ['http://127.0.0.1:9'], anchorSigner: { privateKey: `0x${'ab'.repeat(32)}` } }),
      code('CHAIN_UNREACHABLE'),
    ))
})

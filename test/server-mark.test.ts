/**
 * A data folder that somebody copied and put back: its mark, kept elsewhere, shows what the key has
 * signed since.
 */
import assert from 'node:assert/strict'
import { cp, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { acceptLoss } from '../src/care/backup.ts'
import { examine } from '../src/care/doctor.ts'
import { type Config, readConfig } from '../src/config.ts'
import type { Ledger } from '../src/ledger/ledger.ts'
import { silentLog } from '../src/logger.ts'
import { openMarkKeeper } from '../src/server/mark.ts'
import { rotateLogKey } from '../src/server/rotate.ts'
import type { Service } from '../src/server/server.ts'
import { createMemoryStore } from '../src/store/memory/memory.ts'
import { type AnyJson, statement } from './http/service.ts'
import { openTestLedger, statementOf } from './ledger/fixtures.ts'
import { useServices } from './services.ts'
import { testHost } from './test-host.ts'

const OPERATOR_KEY = 'operator-key-of-the-mark-test'

describe('the mark of a ledger', function () {
  this.timeout(30_000)
  let folder: string
  let data: string
  let mark: string
  let config: Config
  let key: string
  const { start, logged } = useServices(() => config)

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'openseal-mark-'))
    data = join(folder, 'data')
    mark = join(folder, 'mark')
    // Nothing is anchored while a test runs: only the mark can tell.
    config = {
      ...readConfig({ OPENSEAL_PORT: '0', OPENSEAL_CHAIN_PORT: '0', OPENSEAL_ANCHOR_INTERVAL: '1h', OPENSEAL_MARK: mark }),
      operatorKey: OPERATOR_KEY,
      dataDir: data,
    }
    logged.length = 0
    const service = await start()
    await send(service, '/v1/agencies', OPERATOR_KEY, { id: 'transport.gov.example', name: 'Ministry of Transport' })
    key = (await send(service, '/v1/agencies/transport.gov.example/keys', OPERATOR_KEY, {})).json.key
    assert.deepEqual(await submit(service, 1), [201, undefined])
    await service.close()
  })
  afterEach(async () => {
    await rm(folder, { recursive: true, force: true })
  })

  const send = async (service: Service, path: string, bearer: string, body: unknown) => {
    const headers = { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' }
    const answer = await fetch(service.url + path, { method: 'POST', headers, body: JSON.stringify(body) })
    return { status: answer.status, json: withoutPaths(await answer.json()) }
  }
  const submit = async (service: Service, n: number) => {
    const { status, json } = await send(service, '/v1/records', key, statement(n))
    return [status, json.code]
  }
  const read = async (service: Service, path: string) => {
    const answer = await fetch(service.url + path, { headers: { accept: 'application/json' } })
    return [answer.status, answer.status === 503 ? (await answer.json()).code : undefined]
  }
  const ready = async (service: Service) => withoutPaths(await (await fetch(`${service.url}/readyz`)).json())
  /** Anybody may read these answers: the folders of this machine are nobody's business. */
  const withoutPaths = (json: AnyJson): AnyJson => {
    assert.ok(!JSON.stringify(json).includes(folder), JSON.stringify(json))
    return json
  }
  const readMark = async () => {
    const files = (await readdir(mark)).filter(name => name.endsWith('.json'))
    assert.equal(files.length, 1)
    return JSON.parse(await readFile(join(mark, files[0]!), 'utf8'))
  }
  const untilMarked = async (size: number) => {
    while ((await readMark()).size < size) await sleep(20)
  }
  /** Runs the service for some records, then puts the folder back as it was before. */
  const copyThenGoOn = async (records: number) => {
    await cp(data, join(folder, 'copy'), { recursive: true })
    const service = await start()
    for (let n = 0; n < records; n++) assert.deepEqual(await submit(service, 10 + n), [201, undefined])
    await service.close()
    await cp(data, join(folder, 'newest'), { recursive: true })
    await putBack('copy')
  }
  const putBack = async (name: string) => {
    await rm(data, { recursive: true, force: true })
    await cp(join(folder, name), data, { recursive: true })
  }

  it('is exact after an orderly stop, at most a second behind while it runs, and for its owner alone', async () => {
    const service = await start()
    const { size: before } = await readMark()
    assert.equal(before, 2)
    await submit(service, 2)
    const acceptedMs = performance.now()
    await untilMarked(3)
    // A second, and as much again for a busy machine.
    assert.ok(performance.now() - acceptedMs < 2000)
    const { json } = { json: (await (await fetch(`${service.url}/v1/status`)).json()) as AnyJson }
    const { type, origin, vkey, size, root } = await readMark()
    assert.deepEqual([type, origin, vkey, size, root], ['openseal/mark@v1', service.origin, service.vkey, 3, json.root])
    await submit(service, 3)
    await service.close()
    assert.equal((await readMark()).size, 4)
    assert.equal((await stat(mark)).mode % 0o1000, 0o700)
    for (const name of await readdir(mark)) assert.equal((await stat(join(mark, name))).mode % 0o100, 0, name)
  })

  it('is raised for a tombstone too, so that an older copy without it does not pass for the newest', async () => {
    const service = await start({ erasureDelayMs: 0 })
    assert.deepEqual((await send(service, '/v1/records/1/erasure', OPERATOR_KEY, { reason: { code: 'legal' } })).json, {
      index: 1,
      erasure: 2,
    })
    await untilMarked(3)
    await service.close()
  })

  it('seals nothing on a copied data folder until the operator has decided', async () => {
    await copyThenGoOn(2)
    const old = await start()
    assert.deepEqual(await submit(old, 20), [503, 'LEDGER_STOPPED'])
    const { status, alarms, alarmCodes } = await ready(old)
    assert.deepEqual([status, alarmCodes[0]], ['stopped', 'MARK_BEHIND'])
    assert.match(alarms[0], /has signed 4 entries.*this store has only 2.*openseal restore --accept-loss 2/)
    const withheld = ['/v1/records', '/v1/records/1', '/v1/records/1/receipt', '/v1/receipts/1/2', '/v1/statements/1/2', '/v1/digests/abc']
    const pages = [
      '/',
      '/de/records/1',
      '/records',
      '/records?q=road',
      '/changes',
      '/feed.atom',
      '/agencies/transport.gov.example',
      '/desk',
    ]
    for (const path of [...withheld, ...pages]) assert.deepEqual(await read(old, path), [503, 'STORE_BEHIND'], path)
    const form = await fetch(`${old.url}/verify`, { method: 'POST', headers: { accept: 'application/json' }, body: new FormData() })
    assert.deepEqual([form.status, (await form.json()).code], [503, 'STORE_BEHIND'])
    // Paths that show no statement are served, so that others see how far the log is.
    for (const path of ['/checkpoint', '/tile/0/000.p/2', '/v1/status', '/v1/keys', '/policy.json', '/verify', '/operator'])
      assert.equal((await read(old, path))[0], 200, path)
    await old.close()
    assert.equal((await readMark()).size, 4, 'a ledger that is stopped lowers no mark')

    const diagnosis = await examine({ dataDir: data, repair: false, markFolder: mark })
    assert.deepEqual([diagnosis.verdict, diagnosis.complaints.map(({ code }) => code)], ['damaged', ['DOCTOR_MARK']])
    await assert.rejects(acceptLoss(data, 4, mark), { code: 'RESTORE_SIZE' })
    await acceptLoss(data, 2, mark)
    assert.equal((await readMark()).size, 2)
    await assert.rejects(acceptLoss(data, 2, mark), { code: 'RESTORE_NOT_MARKED' })
    const decided = await start()
    assert.equal((await read(decided, '/v1/records/1'))[0], 200)
    assert.deepEqual(await submit(decided, 20), [201, undefined])
  })

  it('lets the newest store go on when it is put back', async () => {
    await copyThenGoOn(2)
    await putBack('newest')
    const service = await start()
    assert.deepEqual([await submit(service, 20), (await ready(service)).alarmCodes], [[201, undefined], []])
  })

  it('stops a store that is larger, and another tree at the size that was signed', async () => {
    await copyThenGoOn(1)
    await acceptLoss(data, 2, mark)
    const other = await start()
    for (const n of [20, 21]) await submit(other, n)
    await other.close()
    await cp(data, join(folder, 'other'), { recursive: true })
    await putBack('newest')
    await acceptLoss(data, 3, mark)
    await putBack('other')
    const service = await start()
    assert.deepEqual(await submit(service, 30), [503, 'LEDGER_STOPPED'])
    const { alarms, alarmCodes } = await ready(service)
    assert.equal(alarmCodes[0], 'MARK_OTHER')
    assert.match(alarms[0], /another tree of 3 entries/)
  })

  it('stops two stores of one key at once: within a second the second one knows of the first', async () => {
    await cp(data, join(folder, 'twin'), { recursive: true })
    const one = await start()
    const two = await start({ dataDir: join(folder, 'twin') })
    await submit(one, 20)
    await untilMarked(3)
    await submit(two, 21)
    while ((await ready(two)).status === 'ok') await sleep(20)
    assert.deepEqual(await submit(two, 22), [503, 'LEDGER_STOPPED'])
    assert.deepEqual((await ready(two)).alarmCodes[0], 'MARK_FORKED')
    await two.close()
    await assert.rejects(acceptLoss(join(folder, 'twin'), 3, mark), { code: 'RESTORE_FORKED' })
    assert.deepEqual(await submit(one, 23), [201, undefined])
  })

  it('is reported missing once, in the log and at /readyz, and stops nothing', async () => {
    await rm(mark, { recursive: true })
    const service = await start()
    const { status, alarmCodes } = await ready(service)
    assert.deepEqual([status, alarmCodes, await submit(service, 20)], ['ok', ['MARK_MISSING'], [201, undefined]])
    assert.equal(logged.filter(line => line.includes('mark is missing')).length, 1)
    await service.close()
    assert.deepEqual((await ready(await start())).alarmCodes, [])
  })

  it('stops the ledger where it cannot be read, until the operator has decided', async () => {
    const [name] = (await readdir(mark)).filter(found => found.endsWith('.json'))
    await writeFile(join(mark, name!), '{"type":"openseal/mark@v1","size":')
    const service = await start()
    assert.deepEqual(await submit(service, 20), [503, 'LEDGER_STOPPED'])
    assert.deepEqual((await ready(service)).alarmCodes[0], 'MARK_UNREADABLE')
    await service.close()
    await acceptLoss(data, 2, mark)
    assert.deepEqual(await submit(await start(), 20), [201, undefined])
  })

  it('goes on accepting where it cannot be written, with an alarm until it can', async () => {
    await rm(mark, { recursive: true })
    await writeFile(mark, 'a file where a folder should be')
    const service = await start()
    assert.deepEqual(await submit(service, 20), [201, undefined])
    assert.deepEqual((await ready(service)).alarmCodes, ['MARK_NOT_WRITTEN'])
    await rm(mark)
    while ((await ready(service)).alarmCodes.length > 0) await sleep(50)
    assert.equal((await readMark()).size, 3)
  })

  it('must not be in the data folder, because it would be copied with it', async () => {
    for (const markFolder of [data, join(data, 'mark'), join(data, '..', 'data', 'x')])
      await assert.rejects(start({ markFolder }), { code: 'SERVER_MARK' })
    await start({ markFolder: join(folder, 'data-mark') })
  })

  it('follows a change of the log’s key: an old copy is found out, the new key begins where the old one ended', async () => {
    await cp(data, join(folder, 'copy'), { recursive: true })
    await rotateLogKey(config)
    const service = await start()
    assert.deepEqual([await submit(service, 20), (await ready(service)).alarmCodes], [[201, undefined], []])
    await service.close()
    await putBack('copy')
    const old = await start()
    assert.deepEqual((await ready(old)).alarmCodes[0], 'MARK_BEHIND')
  })
})

describe('the mark of several nodes on one machine', () => {
  it('is no reason to stop for a node that has not looked at the store since another has sealed', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'openseal-mark-'))
    const store = createMemoryStore()
    const nodes = [await openTestLedger(store), await openTestLedger(store)]
    const open = (ledger: Ledger) =>
      openMarkKeeper({ ledger, history: store.history, folder, isNew: false, host: testHost(), log: silentLog })
    const first = await open(nodes[0]!)
    await nodes[0]!.submit(statementOf('one'))
    await first.close()
    await open(nodes[1]!)
    assert.deepEqual(
      nodes.map(node => [node.head().size, node.stopped()]),
      [
        [2, undefined],
        [2, undefined],
      ],
    )
    await rm(folder, { recursive: true })
  })
})

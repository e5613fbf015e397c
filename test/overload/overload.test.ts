/**
 * The load test in short (`npm run overload` is the whole of it): a crowd that never waits, on the
 * real service in a process of its own.
 */
import { deepEqual, equal, ok } from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { endChain, type Running, startService } from '../crash/service.ts'
import { ask, check, openClient, registerAgency } from './world.ts'

describe('overload', function () {
  this.timeout(120_000)
  let folder: string
  let service: Running | undefined
  let client: ChildProcess
  const place = () => ({ folder, data: join(folder, 'data'), faults: false, env: { OPENSEAL_RATE_KEY: '0' } })

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'openseal-overload-'))
    service = await startService(place())
    client = await openClient()
  })
  after(async () => {
    client.kill('SIGTERM')
    await service?.stop()
    endChain(place())
    await rm(folder, { recursive: true, force: true })
  })

  it('admits or refuses each request of a crowd, with Retry-After, and has each acknowledged record once, at its index', async () => {
    const { url } = service!
    const order = { port: Number(new URL(url).port), key: await registerAgency(url) }
    const crowd = await ask(client, { ...order, run: 'crowd', connections: 400, durationMs: 2_000 })
    deepEqual([crowd.withoutRetry, Object.keys(crowd.answers).filter(name => name !== '201' && name !== '503 LEDGER_OVERLOADED')], [0, []])
    ok(crowd.acknowledged.length > 0)
    const after = await ask(client, { ...order, run: 'after', connections: 8, durationMs: 200 })
    deepEqual(Object.keys(after.answers), ['201'])
    const rows = [
      { run: 'crowd', ...crowd },
      { run: 'after', ...after },
    ]
    equal(await check(url, rows), crowd.acknowledged.length + after.acknowledged.length)
  })
})

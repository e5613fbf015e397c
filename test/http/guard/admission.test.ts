/**
 * Overload, without a clock that decides: a disk that waits as long as the test wants it to, and
 * more submissions than are let in.
 */
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { createAdmission } from '../../../src/http/guard/admission.ts'
import { createAgencies } from '../../../src/ledger/agencies/agencies.ts'
import { openLedger } from '../../../src/ledger/ledger.ts'
import { createPool } from '../../../src/log/pool.ts'
import { createLogSigner } from '../../../src/log/signer.ts'
import { createMemoryStore } from '../../../src/store/memory/memory.ts'
import type { Store } from '../../../src/store/port/port.ts'
import { testHost } from '../../test-host.ts'
import { AGENCY, linesOf, openService, statement } from '../service.ts'

describe('http: overload', () => {
  const nowMs = Date.now
  const stops: (() => unknown)[] = []
  afterEach(async () => {
    for (const stop of stops.splice(0).reverse()) await stop()
  })

  /** A service whose store holds each commit back until it is let go. */
  const open = async () => {
    const memory = createMemoryStore()
    const gate = { open: Promise.resolve(), release: () => {} }
    const store: Store = { ...memory, commit: batch => gate.open.then(() => memory.commit(batch)) }
    const signer = createLogSigner('openseal.test/overload', new Uint8Array(32).fill(3))
    let noteSeal: ((records: number) => void) | undefined
    const onSeal = ({ records }: { records: number }) => noteSeal?.(records)
    const ledger = await openLedger({ store, signer, origin: 'openseal.test/overload', anchors: [], host: testHost({ nowMs }), onSeal })
    const agencies = createAgencies({ store, host: testHost({ nowMs }) })
    await agencies.add({ id: AGENCY, name: 'Overload' })
    const { key } = await agencies.addKey(AGENCY, {})
    const admission = createAdmission({ waiting: () => ledger.waiting(), nowMs })
    noteSeal = admission.noteSeal
    const service = await openService({ ledger, agencies, admission })
    stops.push(admission.stop, service.close)
    return {
      ...service,
      ledger,
      submit: (n: number) => service.submit(statement(n), key),
      stream: (body: string) => service.stream(body, key),
      hold: () => {
        gate.open = new Promise(resolve => {
          gate.release = resolve
        })
      },
      release: () => gate.release(),
    }
  }
  const until = async (reached: () => boolean) => {
    while (!reached()) await new Promise(resolve => setTimeout(resolve, 1))
  }

  it('admits a limited number at once, loses none of them, refuses the rest, and takes the refused ones later', async () => {
    const service = await open()
    service.hold()
    const first = Array.from({ length: 128 }, (_, n) => service.submit(n))
    await until(() => service.ledger.waiting() === 128)
    const refused = await Promise.all(Array.from({ length: 150 }, (_, n) => service.submit(200 + n)))
    for (const { status, json, headers } of refused) {
      deepEqual([status, json.code], [503, 'LEDGER_OVERLOADED'])
      match(String(headers['retry-after']), /^[1-9]\d?$/)
    }
    equal((await service.get('/healthz')).status, 200)
    equal(service.ledger.head().size, 1)
    service.release()
    const accepted = await Promise.all(first)
    deepEqual(new Set(accepted.map(({ status }) => status)), new Set([201]))
    deepEqual(
      accepted.map(({ json }) => json.index).sort((a, b) => a - b),
      Array.from({ length: 128 }, (_, n) => n + 1),
    )
    for (let n = 0; n < 150; n++) equal((await service.submit(200 + n)).status, 201)
    equal(service.ledger.head().size, 279)
  })

  it('begins no stream while others fill it, and continues the running ones', async () => {
    const service = await open()
    service.hold()
    const lines = (first: number) => Array.from({ length: 3000 }, (_, n) => JSON.stringify(statement(first + n))).join('\n')
    const running = [service.stream(lines(0)), service.stream(lines(3000))]
    await until(() => service.ledger.waiting() === 6000)
    const another = await service.stream(JSON.stringify(statement(9000)))
    deepEqual([another.status, another.json.code], [503, 'LEDGER_OVERLOADED'])
    match(String(another.headers['retry-after']), /^[1-9]\d?$/)
    service.release()
    for (const answer of running) deepEqual(linesOf(await answer).at(-1), { accepted: 3000, known: 0, rejected: 0 })
    equal((await service.stream(JSON.stringify(statement(9000)))).status, 200)
  })

  describe('is declared for', () => {
    const clock = { nowMs: 0 }
    const world = { waiting: 0 }
    const open = () => {
      const admission = createAdmission({ waiting: () => world.waiting, nowMs: () => clock.nowMs })
      stops.push(admission.stop)
      return admission
    }
    beforeEach(() => {
      world.waiting = 0
    })

    it('never a handful of submissions, however slow the machine is', () => {
      const admission = open()
      for (let n = 0; n < 31; n++) admission.enter()
      clock.nowMs += 3_600_000
      equal(admission.busySeconds(), 0)
    })

    it('more waiting statements than can be sealed in two seconds, with the time that it will take', () => {
      const admission = open()
      world.waiting = 4_000
      equal(admission.busySeconds(), 0)
      world.waiting = 4_001
      equal(admission.busySeconds(), 3)
      world.waiting = 1_000_000
      equal(admission.busySeconds(), 30)
    })

    it('a disk that has sealed nothing for five seconds while a crowd waits', () => {
      const admission = open()
      world.waiting = 3_000
      admission.noteSeal(1)
      clock.nowMs += 5_000
      equal(admission.busySeconds(), 0)
      clock.nowMs += 1
      ok(admission.busySeconds() > 0)
      admission.noteSeal(2_000)
      equal(admission.busySeconds(), 0)
    })

    it('128 single submissions at once, until one of them is answered', () => {
      const admission = open()
      const leave = Array.from({ length: 128 }, () => admission.enter())
      ok(admission.busySeconds() > 0)
      leave[0]!()
      equal(admission.busySeconds(), 0)
    })
  })

  it('answers each of 100,000 clients that submitted the same statement at the same moment', async () => {
    let sealed = 0
    const pool = createPool(async batch => {
      sealed += batch.length
      return batch.map(() => ({ index: 1, known: false }))
    }, testHost())
    const identity = '01'.repeat(32)
    const prepared = { statement: new Uint8Array(100), identity, entry: new Uint8Array(33), subject: undefined, digests: [] }
    let told = 0
    let isNew = 0
    for (let n = 0; n < 100_000; n++)
      pool.submit(prepared, outcome => {
        told++
        if ('known' in outcome && !outcome.known) isNew++
      })
    await pool.drained()
    deepEqual([told, isNew, sealed], [100_000, 1, 1])
  })
})

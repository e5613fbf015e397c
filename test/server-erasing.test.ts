/** The task that erases what is due, and the alarm while an erasure is not finished. */
import { deepEqual, equal } from 'node:assert/strict'
import { createLog, silentLog } from '../src/logger.ts'
import { type Erasing, startErasing } from '../src/server/erasing.ts'
import { createMemoryStore } from '../src/store/memory/memory.ts'
import { openTestLedger, statementOf } from './ledger/fixtures.ts'
import { createTestClock, testHost } from './test-host.ts'

const SECOND_MS = 1000
const turns = async () => {
  for (let at = 0; at < 50; at++) await new Promise(setImmediate)
}

describe('erasing, as long as the service runs', () => {
  let clock: ReturnType<typeof createTestClock>
  let erasing: Erasing | undefined
  let isFinderClean: boolean
  const start = async (delayMs: number) => {
    clock = createTestClock()
    isFinderClean = true
    erasing = undefined
    const host = testHost({ ...clock, nowMs: clock.steadyMs })
    const ledger = await openTestLedger(createMemoryStore(), {
      host,
      erasure: { key: new Uint8Array(32).fill(9), delayMs, periodMs: 0 },
      onErased: () => erasing?.note(),
    })
    await ledger.submit(statementOf('a'))
    erasing = await startErasing({ ledger, isFinderClean: async () => isFinderClean, host, log: silentLog })
    await turns()
    return ledger
  }
  const look = async () => {
    clock.advance(SECOND_MS)
    await turns()
    return erasing?.alarm()?.code
  }

  it('erases what is due, without a request', async () => {
    const ledger = await start(5 * SECOND_MS)
    await ledger.requestErasure(1, 'other', { by: 'operator' })
    const seen: (number | undefined)[] = []
    for (let second = 0; second < 6; second++) {
      await look()
      seen.push((await ledger.erasureOf(1))?.tombstone)
    }
    deepEqual(seen, [undefined, undefined, undefined, undefined, 2, 2])
    await erasing?.stop()
    await ledger.close()
  })

  it('raises the alarm as soon as an erasure is answered, until the finder has forgotten it', async () => {
    const ledger = await start(0)
    equal(erasing?.alarm(), undefined)
    isFinderClean = false
    await ledger.requestErasure(1, 'other', { by: 'operator' })
    equal(erasing?.alarm()?.code, 'ERASURE_UNFINISHED')
    equal(await look(), 'ERASURE_UNFINISHED')
    isFinderClean = true
    equal(await look(), undefined)
    await erasing?.stop()
    await ledger.close()
  })

  it('keeps the alarm if a statement is erased while the finder is asked', async () => {
    const ledger = await start(0)
    let answer = (_isClean: boolean) => {}
    const asked = await startErasing({
      ledger,
      isFinderClean: () =>
        new Promise(resolve => {
          answer = resolve
        }),
      host: testHost({ ...clock, nowMs: clock.steadyMs }),
      log: silentLog,
    })
    await turns()
    asked.note()
    answer(true)
    await turns()
    equal(asked.alarm()?.code, 'ERASURE_UNFINISHED')
    clock.advance(SECOND_MS)
    await turns()
    answer(true)
    await turns()
    equal(asked.alarm(), undefined)
    await erasing?.stop()
    await asked.stop()
    await ledger.close()
  })

  it('tells from the start on what an earlier run has left undone', async () => {
    const never = new Promise<void>(() => {})
    clock = createTestClock()
    const ledger = { tendErasures: () => never, unfinishedErasures: async () => true }
    const started = await startErasing({ ledger, isFinderClean: async () => true, host: testHost(clock), log: silentLog })
    equal(started.alarm()?.code, 'ERASURE_UNFINISHED')
  })

  it('logs a failure once, however long it lasts, and the next one again', async () => {
    clock = createTestClock()
    let fails = true
    const logged: string[] = []
    const ledger = {
      tendErasures: async () => {
        if (fails) throw new Error('a test')
      },
      unfinishedErasures: async () => false,
    }
    const log = createLog({ write: line => logged.push(line), nowMs: Date.now })
    erasing = await startErasing({ ledger, isFinderClean: async () => true, host: testHost(clock), log })
    await turns()
    equal(await look(), 'ERASURE_UNFINISHED')
    equal(logged.length, 1)
    fails = false
    equal(await look(), undefined)
    fails = true
    await look()
    equal(logged.length, 2)
    await erasing.stop()
  })
})

/** Asking again: who waits, how often, and when that ends. */
import { deepEqual, equal, rejects } from 'node:assert/strict'
import { LedgerFailure, type Refusal } from '../../src/ledger-client/http.ts'
import { createRetries, waitUntil } from '../../src/ledger-client/retries.ts'

const refusal: Refusal = { status: 503, type: undefined, location: undefined, waitMs: undefined, problem: undefined, text: '' }
const busy = () => new LedgerFailure('LEDGER_REFUSED', 'busy', { refusal })
const cut = () => new LedgerFailure('LEDGER_CUT_OFF', 'broken off')

/** A request that fails with each of these in turn, then succeeds. */
function failing(...failures: Error[]) {
  const request = async () => {
    request.calls++
    const failure = failures.shift()
    if (failure !== undefined) throw failure
  }
  request.calls = 0
  return request
}

describe('ledger-client/retries', () => {
  const twice = { waitMs: (_: LedgerFailure, attempts: number) => (attempts <= 2 ? attempts * 10 : undefined), sleep: async () => {} }

  it('asks again as long as it may, and then gives the last failure', async () => {
    const waits: number[] = []
    const retried = createRetries({ ...twice, sleep: async ms => void waits.push(ms) })
    const passing = failing(cut(), cut())
    await retried(passing)
    const lasting = failing(cut(), cut(), cut())
    await rejects(retried(lasting), { code: 'LEDGER_CUT_OFF' })
    deepEqual([passing.calls, lasting.calls, waits], [3, 3, [10, 20, 10, 20]])
  })

  it('asks only once if the failure is not that of a request', async () => {
    const broken = failing(new TypeError('bug'))
    await rejects(createRetries(twice)(broken), TypeError)
    equal(broken.calls, 1)
  })

  it('makes all requests wait while a busy ledger asks one of them to, but not after another failure', async () => {
    for (const [failure, callsMeanwhile] of [
      [busy(), 0],
      [cut(), 1],
    ] as const) {
      let wake = () => {}
      const sleeping = new Promise<void>(resolve => {
        wake = resolve
      })
      const retried = createRetries({ ...twice, sleep: () => sleeping })
      const [first, second] = [failing(failure), failing()]
      const running = [retried(first)]
      await new Promise(resolve => setImmediate(resolve))
      running.push(retried(second))
      await new Promise(resolve => setImmediate(resolve))
      deepEqual([first.calls, second.calls], [1, callsMeanwhile])
      wake()
      await Promise.all(running)
      deepEqual([first.calls, second.calls], [2, 1])
    }
  })

  it('goes on with a busy ledger that answers others meanwhile', async () => {
    const retried = createRetries({ ...twice, sleep: () => retried(failing()) })
    const slow = failing(busy(), busy(), busy(), busy(), busy())
    await retried(slow)
    equal(slow.calls, 6)
  })

  it('waits no longer than the whole work lasts', async () => {
    const stop = new AbortController()
    const waiting = waitUntil(600_000, stop.signal)
    stop.abort(new Error('over'))
    await rejects(waiting, /over/)
    await rejects(waitUntil(0, stop.signal), /over/)
  })
})

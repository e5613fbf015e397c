/** The host of a real node: sleep that can be ended, and tasks that end when asked. */
import { deepEqual, equal, rejects } from 'node:assert/strict'
import { systemHost } from '../src/host.ts'
import { silentLog } from '../src/logger.ts'

describe('the host of a node', () => {
  it('ends a sleep as soon as its signal is aborted', async () => {
    const host = systemHost(silentLog)
    const controller = new AbortController()
    const asleep = host.sleep(60_000, controller.signal)
    controller.abort()
    await rejects(asleep, { name: 'AbortError' })
  })

  it('stops a task, and waits until it has ended', async () => {
    const host = systemHost(silentLog)
    const steps: string[] = []
    const task = host.spawn('sleeper', async signal => {
      await host.sleep(60_000, signal).catch(() => {})
      steps.push('cleaned up')
    })
    await task.stop()
    deepEqual(steps, ['cleaned up'])
  })

  it('logs a task that throws, under its name, and lets others go on', async () => {
    const logged: unknown[] = []
    const host = systemHost({ ...silentLog, error: (event, fields) => logged.push([event, fields?.task]) })
    const task = host.spawn('broken', async () => {
      throw new Error('bug: no such thing')
    })
    await task.stop()
    deepEqual(logged, [])
    const other = host.spawn('broken', async () => {
      throw new Error('bug: no such thing')
    })
    await new Promise(resolve => setImmediate(resolve))
    await other.stop()
    deepEqual(logged, [['task_failed', 'broken']])
  })

  it('gives as many random bytes as asked for', () => {
    equal(systemHost(silentLog).randomBytes(32).length, 32)
  })
})

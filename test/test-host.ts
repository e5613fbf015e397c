/** The host of a real node, with a clock or a dice of the test's own. */
import { type Host, systemHost } from '../src/host.ts'
import { silentLog } from '../src/logger.ts'

/** A host that is the system's but for `changes`. */
export function testHost(changes: Partial<Host> = {}): Host {
  return { ...systemHost(silentLog), ...changes }
}

/** A sleep that only its signal ends: for hosts whose time stands still. */
export function untilAborted(_ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason), { once: true }))
}

/** A clock that the test moves. `sleep` follows it. */
export function createTestClock() {
  let nowMs = 0
  const sleepers = new Set<{ readonly dueMs: number; readonly wake: () => void }>()
  return {
    steadyMs: () => nowMs,
    sleep(ms: number, signal?: AbortSignal): Promise<void> {
      return new Promise((resolve, reject) => {
        const sleeper = { dueMs: nowMs + ms, wake: resolve }
        sleepers.add(sleeper)
        signal?.addEventListener('abort', () => sleepers.delete(sleeper) && reject(signal.reason), { once: true })
      })
    },
    /** Moves the clock, and wakes those that are due. */
    advance(ms: number): void {
      nowMs += ms
      for (const sleeper of sleepers) if (sleeper.dueMs <= nowMs && sleepers.delete(sleeper)) sleeper.wake()
    },
  }
}

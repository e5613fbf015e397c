/**
 * Deadlines for every call of a store. A caller never waits longer than that. What a late write has
 * done is unknown then, and may land later: the head shows it.
 */
import type { BackgroundTask, Host } from '../host.ts'
import { StoreError } from './port/errors.ts'
import type { BegunCommit, Questions } from './port/log.ts'
import type { Store } from './port/port.ts'

type Call = (...args: readonly unknown[]) => unknown
type Waiting = { readonly dueMs: number; readonly refuse: () => void }

/**
 * The same store, whose calls throw STORE_LATE if there is no answer after `ms` milliseconds. So
 * does each step of its iterables, and everything but `close` and `purge`.
 */
export function withDeadlines<S extends Store>(
  store: S,
  { steadyMs, sleep, spawn }: Pick<Host, 'steadyMs' | 'sleep' | 'spawn'>,
  ms: number,
): S {
  /** The calls without an answer, the oldest first. One task watches all of them. */
  const waiting = new Set<Waiting>()
  let watch: BackgroundTask | undefined

  async function refuseLate(signal: AbortSignal): Promise<void> {
    for (let [first] = waiting; first !== undefined; [first] = waiting) {
      const leftMs = first.dueMs - steadyMs()
      if (leftMs > 0) await sleep(leftMs, signal)
      else first.refuse()
    }
    watch = undefined
  }

  /** Calls `refuse` after the time, unless the returned function is called first. */
  function watchFor(refuse: () => void): () => void {
    const call = {
      dueMs: steadyMs() + ms,
      refuse() {
        waiting.delete(call)
        refuse()
      },
    }
    waiting.add(call)
    watch ??= spawn('deadlines of the store', refuseLate)
    return () => waiting.delete(call)
  }

  function inTime<T>(name: string, answer: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const answered = watchFor(() =>
        reject(new StoreError('STORE_LATE', `The store has not answered in time (${name}). Try again later.`)),
      )
      const ending =
        <A>(end: (outcome: A) => void) =>
        (outcome: A) => {
          answered()
          end(outcome)
        }
      answer.then(ending(resolve), ending(reject))
    })
  }

  async function* eachInTime<T>(name: string, items: AsyncIterable<T>): AsyncGenerator<T> {
    const iterator = items[Symbol.asyncIterator]()
    try {
      for (;;) {
        const { done, value } = await inTime(name, iterator.next())
        if (done) return
        yield value
      }
    } finally {
      // Not awaited: while a step hangs, this would hang too.
      iterator.return?.().catch(() => {})
    }
  }

  const guarded = Object.entries(store as Record<string, Call>).map(([name, act]): [string, Call] => [
    name,
    (...args) => {
      const answer = act(...args)
      return isIterable(answer) ? eachInTime(name, answer) : inTime(name, answer as Promise<unknown>)
    },
  ])
  /**
   * If a commit begins late, its caller has gone, so it is ended here. So is a commit whose caller
   * does not go on in time, because everything else waits for it.
   */
  async function begin(questions: Questions): Promise<BegunCommit> {
    const beginning = store.begin!(questions)
    try {
      const begun = await inTime('begin', beginning)
      const ended = watchFor(begun.end)
      return {
        ...begun,
        commit(commit) {
          ended()
          return inTime('commit', begun.commit(commit))
        },
        end() {
          ended()
          begun.end()
        },
      }
    } catch (error) {
      beginning.then(begun => begun.end()).catch(() => {})
      throw error
    }
  }
  const close = async () => {
    await store.close()
    await watch?.stop()
  }
  // A purge rewrites files for as long as it takes, and nobody waits for it.
  return { ...(Object.fromEntries(guarded) as S), ...(store.begin !== undefined && { begin }), close, purge: () => store.purge() }
}

function isIterable(answer: unknown): answer is AsyncIterable<unknown> {
  return typeof answer === 'object' && answer !== null && Symbol.asyncIterator in answer
}

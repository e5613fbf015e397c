/**
 * A stage for several nodes of a ledger on one store. Each call that a node makes to the store
 * waits until the test lets it go on; a commit waits once more before its answer. So the test
 * chooses the order in which the nodes act, and the same choices give the same run.
 */
import assert from 'node:assert/strict'
import type { Store } from '../../src/store/port/port.ts'

/** Chooses which of `count` waiting calls goes on next. */
export type Choose = (count: number) => number

/** An action of a node, and its outcome. */
export type Act<T> = { readonly node: string; readonly run: () => Promise<T> }

export type Outcome<T> = { readonly value: T } | { readonly error: { readonly code?: string; readonly message: string } }

type Waiting = { readonly node: string; readonly go: () => void }

export type Stage = {
  /**
   * The store as one node sees it. `mend` may change calls for this node alone, such as a commit
   * whose answer is lost.
   */
  node(name: string, mend?: (store: Store) => Store): Store
  /**
   * Runs acts side by side until all have ended, in the order that `choose` gives to their calls.
   * `look` is called between two calls.
   */
  play<T>(acts: readonly Act<T>[], choose: Choose, look?: () => void): Promise<Outcome<T>[]>
}

/**
 * The calls that wait. The others read rows that never change, so their order does not matter, and
 * each would multiply the orders to try.
 */
const WAITING: readonly (keyof Store)[] = [
  'readHead',
  'confirmHead',
  'commit',
  'findIdentities',
  'readDocument',
  'listDocuments',
  'writeDocuments',
]
/** Of these, the ones that tell of the log and change it. */
export const OF_THE_LOG: readonly (keyof Store)[] = ['readHead', 'confirmHead', 'commit']
/** A pool gathers for one turn of the event loop. After this many turns nothing moves by itself. */
const TURNS = 4
const MAX_CALLS = 2000

/** Sets a stage on a store; `calls` are those that wait. */
export function createStage(store: Store, calls = WAITING): Stage {
  const waiting: Waiting[] = []
  let isPlaying = false

  const turn = (node: string) => (isPlaying ? new Promise<void>(go => waiting.push({ node, go })) : Promise.resolve())

  return {
    node(name, mend = same => same) {
      const paused = Object.entries(store).map(([call, act]) => {
        if (!calls.includes(call as keyof Store)) return [call, act]
        const inTurn = async (...args: unknown[]) => {
          await turn(name)
          const answer = await (act as (...args: unknown[]) => Promise<unknown>)(...args)
          if (call === 'commit') await turn(name)
          return answer
        }
        return [call, inTurn]
      })
      return mend(Object.fromEntries(paused) as Store)
    },
    async play(acts, choose, look = () => {}) {
      isPlaying = true
      let left = acts.length
      const outcomes = acts.map(({ run }) =>
        run()
          .then(
            value => ({ value }),
            error => ({ error }),
          )
          .finally(() => left--),
      )
      for (let calls = 0; left > 0 || waiting.length > 0; calls++) {
        await settle()
        look()
        if (waiting.length === 0) {
          if (left === 0) break
          continue
        }
        assert.ok(calls < MAX_CALLS, 'the nodes make no headway')
        // By node: which of two calls of different nodes came first is up to the event loop.
        waiting.sort((a, b) => (a.node < b.node ? -1 : a.node > b.node ? 1 : 0))
        const [next] = waiting.splice(choose(waiting.length), 1)
        next!.go()
      }
      isPlaying = false
      return Promise.all(outcomes)
    },
  }
}

async function settle(): Promise<void> {
  for (let i = 0; i < TURNS; i++) await new Promise(resolve => setImmediate(resolve))
}

/**
 * Runs a world once for every order in which its calls can be made. Returns the number of orders.
 */
export async function everyOrder(run: (choose: Choose) => Promise<void>): Promise<number> {
  let path: { chosen: number; of: number }[] = []
  for (let runs = 1; ; runs++) {
    let at = 0
    const choose: Choose = count => {
      path[at] ??= { chosen: 0, of: count }
      return Math.min(path[at++]!.chosen, count - 1)
    }
    try {
      await run(choose)
    } catch (cause) {
      throw new Error(`in the order ${path.map(({ chosen }) => chosen).join(' ')}: ${(cause as Error).message}`, { cause })
    }
    path = path.slice(0, at)
    while (path.length > 0 && path.at(-1)!.chosen === path.at(-1)!.of - 1) path.pop()
    const last = path.at(-1)
    if (last === undefined) return runs
    last.chosen++
  }
}

/** Chooses by a seed: the same seed makes the same choices. */
export function seeded(seed: number): Choose {
  let state = seed + 1
  return count => {
    // Park and Miller's generator: its products stay below 2^53.
    state = (state * 48_271) % 2_147_483_647
    return state % count
  }
}

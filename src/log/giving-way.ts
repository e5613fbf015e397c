/**
 * Turns at the head among nodes that share a store. The node that sealed last needs no look at the
 * store before its next batch, and would keep the others out for long. So a node that was overtaken
 * gives way once after its next seal, for as long as a node needs that was overtaken.
 */
import type { Host } from '../host.ts'

export type GivingWay = {
  /** Before a batch: waits if another node is owed its turn. */
  before(): Promise<void>
  /** Another node has sealed first. */
  overtaken(): void
  /** This node has sealed. */
  sealed(): void
}

/** The first guess of how long an overtaken node needs, and the longest that others wait for it. */
const NEEDS_MS = { first: 20, most: 500 }

/** Creates the turns of one node. */
export function createGivingWay({ steadyMs, sleep }: Pick<Host, 'steadyMs' | 'sleep'>): GivingWay {
  let needsMs = NEEDS_MS.first
  let overtakenMs: number | undefined
  /** Whether it has sealed after it was overtaken, and has not given way since. */
  let isOwing = false
  return {
    async before() {
      if (!isOwing) return
      isOwing = false
      await sleep(needsMs)
    },
    overtaken() {
      overtakenMs ??= steadyMs()
    },
    sealed() {
      if (overtakenMs === undefined) return
      needsMs = (needsMs + Math.min(steadyMs() - overtakenMs, NEEDS_MS.most)) / 2
      overtakenMs = undefined
      isOwing = true
    },
  }
}

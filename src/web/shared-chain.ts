/**
 * The operator's chain endpoints for anonymous forms. An answer is shared by all who ask the same
 * within a few seconds, and the calls in a minute are bounded for all forms together.
 */
import { LRUCache } from 'lru-cache'
import { toHex } from '../core/bytes.ts'
import { OpenSealError } from '../core/errors.ts'
import type { ChainReader } from '../verifier/index.ts'

/** How long an answer is shared, and a failure. */
const ANSWER_MS = 10_000
const FAILURE_MS = 2_000
/** For all forms together, to one endpoint. */
const CALLS_PER_MINUTE = 300
const MAX_ANSWERS = 2_000

type Kept = { readonly answer: Promise<unknown>; untilMs: number }

/** The same endpoints, shared and bounded. */
export function shareChain(chain: readonly ChainReader[], nowMs = () => performance.now()): ChainReader[] {
  return chain.map(reader => shareEndpoint(reader, nowMs))
}

function shareEndpoint(reader: ChainReader, nowMs: () => number): ChainReader {
  const kept = new LRUCache<string, Kept>({ max: MAX_ANSWERS })
  let minute = { sinceMs: nowMs(), calls: 0 }

  const count = () => {
    if (nowMs() - minute.sinceMs >= 60_000) minute = { sinceMs: nowMs(), calls: 0 }
    if (++minute.calls > CALLS_PER_MINUTE) throw new OpenSealError('CHAIN_BUSY', 'too many questions are put to the chain at the moment')
  }
  const share =
    (method: string, ask: (...args: readonly unknown[]) => Promise<unknown>) =>
    async (...args: readonly unknown[]): Promise<unknown> => {
      const key = JSON.stringify([method, ...args], (_, value) => (value instanceof Uint8Array ? toHex(value) : value))
      const known = kept.get(key)
      if (known !== undefined && nowMs() < known.untilMs) return known.answer
      count()
      const fresh: Kept = { answer: ask(...args), untilMs: Number.POSITIVE_INFINITY }
      kept.set(key, fresh)
      const until = (ms: number) => () => {
        fresh.untilMs = nowMs() + ms
      }
      fresh.answer.then(until(ANSWER_MS), until(FAILURE_MS))
      return fresh.answer
    }

  const functions = Object.entries(reader).filter(([, value]) => typeof value === 'function')
  return { ...reader, ...Object.fromEntries(functions.map(([name, ask]) => [name, share(name, ask as never)])) }
}

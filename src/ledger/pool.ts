/**
 * The pool: submissions that wait for the next batch. It joins equal ones, bounds what waits, and hands the sequencer whatever has
 * gathered while it wrote the last batch, so that a lone submission is sealed at once and a crowd shares one sync.
 */
import { toHex } from '../core/bytes.ts'
import { LedgerError } from './errors.ts'
import type { Prepared, Submission } from './sequencer.ts'

export type Pool = {
  /** Resolves when the statement is sealed. @throws LedgerError LEDGER_BUSY when too much waits, or what sealing threw. */
  submit(statement: Prepared): Promise<Submission>
  /** Waits for all that was submitted; nothing may be submitted meanwhile. */
  drained(): Promise<void>
  /** How many statements wait or are being sealed. */
  waiting(): number
}

type Waiting = {
  readonly key: string
  readonly statement: Prepared
  readonly sealed: Promise<Submission>
  answer(s: Submission): void
  fail(error: unknown): void
}

const MAX_BATCH_BYTES = 8 * 1024 * 1024
/** Half of what a stream may have open, so that reading goes on while a batch is written. */
const MAX_BATCH_STATEMENTS = 4096
const MAX_WAITING_BYTES = 64 * 1024 * 1024

/** A pool in front of `seal`, which is never called twice at once. */
export function createPool(seal: (batch: readonly Prepared[]) => Promise<Submission[]>): Pool {
  /** Everything that is not answered yet, by identity, in order of arrival. */
  const unanswered = new Map<string, Waiting>()
  let queue: Waiting[] = []
  let waitingBytes = 0
  let running: Promise<void> | undefined

  async function run(): Promise<void> {
    // Let what arrived in this turn of the event loop gather.
    await new Promise(resolve => setImmediate(resolve))
    while (queue.length > 0) {
      const batch = takeBatch()
      try {
        const submissions = await seal(batch.map(waiting => waiting.statement))
        for (const [i, waiting] of batch.entries()) settle(waiting, () => waiting.answer(submissions[i]!))
      } catch (error) {
        for (const waiting of batch) settle(waiting, () => waiting.fail(error))
      }
    }
    running = undefined
  }

  function takeBatch(): Waiting[] {
    let bytes = 0
    let count = 0
    while (count < queue.length && count < MAX_BATCH_STATEMENTS && (count === 0 || bytes < MAX_BATCH_BYTES))
      bytes += queue[count++]!.statement.statement.length
    const batch = queue.slice(0, count)
    queue = queue.slice(count)
    return batch
  }

  function settle(waiting: Waiting, answer: () => void): void {
    unanswered.delete(waiting.key)
    waitingBytes -= waiting.statement.statement.length
    answer()
  }

  return {
    async submit(statement) {
      const key = toHex(statement.identity)
      const same = unanswered.get(key)
      if (same !== undefined) return { ...(await same.sealed), known: true }
      if (waitingBytes + statement.statement.length > MAX_WAITING_BYTES)
        throw new LedgerError('LEDGER_BUSY', 'Too many records are waiting to be sealed. Send it again in a moment.')
      const { promise, resolve, reject } = Promise.withResolvers<Submission>()
      const waiting = { key, statement, sealed: promise, answer: resolve, fail: reject }
      unanswered.set(key, waiting)
      queue.push(waiting)
      waitingBytes += statement.statement.length
      running ??= run()
      return promise
    },
    async drained() {
      while (running !== undefined) await running
    },
    waiting: () => unanswered.size,
  }
}

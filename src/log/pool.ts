/**
 * The pool: submissions that wait for the next batch. It joins equal ones, bounds how many wait,
 * and gives the sequencer everything that gathered during the last batch. A lone submission is
 * therefore sealed at once, and many share one sync.
 */
import type { Host } from '../host.ts'
import { LedgerError } from './errors.ts'
import type { Prepared } from './prepare.ts'
import type { SubmissionOutcome } from './sequencer.ts'

export type Pool = {
  /**
   * Calls `tell` once, when the statement is sealed or has failed; never before `submit` returns.
   * @throws LedgerError LEDGER_BUSY if too many wait
   */
  submit(statement: Prepared, tell: (outcome: SubmissionOutcome) => void): void
  /** Resolves when every submission has its outcome. Nothing may be submitted meanwhile. */
  drained(): Promise<void>
  /** How many statements wait or are being sealed. */
  waiting(): number
}

/**
 * One statement and all its submitters: the first, and those that sent the same one while it
 * waited.
 */
type Waiting = { readonly statement: Prepared; readonly tell: ((outcome: SubmissionOutcome) => void)[] }

const MAX_BATCH_BYTES = 8 * 1024 * 1024
/**
 * Each digest is a row of a look-up. This many take about 20 ms, during which the event loop is
 * blocked.
 */
const MAX_BATCH_DIGESTS = 8192
/** Half of what a stream may have pending, so that reading goes on while a batch is written. */
const MAX_BATCH_STATEMENTS = 2048
const MAX_WAITING_BYTES = 64 * 1024 * 1024

/** Creates a pool in front of `seal`, which is never called twice at once. */
export function createPool(seal: (batch: readonly Prepared[]) => Promise<SubmissionOutcome[]>, { nextTurn }: Pick<Host, 'nextTurn'>): Pool {
  /** Everything without an outcome, by identity, in order of arrival. */
  const unanswered = new Map<string, Waiting>()
  let queue: Waiting[] = []
  let waitingBytes = 0
  let running: Promise<void> | undefined

  async function run(): Promise<void> {
    // Gathers the submissions of this turn of the event loop.
    await nextTurn()
    let told = Promise.resolve()
    while (queue.length > 0) {
      const batch = takeBatch()
      const outcomes = await sealed(batch)
      const tellAll = () => {
        for (const [i, waiting] of batch.entries()) tell(waiting, outcomes[i]!)
      }
      // If more wait, begins to write the next batch first. This thread answers submitters while
      // the disk works.
      if (queue.length > 0) told = nextTurn().then(tellAll)
      else await told.then(tellAll)
    }
    running = undefined
  }

  async function sealed(batch: readonly Waiting[]): Promise<SubmissionOutcome[]> {
    try {
      return await seal(batch.map(waiting => waiting.statement))
    } catch (error) {
      return batch.map(() => ({ error }))
    }
  }

  function takeBatch(): Waiting[] {
    let bytes = 0
    let digests = 0
    let count = 0
    const isFull = () => count >= MAX_BATCH_STATEMENTS || bytes >= MAX_BATCH_BYTES || digests >= MAX_BATCH_DIGESTS
    while (count < queue.length && !isFull()) {
      const { statement } = queue[count++]!
      bytes += statement.statement.length
      digests += statement.digests.length
    }
    const batch = queue.slice(0, count)
    queue = queue.slice(count)
    return batch
  }

  function tell({ statement, tell: [first, ...others] }: Waiting, outcome: SubmissionOutcome): void {
    unanswered.delete(statement.identity)
    waitingBytes -= statement.statement.length
    first!(outcome)
    for (const other of others) other('error' in outcome ? outcome : { index: outcome.index, known: true })
  }

  return {
    submit(statement, tellOne) {
      const { identity } = statement
      const same = unanswered.get(identity)
      if (same !== undefined) {
        same.tell.push(tellOne)
        return
      }
      if (waitingBytes + statement.statement.length > MAX_WAITING_BYTES)
        throw new LedgerError('LEDGER_BUSY', 'Too many records are waiting to be sealed. Send it again in a moment.')
      const waiting = { statement, tell: [tellOne] }
      unanswered.set(identity, waiting)
      queue.push(waiting)
      waitingBytes += statement.statement.length
      running ??= run()
    },
    async drained() {
      while (running !== undefined) await running
    },
    waiting: () => unanswered.size,
  }
}

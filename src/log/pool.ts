/**
 * The pool: submissions that wait for the next batch. It joins equal ones, bounds what waits, and hands the sequencer whatever has
 * gathered while it wrote the last batch, so that a lone submission is sealed at once and a crowd shares one sync.
 */
import { LedgerError } from './errors.ts'
import type { Prepared, Submission } from './sequencer.ts'

/** What came of a submission: where the statement stands, or what sealing threw. */
export type Outcome = Submission | { readonly error: unknown }

export type Pool = {
  /** Calls `tell` once, when the statement is sealed or failed; never before `submit` returns. @throws LedgerError LEDGER_BUSY when too much waits. */
  submit(statement: Prepared, tell: (outcome: Outcome) => void): void
  /** Resolves when all that was submitted is told; nothing may be submitted meanwhile. */
  drained(): Promise<void>
  /** How many statements wait or are being sealed. */
  waiting(): number
}

/** One statement and all who submitted it: the first, then those who sent the same while it waited. */
type Waiting = { readonly statement: Prepared; readonly tell: ((outcome: Outcome) => void)[] }

const MAX_BATCH_BYTES = 8 * 1024 * 1024
/** Each is a row of a look-up, and making the rows of a batch holds the event loop: so many take some 20 ms. */
const MAX_BATCH_DIGESTS = 8192
/** Half of what a stream may have open, so that reading goes on while a batch is written. */
const MAX_BATCH_STATEMENTS = 2048
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
    await nextTurn()
    let told = Promise.resolve()
    while (queue.length > 0) {
      const batch = takeBatch()
      const outcomes = await sealed(batch)
      const tellAll = () => {
        for (const [i, waiting] of batch.entries()) tell(waiting, outcomes[i]!)
      }
      // Where more waits, its writing begins first: this thread tells the submitters while the disk works.
      if (queue.length > 0) told = nextTurn().then(tellAll)
      else await told.then(tellAll)
    }
    running = undefined
  }

  async function sealed(batch: readonly Waiting[]): Promise<Outcome[]> {
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

  function tell({ statement, tell: [first, ...others] }: Waiting, outcome: Outcome): void {
    unanswered.delete(statement.identity)
    waitingBytes -= statement.statement.length
    first!(outcome)
    for (const other of others) other('error' in outcome ? outcome : { ...outcome, known: true })
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

function nextTurn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}

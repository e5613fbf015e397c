/** Submissions to the ledger: joined in the pool, sealed in batches, answered each on its own. */

import { createRow } from '../at-once.ts'
import { identityOf, type Statement, statementBody } from '../core/statements/statement.ts'
import { TIMESTAMP, type TimestampEntry } from '../core/statements/timestamp.ts'
import type { Host } from '../host.ts'
import { createPool } from '../log/pool.ts'
import { type Prepared, prepare, prepareOwn } from '../log/prepare.ts'
import { type Sequencer, type Submission, type SubmissionOutcome, statementErased, stoppedError } from '../log/sequencer.ts'
import type { LogStore } from '../store/port/log.ts'
import type { Statements } from './statements.ts'

/** Called after each sealed batch, for metrics. */
export type OnSeal = (batch: { readonly records: number; readonly durationMs: number }) => void

export type Submissions = {
  /**
   * Logs a statement once: the same statement again has the same index, even with another salt.
   * Resolves when it is durable, signed and read back.
   * @throws LedgerError LEDGER_STOPPED, LEDGER_BUSY, LEDGER_COMMIT_FAILED, LEDGER_UNSETTLED,
   * STATEMENT_ERASED
   */
  submit(statement: Statement): Promise<Submission>
  /**
   * The same, with the receipt's text without its newline. Throws what `submit` throws, and
   * RECORD_ERASING if the statement is known and is being erased.
   */
  submitForReceipt(statement: Statement): Promise<Submission & { readonly receipt: string }>
  /**
   * The same for a stream of many: `tell` is called once, later, with the result.
   * @throws LedgerError LEDGER_STOPPED, LEDGER_BUSY
   */
  submitEach(statement: Statement, tell: (outcome: SubmissionOutcome) => void): void
  /**
   * The index of a statement that is known; undefined if a submission would log it.
   * @throws LedgerError LEDGER_STOPPED, STATEMENT_ERASED
   */
  findKnown(statement: Statement): Promise<number | undefined>
  /**
   * Logs a time stamp once, like any statement. Throws what `submit` throws.
   */
  logTimestamp(entry: Omit<TimestampEntry, 'type' | 'salt'>): Promise<Submission>
  /** The number of statements that wait to be sealed. */
  waiting(): number
  /** Resolves when everything that was submitted is sealed. */
  drained(): Promise<void>
  /** Runs work while no batch is sealed. Submissions wait for it. */
  alone<T>(work: () => Promise<T>): Promise<T>
}

type Deps = {
  readonly store: Pick<LogStore, 'findIdentities'>
  readonly sequencer: Sequencer
  readonly statements: Pick<Statements, 'receipt' | 'receiptOf'>
  readonly newSalt: () => string
  readonly host: Pick<Host, 'steadyMs' | 'nextTurn'>
  readonly wereErased: (identities: readonly string[]) => Promise<readonly boolean[]>
  readonly onSeal?: OnSeal | undefined
}

/** Creates the part of a ledger that takes submissions. */
export function createSubmissions({ store, sequencer, statements, newSalt, host, wereErased, onSeal }: Deps): Submissions {
  const alone = createRow(1)
  async function sealTimed(batch: readonly Prepared[]): Promise<SubmissionOutcome[]> {
    const startMs = host.steadyMs()
    const outcomes = await sequencer.seal(batch)
    onSeal?.({ records: batch.length, durationMs: host.steadyMs() - startMs })
    return outcomes
  }
  const pool = createPool(batch => alone(() => sealTimed(batch)), host)

  const assertAccepting = () => {
    const reason = sequencer.stopped()
    if (reason !== undefined) throw stoppedError(reason, sequencer.stopCode())
  }
  const submitEach: Submissions['submitEach'] = (submitted, tell) => {
    assertAccepting()
    pool.submit(prepare(submitted, newSalt).prepared, tell)
  }

  return {
    submit: async submitted => whenTold(tell => submitEach(submitted, tell)),
    async submitForReceipt(submitted) {
      assertAccepting()
      const { text, prepared } = prepare(submitted, newSalt)
      const submission = await whenTold(tell => pool.submit({ ...prepared, asksFirst: true }, tell))
      // The stored statement has the salt of its first submission.
      const { index, known } = submission
      const receipt = known ? (await statements.receipt(index)).trimEnd() : await statements.receiptOf(index, text)
      return { ...submission, receipt }
    },
    submitEach,
    async logTimestamp(entry) {
      assertAccepting()
      const prepared = prepareOwn({ type: TIMESTAMP, ...entry, salt: newSalt() })
      return whenTold(tell => pool.submit(prepared, tell))
    },
    async findKnown(submitted) {
      assertAccepting()
      const identity = identityOf(statementBody(submitted))
      const [index] = await store.findIdentities([identity])
      if (index === undefined && (await wereErased([identity]))[0] === true) throw statementErased()
      return index
    },
    waiting: () => pool.waiting(),
    drained: () => pool.drained(),
    alone,
  }
}

/** Turns a callback into a promise. */
function whenTold(act: (tell: (outcome: SubmissionOutcome) => void) => void): Promise<Submission> {
  return new Promise((resolve, reject) => act(outcome => ('error' in outcome ? reject(outcome.error) : resolve(outcome))))
}

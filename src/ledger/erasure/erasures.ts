/**
 * Erasing statements. A request hides the statement at once. When it is due, one commit logs the
 * tombstone and removes the statement with all that finds it; then the store removes the bytes that
 * its files still hold. Design §16.
 */
import type { Effect } from '../../core/statements/effects.ts'
import type { ErasedBy, ErasureReason } from '../../core/statements/erasure.ts'
import type { Statement } from '../../core/statements/statement.ts'
import { formatTime } from '../../core/time.ts'
import { type ErasureFacts, type LostChange, listErasures, newestTombstone, readErasure, readLostChanges } from '../../log/erasures.ts'
import { LedgerError } from '../../log/errors.ts'
import { statementIn } from '../record-reader.ts'
import { createEraser, type EraserDeps } from './eraser.ts'

/** The party that made the request: the operator, or an agency for its own records. */
export type Asker = { readonly by: 'operator' } | { readonly by: 'agency'; readonly agency: string }

/** The answer to a request: when the statement will be erased, or the tombstone if it was. */
export type ErasureAnswer = { readonly index: number; readonly due: string } | { readonly index: number; readonly erasure: number }

/** The erasure of an entry, due or done, and what erased statements did to it. */
export type ErasureState = { readonly erasing?: string; readonly erased?: number; readonly changes: readonly LostChange[] }

/** A request that waits, and the agency of its statement. */
export type WaitingErasure = {
  readonly index: number
  readonly agency: string
  readonly due: string
  readonly reason: ErasureReason
  readonly by: ErasedBy
}

export type Erasures = {
  /** How long a request can be taken back. */
  readonly erasureDelayMs: number
  /** How long an erased statement may not come back; 0 if it may at once. */
  readonly suppressionMs: number
  /**
   * Asks for an erasure. With a delay of 0, it is done when this resolves.
   * @throws LedgerError RECORD_NOT_FOUND, ERASURE_TYPE, ERASURE_OTHER_AGENCY, ERASURES_MANY
   */
  requestErasure(index: number, reason: ErasureReason, asker: Asker): Promise<ErasureAnswer>
  /**
   * Takes a request back.
   * @throws LedgerError RECORD_NOT_FOUND, ERASURE_NOT_FOUND, ERASURE_OTHER_AGENCY,
   * ERASURE_OF_OPERATOR
   */
  takeBackErasure(index: number, asker: Asker): Promise<void>
  /** When a statement is due to be erased; undefined if nobody has asked. */
  erasureDue(index: number): Promise<string | undefined>
  /** The request that waits for a statement; undefined if nobody has asked. */
  waitingErasure(index: number): Promise<WaitingErasure | undefined>
  /**
   * The requests that wait, at most `limit`, and how many there are. The first to be due comes first.
   */
  waitingErasures(limit: number): Promise<{ readonly requests: readonly WaitingErasure[]; readonly count: number }>
  /** The erasure of a statement; undefined if it was not erased. */
  erasureOf(index: number): Promise<(ErasureFacts & { readonly effects: readonly Omit<Effect, 'index'>[] }) | undefined>
  /** The effects of erased statements on a version. */
  lostChanges(index: number): Promise<readonly LostChange[]>
  /** The remark of lists beside each of these entries, in their order. */
  erasureStates(indexes: readonly number[]): Promise<readonly ErasureState[]>
  /** Erasures whose tombstones are below `before`, newest first. */
  listErasures(before: number, limit: number): Promise<readonly (ErasureFacts & { readonly index: number })[]>
  newestTombstone(): Promise<number | undefined>
  /**
   * Erases what is due, and finishes what a crash has interrupted. Throws the first failure after
   * it has tried everything.
   */
  tendErasures(): Promise<void>
  /** Erasures that are due and not finished: bytes may be left in the store. */
  unfinishedErasures(): Promise<boolean>
}

export type ErasureDeps = EraserDeps & {
  /** How long a request can be taken back. */
  readonly delayMs: number
}

/** Creates the part of a ledger that erases. */
export function createErasures(deps: ErasureDeps): Erasures {
  const { store, view, host, requests, suppression, read, delayMs } = deps
  const erase = createEraser(deps)

  /** The statement that may be erased by this asker; undefined if it was erased. */
  async function erasable(index: number, asker: Asker): Promise<Statement | undefined> {
    const text = await read(index)
    if (text === undefined) return undefined
    const statement = statementIn(text)
    if (statement === undefined)
      throw new LedgerError('ERASURE_TYPE', 'This entry is about the log itself. Only statements about records can be erased.')
    if (asker.by === 'agency' && asker.agency !== statement.agency)
      throw new LedgerError('ERASURE_OTHER_AGENCY', `This key speaks for ${asker.agency} only.`)
    return statement
  }

  async function waitingErasure(index: number): Promise<WaitingErasure | undefined> {
    const request = await requests.read(index)
    const statement = request && statementIn(await read(index))
    if (request === undefined || statement === undefined) return undefined
    return { index, agency: statement.agency, due: formatTime(request.dueMs), reason: request.reason, by: request.by }
  }

  async function tendErasures(): Promise<void> {
    const failures: unknown[] = []
    const attempt = (work: () => Promise<void>) => work().catch(error => failures.push(error))
    await attempt(async () => {
      for (const { index } of await requests.listDue()) await attempt(() => erase(index))
    })
    await attempt(() => store.purge())
    await attempt(() => suppression.tend())
    if (failures.length > 0) throw failures[0]
  }

  return {
    erasureDelayMs: delayMs,
    suppressionMs: suppression.periodMs,
    waitingErasure,
    async waitingErasures(limit) {
      const indexes = await requests.listWaiting()
      const found = await Promise.all(indexes.slice(0, limit).map(waitingErasure))
      return { requests: found.filter(request => request !== undefined), count: indexes.length }
    },
    async requestErasure(index, reason, asker) {
      const statement = await erasable(index, asker)
      const done = async () => {
        // Another node may have erased it, and only in what a fail-over takes back.
        await view.confirm()
        return { index, erasure: (await readErasure(store, index))?.tombstone ?? -1 }
      }
      if (statement === undefined) return done()
      const { dueMs } = await requests.add(index, { dueMs: host.nowMs() + delayMs, reason, by: asker.by, agency: statement.agency })
      if (delayMs > 0 || dueMs > host.nowMs()) return { index, due: formatTime(dueMs) }
      await erase(index)
      await store.purge()
      return done()
    },
    async takeBackErasure(index, asker) {
      if ((await erasable(index, asker)) === undefined) throw new LedgerError('ERASURE_NOT_FOUND', 'It is too late to take this back.')
      await requests.remove(index, asker.by)
    },
    erasureDue: index => requests.due(index),
    erasureOf: index => readErasure(store, index),
    lostChanges: index => readLostChanges(store, index),
    async erasureStates(indexes) {
      const isAny = (await newestTombstone(store)) !== undefined
      const states: ErasureState[] = []
      for (const index of indexes) {
        await host.breathe()
        const due = await requests.due(index)
        const erasure = isAny ? await readErasure(store, index) : undefined
        const changes = isAny ? await readLostChanges(store, index) : []
        states.push({ changes, ...(due !== undefined && { erasing: due }), ...(erasure && { erased: erasure.tombstone }) })
      }
      return states
    },
    listErasures: (before, limit) => listErasures(store, before, limit),
    newestTombstone: () => newestTombstone(store),
    tendErasures,
    unfinishedErasures: async () => (await store.hasRemains()) || (await requests.listDue()).length > 0,
  }
}

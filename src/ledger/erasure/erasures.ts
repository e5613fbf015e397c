/**
 * Erasing statements. A request hides the statement at once. When it is due, one commit logs the
 * tombstone and removes the statement with all that finds it; then the store removes the bytes that
 * its files still hold. Design §16.
 */
import { createEffects, type Effect, type KeptEffect } from '../../core/statements/effects.ts'
import { ERASURE, type ErasedBy, type ErasureReason } from '../../core/statements/erasure.ts'
import { identityOf, type Statement, statementBody, statementDigests } from '../../core/statements/statement.ts'
import type { Version } from '../../core/statements/versions.ts'
import { formatTime } from '../../core/time.ts'
import type { Host } from '../../host.ts'
import {
  type ErasureFacts,
  erasureDocuments,
  type LostChange,
  listErasures,
  newestTombstone,
  readErasure,
  readLostChanges,
} from '../../log/erasures.ts'
import { LedgerError } from '../../log/errors.ts'
import { rethrowUnlessMoved } from '../../log/log-keys.ts'
import { prepareOwn } from '../../log/prepare.ts'
import type { Sequencer } from '../../log/sequencer.ts'
import type { LogView } from '../../log/view.ts'
import { isDocumentChanged } from '../../store/port/documents.ts'
import type { Store } from '../../store/port/port.ts'
import { passingDamage, type ReadStatement, statementIn } from '../record-reader.ts'
import type { Requests, StoredRequest } from './requests.ts'
import type { Suppression } from './suppression.ts'

/** Who asks: the operator, or an agency for its own records. */
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
  /** The requests that wait, at most `limit`, and how many there are. What is due first comes first. */
  waitingErasures(limit: number): Promise<{ readonly requests: readonly WaitingErasure[]; readonly count: number }>
  /** The erasure of a statement; undefined if it was not erased. */
  erasureOf(index: number): Promise<(ErasureFacts & { readonly effects: readonly Omit<Effect, 'index'>[] }) | undefined>
  /** What erased statements did to a version. */
  lostChanges(index: number): Promise<readonly LostChange[]>
  /** What lists say beside each of these entries, in their order. */
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

export type ErasureDeps = {
  readonly store: Store
  readonly view: LogView
  readonly sequencer: Sequencer
  readonly newSalt: () => string
  readonly host: Pick<Host, 'nowMs' | 'breathe'>
  readonly requests: Requests
  readonly suppression: Suppression
  /** The statement, also while it waits to be erased. */
  readonly read: ReadStatement
  readonly delayMs: number
  /** Runs work while no batch is sealed. */
  readonly alone: Hold
  /** Told when a statement was erased. */
  readonly onErased?: (() => void) | undefined
}

/** More versions than any record has that people keep. */
const ALL = Number.MAX_SAFE_INTEGER
/** How often an erasure is tried while others submit to the same record. */
const HASTY_TRIES = 3

type Hold = <T>(work: () => Promise<T>) => Promise<T>

const atOnce: Hold = work => work()

/** Creates the part of a ledger that erases. */
export function createErasures(deps: ErasureDeps): Erasures {
  const { store, view, sequencer, newSalt, host, requests, suppression, read, delayMs, alone, onErased } = deps

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

  /** The effects of a statement on all others of its record. */
  async function effectsOf(own: Version): Promise<Effect[]> {
    const { agency, record } = own.statement
    const versions: Version[] = []
    const kept: Effect[] = []
    for (const index of await store.listByRecord(agency, record, ALL, ALL)) {
      await host.breathe()
      const statement = statementIn(await passingDamage(read)(index))
      if (statement !== undefined) versions.push({ index, statement })
      kept.push(...(await readLostChanges(store, index)).map(({ index: by, what }) => ({ index: by, on: index, what })))
    }
    const effects: Effect[] = []
    const effectOn = createEffects(own, versions, kept)
    for (const version of versions) {
      await host.breathe()
      if (version.index === own.index) continue
      const effect = effectOn(version)
      if (effect !== undefined) effects.push(effect)
    }
    return effects
  }

  /** While this stays the same, nothing was added to a record, nothing was erased, and so its effects stay. */
  async function stateOf({ agency, record }: Statement): Promise<string> {
    const [newest] = await store.listByRecord(agency, record, ALL, 1)
    return `${newest} ${await newestTombstone(store)}`
  }

  /**
   * Logs the tombstone and removes the statement, at once or not at all. Returns false if the record
   * or the log has moved on, and the effects must be found again. `hold` runs the last step alone: a
   * long history is read while others submit. A crash before the commit leaves the request, which is
   * due; a crash after it leaves bytes in files, which the next start removes.
   */
  async function eraseOnce(request: StoredRequest, hold: Hold): Promise<boolean> {
    const { index, document } = request
    const statement = statementIn(await read(index))
    if (statement === undefined) {
      await store.writeDocuments([{ ...document, value: null }], { unless: [document] })
      return true
    }
    const state = await stateOf(statement)
    const effects = (await effectsOf({ index, statement })).map(({ on, what }) => ({ on, what }))
    return hold(async () => {
      const tombstone = view.head().size
      if ((await stateOf(statement)) !== state) return false
      return sealTombstone(request, { statement, effects, tombstone })
    })
  }

  /** Returns false if the log is not of the tombstone's size any more. */
  async function sealTombstone(
    { index, by, reason, document }: StoredRequest,
    { statement, effects, tombstone }: { statement: Statement; effects: readonly KeptEffect[]; tombstone: number },
  ): Promise<boolean> {
    const entry = { type: ERASURE, index, reason: { code: reason }, by, salt: newSalt() } as const
    const identity = identityOf(statementBody(statement))
    const facts = { index, tombstone, time: formatTime(host.nowMs()), reason: entry.reason, by, effects }
    const changes = [{ ...document, value: null }, ...erasureDocuments(facts), ...suppression.changesFor(identity)]
    const { agency, record } = statement
    const erase = [{ index, identity, subject: { agency, record }, digests: statementDigests(statement) }]
    const sealed = await sequencer
      .seal([prepareOwn(entry)], { onSize: tombstone, erase, documents: { changes, unless: [document] } })
      .catch(rethrowUnlessMoved)
    if (sealed !== undefined) onErased?.()
    return sealed !== undefined
  }

  /** Erases one statement, unless the request was taken back meanwhile. */
  async function erase(index: number): Promise<void> {
    for (let tries = 0; ; tries++) {
      const request = await requests.read(index)
      if (request === undefined) return
      // If the record never rests, its submitters wait.
      const erasing = tries < HASTY_TRIES ? eraseOnce(request, alone) : alone(() => eraseOnce(request, atOnce))
      const isDone = await erasing.catch(error => {
        if (isDocumentChanged(error)) return false
        throw error
      })
      if (isDone) return
      await view.refresh()
    }
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
      const done = async () => ({ index, erasure: (await readErasure(store, index))?.tombstone ?? -1 })
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

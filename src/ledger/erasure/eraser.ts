/**
 * Erases one statement that is due: finds what it did to other versions, and seals the tombstone
 * with the commit that removes it. Design §16.
 */
import { createEffects, type Effect, type KeptEffect } from '../../core/statements/effects.ts'
import { ERASURE } from '../../core/statements/erasure.ts'
import { identityOf, type Statement, statementBody, statementDigests } from '../../core/statements/statement.ts'
import type { Version } from '../../core/statements/versions.ts'
import { formatTime } from '../../core/time.ts'
import type { Host } from '../../host.ts'
import { erasureDocuments, newestTombstone, readLostChanges } from '../../log/erasures.ts'
import { prepareOwn } from '../../log/prepare.ts'
import type { Sequencer } from '../../log/sequencer.ts'
import type { LogView } from '../../log/view.ts'
import { isDocumentChanged } from '../../store/port/documents.ts'
import type { Store } from '../../store/port/port.ts'
import { passingDamage, type ReadStatement, statementIn } from '../record-reader.ts'
import type { Requests, StoredRequest } from './requests.ts'
import type { Suppression } from './suppression.ts'

export type EraserDeps = {
  readonly store: Store
  readonly view: LogView
  readonly sequencer: Sequencer
  readonly newSalt: () => string
  readonly host: Pick<Host, 'nowMs' | 'breathe'>
  readonly requests: Requests
  readonly suppression: Suppression
  /** The statement, also while it waits to be erased. */
  readonly read: ReadStatement
  /** Runs work while no batch is sealed. */
  readonly alone: Hold
  /** Called when a statement was erased. */
  readonly onErased?: (() => void) | undefined
}

/** Erases one statement, unless the request was taken back meanwhile. */
export type Erase = (index: number) => Promise<void>

/** More versions than any record has that people keep. */
const ALL = Number.MAX_SAFE_INTEGER
/** How often an erasure is tried while others submit to the same record. */
const HASTY_TRIES = 3

type Hold = <T>(work: () => Promise<T>) => Promise<T>

const atOnce: Hold = work => work()

/** Creates the eraser of a ledger. */
export function createEraser(deps: EraserDeps): Erase {
  const { store, view, sequencer, newSalt, host, requests, suppression, read, alone, onErased } = deps

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

  /**
   * While this stays the same, nothing was added to a record, nothing was erased, and so its
   * effects stay.
   */
  async function stateOf({ agency, record }: Statement): Promise<string> {
    const [newest] = await store.listByRecord(agency, record, ALL, 1)
    return `${newest} ${await newestTombstone(store)}`
  }

  /**
   * Logs the tombstone and removes the statement, at once or not at all. Returns false if the
   * record or the log has moved on, and the effects must be found again. `hold` runs the last step
   * alone: a long history is read while others submit. A crash before the commit leaves the
   * request, which is due; a crash after it leaves bytes in files, which the next start removes.
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
    return hold(() => sealTombstone(request, { statement, effects, state }))
  }

  /** Returns false if the record or the log has moved on. */
  async function sealTombstone(
    { index, by, reason, document }: StoredRequest,
    { statement, effects, state }: { statement: Statement; effects: readonly KeptEffect[]; state: string },
  ): Promise<boolean> {
    const entry = { type: ERASURE, index, reason: { code: reason }, by, salt: newSalt() } as const
    const identity = identityOf(statementBody(statement))
    const { agency, record } = statement
    const erase = [{ index, identity, subject: { agency, record }, digests: statementDigests(statement) }]
    const sealed = await sequencer.sealNext(async tombstone => {
      if ((await stateOf(statement)) !== state) return undefined
      const facts = { index, tombstone, time: formatTime(host.nowMs()), reason: entry.reason, by, effects }
      const changes = [{ ...document, value: null }, ...erasureDocuments(facts), ...suppression.changesFor(identity)]
      return { entry: prepareOwn(entry), erase, documents: { changes, unless: [document] } }
    })
    if (sealed !== undefined) onErased?.()
    return sealed !== undefined
  }

  return async function erase(index) {
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
}

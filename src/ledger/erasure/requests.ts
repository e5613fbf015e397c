/**
 * Requests to erase: kept until they are due, and until then they can be taken back. Design §16.
 */
import type { ErasedBy, ErasureReason } from '../../core/statements/erasure.ts'
import { formatTime } from '../../core/time.ts'
import type { Host } from '../../host.ts'
import { LedgerError } from '../../log/errors.ts'
import { type DocumentChange, type Documents, isDocumentChanged, sizeKey } from '../../store/port/documents.ts'

/** A request, as it is stored. */
export type ErasureRequest = { readonly dueMs: number; readonly reason: ErasureReason; readonly by: ErasedBy }

/** A request and its document as it was read. */
export type StoredRequest = ErasureRequest & { readonly index: number; readonly document: DocumentChange }

export type Requests = {
  /**
   * Stores a request; an earlier one for the same index stays as it is. Returns the request that
   * counts.
   * @throws LedgerError ERASURES_MANY
   */
  add(index: number, asked: ErasureRequest & { readonly agency: string }): Promise<ErasureRequest>
  /**
   * Takes a request back. An agency cannot take back the operator's.
   * @throws LedgerError ERASURE_NOT_FOUND, ERASURE_OF_OPERATOR
   */
  remove(index: number, by: ErasedBy): Promise<void>
  /** When a statement is due to be erased; undefined if nobody has asked. May be a second old. */
  due(index: number): Promise<string | undefined>
  /** The requests that are due. */
  listDue(): Promise<StoredRequest[]>
  read(index: number): Promise<StoredRequest | undefined>
  /** The indexes of the requests that wait; what is due first comes first. */
  listWaiting(): Promise<readonly number[]>
}

const REQUESTS = 'erasure-requests'
const COUNTS = 'erasure-counts'
/** How many erasures an agency may ask for in a day without the operator. */
const MAX_A_DAY = 20
const DAY_MS = 86_400_000
const REREAD_MS = 1000
const TRIES = 20

/** The requests in a store. */
export function createRequests({ store, host }: { readonly store: Documents; readonly host: Pick<Host, 'nowMs' | 'steadyMs'> }): Requests {
  let known = new Map<number, ErasureRequest>()
  let readMs = Number.NEGATIVE_INFINITY
  let reading: Promise<void> | undefined
  let begun = 0
  let shown = 0

  const refresh = async () => {
    const startMs = host.steadyMs()
    const own = ++begun
    const rows = await store.listDocuments(REQUESTS)
    // A reading that began later, after a write of this node, may have ended first.
    if (own < shown) return
    shown = own
    known = new Map(rows.map(({ key, value }) => [Number(key), JSON.parse(value)]))
    readMs = startMs
  }
  const fresh = (): Promise<void> | undefined => {
    if (host.steadyMs() - readMs < REREAD_MS) return undefined
    reading ??= refresh().finally(() => {
      reading = undefined
    })
    return reading
  }
  const read = async (index: number): Promise<StoredRequest | undefined> => {
    const value = await store.readDocument(REQUESTS, sizeKey(index))
    return value === undefined ? undefined : { index, ...JSON.parse(value), document: { collection: REQUESTS, key: sizeKey(index), value } }
  }

  /** One more for the agency today, unless the operator asks. */
  const countFor = async (agency: string, by: ErasedBy): Promise<{ changes: DocumentChange[]; unless: DocumentChange[] }> => {
    if (by === 'operator') return { changes: [], unless: [] }
    const value = (await store.readDocument(COUNTS, agency)) ?? null
    const times: number[] = value === null ? [] : JSON.parse(value)
    const today = times.filter(timeMs => timeMs > host.nowMs() - DAY_MS)
    if (today.length >= MAX_A_DAY)
      throw new LedgerError('ERASURES_MANY', `An agency may erase ${MAX_A_DAY} statements a day. Ask the operator to erase more.`)
    const document = { collection: COUNTS, key: agency }
    return { changes: [{ ...document, value: JSON.stringify([...today, host.nowMs()]) }], unless: [{ ...document, value }] }
  }

  const addOnce = async (index: number, { agency, ...asked }: ErasureRequest & { readonly agency: string }): Promise<ErasureRequest> => {
    const before = await read(index)
    if (before !== undefined) return before
    const row = { collection: REQUESTS, key: sizeKey(index) }
    const { changes, unless } = await countFor(agency, asked.by)
    await store.writeDocuments([{ ...row, value: JSON.stringify(asked) }, ...changes], { unless: [{ ...row, value: null }, ...unless] })
    return asked
  }

  return {
    async add(index, asked) {
      for (let tries = 0; ; tries++) {
        try {
          return await addOnce(index, asked)
        } catch (error) {
          if (!isDocumentChanged(error) || tries === TRIES) throw error
        } finally {
          await refresh()
        }
      }
    },
    async remove(index, by) {
      const request = await read(index)
      if (request === undefined) throw new LedgerError('ERASURE_NOT_FOUND', `Nobody has asked to erase the statement of record ${index}.`)
      if (request.by === 'operator' && by !== 'operator')
        throw new LedgerError('ERASURE_OF_OPERATOR', 'The operator has asked for this erasure. Only the operator can take it back.')
      // If it was erased meanwhile, the document is gone, and so is the statement.
      await store.writeDocuments([{ ...request.document, value: null }], { unless: [request.document] }).catch(cause => {
        throw isDocumentChanged(cause) ? new LedgerError('ERASURE_NOT_FOUND', 'It is too late to take this back.', { cause }) : cause
      })
      await refresh()
    },
    async due(index) {
      const reread = fresh()
      if (reread) await reread
      const request = known.get(index)
      return request && formatTime(request.dueMs)
    },
    async listDue() {
      await refresh()
      const due = [...known].filter(([, { dueMs }]) => dueMs <= host.nowMs()).map(([index]) => index)
      return (await Promise.all(due.map(read))).filter(request => request !== undefined)
    },
    read,
    async listWaiting() {
      await fresh()
      return [...known].toSorted(([, a], [, b]) => a.dueMs - b.dueMs).map(([index]) => index)
    },
  }
}

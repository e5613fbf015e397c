/** The anchorer's records of each anchor, as documents of the store. */
import type { DocumentChange, Documents } from '../store/port/documents.ts'
import type { ChainBlock, SignedTransaction } from './chain.ts'
import { anchorKey } from './final-anchors.ts'

/** A transaction as it was signed, and when. */
export type SignedAttempt = SignedTransaction & { readonly signedMs: number }

/**
 * One checkpoint on its way to the contract. `prepared`: signed and stored, perhaps not sent;
 * `submitted`: an endpoint accepted it; `included`: in a block; `final`: that block is final. All
 * attempts share one nonce, so they are one logical transaction, and any of them confirms it.
 */
export type AnchorRecord = {
  readonly size: number
  /** Hex root hash. */
  readonly root: string
  /** The size of the anchor before it, 0 for the first. Links the final ones. */
  readonly previous: number
  readonly state: 'prepared' | 'submitted' | 'included' | 'final'
  /** Oldest first. Empty if the anchor was found in the contract but not in our store. */
  readonly attempts: readonly SignedAttempt[]
  /** The attempt that was executed, and where, from `included` on. */
  readonly transaction?: string
  readonly block?: ChainBlock
  /** How often in a row the nonce was used and no attempt was found. */
  readonly missed?: number
  /** It was final, the chain has lost it, and it is being sent again. */
  readonly lost?: true
  readonly times: { readonly preparedMs: number; readonly submittedMs?: number; readonly includedMs?: number; readonly finalMs?: number }
}

/**
 * The anchors that are not final yet, and access to the others. Each change is durable when it
 * resolves.
 */
export type AnchorRecords = {
  /** The anchors that are not final, in ascending order of size. */
  open(): readonly AnchorRecord[]
  lastFinal(): AnchorRecord | undefined
  read(size: number): Promise<AnchorRecord | undefined>
  save(...records: readonly AnchorRecord[]): Promise<void>
  /** Removes an anchor that will never be final. */
  drop(size: number): Promise<void>
}

type Ends = { readonly open: readonly number[]; readonly lastFinal: number }

const COLLECTION = 'anchors'
/** Points, for each chain, to the first records to read, so that a start reads few documents. */
const ENDS = 'anchorer'

/**
 * Reads the open anchors of a chain and its last final one. `fence`: documents that every write
 * names in `unless`.
 */
export async function openAnchorRecords(
  store: Documents,
  chainId: number,
  fence: () => readonly DocumentChange[] = () => [],
): Promise<AnchorRecords> {
  const read = async (size: number): Promise<AnchorRecord | undefined> => {
    const value = await store.readDocument(COLLECTION, anchorKey(chainId, size))
    return value === undefined ? undefined : JSON.parse(value)
  }
  let written = (await store.readDocument(ENDS, String(chainId))) ?? null
  const ends: Ends = JSON.parse(written ?? '{"open":[],"lastFinal":0}')
  let open = (await Promise.all(ends.open.map(read))).filter(record => record !== undefined)
  let lastFinal = await read(ends.lastFinal)

  /**
   * One atomic write of the changed records and of the ends. Memory changes only after it is on
   * disk. If another anchorer has written since, nothing is written, and the next round reads what
   * is there.
   */
  async function write(changes: { size: number; value: string | null }[], nextOpen: AnchorRecord[], nextFinal: AnchorRecord | undefined) {
    const sorted = nextOpen.sort((a, b) => a.size - b.size)
    const next: Ends = { open: sorted.map(({ size }) => size), lastFinal: nextFinal?.size ?? 0 }
    const documents = changes.map(({ size, value }) => ({ collection: COLLECTION, key: anchorKey(chainId, size), value }))
    const endsRow = { collection: ENDS, key: String(chainId), value: JSON.stringify(next) }
    await store.writeDocuments([...documents, endsRow], { unless: [...fence(), { ...endsRow, value: written }] })
    written = endsRow.value
    open = sorted
    lastFinal = nextFinal
  }

  return {
    open: () => open,
    lastFinal: () => lastFinal,
    read,
    async save(...records) {
      const sizes = new Set(records.map(({ size }) => size))
      const others = open.filter(({ size }) => !sizes.has(size))
      const finals = records.filter(({ state }) => state === 'final')
      const reopened = lastFinal !== undefined && records.some(({ size, state }) => size === lastFinal?.size && state !== 'final')
      // Anchors are reopened from the top down, so the last final one is now the one before the
      // lowest of them.
      const below = reopened ? await read(Math.min(...records.map(({ previous }) => previous))) : lastFinal
      const newest = [...finals, ...(below === undefined ? [] : [below])].sort((a, b) => b.size - a.size)[0]
      const changes = records.map(record => ({ size: record.size, value: JSON.stringify(record) }))
      await write(changes, [...others, ...records.filter(({ state }) => state !== 'final')], newest)
    },
    async drop(size) {
      await write(
        [{ size, value: null }],
        open.filter(record => record.size !== size),
        lastFinal,
      )
    },
  }
}

/** An anchor as fields of a log line. */
export function brief({ size, state, attempts, block }: AnchorRecord) {
  return { size, state, nonce: attempts.at(-1)?.nonce, transaction: attempts.at(-1)?.hash, block: block?.number }
}

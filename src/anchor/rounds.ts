/**
 * The rounds: checkpoints for which everyone who vouches is asked. Vouchers sign, stamp or anchor
 * the checkpoints of rounds and nothing else. Stored as documents by size, and counted by ordinal.
 */
import { type DocumentChange, type Documents, sizeKey } from '../store/port/documents.ts'

/** A checkpoint for which everyone is asked. */
export type Round = {
  /** Counts the rounds of this ledger from 1. */
  readonly ordinal: number
  readonly size: number
  /** Hex root hash. */
  readonly root: string
  /** The signed note, as it was when the round opened. */
  readonly checkpoint: string
  /** When it opened, in milliseconds since 1970 by the clock of the node that opened it. */
  readonly openedMs: number
}

export type Rounds = {
  newest(): Promise<Round | undefined>
  /** The round of exactly this size. */
  at(size: number): Promise<Round | undefined>
  byOrdinal(ordinal: number): Promise<Round | undefined>
  /** Below a size, the newest first. */
  listNewest(before: number, limit: number): Promise<readonly Round[]>
  /** In ascending order of size, only those above `after`. */
  list(after: number, limit: number): Promise<readonly Round[]>
  /**
   * Opens a round, larger than every other. Durable when it resolves.
   * @throws StoreError STORE_DOCUMENT_CHANGED if another node has opened one at the same time, or
   * a document of `unless` has changed
   */
  open(checkpoint: Omit<Round, 'ordinal'>, unless: readonly DocumentChange[]): Promise<Round>
}

const ROUNDS = 'rounds'
const ORDINALS = 'round-ordinals'

/** The rounds in a store. Keeps nothing in memory. */
export function createRounds(store: Documents): Rounds {
  const listNewest: Rounds['listNewest'] = async (before, limit) =>
    (await store.listNewestDocuments(ROUNDS, sizeKey(before), limit)).map(parseRow)
  const newest = async () => (await listNewest(Number.MAX_SAFE_INTEGER, 1))[0]
  const at = async (size: number) => {
    const value = await store.readDocument(ROUNDS, sizeKey(size))
    return value === undefined ? undefined : parseRow({ value })
  }

  return {
    newest,
    at,
    async byOrdinal(ordinal) {
      const size = await store.readDocument(ORDINALS, sizeKey(ordinal))
      return size === undefined ? undefined : at(Number(size))
    },
    listNewest,
    list: async (after, limit) => (await store.listDocuments(ROUNDS, { after: sizeKey(Math.max(0, after)), limit })).map(parseRow),
    async open(checkpoint, unless) {
      const last = await newest()
      if (checkpoint.size <= (last?.size ?? 0)) throw new Error(`bug: a round of size ${checkpoint.size} after one of size ${last?.size}`)
      const round: Round = { ordinal: (last?.ordinal ?? 0) + 1, ...checkpoint }
      const ordinal = { collection: ORDINALS, key: sizeKey(round.ordinal), value: String(round.size) }
      const row = { collection: ROUNDS, key: sizeKey(round.size), value: JSON.stringify(round) }
      await store.writeDocuments([row, ordinal], { unless: [...unless, { ...ordinal, value: null }] })
      return round
    },
  }
}

function parseRow({ value }: { readonly value: string }): Round {
  return JSON.parse(value)
}

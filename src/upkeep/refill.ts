/** Filling up a ledger that is behind (a restored backup) from another copy of it: nothing is taken that its own key has not signed. */
import { equalBytes } from '../core/bytes.ts'
import { parseCheckpoint } from '../core/checkpoint.ts'
import { encodeEntry } from '../core/entry.ts'
import { OpenSealError } from '../core/errors.ts'
import { extendTree } from '../core/extension.ts'
import { hashLeaf } from '../core/hash.ts'
import { parseJson } from '../core/json.ts'
import { parseNote, parseVkey, verifyNote } from '../core/note.ts'
import { parseAnyStatement } from '../core/statement.ts'
import { decodeBundle, TILE_WIDTH } from '../core/tile.ts'
import { rootFromRange } from '../core/tree.ts'
import { keysAfter, readKeyChanges } from '../ledger/log-keys.ts'
import { recordOf } from '../ledger/prepare.ts'
import { openSequencer, rootAt } from '../ledger/sequencer.ts'
import { createLogSigner } from '../ledger/signer.ts'
import { restore } from '../ledger/tree-state.ts'
import type { Store } from '../store/port.ts'

/** Another copy of the ledger. */
export type Copy = {
  checkpoint(): Promise<string>
  bundle(index: number, width: number): Promise<Uint8Array>
  /** The canonical statements of [from, to); undefined where it has none. */
  statements(from: number, to: number): Promise<(Uint8Array | undefined)[]>
}

const STATEMENTS_AT_ONCE = 1024

/**
 * Appends what the copy has and the store has not; returns how many entries. All of it is shown to lead to the copy's signed checkpoint before
 * anything is written. @throws RefillError REFILL_FORK, REFILL_UNSIGNED, REFILL_MISSING
 */
export async function refill(store: Store, copy: Copy, seed: Uint8Array, nowMs: () => number): Promise<number> {
  const row = await store.readHead()
  const state = row && restore(row.head, row.edge)
  if (state === undefined) throw new RefillError('REFILL_FORK', 'The head of this ledger is damaged: nothing can be put upon it.')
  const { origin, checkpoint } = await readCheckpoint(store, copy)
  const signer = createLogSigner(origin, seed)
  const sequencer = await openSequencer({ store, signer, origin, nowMs })
  const from = state.head.size
  if (checkpoint.size <= from) {
    if (equalBytes(await rootAt(sequencer.nodes, checkpoint.size), checkpoint.root)) return 0
    throw new RefillError('REFILL_FORK', `The other copy has another history: its root of size ${checkpoint.size} is not ours.`)
  }

  const entries = await readEntries(copy, from, checkpoint.size)
  const { range } = extendTree(from, state.range, entries.map(hashLeaf))
  if (!equalBytes(rootFromRange(range), checkpoint.root))
    throw new RefillError('REFILL_FORK', `The entries of the other copy do not lead from our ${from} entries to its signed root.`)

  for (let at = from; at < checkpoint.size; at += STATEMENTS_AT_ONCE) {
    const statements = await copy.statements(at, Math.min(checkpoint.size, at + STATEMENTS_AT_ONCE))
    const batch = statements.map((statement, i) => {
      const entry = entries[at - from + i]!
      if (statement === undefined || !equalBytes(encodeEntry(statement), entry))
        throw new RefillError('REFILL_MISSING', `The other copy does not have the statement of entry ${at + i}: try another one.`)
      return { ...recordOf(at + i, statement), entry }
    })
    await sequencer.seal(batch)
  }
  return checkpoint.size - from
}

async function readCheckpoint(store: Store, copy: Copy) {
  const bytes = await store.readStatement(0)
  const genesis = bytes === undefined ? undefined : parseAnyStatement(parseJson(bytes))
  if (genesis?.type !== 'openseal/genesis@v1')
    throw new RefillError('REFILL_FORK', 'This ledger has no genesis: nothing can be put upon it.')
  const note = await copy.checkpoint()
  const keys = keysAfter(genesis.logKey, await readKeyChanges(store))
  const signed = verifyNote(note, [parseVkey(keys.at(-1)!.vkey)])
  const checkpoint = parseCheckpoint(parseNote(note).text)
  if (signed.length === 0 || checkpoint.origin !== genesis.origin)
    throw new RefillError('REFILL_UNSIGNED', `The other copy shows no checkpoint that is signed by this ledger, ${genesis.origin}.`)
  return { origin: genesis.origin, checkpoint }
}

async function readEntries(copy: Copy, from: number, to: number): Promise<Uint8Array[]> {
  const entries: Uint8Array[] = []
  for (let index = Math.floor(from / TILE_WIDTH); index * TILE_WIDTH < to; index++) {
    const width = Math.min(TILE_WIDTH, to - index * TILE_WIDTH)
    const bundle = decodeBundle(await copy.bundle(index, width), width)
    entries.push(...bundle.slice(Math.max(0, from - index * TILE_WIDTH)))
  }
  return entries
}

/** REFILL_FORK, REFILL_UNSIGNED, REFILL_MISSING. */
export class RefillError extends OpenSealError {}

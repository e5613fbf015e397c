/** What was promised during a run, and the invariants that it must keep. */
import { equalBytes, toHex } from '../../src/core/bytes.ts'
import { type Hash, hashLeaf } from '../../src/core/hash.ts'
import { parseJson } from '../../src/core/json.ts'
import { encodeEntry } from '../../src/core/statements/entry.ts'
import { ERASURE } from '../../src/core/statements/erasure.ts'
import { type AnyStatement, isRecordStatement } from '../../src/core/statements/registry.ts'
import { identityOf, type Statement, statementBody } from '../../src/core/statements/statement.ts'
import { type NoteSignature, parseNote } from '../../src/core/tlog/note.ts'
import { decodeBundle, TILE_WIDTH } from '../../src/core/tlog/tile.ts'
import { readErasure } from '../../src/log/erasures.ts'
import type { SignedHead } from '../../src/log/view.ts'
import type { Store } from '../../src/store/port/port.ts'
import { mth } from '../core/tlog/naive.ts'

/** The invariants, by the names under which a run reports them. */
export type Invariant =
  | 'nothing acknowledged is lost'
  | 'nothing is logged twice'
  | 'no two heads contradict each other'
  | 'no head goes back'
  | 'nothing is signed before it is safe'
  | 'no anchor is off the history'
  | 'every receipt verifies'
  | 'only the holder of the lease writes the journal'
  | 'a revoked key is dead after two seconds'
  | 'an erased statement is shown by nobody after two seconds'
  | 'a log key that has ended signs nothing more'
  | 'everything goes on once nothing fails'

/** A run has broken an invariant. */
export class Violation extends Error {
  readonly invariant: Invariant

  constructor(invariant: Invariant, what: string) {
    super(what)
    this.invariant = invariant
  }
}

export type Model = {
  /** A submission was answered. */
  acknowledge(statement: Statement, index: number, node: string): void
  /** A node shows a head. `safeRoot`: that of the replicated tree of its size. */
  show(node: string, head: SignedHead, safeRoot: Hash | undefined): void
  /** The log's key of this id may sign no larger size. */
  endKey(id: string, lastSize: number): void
  /** A node has crashed: a new process begins. */
  forget(node: string): void
  /** Each index that was answered. */
  indexes(): readonly number[]
  /** Reads the whole store again. */
  checkStore(store: Store, anchors: readonly { readonly size: number; readonly root: Hash }[]): Promise<void>
}

/** Creates the model of a run. With a careless store, nodes are compared with themselves only. */
export function createModel({ isCareless }: { readonly isCareless: boolean }): Model {
  const byIdentity = new Map<string, number>()
  const byIndex = new Map<number, string>()
  const roots = new Map<string, string>()
  const sizes = new Map<string, number>()
  /** For each key the largest size that it has signed, and the largest that it may sign. */
  const [signed, ended] = [new Map<string, number>(), new Map<string, number>()]
  const checkKey = (id: string) => {
    const [largest = 0, last = Number.POSITIVE_INFINITY] = [signed.get(id), ended.get(id)]
    if (largest > last)
      throw new Violation('a log key that has ended signs nothing more', `the key that ended with size ${last} has signed size ${largest}`)
  }

  return {
    acknowledge(statement, index, node) {
      const identity = identityOf(statementBody(statement))
      const before = byIdentity.get(identity)
      if (!isCareless && before !== undefined && before !== index)
        throw new Violation('nothing is logged twice', `${node} answers ${index} for a statement that has index ${before}`)
      const other = byIndex.get(index)
      if (!isCareless && other !== undefined && other !== identity)
        throw new Violation('nothing acknowledged is lost', `${node} answers ${index}, which another statement has`)
      byIdentity.set(identity, index)
      byIndex.set(index, identity)
    },
    show(node, { size, root, note }, safeRoot) {
      // A second line is by the old key, which may sign for a time beside the one that counts.
      const [{ id }] = parseNote(note).signatures as [NoteSignature]
      signed.set(id, Math.max(size, signed.get(id) ?? 0))
      checkKey(id)
      const was = sizes.get(node) ?? 0
      if (size < was) throw new Violation('no head goes back', `${node} shows size ${size} after size ${was}`)
      sizes.set(node, size)
      const of = isCareless ? `${node} ${size}` : String(size)
      const known = roots.get(of)
      if (known !== undefined && known !== toHex(root))
        throw new Violation('no two heads contradict each other', `${node} shows another root of size ${size}`)
      roots.set(of, toHex(root))
      if (!isCareless && (safeRoot === undefined || !equalBytes(safeRoot, root)))
        throw new Violation('nothing is signed before it is safe', `${node} shows size ${size}, which a fail-over would take back`)
    },
    endKey(id, lastSize) {
      ended.set(id, lastSize)
      checkKey(id)
    },
    forget: node => sizes.delete(node),
    indexes: () => [...byIndex.keys()],
    async checkStore(store, anchors) {
      const size = (await store.readHead())?.head.size ?? 0
      const leaves: Hash[] = []
      const seen = new Map<string, number>()
      const entries = await readEntries(store, size)
      const erased = new Set<number>()
      for (let index = 0; index < size; index++) {
        leaves.push(hashLeaf(entries[index]!))
        const bytes = await store.readStatement(index)
        if (bytes === undefined) {
          if ((await readErasure(store, index)) === undefined)
            throw new Violation('nothing acknowledged is lost', `there is no statement ${index}, and no erasure of it`)
          erased.add(index)
          continue
        }
        if (!equalBytes(encodeEntry(bytes), entries[index]!))
          throw new Violation('nothing acknowledged is lost', `statement ${index} is not the logged one`)
        const statement = parseJson(bytes) as AnyStatement
        const identity = isRecordStatement(statement) ? identityOf(statementBody(statement)) : tombstoneOf(statement)
        const twin = identity === undefined ? undefined : seen.get(identity)
        if (twin !== undefined) throw new Violation('nothing is logged twice', `entries ${twin} and ${index} are one statement`)
        if (identity !== undefined) seen.set(identity, index)
      }
      if (!isCareless)
        for (const [identity, index] of byIdentity)
          if (seen.get(identity) !== index && !erased.has(index))
            throw new Violation('nothing acknowledged is lost', `entry ${index} was answered and is not there`)
      const isOurs = (at: number, root: string) => at <= size && toHex(mth(leaves.slice(0, at))) === root
      if (!isCareless)
        for (const [at, root] of roots)
          if (!isOurs(Number(at), root))
            throw new Violation('no two heads contradict each other', `the store has not the signed tree of ${at}`)
      for (const { size: at, root } of isCareless ? [] : anchors)
        if (!isOurs(at, toHex(root)))
          throw new Violation('no anchor is off the history', `the contract holds another tree of ${at} entries`)
    },
  }
}

/** One name for all tombstones of an index, of which there is one at most. */
function tombstoneOf(statement: AnyStatement): string | undefined {
  return statement.type === ERASURE ? `tombstone of ${statement.index}` : undefined
}

async function readEntries(store: Store, size: number): Promise<Uint8Array[]> {
  const entries: Uint8Array[] = []
  const { edge } = (await store.readHead()) ?? {}
  for (let at = 0; at < size; at += TILE_WIDTH) {
    const bundle = (await store.readBundle(at / TILE_WIDTH)) ?? edge!.bundle
    entries.push(...decodeBundle(bundle, Math.min(TILE_WIDTH, size - at)))
  }
  return entries
}

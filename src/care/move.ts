/**
 * Moves a ledger at rest from one store to another. The source is marked first, so that it never
 * seals again unless the move is aborted. The destination is marked until all of it was written,
 * read back and hashed to the source's root. A move that was interrupted continues where it ended.
 */
import { equalBytes } from '../core/bytes.ts'
import { OpenSealError } from '../core/errors.ts'
import { encodeEntry } from '../core/statements/entry.ts'
import { decodeBundle, TILE_WIDTH, tileWidthAt } from '../core/tlog/tile.ts'
import { createCheckedNodes, rootAt } from '../log/checked-nodes.ts'
import { recordOf } from '../log/prepare.ts'
import { EMPTY_STATE, grow, restore, type TreeState } from '../log/tree-state.ts'
import { type DocumentChange, isDocumentChanged, LOCAL } from '../store/port/documents.ts'
import type { NewRecord } from '../store/port/log.ts'
import { isShared, type Store } from '../store/port/port.ts'

/** A store, and its name as the beginning of a sentence. It holds no password. */
export type NamedStore = { readonly store: Store; readonly name: string }

/** A store's part in a move. A destination has its mark until it is whole, a source forever. */
export type MoveMark = { readonly role: 'source' | 'destination'; readonly other: string; readonly isDone: boolean }

/** The moved ledger, in numbers. */
export type MovedLedger = { readonly size: number; readonly root: Uint8Array; readonly erased: number; readonly documents: number }

type Progress = (progress: { readonly step: 'copy' | 'verify'; readonly done: number; readonly total: number }) => void

const MARK = { collection: `${LOCAL}move`, key: 'mark' }
/** Entries that are read, written and hashed at once. */
const ENTRIES_AT_ONCE = 16 * TILE_WIDTH
const DOCUMENTS_AT_ONCE = 500

/** The mark of a store that is or was moved. */
export async function readMoveMark(store: Store): Promise<MoveMark | undefined> {
  const text = await store.readDocument(MARK.collection, MARK.key)
  return text === undefined ? undefined : JSON.parse(text)
}

/** Why a marked store does not open; the end of a sentence that begins with "the store". */
export function moveReason({ role, other, isDone }: MoveMark): string {
  if (role === 'destination') return `is not whole yet: a move has not ended (${other}). Run "openseal move" again with the same stores.`
  if (isDone) return `held a ledger that was moved: ${other} has it now. Start it there.`
  return `holds a ledger that is being moved (${other}). Run "openseal move" again, or take it back with "openseal move --abort".`
}

/** The name of a store's folder once its ledger was moved to a database. */
export function movedFolderOf(folder: string): string {
  return `${folder}.moved`
}

/**
 * Moves the ledger. Every step can be repeated, so that a move which was interrupted can be called
 * again with the same stores.
 * @throws MoveError MOVE_EMPTY, MOVE_ELSEWHERE, MOVE_DONE, MOVE_TAKEN, MOVE_FORKED, MOVE_DAMAGED,
 * MOVE_CHANGED
 */
export async function moveLedger(from: NamedStore, to: NamedStore, onProgress: Progress = () => {}): Promise<MovedLedger> {
  const found = [await readMoveMark(from.store), await readMoveMark(to.store)] as const
  await checkRoles(from, to, ...found)

  // The source is marked and retired before anything is read. A crash from here on leaves a source
  // that does not start, until the move is called again or aborted.
  const leaving: MoveMark = { role: 'source', other: to.name, isDone: found[0]?.isDone ?? false }
  await replaceMark(from, found[0], leaving)

  // A crash from here on leaves a destination that does not open.
  const coming: MoveMark = { role: 'destination', other: from.name, isDone: false }
  await replaceMark(to, found[1], coming)
  const head = await stateOf(from)
  await copyLog(from, to, head, onProgress)
  await copyDocuments(from.store, to.store)
  const counts = await verifyCopy(from, to, head, onProgress)

  // The source can no longer be taken back before the destination opens: there is never more than
  // one store that seals. If it was taken back meanwhile, its mark is another one, and this ends.
  await replaceMark(from, leaving, { ...leaving, isDone: true })
  await replaceMark(to, coming, undefined)
  return { size: head.head.size, root: head.head.root, ...counts }
}

/**
 * Takes back a move that has not ended: the source starts again.
 * @throws MoveError MOVE_NONE, MOVE_DONE, MOVE_CHANGED
 */
export async function abortMove(from: NamedStore): Promise<void> {
  const { store, name } = from
  const found = await readMoveMark(store)
  if (found?.role !== 'source') throw new MoveError('MOVE_NONE', `${name} holds no ledger that is being moved.`)
  if (found.isDone) throw new MoveError('MOVE_DONE', `${name} ${moveReason(found)} It may have grown there, so this cannot be taken back.`)
  await replaceMark(from, found, undefined)
}

/**
 * Replaces a mark unless another process has changed it meanwhile. A source that nodes share is
 * retired with it, or takes writes again.
 */
async function replaceMark({ store, name }: NamedStore, before: MoveMark | undefined, after: MoveMark | undefined): Promise<void> {
  const [unless, changes] = [before, after].map(mark => [{ ...MARK, value: mark === undefined ? null : JSON.stringify(mark) }])
  try {
    if (isShared(store) && (after ?? before)?.role === 'source') await store.retire(after !== undefined, changes!, unless!)
    else await store.writeDocuments(changes!, { unless: unless! })
  } catch (cause) {
    if (!isDocumentChanged(cause)) throw cause
    throw new MoveError('MOVE_CHANGED', `${name} was marked by another "openseal move" meanwhile. This one has not ended.`, { cause })
  }
}

async function checkRoles(
  from: NamedStore,
  to: NamedStore,
  source: MoveMark | undefined,
  destination: MoveMark | undefined,
): Promise<void> {
  if ((await from.store.readHead()) === undefined) throw new MoveError('MOVE_EMPTY', `${from.name} holds no ledger.`)
  if (source?.role === 'destination') throw new MoveError('MOVE_ELSEWHERE', `${from.name} ${moveReason(source)}`)
  if (source !== undefined && source.other !== to.name) throw new MoveError('MOVE_ELSEWHERE', `${from.name} ${moveReason(source)}`)
  if (source?.isDone && destination === undefined) throw new MoveError('MOVE_DONE', `${from.name} ${moveReason(source)}`)
  if (destination?.role === 'source') throw new MoveError('MOVE_TAKEN', `${to.name} ${moveReason(destination)} Name an empty store.`)
  if (destination !== undefined && destination.other !== from.name)
    throw new MoveError('MOVE_TAKEN', `${to.name} ${moveReason(destination)}`)
  const isEmpty = (await to.store.readHead()) === undefined && (await to.store.listCollections()).length === 0
  if (destination === undefined && !isEmpty) throw new MoveError('MOVE_TAKEN', `${to.name} is not empty. Name an empty store.`)
}

/** The committed tree of a store; the empty one if it has none. */
async function stateOf({ store, name }: NamedStore): Promise<TreeState> {
  const row = await store.readHead()
  const state = row === undefined ? EMPTY_STATE : restore(row.head, row.edge)
  if (state === undefined) throw damaged(name, 'its head does not match its growing tiles')
  return state
}

/** Appends to the destination what it lacks of the source, in commits with the source's times. */
async function copyLog(from: NamedStore, to: NamedStore, whole: TreeState, onProgress: Progress): Promise<void> {
  let tree = await stateOf(to)
  await checkPrefix(from, to, tree, whole)
  const total = whole.head.size
  while (tree.head.size < total) {
    const start = tree.head.size
    const end = Math.min(total, Math.ceil((start + 1) / ENTRIES_AT_ONCE) * ENTRIES_AT_ONCE)
    const { entries, records } = await readPart(from, whole, start, end)
    const commits = await from.store.readCommits(start, end)
    for (const [i, { size, timeMs }] of commits.entries()) {
      // Commits of one moment become one.
      if (commits[i + 1]?.timeMs === timeMs) continue
      const at = tree.head.size
      const until = Math.min(size, end)
      const { state, tiles, bundles } = grow(tree, entries.slice(at - start, until - start))
      const part = records.filter(({ index }) => index >= at && index < until)
      await to.store.commit({ previous: tree.head, next: state.head, edge: state.edge, tiles, bundles, records: part, timeMs })
      tree = state
    }
    if (tree.head.size < end) throw damaged(from.name, `when the entry at ${tree.head.size} was committed is missing`)
    onProgress({ step: 'copy', done: end, total })
  }
}

async function checkPrefix(from: NamedStore, to: NamedStore, { head }: TreeState, whole: TreeState): Promise<void> {
  const isShorter = head.size <= whole.head.size
  const root =
    isShorter &&
    (await rootAt(
      createCheckedNodes(from.store, () => whole),
      head.size,
    ))
  if (!root || !equalBytes(root, head.root))
    throw new MoveError(
      'MOVE_FORKED',
      `${to.name} holds ${head.size} entries that are not the first ones of ${from.name}. Name an empty store.`,
    )
}

/** The entries of [start, end), and a record for each statement that was not erased. */
async function readPart({ store, name }: NamedStore, { head, edge }: TreeState, start: number, end: number) {
  const entries: Uint8Array[] = []
  for (let bundle = Math.floor(start / TILE_WIDTH); bundle * TILE_WIDTH < end; bundle++) {
    const first = bundle * TILE_WIDTH
    const width = tileWidthAt(0, bundle, head.size)
    const bytes = width < TILE_WIDTH ? edge.bundle : await store.readBundle(bundle)
    if (bytes === undefined) throw damaged(name, `entry bundle ${bundle} is missing`)
    entries.push(...decode(bytes, width, name).slice(Math.max(0, start - first), end - first))
  }
  const records: NewRecord[] = []
  for await (const { index, statement } of store.readStatements(start, end)) {
    if (statement === undefined) continue
    if (!equalBytes(encodeEntry(statement), entries[index - start] ?? new Uint8Array(0)))
      throw damaged(name, `the statement at ${index} is not the one that was logged`)
    records.push(recordOf(index, statement))
  }
  return { entries, records }
}

function decode(bytes: Uint8Array, width: number, name: string): Uint8Array[] {
  try {
    return decodeBundle(bytes, width)
  } catch (cause) {
    throw damaged(name, 'an entry bundle cannot be read', cause)
  }
}

/** Makes the destination's documents those of the source. */
async function copyDocuments(from: Store, to: Store): Promise<void> {
  const collections = new Set([...(await from.listCollections()), ...(await to.listCollections())])
  collections.delete(MARK.collection)
  for (const collection of collections) {
    for await (const part of documentsOf(from, collection))
      await to.writeDocuments(part.map(({ key, value }): DocumentChange => ({ collection, key, value })))
    for await (const part of documentsOf(to, collection)) {
      const kept = await Promise.all(part.map(({ key }) => from.readDocument(collection, key)))
      const gone = part.filter((_, i) => kept[i] === undefined)
      if (gone.length > 0) await to.writeDocuments(gone.map(({ key }): DocumentChange => ({ collection, key, value: null })))
    }
  }
}

async function* documentsOf(store: Store, collection: string) {
  for (let after: string | undefined; ; ) {
    const part = await store.listDocuments(collection, { limit: DOCUMENTS_AT_ONCE, ...(after !== undefined && { after }) })
    if (part.length === 0) return
    yield part
    after = part.at(-1)!.key
  }
}

/**
 * Reads all of the destination back: entries, tiles and statements must give the source's root, each
 * statement must be found by its identity and its record, and the documents must be equal.
 */
async function verifyCopy(from: NamedStore, to: NamedStore, whole: TreeState, onProgress: Progress) {
  const total = whole.head.size
  let tree = EMPTY_STATE
  let erased = 0
  const copied = await stateOf(to)
  while (tree.head.size < total) {
    const start = tree.head.size
    const end = Math.min(total, start + ENTRIES_AT_ONCE)
    const { entries, records } = await readPart(to, copied, start, end)
    const growth = grow(tree, entries)
    for (const { level, index, bytes } of growth.tiles)
      if (!equalBytes((await to.store.readTile(level, index)) ?? new Uint8Array(0), bytes))
        throw damaged(to.name, `tile ${level}/${index} is missing or another one`)
    await checkRecords(to, records)
    erased += await countErased(from, records, start, end)
    tree = growth.state
    onProgress({ step: 'verify', done: end, total })
  }
  if (!equalBytes(tree.head.root, whole.head.root) || copied.head.size !== total)
    throw damaged(to.name, 'its entries do not give the root of the source')
  return { erased, documents: await compareDocuments(from.store, to) }
}

async function checkRecords({ store, name }: NamedStore, records: readonly NewRecord[]): Promise<void> {
  const found = await store.findIdentities(records.map(({ identity }) => identity))
  const subjects = records.flatMap(({ subject }) => subject ?? [])
  const lost = records.find(({ index }, i) => found[i] !== index)
  if (lost !== undefined) throw damaged(name, `the statement at ${lost.index} is not found by its identity`)
  if (!(await store.haveStatements(subjects)).every(Boolean)) throw damaged(name, 'a statement is not found by its record')
}

/** How many statements of [start, end) are erased: the same ones in both stores. */
async function countErased({ store, name }: NamedStore, records: readonly NewRecord[], start: number, end: number): Promise<number> {
  const there = new Set(records.map(({ index }) => index))
  for await (const { index, statement } of store.readStatements(start, end))
    if ((statement !== undefined) !== there.has(index)) throw damaged(name, `the statement at ${index} is in one of the stores only`)
  return end - start - there.size
}

async function compareDocuments(from: Store, { store, name }: NamedStore): Promise<number> {
  let count = 0
  for (const collection of await from.listCollections()) {
    if (collection === MARK.collection) continue
    for await (const part of documentsOf(from, collection)) {
      const found = await Promise.all(part.map(({ key }) => store.readDocument(collection, key)))
      if (!part.every(({ value }, i) => found[i] === value)) throw damaged(name, `a document of ${collection} differs`)
      count += part.length
    }
  }
  return count
}

function damaged(name: string, what: string, cause?: unknown): MoveError {
  return new MoveError('MOVE_DAMAGED', `${name} is damaged: ${what}. The move has not ended.`, {
    cause,
  })
}

/**
 * MOVE_EMPTY, MOVE_ELSEWHERE, MOVE_TAKEN, MOVE_FORKED, MOVE_DAMAGED, MOVE_NONE, MOVE_DONE,
 * MOVE_CHANGED.
 */
export class MoveError extends OpenSealError {}

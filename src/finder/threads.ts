/**
 * The state of each entry (design §3.2), kept so that adding a statement and asking about one
 * take the same time however long the history of its record is.
 *
 *   v record | version → `Thread`, of a whole record or of one version of it, by hash
 *   n stretch name     → `Content[]`: what was published under a name within one stretch, by hash
 *   e stretch          → there was a silent edit in this stretch
 *   b index            → the amendment or withdrawal with which a publication's stretch begins;
 *                      none if it begins with the record
 *   a index            → the digests that an amendment lists; none if it was erased
 *   x index            → `Lost`: what erased statements did to a version
 *
 * Each entry that a statement may have changed is marked too (marks.ts), for readers who look for
 * changed entries.
 *
 * A stretch is what was published of one version between two amendments or withdrawals that cover
 * it. An edit can be silent only within a stretch.
 */
import { createHash } from 'node:crypto'
import type { KeptEffect } from '../core/statements/effects.ts'
import type { DocumentRef, Statement } from '../core/statements/statement.ts'
import { createMarks } from './marks.ts'
import { type FinderRow, jsonValue, lastNumber, numberValue, type Rows, readJson, rowKey } from './rows.ts'

/**
 * The state of an entry: the newest entry that withdrew it, one that superseded it, and whether a
 * silent edit concerns it.
 */
export type EntryState = { readonly withdrawn?: number; readonly superseded?: number; readonly edited?: true; readonly isSilentEdit?: true }

/** The erased statements that replaced a version, or had other content under the same name. */
type Lost = { readonly superseded?: number; readonly edited?: number }

type Digests = Pick<DocumentRef, 'sha256' | 'jcs'>
/** The known facts of a record, or of one version of it. */
type Thread = {
  /** Its newest version that is not a withdrawal. */
  readonly newest?: number
  /** The newest withdrawal, and the newest amendments, of the whole record or version. */
  readonly withdrawal?: number
  readonly amendments?: readonly number[]
  /**
   * For a version: where its newest stretch with a publication begins, and that publication while
   * it is the only one.
   */
  readonly start?: number
  readonly alone?: number
  /** Its newest statement of any kind. */
  readonly tail?: number
}
/** One content under a document name, and the newest entry that published it. */
type Content = Digests & { readonly index: number }
type ReadStatement = (index: number) => Promise<string | undefined>

/**
 * The most amendments compared with an older version. Lists may miss an older amendment if an
 * agency repeats all its documents in more of them.
 */
const MAX_AMENDMENTS = 8
/** The most contents of one name that are kept apart within a stretch. */
const MAX_CONTENTS = 8

/**
 * Adds statements one after the other; `rows` returns the rows to write. `rest` lets other work run
 * while a long history is marked.
 */
export function createThreads(stored: Pick<Rows, 'get'>, readStatement: ReadStatement, rest: () => Promise<boolean>) {
  const written = new Map<string, FinderRow>()
  const rows: Pick<Rows, 'get'> = { get: key => written.get(keyName(key))?.value ?? stored.get(key) }
  const put = (key: Uint8Array, value: Uint8Array) => written.set(keyName(key), { key, value })
  const marks = createMarks(rows, put, rest)

  /**
   * Records a document's name and content; returns the newest entry that has other content under
   * that name.
   */
  const note = (stretch: string, index: number, document: DocumentRef): number | undefined => {
    const key = nameKey(stretch, document.name)
    const contents = readJson<readonly Content[]>(rows.get(key)) ?? []
    const newest = contents.at(-1)
    const { sha256, jcs } = document
    const others = contents.filter(content => content.sha256 !== sha256 || content.jcs !== jcs)
    put(key, jsonValue([...others.slice(1 - MAX_CONTENTS), { index, sha256, ...(jcs !== undefined && { jcs }) }]))
    if (others.some(content => !fits(content, document))) put(editKey(stretch), NOTHING)
    return newest !== undefined && !fits(newest, document) ? newest.index : undefined
  }

  /** The newest publication of the same stretch that a publication edits. */
  const publish = async (index: number, statement: Statement): Promise<number | undefined> => {
    const key = threadKey(statement, statement.revision)
    const thread = readThread(rows, key)
    const start = startOf(rows, statement)
    const stretch = stretchOf(statement, start)
    const isFirst = thread.start !== start
    put(key, jsonValue({ ...thread, newest: index, start, alone: isFirst ? index : undefined }))
    if (start >= 0) put(startKey(index), numberValue(start))
    if (isFirst) return undefined
    // Most versions are published once, so the names of the first are written only with the second.
    if (thread.alone !== undefined) {
      const text = await readStatement(thread.alone)
      const first: Statement | undefined = text === undefined ? undefined : JSON.parse(text)
      for (const document of first?.documents ?? []) note(stretch, thread.alone, document)
    }
    const wasEdited = rows.get(editKey(stretch)) !== undefined
    const edited = statement.documents.map(document => note(stretch, index, document)).filter(earlier => earlier !== undefined)
    if (wasEdited) marks.one('edited', index)
    else if (rows.get(editKey(stretch)) !== undefined) {
      marks.one('edited', index)
      marks.chain('edited', { tail: thread.tail, of: 'version', down: start + 1 })
    }
    return edited.length === 0 ? undefined : Math.max(...edited)
  }

  /** The newest version that an amendment or a withdrawal covers. */
  const cover = (index: number, statement: Statement): number | undefined => {
    const { action, target, documents } = statement
    const key = target === undefined ? recordKey(statement) : threadKey(statement, target)
    const thread = readThread(rows, key)
    const chain = { tail: thread.tail, of: target === undefined ? 'record' : 'version' } as const
    // Those before the last statement that covered the same were marked by that one.
    if (action === 'withdraw') {
      marks.chain('withdrawn', { ...chain, down: thread.withdrawal ?? 0 })
      put(key, jsonValue({ ...thread, withdrawal: index }))
    } else {
      marks.chain('superseded', { ...chain, down: thread.amendments?.at(-1) ?? 0 })
      put(key, jsonValue({ ...thread, amendments: [...(thread.amendments ?? []), index].slice(-MAX_AMENDMENTS) }))
      put(listKey(index), jsonValue(documents.map(({ sha256, jcs }): Digests => ({ sha256, ...(jcs !== undefined && { jcs }) }))))
      const own = threadKey(statement, statement.revision)
      put(own, jsonValue({ ...readThread(rows, own), newest: index }))
    }
    return thread.newest
  }

  return {
    /**
     * Adds a statement. Returns the earlier entry that it silently edits, amends or withdraws, if
     * there is one.
     */
    async add(index: number, statement: Statement): Promise<number | undefined> {
      const earlier = statement.action === 'publish' ? await publish(index, statement) : cover(index, statement)
      const [key, own] = [recordKey(statement), threadKey(statement, statement.revision)]
      const [thread, version] = [readThread(rows, key), readThread(rows, own)]
      marks.link(index, { record: thread.tail, version: version.tail })
      put(key, jsonValue({ ...thread, ...(statement.action !== 'withdraw' && { newest: index }), tail: index }))
      put(own, jsonValue({ ...version, tail: index }))
      await marks.settle()
      return earlier ?? editedBefore(rows, index)
    },
    /**
     * Adds what an erased statement did to a version: `statement` is that version's, if it is
     * before the erased one and was not erased itself.
     */
    async addErased(index: number, { on, what }: KeptEffect, statement: Statement | undefined): Promise<void> {
      const key = statement && threadKey(statement, statement.revision)
      const thread = key && readThread(rows, key)
      if (what !== 'published') marks.one(what, on)
      if (thread && (what === 'withdrawn' || what === 'superseded'))
        marks.chain(what, {
          tail: thread.tail,
          of: 'version',
          down: (what === 'withdrawn' ? thread.withdrawal : thread.amendments?.at(-1)) ?? 0,
        })
      if (key && thread && what === 'withdrawn') put(key, jsonValue({ ...thread, withdrawal: index }))
      if (key && thread && what === 'superseded')
        put(key, jsonValue({ ...thread, amendments: [...(thread.amendments ?? []), index].slice(-MAX_AMENDMENTS) }))
      if (what === 'superseded' || what === 'edited') put(lostKey(on), jsonValue({ ...readLost(rows, on), [what]: index }))
      await marks.settle()
    },
    *rows(): Generator<FinderRow> {
      yield* written.values()
      yield* marks.rows()
    },
  }
}

/** The state of an entry, as far as the finder has read the log. */
export function readState(rows: Pick<Rows, 'get'>, index: number, statement: Statement): Omit<EntryState, 'isSilentEdit'> {
  const threads = [readThread(rows, recordKey(statement)), readThread(rows, threadKey(statement, statement.revision))]
  const withdrawn = Math.max(...threads.map(({ withdrawal = -1 }) => withdrawal))
  const amendments = threads.flatMap(({ amendments = [] }) => amendments).filter(amendment => amendment > index)
  const lost = readLost(rows, index)
  const superseded = amendments.sort((a, b) => b - a).find(amendment => !listsAll(rows, amendment, statement)) ?? lost.superseded
  return {
    ...(withdrawn > index && { withdrawn }),
    ...(superseded !== undefined && { superseded }),
    ...((lost.edited !== undefined || isEdited(rows, index, statement)) && { edited: true }),
  }
}

function isEdited(rows: Pick<Rows, 'get'>, index: number, statement: Statement): boolean {
  if (statement.action !== 'publish') return false
  const start = rows.get(startKey(index))
  const stretch = stretchOf(statement, start === undefined ? -1 : lastNumber(start))
  if (rows.get(editKey(stretch)) === undefined) return false
  return statement.documents.some(document => {
    const contents = readJson<readonly Content[]>(rows.get(nameKey(stretch, document.name))) ?? []
    return contents.some(content => !fits(content, document))
  })
}

/**
 * Whether an amendment lists every document of a statement. A statement without documents lists
 * nothing, so the answer is no.
 */
function listsAll(rows: Pick<Rows, 'get'>, amendment: number, { documents }: Statement): boolean {
  const listed = readJson<readonly Digests[]>(rows.get(listKey(amendment)))
  // It was erased. Its effect on each version is kept beside that version.
  if (listed === undefined) return true
  const digests = new Set(listed.flatMap(({ sha256, jcs }) => (jcs === undefined ? [sha256] : [sha256, `=${jcs}`])))
  return documents.length > 0 && documents.every(({ sha256, jcs }) => digests.has(sha256) || (jcs !== undefined && digests.has(`=${jcs}`)))
}

/**
 * The amendment or withdrawal after which the newest stretch of a version begins; -1 if there is
 * none.
 */
function startOf(rows: Pick<Rows, 'get'>, statement: Statement): number {
  const covers = [readThread(rows, recordKey(statement)), readThread(rows, threadKey(statement, statement.revision))]
  return Math.max(...covers.map(({ withdrawal = -1, amendments = [] }) => Math.max(withdrawal, amendments.at(-1) ?? -1)))
}

function readThread(rows: Pick<Rows, 'get'>, key: Uint8Array): Thread {
  return readJson<Thread>(rows.get(key)) ?? {}
}

/** Whether both have the same exact bytes, or both have a digest of the same JSON content. */
function fits(a: Digests, b: Digests): boolean {
  return a.sha256 === b.sha256 || (a.jcs !== undefined && a.jcs === b.jcs)
}

const NOTHING = new Uint8Array(0)

function recordKey({ agency, record }: Statement): Buffer {
  return rowKey('v', hashOf([agency, record]))
}

function threadKey({ agency, record }: Statement, revision: string | undefined): Buffer {
  return rowKey('v', hashOf([agency, record, revision ?? null]))
}

function stretchOf({ agency, record, revision }: Statement, start: number): string {
  return hashOf([agency, record, revision ?? null, start])
}

function nameKey(stretch: string, name: string): Buffer {
  return rowKey('n', hashOf([stretch, name.normalize('NFC')]))
}

function editKey(stretch: string): Buffer {
  return rowKey('e', stretch)
}

function startKey(index: number): Buffer {
  return rowKey('b', '', [{ value: index, bytes: 8 }])
}

function listKey(index: number): Buffer {
  return rowKey('a', '', [{ value: index, bytes: 8 }])
}

function lostKey(index: number): Buffer {
  return rowKey('x', '', [{ value: index, bytes: 8 }])
}

function readLost(rows: Pick<Rows, 'get'>, index: number): Lost {
  return readJson<Lost>(rows.get(lostKey(index))) ?? {}
}

/** An erased statement of the same version before this one that had other content. */
function editedBefore(rows: Pick<Rows, 'get'>, index: number): number | undefined {
  const { edited } = readLost(rows, index)
  return edited !== undefined && edited < index ? edited : undefined
}

function keyName(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1')
}

function hashOf(names: readonly (string | number | null)[]): string {
  return createHash('sha256').update(JSON.stringify(names)).digest('base64')
}

/**
 * The reference implementation of the store: plain maps, not durable. For tests, and for reading
 * the port's guarantees as code.
 */
import { compareBytes, equalBytes } from '../../core/bytes.ts'
import { EMPTY_ROOT } from '../../core/hash.ts'
import { type DocumentChange, type Documents, documentChanged } from '../port/documents.ts'
import { headMoved, storeMoved } from '../port/errors.ts'
import type { Commit, Edge, ErasedRecord, Head, LogStore, NewRecord } from '../port/log.ts'
import type { DigestIndexes, Lookups } from '../port/lookups.ts'
import type { EmbeddedStore, SharedStore } from '../port/port.ts'

/**
 * A store in memory, which several ledgers of one process may share. `nowMs` is its clock; without
 * it, the clock does not move.
 */
export function createMemoryStore({ nowMs = () => 0 }: { readonly nowMs?: () => number } = {}): EmbeddedStore & SharedStore {
  const records = createRecords()
  const documents = createDocuments()
  const tree = createTree()
  let retired = false
  const refuseRetired = () => {
    if (retired) throw storeMoved()
  }
  return {
    ...records.lookups,
    ...documents.port,
    nowMs: async () => nowMs(),
    history: async () => ({ system: 'memory', timeline: 1 }),
    readHead: tree.readHead,
    async confirmHead() {
      refuseRetired()
      return tree.readHead()
    },
    async writeDocuments(changes, options) {
      refuseRetired()
      await documents.port.writeDocuments(changes, options)
    },
    async retire(isRetired, changes = [], unless = []) {
      documents.write(changes, unless)
      retired = isRetired
    },
    lastSize: tree.lastSize,
    readCommits: tree.readCommits,
    readTile: tree.readTile,
    readBundle: tree.readBundle,
    async commit(commit) {
      refuseRetired()
      tree.assertHead(commit.previous)
      if (commit.documents !== undefined) documents.write(commit.documents.changes, commit.documents.unless)
      for (const record of commit.records) records.add(record)
      for (const record of commit.erase ?? []) records.remove(record)
      tree.grow(commit)
    },
    async hasRemains() {
      return false
    },
    async purge() {},
    async findIncomplete(wanted) {
      return wanted.filter(record => !records.isComplete(record)).map(({ index }) => index)
    },
    async putBack(parts) {
      for (const record of parts.records) records.add(record)
      tree.addTiles(parts)
    },
    async eraseAgain(gone) {
      for (const record of gone) records.remove(record)
    },
    async putHead(head, edge) {
      tree.setHead(head, edge)
    },
    async *damagedDocuments() {},
    async close() {},
  }
}

/** The head, the full tiles and bundles, and when each commit was made. */
function createTree() {
  let current: { head: Head; edge: Edge } | undefined
  const tiles = new Map<string, Uint8Array>()
  const bundles = new Map<number, Uint8Array>()
  const commits: { size: number; timeMs: number }[] = []

  const addTiles = (added: Pick<Commit, 'tiles' | 'bundles'>) => {
    for (const tile of added.tiles) tiles.set(`${tile.level}/${tile.index}`, tile.bytes)
    for (const bundle of added.bundles) bundles.set(bundle.index, bundle.bytes)
  }

  return {
    addTiles,
    setHead(head: Head, edge: Edge) {
      current = { head, edge }
    },
    assertHead(previous: Head) {
      const head = current?.head ?? { size: 0, root: EMPTY_ROOT }
      if (head.size !== previous.size || !equalBytes(head.root, previous.root)) throw headMoved(previous, head)
    },
    grow(commit: Commit) {
      addTiles(commit)
      commits.push({ size: commit.next.size, timeMs: commit.timeMs })
      current = { head: commit.next, edge: commit.edge }
    },
    readHead: async () => current,
    lastSize: async () => commits.at(-1)?.size,
    async readCommits(from: number, to: number) {
      const last = commits.findIndex(({ size }) => size >= to)
      return commits.slice(0, last === -1 ? undefined : last + 1).filter(({ size }) => size > from)
    },
    readTile: async (level: number, index: number) => tiles.get(`${level}/${index}`),
    readBundle: async (index: number) => bundles.get(index),
  }
}

/** The statements, and what finds them. */
function createRecords() {
  const statements = new Map<number, Uint8Array>()
  const identities = new Map<string, number>()
  const digests = createIndexes()
  const records = createIndexes()
  const agencies = createIndexes()

  const lookups: Lookups & Pick<LogStore, 'findIdentities' | 'haveStatements' | 'readStatement' | 'readStatements'> = {
    findIdentities: async wanted => wanted.map(identity => identities.get(identity)),
    haveStatements: async subjects => subjects.map(({ agency, record }) => records.of(recordKey(agency, record)).length > 0),
    readStatement: async index => statements.get(index),
    async *readStatements(from, to) {
      for (let index = from; index < to; index++) yield { index, statement: statements.get(index) }
    },
    findByDigest: async (digest, limit) => digests.of(digest).slice(0, limit),
    listByDigest: async (digest, before, limit) => newest(digests.of(digest), before, limit),
    async digestsWithPrefix(prefix, { after = '', limit, each }) {
      const found = digests
        .keys()
        .filter(digest => digest.startsWith(prefix) && digest > after)
        .sort()
      const given = found.slice(0, limit).map((digest): DigestIndexes => {
        const indexes = digests.of(digest)
        if (indexes.length <= each) return { digest, indexes }
        return { digest, indexes: [...indexes.slice(0, each / 2), ...indexes.slice(-each / 2)], more: true }
      })
      return { digests: given, ...(found.length > limit && { more: true }) }
    },
    listByRecord: async (agency, record, before, limit) => newest(records.of(recordKey(agency, record)), before, limit),
    listByAgency: async (agency, before, limit) => newest(agencies.of(agency), before, limit),
  }

  return {
    lookups,
    add({ index, statement, identity, digests: listed, subject }: NewRecord) {
      statements.set(index, statement)
      identities.set(identity, index)
      for (const digest of listed) digests.add(digest, index)
      if (subject === undefined) return
      records.add(recordKey(subject.agency, subject.record), index)
      agencies.add(subject.agency, index)
    },
    remove({ index, identity, digests: listed, subject }: ErasedRecord) {
      statements.delete(index)
      identities.delete(identity)
      for (const digest of listed) digests.remove(digest, index)
      if (subject === undefined) return
      records.remove(recordKey(subject.agency, subject.record), index)
      agencies.remove(subject.agency, index)
    },
    isComplete: ({ index, statement, identity, digests: listed, subject }: NewRecord) =>
      compareBytes(statements.get(index) ?? new Uint8Array(0), statement) === 0 &&
      identities.get(identity) === index &&
      listed.every(digest => digests.of(digest).includes(index)) &&
      (subject === undefined ||
        (records.of(recordKey(subject.agency, subject.record)).includes(index) && agencies.of(subject.agency).includes(index))),
  }
}

/** Indexes by a key, ascending, each once. */
function createIndexes() {
  const lists = new Map<string, number[]>()
  const of = (key: string): readonly number[] => lists.get(key) ?? []
  return {
    of,
    keys: () => [...lists.keys()],
    add(key: string, index: number) {
      const list = lists.get(key)
      if (list === undefined) lists.set(key, [index])
      else if (list.at(-1)! < index) list.push(index)
      else if (!list.includes(index))
        list.splice(
          list.findIndex(each => each > index),
          0,
          index,
        )
    },
    remove(key: string, index: number) {
      const rest = of(key).filter(each => each !== index)
      if (rest.length === 0) lists.delete(key)
      else lists.set(key, rest)
    },
  }
}

function createDocuments() {
  const documents = new Map<string, Map<string, string>>()

  const write = (changes: readonly DocumentChange[], unless: readonly DocumentChange[]) => {
    const changed = unless.find(({ collection, key, value }) => (documents.get(collection)?.get(key) ?? null) !== value)
    if (changed !== undefined) throw documentChanged(changed)
    for (const { collection, key, value } of changes) {
      const rows = documents.get(collection) ?? new Map<string, string>()
      documents.set(collection, rows)
      if (value === null) rows.delete(key)
      else rows.set(key, value)
    }
  }

  const rowsOf = (collection: string) => {
    const rows = [...(documents.get(collection) ?? [])].map(([key, value]) => ({ key, value }))
    return rows.sort((a, b) => compareBytes(new TextEncoder().encode(a.key), new TextEncoder().encode(b.key)))
  }

  const port: Documents = {
    readDocument: async (collection, key) => documents.get(collection)?.get(key),
    writeDocuments: async (changes, { unless = [] } = {}) => write(changes, unless),
    listDocuments: async (collection, { after, limit = Number.POSITIVE_INFINITY } = {}) =>
      rowsOf(collection)
        .filter(row => after === undefined || row.key > after)
        .slice(0, limit),
    listCollections: async () => [...documents].flatMap(([name, rows]) => (rows.size > 0 ? [name] : [])).sort(),
    listNewestDocuments: async (collection, before, limit) =>
      rowsOf(collection)
        .filter(({ key }) => key < before)
        .toReversed()
        .slice(0, limit),
  }
  return { port, write }
}

/** The indexes below `before`, newest first. */
function newest(indexes: readonly number[], before: number, limit: number): number[] {
  const found: number[] = []
  for (let at = indexes.length - 1; at >= 0 && found.length < limit; at--) if (indexes[at]! < before) found.push(indexes[at]!)
  return found
}

function recordKey(agency: string, record: string): string {
  return JSON.stringify([agency, record])
}

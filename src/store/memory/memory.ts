/**
 * The reference implementation of the store: plain maps, not durable. For tests, and for reading
 * the port's guarantees as code.
 */
import { compareBytes, equalBytes } from '../../core/bytes.ts'
import { EMPTY_ROOT } from '../../core/hash.ts'
import { type DocumentChange, documentChanged } from '../port/documents.ts'
import { headMoved } from '../port/errors.ts'
import type { Commit, Edge, ErasedRecord, Head, NewRecord } from '../port/log.ts'
import type { DigestIndexes } from '../port/lookups.ts'
import type { EmbeddedStore } from '../port/port.ts'

/** A store in memory. */
export function createMemoryStore(): EmbeddedStore {
  let current: { head: Head; edge: Edge } | undefined
  const statements = new Map<number, Uint8Array>()
  const identities = new Map<string, number>()
  const tiles = new Map<string, Uint8Array>()
  const bundles = new Map<number, Uint8Array>()
  const commits: { size: number; timeMs: number }[] = []
  const digests = new Map<string, number[]>()
  const records = new Map<string, number[]>()
  const agencies = new Map<string, number[]>()
  const documents = new Map<string, Map<string, string>>()

  const push = (map: Map<string, number[]>, key: string, index: number) => {
    const list = map.get(key)
    if (list === undefined) map.set(key, [index])
    else list.push(index)
  }

  const remove = (map: Map<string, number[]>, key: string, index: number) => {
    const rest = (map.get(key) ?? []).filter(each => each !== index)
    if (rest.length === 0) map.delete(key)
    else map.set(key, rest)
  }

  const rowsOf = (collection: string) => {
    const rows = [...(documents.get(collection) ?? [])].map(([key, value]) => ({ key, value }))
    return rows.sort((a, b) => compareBytes(new TextEncoder().encode(a.key), new TextEncoder().encode(b.key)))
  }

  const addRecord = (record: NewRecord) => {
    statements.set(record.index, record.statement)
    identities.set(record.identity, record.index)
    for (const digest of record.digests) push(digests, digest, record.index)
    if (record.subject === undefined) return
    push(records, recordKey(record.subject.agency, record.subject.record), record.index)
    push(agencies, record.subject.agency, record.index)
  }
  const removeRecord = ({ index, identity, subject, digests: listed }: ErasedRecord) => {
    statements.delete(index)
    identities.delete(identity)
    for (const digest of listed) remove(digests, digest, index)
    if (subject === undefined) return
    remove(records, recordKey(subject.agency, subject.record), index)
    remove(agencies, subject.agency, index)
  }
  const writeNow = (changes: readonly DocumentChange[], unless: readonly DocumentChange[]) => {
    const changed = unless.find(({ collection, key, value }) => (documents.get(collection)?.get(key) ?? null) !== value)
    if (changed !== undefined) throw documentChanged(changed)
    for (const { collection, key, value } of changes) {
      const rows = documents.get(collection) ?? new Map<string, string>()
      documents.set(collection, rows)
      if (value === null) rows.delete(key)
      else rows.set(key, value)
    }
  }
  const addTiles = ({ tiles: added, bundles: addedBundles }: Pick<Commit, 'tiles' | 'bundles'>) => {
    for (const tile of added) tiles.set(`${tile.level}/${tile.index}`, tile.bytes)
    for (const bundle of addedBundles) bundles.set(bundle.index, bundle.bytes)
  }
  const isComplete = ({ index, statement, identity, subject, digests: listed }: NewRecord) =>
    compareBytes(statements.get(index) ?? new Uint8Array(0), statement) === 0 &&
    identities.get(identity) === index &&
    listed.every(digest => digests.get(digest)?.includes(index)) &&
    (subject === undefined ||
      (records.get(recordKey(subject.agency, subject.record))?.includes(index) && agencies.get(subject.agency)?.includes(index)))

  return {
    async readHead() {
      return current
    },
    async commit(commit: Commit) {
      const head = current?.head ?? { size: 0, root: EMPTY_ROOT }
      if (head.size !== commit.previous.size || !equalBytes(head.root, commit.previous.root)) throw headMoved(commit.previous, head)
      if (commit.documents !== undefined) writeNow(commit.documents.changes, commit.documents.unless)
      for (const record of commit.records) addRecord(record)
      for (const record of commit.erase ?? []) removeRecord(record)
      addTiles(commit)
      commits.push({ size: commit.next.size, timeMs: commit.timeMs })
      current = { head: commit.next, edge: commit.edge }
    },
    async hasRemains() {
      return false
    },
    async purge() {},
    async findIdentities(wanted) {
      return wanted.map(identity => identities.get(identity))
    },
    async lastSize() {
      return commits.at(-1)?.size
    },
    async readStatement(index) {
      return statements.get(index)
    },
    async *readStatements(from, to) {
      for (let index = from; index < to; index++) yield { index, statement: statements.get(index) }
    },
    async committedMs(index) {
      return commits.find(({ size }) => index < size)?.timeMs
    },
    async readTile(level, index) {
      return tiles.get(`${level}/${index}`)
    },
    async readBundle(index) {
      return bundles.get(index)
    },
    async findByDigest(digest, limit) {
      return (digests.get(digest) ?? []).slice(0, limit)
    },
    async listByDigest(digest, before, limit) {
      return newest(digests.get(digest), before, limit)
    },
    async digestsWithPrefix(prefix, { after = '', limit, each }) {
      const found = [...digests.keys()].filter(digest => digest.startsWith(prefix) && digest > after).sort()
      const given = found.slice(0, limit).map((digest): DigestIndexes => {
        const indexes = [...new Set(digests.get(digest))].sort((a, b) => a - b)
        if (indexes.length <= each) return { digest, indexes }
        return { digest, indexes: [...indexes.slice(0, each / 2), ...indexes.slice(-each / 2)], more: true }
      })
      return { digests: given, ...(found.length > limit && { more: true }) }
    },
    async listByRecord(agency, record, before, limit) {
      return newest(records.get(recordKey(agency, record)), before, limit)
    },
    async listByAgency(agency, before, limit) {
      return newest(agencies.get(agency), before, limit)
    },
    async findIncomplete(wanted) {
      return wanted.filter(record => !isComplete(record)).map(({ index }) => index)
    },
    async putBack(parts) {
      for (const record of parts.records) addRecord(record)
      addTiles(parts)
    },
    async eraseAgain(gone) {
      for (const record of gone) removeRecord(record)
    },
    async putHead(head, edge) {
      current = { head, edge }
    },
    async readDocument(collection, key) {
      return documents.get(collection)?.get(key)
    },
    async writeDocuments(changes: readonly DocumentChange[], { unless = [] } = {}) {
      writeNow(changes, unless)
    },
    async listDocuments(collection, { after, limit = Number.POSITIVE_INFINITY } = {}) {
      return rowsOf(collection)
        .filter(row => after === undefined || row.key > after)
        .slice(0, limit)
    },
    async listNewestDocuments(collection, before, limit) {
      return rowsOf(collection)
        .filter(({ key }) => key < before)
        .toReversed()
        .slice(0, limit)
    },
    async *damagedDocuments() {},
    async close() {},
  }
}

/** The indexes below `before`, newest first. */
function newest(indexes: readonly number[] | undefined, before: number, limit: number): number[] {
  const found: number[] = []
  for (let at = (indexes?.length ?? 0) - 1; at >= 0 && found.length < limit; at--) if (indexes![at]! < before) found.push(indexes![at]!)
  return found
}

function recordKey(agency: string, record: string): string {
  return JSON.stringify([agency, record])
}

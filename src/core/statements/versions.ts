/**
 * Versions of one record: how a later statement relates to an earlier one, and what changed for a
 * version since. Design §3.2.
 */

import type { DocumentRef, Statement } from './statement.ts'

/** A statement of a record and its index in the log. */
export type Version = { readonly index: number; readonly statement: Statement }

/** The ways in which a later statement changes a version. */
export type ChangeKind = 'withdrawn' | 'superseded' | 'edited' | 'edited-elsewhere' | 'published' | 'added' | 'reformatted'

/** One change to a version, and the entry that made it. */
export type VersionChange = { readonly index: number; readonly what: ChangeKind }

/** How a `publish` statement relates to earlier ones of the same version. */
export type VersionFlag = 'silent-edit' | 'added' | 'reformatted' | 'repeat'

/**
 * A version's flag, and whether an earlier or later statement of the same version has other content
 * under the same document name.
 */
export type VersionMarks = { readonly flag?: VersionFlag; readonly edited?: true }

type Digests = Pick<DocumentRef, 'sha256' | 'jcs'>

/**
 * The changes to `own` by the other statements of the same agency and record, earlier and later, in
 * the order of their indexes. With a file, only the document under whose name it was found counts
 * as edited; an edit of another document is `edited-elsewhere`. Without a file, or with one that
 * `own` does not list, any document counts. Takes time proportional to the number of other
 * statements.
 */
export function changesOf(own: Version, others: readonly Version[], file?: Digests): VersionChange[] {
  const ofRecord = others.filter(({ index, statement }) => index !== own.index && isSameRecord(statement, own.statement))
  const ordered = [own, ...ofRecord].sort((a, b) => a.index - b.index)
  const at = ordered.indexOf(own)
  const listed = file === undefined ? [] : own.statement.documents.filter(document => fits(document, file))
  const compare = createComparison(own, listed)
  const before = editsBefore(own, ordered.slice(0, at), compare)
  const wanted = file === undefined || listed.length === 0 ? own.statement.documents : [file]
  const itself: VersionChange[] = own.statement.action === 'withdraw' ? [{ index: own.index, what: 'withdrawn' }] : []
  return [...before, ...itself, ...changesAfter(own, ordered.slice(at + 1), wanted, compare)]
}

/**
 * Whether an amendment or withdrawal applies to an earlier statement: by the revision that it
 * names, otherwise to the whole record.
 */
export function covers(later: Statement, earlier: Statement): boolean {
  if (later.action === 'publish' || !isSameRecord(later, earlier)) return false
  return later.target === undefined || later.target === earlier.revision
}

/**
 * The marks of each version of one record, given in the order of their indexes. `separated` names
 * versions that an erased statement withdrew or replaced: `on`, and the index of the erased one.
 * Takes time proportional to the number of documents.
 */
export function markHistory(
  versions: readonly Version[],
  separated: readonly { readonly index: number; readonly on: number }[] = [],
): VersionMarks[] {
  const flags = new Map<Version, VersionFlag>()
  const edited = new Set<Version>()
  const open = new Map<string | undefined, ReturnType<typeof createStretch>>()
  const end = (revision: string | undefined) => {
    for (const version of open.get(revision)?.edited() ?? []) edited.add(version)
    open.delete(revision)
  }
  const ends = separated.flatMap(({ index, on }) => {
    const version = index > on ? versions.find(each => each.index === on) : undefined
    return version === undefined ? [] : [{ index, revision: version.statement.revision }]
  })
  ends.sort((a, b) => b.index - a.index)
  for (const version of versions) {
    while (ends.length > 0 && ends.at(-1)!.index < version.index) end(ends.pop()!.revision)
    const { action, revision, target } = version.statement
    if (action === 'publish') {
      const stretch = open.get(revision) ?? createStretch()
      open.set(revision, stretch)
      const flag = stretch.add(version)
      if (flag !== undefined) flags.set(version, flag)
    } else if (target !== undefined) end(target)
    else for (const each of [...open.keys()]) end(each)
  }
  for (const each of [...open.keys()]) end(each)
  return versions.map(version => {
    const flag = flags.get(version)
    return { ...(flag !== undefined && { flag }), ...(edited.has(version) && { edited: true }) }
  })
}

/** Whether both have the same exact bytes, or both have a digest of the same JSON content. */
function fits(a: Digests, b: Digests): boolean {
  return a.sha256 === b.sha256 || (a.jcs !== undefined && a.jcs === b.jcs)
}

function isSameRecord(a: Statement, b: Statement): boolean {
  return a.agency === b.agency && a.record === b.record
}

/** Whether two publications are of one version. Having no revision counts as one revision. */
function isSameVersion(a: Statement, b: Statement): boolean {
  return a.action === 'publish' && b.action === 'publish' && isSameRecord(a, b) && a.revision === b.revision
}

function byName(documents: readonly DocumentRef[]): Map<string, DocumentRef> {
  return new Map(documents.map(document => [document.name.normalize('NFC'), document]))
}

/**
 * Whether one of the documents has other content than the one of the same name. One that is left
 * out says nothing.
 */
function differs(documents: readonly DocumentRef[], others: ReadonlyMap<string, DocumentRef>): boolean {
  return documents.some(document => {
    const same = others.get(document.name.normalize('NFC'))
    return same !== undefined && !fits(document, same)
  })
}

type Comparison = (other: Version, order: 'earlier' | 'later') => VersionChange['what'] | 'repeat'

/**
 * Compares other publications of the same version with `own`, separating the documents that count
 * from the others.
 */
function createComparison(own: Version, listed: readonly DocumentRef[]): Comparison {
  const { documents } = own.statement
  const counted = listed.length === 0 ? documents : listed
  const rest = documents.filter(document => !counted.includes(document))
  const names = byName(documents)
  return (other, order) => {
    const others = byName(other.statement.documents)
    if (differs(counted, others)) return 'edited'
    if (differs(rest, others)) return 'edited-elsewhere'
    // The earlier publication lacks a document or formats it differently: that is a change to the
    // earlier one, not to this one.
    if (order === 'earlier') return 'repeat'
    const isReformatted = counted.some(({ name, sha256 }) => (others.get(name.normalize('NFC'))?.sha256 ?? sha256) !== sha256)
    if (isReformatted) return 'reformatted'
    return [...others.keys()].some(name => !names.has(name)) ? 'added' : 'repeat'
  }
}

/**
 * Edits of earlier publications of the same version, back to the newest amendment or withdrawal
 * that covers them all.
 */
function editsBefore(own: Version, earlier: readonly Version[], compare: Comparison): VersionChange[] {
  const edits: VersionChange[] = []
  for (const other of earlier.toReversed()) {
    if (isSameVersion(other.statement, own.statement)) {
      const what = compare(other, 'earlier')
      if (what === 'edited' || what === 'edited-elsewhere') edits.push({ index: other.index, what })
    } else if (covers(other.statement, own.statement)) break
  }
  return edits.reverse()
}

function changesAfter(own: Version, later: readonly Version[], wanted: readonly Digests[], compare: Comparison): VersionChange[] {
  const changes: VersionChange[] = []
  let isCovered = false
  for (const { index, statement } of later) {
    if (covers(statement, own.statement)) {
      isCovered = true
      if (statement.action === 'withdraw') changes.push({ index, what: 'withdrawn' })
      else if (!listsAll(statement.documents, wanted)) changes.push({ index, what: 'superseded' })
    } else if (statement.action !== 'withdraw') {
      // An amendment of another version is a later version too, and may even bear the same revision
      // as this one.
      const sameVersion = !isCovered && isSameVersion(statement, own.statement)
      const what = sameVersion ? compare({ index, statement }, 'later') : 'published'
      if (what !== 'repeat') changes.push({ index, what })
    }
  }
  return changes
}

/** A statement without documents lists nothing, so it cannot still list the wanted ones. */
function listsAll(documents: readonly DocumentRef[], wanted: readonly Digests[]): boolean {
  return wanted.length > 0 && wanted.every(digests => documents.some(document => fits(document, digests)))
}

type Contents = { total: number; newest: DocumentRef; readonly counts: Map<string, number> }

/**
 * The publications of one version that no amendment or withdrawal covers. Counts how often each
 * name had each content, so that no pairs need comparing.
 */
function createStretch() {
  const names = new Map<string, Contents>()
  const versions: Version[] = []
  /**
   * How many documents of that name match this one. Each is counted by its bytes, by its content
   * and by both.
   */
  const fitting = ({ counts }: Contents, { sha256, jcs }: DocumentRef) =>
    (counts.get(sha256) ?? 0) + (jcs === undefined ? 0 : (counts.get(`=${jcs}`) ?? 0) - (counts.get(`${sha256}=${jcs}`) ?? 0))

  const take = (document: DocumentRef): VersionFlag => {
    const name = document.name.normalize('NFC')
    const contents = names.get(name) ?? { total: 0, newest: document, counts: new Map<string, number>() }
    names.set(name, contents)
    const before = contents.newest
    const isNew = contents.total === 0
    contents.total++
    contents.newest = document
    const { sha256, jcs } = document
    for (const key of jcs === undefined ? [sha256] : [sha256, `=${jcs}`, `${sha256}=${jcs}`])
      contents.counts.set(key, (contents.counts.get(key) ?? 0) + 1)
    if (isNew) return 'added'
    if (!fits(before, document)) return 'silent-edit'
    return before.sha256 === sha256 ? 'repeat' : 'reformatted'
  }

  return {
    /** Adds a version; returns how it relates to the newest documents of the same names. */
    add(version: Version): VersionFlag | undefined {
      const flags = new Set(version.statement.documents.map(take))
      const isFirst = versions.push(version) === 1
      return isFirst ? undefined : (['silent-edit', 'added', 'reformatted', 'repeat'] as const).find(flag => flags.has(flag))
    },
    /** The versions whose content differs from another's under the same name. */
    edited: () =>
      versions.filter(({ statement }) =>
        statement.documents.some(document => {
          const contents = names.get(document.name.normalize('NFC'))
          return contents !== undefined && fitting(contents, document) < contents.total
        }),
      ),
  }
}

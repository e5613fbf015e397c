/**
 * Statements that are sent together. The ledger compares requests with the log one by one, and a
 * dry run logs nothing, so what they cannot know of each other is found here: their order, silent
 * edits among them, and the records and versions that they publish first.
 */
import { fromHex, toBase64, toUtf8 } from '../core/bytes.ts'
import { sha256 } from '../core/hash.ts'
import type { DocumentRef, Statement } from '../core/statements/statement.ts'

/** A statement's place among others, by its own words. */
export type StatedVersion = Pick<Statement, 'record' | 'revision' | 'action' | 'target'>

/** Why something is not sent: a stable code and an English reason. */
export type Reason = { readonly code: string; readonly detail: string }

/**
 * Items in the order in which they are sent: publications first, then their changes, then the
 * changes of changes. Items without a statement come first.
 */
export function inOrder<T>(items: readonly T[], statementOf: (item: T) => StatedVersion | undefined): T[] {
  const ranks = ranksOf(items.map(statementOf).filter(statement => statement !== undefined))
  const rank = (item: T) => {
    const statement = statementOf(item)
    return (statement && ranks.get(statement)) ?? 0
  }
  return items.toSorted((a, b) => rank(a) - rank(b))
}

/** How many changes lie between each change and a publication, among these statements. */
function ranksOf(statements: readonly StatedVersion[]): ReadonlyMap<StatedVersion, number> {
  const changes = statements.filter(({ action }) => action !== 'publish')
  const versionOf = (record: string, revision: string | undefined) => JSON.stringify([record, revision])
  const byVersion = new Map(changes.map(change => [versionOf(change.record, change.revision), change]))
  const ranks = new Map<StatedVersion, number>()
  for (const change of changes) {
    const chain = new Set<StatedVersion>()
    let next: StatedVersion | undefined = change
    while (next !== undefined && !ranks.has(next) && !chain.has(next)) {
      chain.add(next)
      next = next.target === undefined ? undefined : byVersion.get(versionOf(next.record, next.target))
    }
    let rank = (next && ranks.get(next)) ?? 0
    for (const each of [...chain].reverse()) ranks.set(each, ++rank)
  }
  return ranks
}

/** A check from `createEditCheck`. */
export type EditCheck = ReturnType<typeof createEditCheck>

/**
 * Creates a check for silent edits among statements that are sent together. Statements wait until
 * `keep` or `forget` says whether their file is sent.
 */
export function createEditCheck() {
  const kept = new Map<string, string>()
  let waiting = new Map<string, string>()
  // Short, because a package may have millions of releases: 96 bits of a version, 64 of its
  // content.
  const isOther = ({ agency, record, revision }: Statement, { name, sha256: bytes, jcs = bytes }: DocumentRef) => {
    const version = shortOf(sha256(toUtf8(JSON.stringify([agency, record, revision, name.normalize('NFC')]))), 12)
    const content = shortOf(fromHex(jcs), 8)
    const before = kept.get(version) ?? waiting.get(version)
    if (before === undefined) waiting.set(version, content)
    return before !== undefined && before !== content
  }
  return {
    /** Whether an earlier statement has other content under the same version and name. */
    isEdit(statement: Statement): boolean {
      if (statement.action !== 'publish') return false
      // Looks at all of them, because each is remembered.
      return statement.documents.filter(document => isOther(statement, document)).length > 0
    },
    keep(): void {
      for (const [version, content] of waiting) kept.set(version, content)
      waiting = new Map()
    },
    forget(): void {
      waiting = new Map()
    },
  }
}

/** A text of its own: a slice of a longer one would keep that one in memory. */
function shortOf(bytes: Uint8Array, length: number): string {
  return toBase64(bytes.subarray(0, length))
}

/** The statements before the next one, as far as `createRun` knows them. */
export type Run = ReturnType<typeof createRun>

/** Creates the memory of one run, in which the statements come in their order. */
export function createRun() {
  const published = createRevisions()
  const held = createRevisions()
  return {
    /** The warnings that no earlier statement of the run answers. */
    unanswered<Code extends string>(codes: readonly Code[], { record, target }: StatedVersion): Code[] {
      const revisions = published.of(record)
      const isAnswered = (code: Code) => code === 'RECORD_UNKNOWN' || (code === 'TARGET_UNKNOWN' && revisions.has(target))
      return codes.filter(code => revisions.size === 0 || !isAnswered(code))
    },
    /**
     * Why a change cannot be sent that amends or withdraws a version that is left out. Alone in the
     * log, it would part that version from the one before, so that the next run would not notice a
     * silent edit any more.
     */
    heldBack({ record, action, target }: StatedVersion): Reason | undefined {
      const revisions = held.of(record)
      const isHeld = action !== 'publish' && (target === undefined ? revisions.size > 0 : revisions.has(target))
      if (!isHeld) return undefined
      return { code: 'EARLIER_LEFT_OUT', detail: `it changes the record ${JSON.stringify(record)}, of which another file was left out` }
    },
    /** Remembers whether a statement is sent. */
    note(version: StatedVersion, isSent: boolean): void {
      ;(isSent ? published : held).add(version)
    },
  }
}

/** Revisions by their records. */
function createRevisions() {
  const byRecord = new Map<string, Set<string | undefined>>()
  return {
    of: (record: string): ReadonlySet<string | undefined> => byRecord.get(record) ?? new Set(),
    add: ({ record, revision }: StatedVersion) => {
      byRecord.set(record, (byRecord.get(record) ?? new Set()).add(revision))
    },
  }
}

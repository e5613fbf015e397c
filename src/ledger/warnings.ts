/**
 * Warnings about submissions from the log's records, and dry runs, which return them and log
 * nothing.
 */
import { skeletonOf } from '../core/statements/skeleton.ts'
import type { Statement } from '../core/statements/statement.ts'
import type { Version } from '../core/statements/versions.ts'
import {
  type DateLimits,
  dateLimits,
  type Warning,
  warnOfAlike,
  warnOfContents,
  warnOfHistory,
  warnOfKnown,
} from '../core/statements/warnings.ts'
import type { Host } from '../host.ts'
import type { Submission } from '../log/sequencer.ts'
import type { Ledger } from './ledger.ts'
import { passingDamage, type Read, readEach } from './record-reader.ts'

/** The answer of a dry run: the index if it is known, and the warnings. */
export type DryAnswer = { readonly known?: number; readonly warnings: readonly Warning[] }

export type Warner = {
  /** The warnings about a statement that was logged, or was known, at an index. */
  warn(statement: Statement, submission: Submission): Promise<Warning[]>
  /**
   * Begins a stream of many. Returns the warnings that need no look-up and, for a known statement,
   * what changed since.
   */
  stream(): (statement: Statement, submission: Submission) => readonly Warning[] | Promise<readonly Warning[]>
  /**
   * Begins a dry run. Each statement is compared with the log and with the earlier lines of this
   * run, so statements must be given one after the other.
   */
  dryRun(): (statement: Statement, line?: number) => Promise<DryAnswer>
}

export type WarnerDeps = {
  readonly ledger: Pick<Ledger, 'statement' | 'listByRecord' | 'findKnown'>
  /**
   * An agency's known record ids that people could confuse with this one; missing if no finder
   * runs.
   */
  readonly recordsLike?: ((agency: string, record: string) => Promise<readonly string[]>) | undefined
  readonly host: Pick<Host, 'nowMs' | 'breathe'>
}

/** How many of a record's newest statements are read for one answer. */
const MAX_READ = 128
/** Documents that one statement is compared with. */
const MAX_DOCUMENTS = 4096
/** Lines of a dry run count as versions too. Their indexes are far above those of the log. */
const FIRST_LINE = 2 ** 52
const END = Number.MAX_SAFE_INTEGER
const NONE: Read = { versions: [], isWhole: true }
/** How long the limits of dates are kept as text. */
const LIMITS_MS = 1000

/** Creates the part of a service that warns. */
export function createWarner({ ledger, recordsLike = async () => [], host }: WarnerDeps): Warner {
  let limited = { atMs: Number.NaN, limits: dateLimits(host.nowMs()) }
  const limits = (): DateLimits => {
    const atMs = host.nowMs()
    if (!(Math.abs(atMs - limited.atMs) < LIMITS_MS)) limited = { atMs, limits: dateLimits(atMs) }
    return limited.limits
  }

  const warnKnown = async (statement: Statement, index: number, records: Records): Promise<Warning[]> => {
    await host.breathe()
    // Most statements have no later one, and one read shows that.
    const [newest = index] = await ledger.listByRecord(statement.agency, statement.record, END, 1)
    if (newest <= index) return []
    const { versions, isWhole } = await records.read(statement, newest + 1)
    const later = versions.filter(version => version.index > index)
    // If some are left out, an amendment before an edit may be among them. Nobody is accused on
    // part of a history.
    const told = isWhole || versions.length > later.length ? later : later.filter(version => version.statement.action !== 'publish')
    return warnOfKnown({ index, statement }, told)
  }

  const warnNew = async (own: Version, read: Read): Promise<Warning[]> => {
    const { versions, isWhole } = newestWithin(read)
    const { agency, record } = own.statement
    const alike = versions.length === 0 ? await recordsLike(agency, record) : []
    return [...warnOfHistory(own, versions, isWhole, nameOf), ...warnOfAlike(record, alike)]
  }

  return {
    async warn(statement, { index, known, isFirst }) {
      const records = createRecords(ledger, host)
      const contents = warnOfContents(statement, limits())
      if (known) return [...contents, ...(await warnKnown(statement, index, records))]
      const earlier = isFirst ? NONE : await records.read(statement, index)
      return [...contents, ...(await warnNew({ index, statement }, earlier))]
    },
    stream() {
      const records = createRecords(ledger, host)
      // One after the other, so that many of one record are read once.
      let before: Promise<unknown> = Promise.resolve()
      return (statement, { index, known }) => {
        const contents = warnOfContents(statement, limits())
        if (!known) return contents
        const after = before.then(async () => [...contents, ...(await warnKnown(statement, index, records))])
        before = after.catch(() => {})
        return after
      }
    },
    dryRun() {
      const records = createRecords(ledger, host)
      const lines = createLines()
      return async (statement, line = 1) => {
        const contents = warnOfContents(statement, limits())
        const known = await ledger.findKnown(statement)
        if (known !== undefined) return { known, warnings: [...contents, ...(await warnKnown(statement, known, records))] }
        const { own, before, isAll, alike } = lines.add(statement, line)
        const { versions, isWhole } = await records.read(statement, END)
        const warnings = await warnNew(own, { versions: [...versions, ...before], isWhole: isWhole && isAll })
        const unknown = versions.length === 0 && before.length === 0
        const near = unknown && !warnings.some(({ code }) => code === 'ID_CONFUSABLE') ? warnOfAlike(statement.record, alike) : []
        return { warnings: [...contents, ...warnings, ...near] }
      }
    },
  }
}

type Records = ReturnType<typeof createRecords>

/**
 * Reads the newest statements of records, oldest first. Remembers the last record until something
 * is added to it, because consecutive lines are often about one record.
 */
function createRecords(ledger: Pick<Ledger, 'statement' | 'listByRecord'>, host: Pick<Host, 'breathe'>) {
  const readText = passingDamage(index => ledger.statement(index))
  let last: (Read & { readonly key: string }) | undefined
  return {
    /** The statements below `before`. */
    async read({ agency, record }: Statement, before: number): Promise<Read> {
      const indexes = await ledger.listByRecord(agency, record, before, MAX_READ + 1)
      const key = JSON.stringify([record, indexes[0], indexes.length])
      if (last?.key === key) return last
      const { versions, isWhole } = await readEach(indexes.slice(0, MAX_READ), readText, host)
      last = { key, ...newestWithin({ versions: versions.toReversed(), isWhole: isWhole && indexes.length <= MAX_READ }) }
      return last
    },
  }
}

/** The newest versions, with few enough documents to compare them all in one turn. */
function newestWithin({ versions, isWhole }: Read): Read {
  let room = MAX_DOCUMENTS
  const left = versions.findLastIndex(({ statement }) => {
    room -= statement.documents.length
    return room < 0
  })
  return left === -1 ? { versions, isWhole } : { versions: versions.slice(left + 1), isWhole: false }
}

function nameOf(index: number): string {
  return index >= FIRST_LINE ? `Line ${index - FIRST_LINE} of this request` : `Entry ${index}`
}

/** The newest lines of each record in a dry run, and the record ids by their skeletons. */
function createLines() {
  const ofRecord = new Map<string, { versions: Version[]; isAll: boolean }>()
  const ofSkeleton = new Map<string, Set<string>>()
  return {
    /**
     * Adds a line; returns the earlier lines of the same record, and the ids that look like its
     * own.
     */
    add(statement: Statement, line: number) {
      const { agency, record, action, type, kind, revision, target, documents } = statement
      // Keeps only what is compared.
      const kept = {
        type,
        agency,
        kind,
        action,
        record,
        documents,
        ...(revision !== undefined && { revision }),
        ...(target !== undefined && { target }),
      }
      const own: Version = { index: FIRST_LINE + line, statement: kept }
      const { versions: before, isAll } = ofRecord.get(record) ?? { versions: [], isAll: true }
      ofRecord.set(record, { versions: [...before, own].slice(-MAX_READ), isAll: isAll && before.length < MAX_READ })
      const skeleton = skeletonOf(record)
      const alike = ofSkeleton.get(skeleton) ?? new Set<string>()
      ofSkeleton.set(skeleton, alike)
      alike.add(record)
      return { own, before, isAll, alike: [...alike] }
    },
  }
}

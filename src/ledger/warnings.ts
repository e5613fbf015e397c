/** Warnings about submissions, by what the log holds of their records; and dry runs, which tell them and log nothing. */
import { skeletonOf } from '../core/skeleton.ts'
import type { AnyStatement, Statement } from '../core/statement.ts'
import type { Version } from '../core/versions.ts'
import { type Warning, warnOfAlike, warnOfContents, warnOfHistory, warnOfKnown } from '../core/warnings.ts'
import { breathe } from '../turns.ts'
import { isDamage } from './errors.ts'
import type { Ledger } from './ledger.ts'
import type { Submission } from './sequencer.ts'

/** What would become of a statement: the index where it is known already, and the warnings. */
export type DryAnswer = { readonly known?: number; readonly warnings: readonly Warning[] }

export type Warner = {
  /** The warnings about a statement that was logged, or was known, at an index. */
  warn(statement: Statement, submission: Submission): Promise<Warning[]>
  /** Those that need no look-up, and of a known statement what became of it: as much as a stream of many can bear. */
  warnSoon(statement: Statement, submission: Submission): readonly Warning[] | Promise<readonly Warning[]>
  /** Begins a dry run. Each statement is compared with the log and with the lines that this run was given before it, so they are given one after the other. */
  dryRun(): (statement: Statement, line?: number) => Promise<DryAnswer>
}

export type WarnerDeps = {
  readonly ledger: Pick<Ledger, 'statement' | 'listByRecord' | 'findKnown'>
  /** Known record ids of an agency that people could take for this one; absent where nothing keeps them. */
  readonly recordsLike?: ((agency: string, record: string) => Promise<readonly string[]>) | undefined
  readonly nowMs: () => number
}

/** So many of a record's newest statements are read for one answer. */
const MAX_READ = 128
/** Lines of a dry run are versions too: their indexes are far above those of the log. */
const FIRST_LINE = 2 ** 52
const END = Number.MAX_SAFE_INTEGER

/** The statements of a record that were read, oldest first; not `isWhole` where there are more. */
type Read = { readonly versions: readonly Version[]; readonly isWhole: boolean }

/** Makes the part of a service that warns. */
export function createWarner({ ledger, recordsLike = async () => [], nowMs }: WarnerDeps): Warner {
  const read = async ({ agency, record }: Statement, before: number): Promise<Read> => {
    const indexes = await ledger.listByRecord(agency, record, before, MAX_READ + 1)
    const versions: Version[] = []
    for (const index of indexes.slice(0, MAX_READ)) {
      await breathe()
      const statement = await readOne(ledger, index)
      if (statement !== undefined) versions.push({ index, statement })
    }
    return { versions: versions.reverse(), isWhole: indexes.length <= MAX_READ }
  }

  const warnKnown = async (statement: Statement, index: number): Promise<Warning[]> => {
    const { agency, record } = statement
    // Of most statements nothing came later, and one look tells so.
    const [newest = index] = await ledger.listByRecord(agency, record, END, 1)
    if (newest <= index) return []
    const { versions, isWhole } = await read(statement, END)
    const later = versions.filter(version => version.index > index)
    // Where some are left out, an amendment before an edit may be among them: nobody is accused by half of a history.
    const told = isWhole || versions.length > later.length ? later : later.filter(version => version.statement.action !== 'publish')
    return warnOfKnown({ index, statement }, told)
  }

  const warnNew = async (own: Version, { versions, isWhole }: Read): Promise<Warning[]> => {
    const { agency, record } = own.statement
    const alike = versions.length === 0 ? await recordsLike(agency, record) : []
    return [...warnOfHistory(own, versions, isWhole, nameOf), ...warnOfAlike(record, alike)]
  }

  return {
    async warn(statement, { index, known }) {
      const contents = warnOfContents(statement, nowMs())
      if (known) return [...contents, ...(await warnKnown(statement, index))]
      return [...contents, ...(await warnNew({ index, statement }, await read(statement, index)))]
    },
    warnSoon(statement, { index, known }) {
      const contents = warnOfContents(statement, nowMs())
      return known ? warnKnown(statement, index).then(more => [...contents, ...more]) : contents
    },
    dryRun() {
      const lines = createLines()
      return async (statement, line = 1) => {
        const contents = warnOfContents(statement, nowMs())
        const known = await ledger.findKnown(statement)
        if (known !== undefined) return { known, warnings: [...contents, ...(await warnKnown(statement, known))] }
        const { own, before, alike } = lines.add(statement, line)
        const { versions, isWhole } = await read(statement, END)
        const warnings = await warnNew(own, { versions: [...versions, ...before], isWhole })
        const unknown = versions.length === 0 && before.length === 0
        const near = unknown && !warnings.some(({ code }) => code === 'ID_CONFUSABLE') ? warnOfAlike(statement.record, alike) : []
        return { warnings: [...contents, ...warnings, ...near] }
      }
    },
  }
}

function nameOf(index: number): string {
  return index >= FIRST_LINE ? `Line ${index - FIRST_LINE} of this request` : `Entry ${index}`
}

/** Undefined where it was erased, is damaged, or is about no record. */
async function readOne(ledger: Pick<Ledger, 'statement'>, index: number): Promise<Statement | undefined> {
  try {
    const text = await ledger.statement(index)
    const statement: AnyStatement | undefined = text === undefined ? undefined : JSON.parse(text)
    return statement?.type === 'openseal/statement@v1' ? statement : undefined
  } catch (error) {
    if (isDamage(error)) return undefined
    throw error
  }
}

/** The lines that a dry run was given, by record and by the skeleton of its id. */
function createLines() {
  const ofRecord = new Map<string, Version[]>()
  const ofSkeleton = new Map<string, Set<string>>()
  return {
    /** Adds one; tells those of the same record before it, and the ids that look like its own. */
    add(statement: Statement, line: number) {
      const { agency, record, action, type, kind, revision, target, documents } = statement
      // Only what is compared is kept.
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
      const versions = ofRecord.get(record) ?? []
      const before = versions.slice(-MAX_READ)
      ofRecord.set(record, versions)
      versions.push(own)
      const skeleton = skeletonOf(record)
      const alike = ofSkeleton.get(skeleton) ?? new Set<string>()
      ofSkeleton.set(skeleton, alike)
      alike.add(record)
      return { own, before, alike: [...alike] }
    },
  }
}

/**
 * Reads many files and writes their statements to a spool file, one a line. A file that cannot be
 * stated is left out with its reason, and stops none of the others.
 */
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { OpenSealError } from '../../core/errors.ts'
import { type Statement, statementBody } from '../../core/statements/statement.ts'
import { followChanges } from '../../documents/changes.ts'
import { groupCompanions } from '../../documents/companions.ts'
import { documentsOf, FillError, fillMembers, fillStatement, statedTogether } from '../../documents/fill.ts'
import type { LeftOut } from '../../documents/ocds/statements.ts'
import { type DocumentReading, holdsMany, type StatedMembers } from '../../documents/reading.ts'
import { createEditCheck, inOrder, type StatedVersion } from '../../documents/together.ts'
import { FileError } from '../hash-file.ts'
import { type IntakeFile, readIntake } from '../intake.ts'
import { fileLines } from '../lines.ts'
import { readPackage } from '../ocds/package.ts'
import { startProgress } from '../output.ts'
import { type Origin, originsOf } from '../preview.ts'
import { checkReceiptPlace, receiptPath } from '../receipt-file.ts'
import type { SubmitOptions } from '../submit-options.ts'
import type { WantedFile } from './wanted.ts'

/**
 * The files of one statement, or one OCDS file. Its lines in the spool are `from` to `to`, counted
 * from 1, both included; without lines it is left out.
 */
export type PlannedEntry = {
  readonly name: string
  readonly paths: readonly string[]
  readonly isOcds: boolean
  readonly lines?: { readonly from: number; readonly to: number }
  readonly left?: { readonly code: string; readonly detail: string }
  /** The statement of a file that is not OCDS, without its documents. */
  readonly version?: StatedVersion
  readonly origins: readonly Origin[]
  readonly reading?: DocumentReading
  /** Releases of an OCDS file that have no statement. */
  readonly refused: readonly LeftOut[]
}

/** Lines that have other content than an earlier one of the same version and name, from 1. */
export type Plan = { readonly entries: readonly PlannedEntry[]; readonly lines: number; readonly edits: ReadonlySet<number> }

type Taken = IntakeFile & { readonly wanted: WantedFile }

/** Reads the files and writes the spool. */
export async function planFiles(files: readonly WantedFile[], options: SubmitOptions, spool: string): Promise<Plan> {
  const out = createWriteStream(spool, { mode: 0o600 })
  const check = createEditCheck()
  const edits = new Set<number>()
  let lines = 0
  const write = async (statement: Statement, line = statementBody(statement)) => {
    lines++
    if (check.isEdit(statement)) edits.add(lines)
    if (!out.write(`${line}\n`)) await once(out, 'drain')
  }
  /**
   * The statements of an OCDS file, once the whole file was read: of a broken file, nothing is
   * sent.
   */
  const writeOcds = async ({ wanted, reading }: Taken): Promise<PlannedEntry> => {
    const part = `${spool}.part`
    const base = { name: wanted.name, paths: [wanted.path], isOcds: true, origins: [], refused: [], reading }
    try {
      const { refused } = await readPackage(wanted.path, agencyOf(wanted, options)!, part, () => {})
      const from = lines + 1
      for await (const line of fileLines(part)) if (line !== '') await write(JSON.parse(line), line)
      return { ...base, refused, lines: { from, to: lines } }
    } catch (error) {
      return { ...base, left: reasonOf(error) }
    }
  }
  const entries: PlannedEntry[] = []
  const progress = startProgress('reading files', files.length)
  try {
    const taken: Taken[] = []
    for (const [at, wanted] of files.entries()) {
      progress.update(at)
      const read = await take(wanted, options)
      if ('code' in read) entries.push(leftOut(wanted, read))
      else if (!holdsMany(read.reading)) taken.push(read)
      else entries.push(await writeOcds(read))
    }
    for (const { entry, statement } of stateAll(taken, options)) {
      if (statement !== undefined) await write(statement)
      entries.push(statement === undefined ? entry : { ...entry, lines: { from: lines, to: lines } })
    }
    return { entries, lines, edits }
  } finally {
    progress.stop()
    out.end()
    await once(out, 'close')
  }
}

async function take(wanted: WantedFile, options: SubmitOptions): Promise<Taken | { code: string; detail: string }> {
  if (wanted.left !== undefined) return wanted.left
  try {
    const file = await readIntake(wanted.path)
    if (wanted.sha256 !== undefined && wanted.sha256 !== file.document.sha256)
      throw new FileError('FILE_OTHER', 'the SHA-256 of the file is not the one in the manifest')
    // Words that are typed about an OCDS file are about the file, not about its releases.
    const isPackage = holdsMany(file.reading)
    const isPlain = isPackage && wanted.typed.record !== undefined
    if (isPlain || !isPackage) await checkReceiptPlace(receiptPath(wanted.path))
    if (agencyOf(wanted, options) === undefined) throw new FillError('AGENCY_MISSING', 'neither --agency nor the manifest names the agency')
    const { format: _, ...plain } = file.reading
    return { ...file, wanted, ...(isPlain && { reading: plain }) }
  } catch (error) {
    return reasonOf(error)
  }
}

type StatedEntry = { entry: PlannedEntry; statement?: Statement }

function stateAll(taken: readonly Taken[], options: SubmitOptions): StatedEntry[] {
  const stated = groupCompanions(followChanges(taken)).map(group => stateGroup(group, options))
  return inOrder(stated, ({ statement }) => statement)
}

function stateGroup(group: readonly [Taken, ...Taken[]], options: SubmitOptions): StatedEntry {
  const [{ wanted }] = group
  const reading = group[0].reading
  const base = { name: wanted.name, paths: group.map(each => each.wanted.path), isOcds: false, refused: [], origins: [], reading }
  try {
    const stated = statedTogether(group)?.members ?? {}
    const { agency: _, ...typed } = wanted.typed
    const members = withFallbacks(fillMembers(typed, stated), wanted, options)
    const statement = fillStatement(agencyOf(wanted, options)!, members, documentsOf(group))
    const { record, revision, action, target } = statement
    const version = { record, action, ...(revision !== undefined && { revision }), ...(target !== undefined && { target }) }
    const origins = originsOf(
      statement,
      fromOthers(members, stated),
      options.manifest === undefined ? 'the command line' : 'the manifest',
      reading,
    )
    return { entry: { ...base, version, origins }, statement }
  } catch (error) {
    return { entry: { ...base, left: reasonOf(error) } }
  }
}

/** Flags of a batch serve for files that state nothing themselves. */
function withFallbacks(members: StatedMembers, wanted: WantedFile, options: SubmitOptions): StatedMembers {
  const { kind, language, reason, reasonText, recordFrom } = options
  const isChange = (members.action ?? 'publish') !== 'publish'
  const given = {
    ...(kind !== undefined && { kind }),
    ...(language !== undefined && { language }),
    ...(recordFrom === 'path' && { record: wanted.name.normalize('NFC') }),
    ...(isChange && reason !== undefined && { reason: { code: reason, ...(reasonText !== undefined && { text: reasonText }) } }),
  }
  return { ...given, ...members } as StatedMembers
}

/** The members whose values are not the file's own. */
function fromOthers(members: StatedMembers, stated: StatedMembers): StatedMembers {
  const keys = Object.keys(members) as (keyof StatedMembers)[]
  return Object.fromEntries(
    keys.filter(key => JSON.stringify(members[key]) !== JSON.stringify(stated[key])).map(key => [key, members[key]]),
  )
}

function agencyOf({ typed }: WantedFile, { agency }: SubmitOptions): string | undefined {
  return typed.agency ?? agency
}

function leftOut({ name, path }: WantedFile, left: { code: string; detail: string }): PlannedEntry {
  return { name, paths: [path], isOcds: false, left, origins: [], refused: [] }
}

function reasonOf(error: unknown): { code: string; detail: string } {
  if (!(error instanceof OpenSealError)) throw error
  return { code: error.code, detail: error.message }
}

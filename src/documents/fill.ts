/** Makes a statement of what a person typed and what files state. */
import { OpenSealError } from '../core/errors.ts'
import { type DocumentRef, parseStatement, STATEMENT, type Statement } from '../core/statements/statement.ts'
import { distinctNames } from './inner.ts'
import type { DocumentReading, StatedMembers } from './reading.ts'

/**
 * Typed words overrule those of the file. A target and a reason belong to an action, so the
 * file's own count only if its action does. A withdrawal is not a version and has no revision.
 */
export function fillMembers(typed: StatedMembers, stated: StatedMembers): StatedMembers {
  const { action = 'publish' } = { ...stated, ...typed }
  const isOwnAction = (stated.action ?? 'publish') === action
  const { target, reason, revision, ...others } = { ...stated, ...(isOwnAction ? {} : NO_CHANGE), ...typed }
  return {
    ...others,
    action,
    ...(revision !== undefined && (action !== 'withdraw' || typed.revision !== undefined) && { revision }),
    ...(target !== undefined && { target }),
    ...(reason !== undefined && { reason }),
  }
}

const NO_CHANGE = { target: undefined, reason: undefined }

/**
 * The statement of files with these members. Throws FillError for a member that is missing, and
 * StatementError for one that no statement can have.
 */
export function fillStatement(agency: string, members: StatedMembers, documents: readonly DocumentRef[]): Statement {
  const { kind, record, action = 'publish', reason } = members
  if (record === undefined) throw new FillError('RECORD_MISSING', 'the file states no id of a record')
  if (kind === undefined) throw new FillError('KIND_MISSING', 'the file does not state whether it is procurement or a decision')
  if (action !== 'publish' && reason === undefined)
    throw new FillError(
      'REASON_MISSING',
      `the file does not state why it ${action === 'amend' ? 'changes an earlier version' : 'is withdrawn'}`,
    )
  const present = Object.fromEntries(Object.entries({ ...members, action, record, kind }).filter(([, value]) => value !== undefined))
  return parseStatement({ type: STATEMENT, agency, ...present, documents: documents as readonly never[] }, { salted: false })
}

/** The documents of files, then those inside of them, each under a name of its own. */
export function documentsOf(
  files: readonly { readonly document: DocumentRef; readonly reading: DocumentReading }[],
): readonly DocumentRef[] {
  const own = files.map(({ document }) => document)
  return [
    ...own,
    ...distinctNames(
      own.map(({ name }) => name),
      files.flatMap(({ reading }) => reading.inner),
    ),
  ]
}

/**
 * The values of the files of one statement: those of the file that states a record. Throws
 * FillError RECORD_SEVERAL where two state different ones.
 */
export function statedTogether(files: readonly { readonly reading: DocumentReading }[]): DocumentReading | undefined {
  const stating = files.filter(({ reading }) => reading.members.record !== undefined)
  const [first] = stating
  if (
    stating.some(
      ({ reading }) =>
        reading.members.record !== first?.reading.members.record || reading.members.revision !== first?.reading.members.revision,
    )
  )
    throw new FillError('RECORD_SEVERAL', 'the files state different records or versions. Submit each file alone, or submit their folder')
  return (first ?? files[0])?.reading
}

/** AGENCY_MISSING, RECORD_MISSING, RECORD_SEVERAL, KIND_MISSING or REASON_MISSING. */
export class FillError extends OpenSealError {}

/** Warnings about a statement: what its submitter should know before it is public. None of them refuses it. Design §3.2. */

import { formatTime } from '../time.ts'
import type { Statement } from './statement.ts'
import { changesOf, type Version } from './versions.ts'

/** The codes of warnings. */
export const WARNING_CODES = [
  'EMPTY_DOCUMENT',
  'TARGET_UNKNOWN',
  'RECORD_UNKNOWN',
  'SILENT_EDIT',
  'ID_CONFUSABLE',
  'PUBLISHED_FUTURE',
  'PUBLISHED_OLD',
  'KNOWN_CHANGED',
] as const

export type WarningCode = (typeof WARNING_CODES)[number]

/** One warning: its code, and a sentence that says what to do. */
export type Warning = { readonly code: WarningCode; readonly detail: string }

/** At these a submitter stops unless told to go on: they are slips that look like accusations later. */
export const STOPPING_WARNINGS: readonly WarningCode[] = ['TARGET_UNKNOWN', 'RECORD_UNKNOWN', 'SILENT_EDIT', 'ID_CONFUSABLE']

const DAY_MS = 86_400_000
const YEAR_MS = 366 * DAY_MS
const SHOWN = 80

/** The dates between which a publication is ordinary, as text. */
export type DateLimits = { readonly oldest: string; readonly newest: string }

/** The limits as of a moment. */
export function dateLimits(nowMs: number): DateLimits {
  return { oldest: formatTime(nowMs - YEAR_MS), newest: formatTime(nowMs + DAY_MS) }
}

/** What the statement says by itself: empty files, dates far from now. Times of one form are compared as text, for this is done for every statement. */
export function warnOfContents({ documents, published }: Statement, { oldest, newest }: DateLimits): Warning[] {
  const warnings: Warning[] = []
  const empty = documents.find(({ bytes }) => bytes === 0)
  if (empty !== undefined)
    warnings.push({ code: 'EMPTY_DOCUMENT', detail: `The document ${quote(empty.name)} has 0 bytes. Is it the right file?` })
  if (published !== undefined && published > newest)
    warnings.push({ code: 'PUBLISHED_FUTURE', detail: `The date of publication, ${published}, is more than a day ahead.` })
  if (published !== undefined && published < oldest)
    warnings.push({ code: 'PUBLISHED_OLD', detail: `The date of publication, ${published}, is more than a year ago.` })
  return warnings
}

/**
 * What a new statement is to the statements of the same record before it. `isWhole` is false where more of them are there than are
 * given, which are then the newest. `nameOf` names one of them for people, by its index.
 */
export function warnOfHistory(own: Version, earlier: readonly Version[], isWhole: boolean, nameOf: (index: number) => string): Warning[] {
  const { action, record, target } = own.statement
  if (action === 'publish') return warnOfEdit(own, earlier, nameOf)
  const does = action === 'amend' ? 'amends' : 'withdraws'
  if (earlier.length === 0) {
    const detail = `It ${does} the record ${quote(record)}, of which nothing has been published. Compare the id, letter by letter.`
    return isWhole ? [{ code: 'RECORD_UNKNOWN', detail }] : []
  }
  const isKnown = target === undefined || earlier.some(({ statement }) => statement.revision === target)
  if (isKnown || !isWhole) return []
  return [{ code: 'TARGET_UNKNOWN', detail: `It ${does} the version ${quote(target)}, which the record ${quote(record)} does not have.` }]
}

/** What became, since it was logged, of a version that is sent again: nothing is logged then. `later` are all statements of its record after it. */
export function warnOfKnown(own: Version, later: readonly Version[]): Warning[] {
  const gone = changesOf(own, later).findLast(({ index, what }) => index > own.index && GONE.includes(what))
  if (gone === undefined) return []
  const detail = `This version has been in the log since entry ${own.index}, and was ${gone.what} by entry ${gone.index}. Nothing was logged now. To publish it again, give a new revision or date of publication.`
  return [{ code: 'KNOWN_CHANGED', detail }]
}

/** Ids that differ from this one in nothing that people see at once. */
export function warnOfAlike(record: string, alike: readonly string[]): Warning[] {
  const other = alike.find(id => id !== record)
  if (other === undefined) return []
  const detail = `The record id ${quote(record)} differs from the known ${quote(other)} only by case, spaces, dashes or letters that look alike.`
  return [{ code: 'ID_CONFUSABLE', detail }]
}

const GONE: readonly string[] = ['withdrawn', 'superseded', 'edited']

function warnOfEdit(own: Version, earlier: readonly Version[], nameOf: (index: number) => string): Warning[] {
  const edited = changesOf(own, earlier).findLast(({ what }) => what === 'edited')
  if (edited === undefined) return []
  const { revision } = own.statement
  const version = revision === undefined ? 'without a revision' : `as revision ${quote(revision)}`
  const advice = 'Readers will be told "changed without a new version". Give a new revision, or amend or withdraw the earlier one.'
  return [{ code: 'SILENT_EDIT', detail: `${nameOf(edited.index)} published other content under the same name ${version}. ${advice}` }]
}

/** Cut short, so that no id fills a page. */
function quote(text: string): string {
  return JSON.stringify(text.length > SHOWN ? `${text.slice(0, SHOWN).toWellFormed()}…` : text)
}

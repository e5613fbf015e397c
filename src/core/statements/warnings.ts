/**
 * Warnings that a submitter should see before a statement is public. A warning never refuses a
 * statement. Design §3.2.
 */

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

/** A warning: its code, and a sentence that says what to do. */
export type Warning = { readonly code: WarningCode; readonly detail: string }

/**
 * A submitter stops at these unless told to go on. They are usually mistakes, and later look like
 * accusations.
 */
export const STOPPING_WARNINGS: readonly WarningCode[] = ['TARGET_UNKNOWN', 'RECORD_UNKNOWN', 'SILENT_EDIT', 'ID_CONFUSABLE']

const DAY_MS = 86_400_000
const YEAR_MS = 366 * DAY_MS
const SHOWN = 80

/** The dates between which a publication date is ordinary, as text. */
export type DateLimits = { readonly oldest: string; readonly newest: string }

/** The limits at a given time. */
export function dateLimits(nowMs: number): DateLimits {
  return { oldest: formatTime(nowMs - YEAR_MS), newest: formatTime(nowMs + DAY_MS) }
}

/**
 * Warnings from the statement alone: empty files, and dates far from now. Runs for every statement,
 * so it compares times as text.
 */
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
 * Warnings from comparing a new statement with earlier ones of the same record. If `isWhole` is
 * false, `earlier` holds only the newest of them. `nameOf` turns an index into a name for people.
 */
export function warnOfHistory(own: Version, earlier: readonly Version[], isWhole: boolean, nameOf: (index: number) => string): Warning[] {
  const { action, record, target } = own.statement
  if (action === 'publish') return warnOfEdit(own, earlier, nameOf)
  const does = action === 'amend' ? 'amends' : 'withdraws'
  if (earlier.length === 0) {
    const detail = `It ${does} the record ${quote(record)}, but nothing has been published under this id. Compare the id letter by letter.`
    return isWhole ? [{ code: 'RECORD_UNKNOWN', detail }] : []
  }
  const isKnown = target === undefined || earlier.some(({ statement }) => statement.revision === target)
  if (isKnown || !isWhole) return []
  return [
    { code: 'TARGET_UNKNOWN', detail: `It ${does} the version ${quote(target)}, but the record ${quote(record)} has no such version.` },
  ]
}

/**
 * Warnings for a version that is sent again and not logged: what changed since it was logged.
 * `later` holds every later statement of its record.
 */
export function warnOfKnown(own: Version, later: readonly Version[]): Warning[] {
  const gone = changesOf(own, later).findLast(({ index, what }) => index > own.index && GONE.includes(what))
  if (gone === undefined) return []
  const detail = `This version has been in the log since entry ${own.index}, and was ${gone.what} by entry ${gone.index}. Nothing was logged now. To publish it again, give a new revision or date of publication.`
  return [{ code: 'KNOWN_CHANGED', detail }]
}

/** Warnings for known ids that look the same as this one at a glance. */
export function warnOfAlike(record: string, alike: readonly string[]): Warning[] {
  const other = alike.find(id => id !== record)
  if (other === undefined) return []
  const detail = `The record id ${quote(record)} differs from the known id ${quote(other)} only by case, spaces, dashes or letters that look alike.`
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

/** Cuts a long id short. */
function quote(text: string): string {
  return JSON.stringify(text.length > SHOWN ? `${text.slice(0, SHOWN).toWellFormed()}…` : text)
}

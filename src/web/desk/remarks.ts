/**
 * Remarks about files for a clerk: what could not be read, and why. The browser uses them too.
 */
import type { OcdsReport } from '../../documents/ocds/statements.ts'
import { type DocumentReading, REMARK_CODES, type RemarkCode } from '../../documents/reading.ts'
import { type Html, html } from '../../html.ts'
import type { SayDesk } from '../../messages/desk/speak.ts'
import { isolate } from '../../messages/say.ts'

/**
 * A remark on a file, by its name. `value` is the text in the file that it is about. Some codes are
 * the desk's own: nothing was read from the file, and `value` is the English reason (`unread`); the
 * file states another record than the one before it (`other`); it holds many records, and is taken
 * as one file (`many`). The others are counts in a package that was taken apart.
 */
export type FileRemark = { readonly name: string; readonly code: RemarkCode | (typeof OWN_CODES)[number]; readonly value?: string }

const OWN_CODES = ['unread', 'other', 'many', 'linked', 'undated', 'others'] as const

/** The most remarks that a form carries. */
export const MAX_REMARKS = 50

/** The remarks on a file. */
export function remarksOf(name: string, { remarks, refused }: DocumentReading): readonly FileRemark[] {
  const unread = refused && { name, code: 'unread' as const, value: `${refused.detail} (${refused.code})` }
  return [...(unread === undefined ? [] : [unread]), ...remarks.map(remark => ({ name, ...remark }))]
}

/** The remarks on a package of many records that was taken apart. */
export function remarksOfPackage(name: string, { linked, undated, others }: OcdsReport): readonly FileRemark[] {
  const counts = { linked, undated: undated.count, others }
  return (['linked', 'undated', 'others'] as const).flatMap(code => (counts[code] > 0 ? [{ name, code, value: String(counts[code]) }] : []))
}

/** A remark that a form carries. undefined for anything else. */
export function readRemark({ name, code, value }: { readonly [member: string]: unknown }): FileRemark | undefined {
  const known = [...OWN_CODES, ...REMARK_CODES].find(each => each === code)
  if (known === undefined || typeof name !== 'string') return undefined
  return { name, code: known, ...(typeof value === 'string' && { value }) }
}

/** The remarks as a list. Names the file of each, unless there is only one file. */
export function renderRemarks(say: SayDesk, remarks: readonly FileRemark[], { isNamed }: { readonly isNamed: boolean }): Html | false {
  if (remarks.length === 0) return false
  return html`<ul class="remarks">${remarks.map(
    ({ name, code, value = '' }) =>
      html`<li>${isNamed && html`<bdi>${name}</bdi>: `}${code === 'unread' ? html`${say('intake.unread')} <span class="small soft" lang="en" dir="ltr">${value}</span>` : say(`intake.${code}`, { value: isolate(value) })}</li>`,
  )}</ul>`
}

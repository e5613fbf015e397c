/** Tables as CSV, for the results of a check and for those of a submission. */

/**
 * A table as CSV (RFC 4180). A spreadsheet would run a cell that begins like a formula, so such a
 * cell gets an apostrophe in front.
 */
export function toCsv(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cell = (text: string) => `"${(FORMULA.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`
  return [head, ...rows].map(row => `${row.map(cell).join(',')}\r\n`).join('')
}

/** The first signs of formulas, even in full width or after white space that a program skips. */
const FORMULA = /^\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|^[\t\r\n]/

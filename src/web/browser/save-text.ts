/** Saves a text that the page made as a file. */

/** Offers a file to the reader. */
export function saveText(name: string, type: string, text: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(new Blob([text], { type }))
  link.download = name
  link.click()
  URL.revokeObjectURL(link.href)
}

/** A table as CSV (RFC 4180). A spreadsheet would run a cell that begins like a formula. */
export function toCsv(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cell = (text: string) => `"${(/^[=+\-@\t\r]/.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`
  return [head, ...rows].map(row => `${row.map(cell).join(',')}\r\n`).join('')
}

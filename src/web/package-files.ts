/**
 * Package files and the records whose releases they hold, as far as the log tells: by the numbers
 * that the agency names in the statement about the file. Nothing is guessed from their order.
 */
import { isPackageFile } from '../core/statements/package-file.ts'
import type { Statement } from '../core/statements/statement.ts'
import { breathe } from '../turns.ts'
import type { SiteDeps } from './deps.ts'
import { readEntry } from './records.ts'

/** The part of a statement in package files: it is about one, or its record is in some. */
export type Packaged =
  /** It is about one: the procedures that it names. */
  | { readonly ocids: readonly string[] }
  /** Files that name its procedure, newest first; `more` if there may be others. */
  | { readonly files: readonly number[]; readonly ocid: string; readonly more: boolean }

const MAX_FILES = 5

/** The part of a statement in package files; undefined if it has no known part in any. */
export async function readPackaged({ ledger, finder }: SiteDeps, statement: Statement): Promise<Packaged | undefined> {
  const { agency, record } = statement
  const named = ocidsOf(statement)
  if (isPackageFile(statement)) return { ocids: named }
  if (!named.includes(record)) return undefined
  const { indexes, next } = await finder.search({ text: record, agency, packages: 'only' }, MAX_FILES)
  const files: number[] = []
  for (const index of indexes) {
    await breathe()
    const { statement: file } = await readEntry(ledger, index)
    if (file !== undefined && isPackageFile(file) && file.agency === agency && ocidsOf(file).includes(record)) files.push(index)
  }
  return files.length === 0 ? undefined : { files, ocid: record, more: next !== undefined }
}

function ocidsOf({ identifiers = [] }: Statement): string[] {
  return identifiers.filter(({ scheme }) => scheme === 'ocid').map(({ value }) => value)
}

/** Reads the statements of one record in turns, so that a long history delays no other request. */
import { type AnyStatement, isRecordStatement } from '../core/statements/registry.ts'
import type { Statement } from '../core/statements/statement.ts'
import type { Version } from '../core/statements/versions.ts'
import type { Host } from '../host.ts'
import { isDamage } from '../log/errors.ts'

/** The canonical text of a statement; undefined if it was erased. */
export type ReadStatement = (index: number) => Promise<string | undefined>

/** The statements that were read; `isWhole` is false if some were left out. */
export type Read = { readonly versions: readonly Version[]; readonly isWhole: boolean }

/** The most bytes read for one answer, because each document in it is compared. */
const MAX_BYTES = 8 * 1024 * 1024

/** The statements at these indexes, in their order, up to MAX_BYTES. Erased ones are skipped. */
export async function readEach(indexes: Iterable<number>, read: ReadStatement, { breathe }: Pick<Host, 'breathe'>): Promise<Read> {
  const versions: Version[] = []
  let room = MAX_BYTES
  for (const index of indexes) {
    if (room <= 0) return { versions, isWhole: false }
    await breathe()
    const text = await read(index)
    room -= text?.length ?? 0
    const statement = statementIn(text)
    if (statement !== undefined) versions.push({ index, statement })
  }
  return { versions, isWhole: true }
}

/** The statement in a text; undefined if it was erased, or is not about a record. */
export function statementIn(text: string | undefined): Statement | undefined {
  // The text was compared with the tree already. A sealed statement is history, even if current
  // rules would refuse it.
  const statement: AnyStatement | undefined = text === undefined ? undefined : JSON.parse(text)
  return isRecordStatement(statement) ? statement : undefined
}

/** The same, but damaged statements are skipped like erased ones. */
export function passingDamage(read: ReadStatement): ReadStatement {
  return index =>
    read(index).catch(error => {
      if (isDamage(error)) return undefined
      throw error
    })
}

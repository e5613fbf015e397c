/** Reading the statements of one record, in turns: however long its history is, nobody else waits for it. */
import { type AnyStatement, isRecordStatement } from '../core/statements/registry.ts'
import type { Statement } from '../core/statements/statement.ts'
import type { Version } from '../core/statements/versions.ts'
import { isDamage } from '../log/errors.ts'
import { breathe } from '../turns.ts'

/** The canonical text of a statement, undefined where it was erased. */
export type ReadStatement = (index: number) => Promise<string | undefined>

/** The statements that were read; not `isWhole` where some were left out. */
export type Read = { readonly versions: readonly Version[]; readonly isWhole: boolean }

/** All that is read for one answer: each document of it is compared. */
const MAX_BYTES = 8 * 1024 * 1024

/** The statements at these indexes, in their order, until they are too long in all. What was erased is passed over. */
export async function readEach(indexes: Iterable<number>, read: ReadStatement): Promise<Read> {
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

/** The statement in a text; undefined where it was erased, or is about no record. */
export function statementIn(text: string | undefined): Statement | undefined {
  // It has been held against the tree: what was sealed is history, by whatever rules.
  const statement: AnyStatement | undefined = text === undefined ? undefined : JSON.parse(text)
  return isRecordStatement(statement) ? statement : undefined
}

/** The same, where what does not fit the tree is passed over like what was erased. */
export function passingDamage(read: ReadStatement): ReadStatement {
  return index =>
    read(index).catch(error => {
      if (isDamage(error)) return undefined
      throw error
    })
}

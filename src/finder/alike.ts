/**
 * Record ids of one agency that people could confuse: a row for each skeleton, with the first entry
 * of each id that has it.
 */
import { createHash } from 'node:crypto'
import { skeletonOf } from '../core/statements/skeleton.ts'
import type { Statement } from '../core/statements/statement.ts'
import { type FinderRow, jsonValue, type Rows, readJson, rowKey } from './rows.ts'

/** The most ids kept for one skeleton. */
const MAX_ALIKE = 8
/** A longer skeleton is replaced by its hash in the key. */
const MAX_KEY = 64

/** A record id and its first entry. */
type First = readonly [record: string, index: number]

type ReadStatement = (index: number) => Promise<string | undefined>

/** Gathers the ids in a run of entries; `rows` returns the rows to write. */
export function gatherAlike(rows: Pick<Rows, 'get'>) {
  const read = new Map<string, readonly First[]>()
  const changed = new Set<string>()
  return {
    add(index: number, { agency, record }: Statement): void {
      const name = nameOf(agency, record)
      const firsts = read.get(name) ?? readJson<First[]>(rows.get(rowKey('s', name))) ?? []
      const isKnown = firsts.length >= MAX_ALIKE || firsts.some(([id]) => id === record)
      read.set(name, isKnown ? firsts : [...firsts, [record, index]])
      if (!isKnown) changed.add(name)
    },
    *rows(): Generator<FinderRow> {
      for (const name of changed) yield { key: rowKey('s', name), value: jsonValue(read.get(name)) }
    },
  }
}

/**
 * An agency's other known ids with the same skeleton as this one. Ids of erased statements are not
 * known.
 */
export async function findAlike(rows: Pick<Rows, 'get'>, readStatement: ReadStatement, agency: string, record: string): Promise<string[]> {
  const found: string[] = []
  for (const [id, index] of readJson<First[]>(rows.get(rowKey('s', nameOf(agency, record)))) ?? [])
    if (id !== record && (await readStatement(index)) !== undefined) found.push(id)
  return found
}

function nameOf(agency: string, record: string): string {
  const skeleton = skeletonOf(record)
  return `${agency} ${skeleton.length > MAX_KEY ? createHash('sha256').update(skeleton).digest('base64') : skeleton}`
}

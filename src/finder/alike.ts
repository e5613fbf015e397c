/** Record ids of one agency that people could take for one another: a row for each skeleton, with the first entry of each id that has it. */
import { createHash } from 'node:crypto'
import { skeletonOf } from '../core/skeleton.ts'
import type { Statement } from '../core/statement.ts'
import { lastNumber, numberValue, type Row, type Rows, rowKey } from './rows.ts'

/** So many ids of one skeleton are kept. */
const MAX_ALIKE = 8
const ID_BYTES = 8
const ITEM_BYTES = ID_BYTES + 8

type ReadStatement = (index: number) => Promise<string | undefined>

/** Gathers the ids in a run of entries; `rows` gives what is to be written. */
export function gatherAlike(rows: Pick<Rows, 'get'>) {
  const changed = new Map<string, Buffer>()
  return {
    add(index: number, { agency, record }: Statement): void {
      const key = keyOf(agency, record)
      const name = key.toString('latin1')
      const items = changed.get(name) ?? Buffer.from(rows.get(key) ?? [])
      const id = hashOf(record, ID_BYTES)
      const isKnown = itemsIn(items).some(item => id.equals(item.subarray(0, ID_BYTES)))
      if (!isKnown && items.length < MAX_ALIKE * ITEM_BYTES) changed.set(name, Buffer.concat([items, id, numberValue(index)]))
    },
    *rows(): Generator<Row> {
      for (const [name, value] of changed) yield { key: Buffer.from(name, 'latin1'), value }
    },
  }
}

/** Known ids of an agency that have the same skeleton as this one, without it; those of erased statements are not known. */
export async function findAlike(rows: Pick<Rows, 'get'>, readStatement: ReadStatement, agency: string, record: string): Promise<string[]> {
  const own = hashOf(record, ID_BYTES)
  const found: string[] = []
  for (const item of itemsIn(Buffer.from(rows.get(keyOf(agency, record)) ?? []))) {
    if (own.equals(item.subarray(0, ID_BYTES))) continue
    const text = await readStatement(lastNumber(item))
    if (text !== undefined) found.push((JSON.parse(text) as Statement).record)
  }
  return found
}

function itemsIn(value: Buffer): Buffer[] {
  return Array.from({ length: value.length / ITEM_BYTES }, (_, at) => value.subarray(at * ITEM_BYTES, (at + 1) * ITEM_BYTES))
}

function keyOf(agency: string, record: string): Buffer {
  return Buffer.concat([rowKey('s'), hashOf(`${agency} ${skeletonOf(record)}`, 16)])
}

function hashOf(text: string, bytes: number): Buffer {
  return createHash('sha256').update(text).digest().subarray(0, bytes)
}

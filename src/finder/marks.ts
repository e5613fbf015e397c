/**
 * Which entries were withdrawn, replaced, or changed without a new version: each is listed under a
 * token when that may have happened to it, so that readers find changed entries without reading the
 * log. `withdrawn` is exact. The others are compared with the entry's state when they are read,
 * because an amendment may list a document again.
 *
 *   p index → the entry before it of the same record, and of the same version, 8 bytes each, plus 1;
 *             0 for none. An entry that is the first of its record has no row.
 *
 * A statement marks those before it back to the last one that covered the same, so that each entry
 * is passed a few times at most, however long the history of its record is.
 */
import { BLOCK, mergedRow } from './postings.ts'
import { type FinderRow, lastNumber, type Rows, rowKey } from './rows.ts'

export type StateMark = 'withdrawn' | 'superseded' | 'edited'

/** Entries of a record or a version: from `tail` back to `down`. */
type Chain = { readonly tail: number | undefined; readonly of: 'record' | 'version'; readonly down: number }

/** Steps between two rests. */
const STEPS = 100

/** The token under which marked entries are listed. */
export function markToken(mark: StateMark): string {
  return `!${mark}`
}

/** Gathers links and marks; `rows` returns the rows of the marks, `put` takes those of the links. */
export function createMarks(stored: Pick<Rows, 'get'>, put: (key: Uint8Array, value: Uint8Array) => void, rest: () => Promise<boolean>) {
  /** For each mark and block, one bit an entry. */
  const blocks = new Map<StateMark, Map<number, Uint8Array>>()
  const waiting: { readonly mark: StateMark; readonly chain: Chain }[] = []

  const one = (mark: StateMark, index: number): void => {
    const ofMark = blocks.get(mark) ?? new Map<number, Uint8Array>()
    blocks.set(mark, ofMark)
    const block = Math.floor(index / BLOCK)
    const flags = ofMark.get(block) ?? new Uint8Array(BLOCK)
    flags[index % BLOCK] = 1
    ofMark.set(block, flags)
  }

  return {
    one,
    /** Marks a chain at the next `settle`. */
    chain: (mark: StateMark, chain: Chain): void => void waiting.push({ mark, chain }),
    /** Links an entry to those before it. */
    link(index: number, before: { readonly record: number | undefined; readonly version: number | undefined }): void {
      if (before.record === undefined && before.version === undefined) return
      const numbers = [before.record, before.version].map(at => ({ value: at === undefined ? 0 : at + 1, bytes: 8 as const }))
      put(linkKey(index), rowKey('', '', numbers))
    },
    /** Marks what was asked for. Leaves off when it is time to stop: such a run is not written. */
    async settle(): Promise<void> {
      for (const { mark, chain } of waiting.splice(0)) {
        let steps = 0
        for (let at = chain.tail; at !== undefined && at >= chain.down; at = before(stored, at, chain.of)) {
          one(mark, at)
          if (++steps % STEPS === 0 && !(await rest())) return
        }
      }
    },
    *rows(): Generator<FinderRow> {
      for (const [mark, ofMark] of blocks)
        for (const [block, flags] of ofMark) {
          const places = [...flags.keys()].filter(place => flags[place] === 1)
          yield mergedRow(stored, markToken(mark), block, places)
        }
    },
  }
}

function before(rows: Pick<Rows, 'get'>, index: number, of: Chain['of']): number | undefined {
  const row = rows.get(linkKey(index))
  if (row === undefined) return undefined
  const found = lastNumber(of === 'version' ? row : row.subarray(0, 8))
  return found === 0 ? undefined : found - 1
}

function linkKey(index: number): Uint8Array {
  return rowKey('p', '', [{ value: index, bytes: 8 }])
}

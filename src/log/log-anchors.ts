/**
 * The changes of the log's anchors, in order. The genesis binds the first places. Each change is an
 * entry of the log with the whole list from there on.
 */

import { parseJson } from '../core/json.ts'
import { ANCHORS_CHANGE, type AnchorsChange } from '../core/statements/anchors-change.ts'
import { parseAnyStatement } from '../core/statements/registry.ts'
import { type Documents, sizeKey } from '../store/port/documents.ts'
import type { LogStore } from '../store/port/log.ts'
import { prepareOwn } from './prepare.ts'
import type { Sequencer } from './sequencer.ts'

/** A change of anchors, and the index of its entry. */
export type LoggedAnchorsChange = { readonly index: number; readonly change: AnchorsChange }

type Rows = Pick<LogStore, 'readStatement'> & Documents

const CHANGES = 'anchors-changes'

/**
 * All changes, oldest first. One whose entry is gone was taken back by a fail-over after its row was
 * read.
 */
export async function readAnchorsChanges(store: Rows): Promise<LoggedAnchorsChange[]> {
  const rows = await store.listDocuments(CHANGES)
  const found = await Promise.all(
    rows.map(async ({ value }) => {
      const { index }: { index: number } = JSON.parse(value)
      const change = await readChange(store, index)
      return change === undefined ? [] : [{ index, change }]
    }),
  )
  return found.flat()
}

/**
 * Logs the list of anchors from here on. Where another node seals something at the same time, the
 * change comes after that. Only record statements are submitted from outside, so an entry of this
 * type is the operator's.
 */
export async function logAnchorsChange(
  sequencer: Sequencer,
  unsalted: Omit<AnchorsChange, 'type' | 'salt'>,
  salt: string,
): Promise<LoggedAnchorsChange> {
  const change: AnchorsChange = { type: ANCHORS_CHANGE, ...unsalted, salt }
  parseAnyStatement(JSON.parse(JSON.stringify(change)))
  const index = await sequencer.sealNext(async index => {
    const row = { collection: CHANGES, key: sizeKey(index), value: JSON.stringify({ index }) }
    return { entry: prepareOwn(change), documents: { changes: [row], unless: [] } }
  })
  return { index: index!, change }
}

async function readChange(store: Pick<LogStore, 'readStatement'>, index: number): Promise<AnchorsChange | undefined> {
  const bytes = await store.readStatement(index)
  const statement = bytes === undefined ? undefined : parseAnyStatement(parseJson(bytes))
  return statement?.type === ANCHORS_CHANGE ? statement : undefined
}

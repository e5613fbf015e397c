/**
 * Compares a ledger at rest with its mark: what its key has signed, recorded outside the data
 * folder.
 */

import { type Committed, createCheckedNodes, rootAt } from '../log/checked-nodes.ts'
import { readLog } from '../log/log-keys.ts'
import { fitMark, MarkError, type MarkFile, type MarkFit, markReason, openMarkFile } from '../mark.ts'
import { isReplaced, isShared, type Store } from '../store/port/port.ts'

/** How a store compares with its mark. `size` is the mark's; `detail` explains a mismatch. */
export type MarkStanding = {
  readonly file: MarkFile
  readonly fit: MarkFit | 'unreadable'
  readonly size?: number
  readonly detail?: string
  /** Whether the store is a database server that another one has replaced. */
  readonly isReplaced?: boolean
}

/** Undefined if the store does not begin with a log. */
export async function readStanding(store: Store, { head, edge }: Committed, folder: string): Promise<MarkStanding | undefined> {
  const log = await readLog(store)
  const vkey = log?.keys.at(-1)?.vkey
  if (log === undefined || vkey === undefined) return undefined
  const file = openMarkFile(folder, { origin: log.origin, vkey })
  try {
    const mark = await file.read()
    const nodes = createCheckedNodes(store, () => ({ head, edge }))
    const fit = await fitMark(mark, { head: () => head, rootAt: size => rootAt(nodes, size) })
    const shared = isShared(store)
    const replaced = shared && { isReplaced: isReplaced(await store.history(), mark?.database) }
    if (mark === undefined || fit === 'fits' || fit === 'missing') return { file, fit, ...replaced }
    const detail = withPath(markReason(fit, mark, { size: head.size, isShared: shared }), file)
    return { file, fit, size: mark.size, detail, ...replaced }
  } catch (error) {
    if (error instanceof MarkError) return { file, fit: 'unreadable', detail: withPath(error.message, file) }
    throw error
  }
}

function withPath(reason: string, { path }: MarkFile): string {
  return `${reason} The mark: ${path}`
}

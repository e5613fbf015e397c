/**
 * What a batch is built on: a head, and which of its statements the log has at that head. Where
 * nodes share a store, no other node moves the head until the batch has ended, and each gets its
 * turn.
 */
import { OpenSealError } from '../core/errors.ts'
import type { BegunCommit, LogStore, Questions } from '../store/port/log.ts'
import type { Prepared } from './prepare.ts'
import type { TreeState } from './tree-state.ts'
import type { OwnView } from './view.ts'

/** A batch that has begun. `isFirst`: for each statement that asks, whether its record is new. */
export type BegunBatch = Pick<BegunCommit, 'known' | 'commit' | 'end'> & {
  readonly tree: TreeState
  readonly isFirst: readonly boolean[]
}

/**
 * The batch must begin again: another node's commit came first, this node has not followed it yet,
 * or it may not seal for now.
 */
export class BeginAgain extends OpenSealError {}

/**
 * Begins a batch of distinct statements.
 * @throws BeginAgain; StoreError
 */
export async function beginBatch(
  { store, view }: { readonly store: LogStore; readonly view: OwnView },
  batch: readonly Prepared[],
): Promise<BegunBatch> {
  const questions = {
    identities: batch.map(({ identity }) => identity),
    records: batch.filter(({ asksFirst }) => asksFirst).map(subjectOf),
  }
  const own = view.tree()
  const begun = await (store.begin?.(questions) ?? beginAlone(store, own, questions))
  try {
    const tree = await view.treeAt(begun.stored, own.head)
    // Without a lock, another node may have come in between.
    if (tree === undefined || begun.known.some(index => index !== undefined && index >= tree.head.size))
      throw new BeginAgain('BEGIN_AGAIN', 'another node has sealed')
    return { ...begun, tree, isFirst: firsts(batch, begun.have) }
  } catch (error) {
    begun.end()
    throw error
  }
}

/** The same where one process has the store: the head is the one that it knows. */
async function beginAlone(store: LogStore, stored: TreeState, { identities, records }: Questions): Promise<BegunCommit> {
  const known = await store.findIdentities(identities)
  const have = records.length === 0 ? [] : await store.haveStatements(records)
  return {
    ...{ stored, known, have },
    async commit(commit) {
      await store.commit(commit)
      return store.readHead()
    },
    end() {},
  }
}

/** Whether each statement that asks is the first of its record, also among those of its batch. */
function firsts(batch: readonly Prepared[], have: readonly boolean[]): readonly boolean[] {
  const stored = have.values()
  const earlier = new Set<string>()
  return batch.map(statement => {
    const { agency, record } = subjectOf(statement)
    const name = `${agency}\0${record}`
    const isFirst = statement.asksFirst === true && stored.next().value === false && !earlier.has(name)
    earlier.add(name)
    return isFirst
  })
}

function subjectOf({ subject = { agency: '', record: '' } }: Prepared) {
  return subject
}

/**
 * A store of two servers in memory. A write takes effect at once, and is safe from a fail-over once
 * it, or a write after it, was answered. A fail-over takes back all other writes, as a database
 * does whose standby had not received them yet.
 */
import { createMemoryStore } from '../../src/store/memory/memory.ts'
import type { Commit } from '../../src/store/port/log.ts'
import type { SharedStore } from '../../src/store/port/port.ts'

/** A commit or documents; neither for a head that was written again. */
type Write = { readonly commit?: Commit; readonly documents?: Parameters<SharedStore['writeDocuments']> }

export type Replicated = {
  /** The store, each of whose writes is replicated before it is answered. */
  readonly store: SharedStore
  /** The store for a node whose writes are done, and are not replicated when they are answered. */
  readonly unreplicated: SharedStore
  /** How many writes were done so far. */
  done(): number
  /** How many writes a fail-over would take back now. */
  atRisk(): number
  /** Everything so far is replicated, or the first `count` writes. */
  replicate(count?: number): void
  /** Whether a commit that led to this size is replicated, and its root. */
  replicatedRoot(size: number): Uint8Array | undefined
  /** The standby takes over. It has received this many of the writes that were at risk. */
  failOver(received?: number): Promise<void>
}

/** Creates an empty replicated store. `nowMs` is its clock. */
export function createReplicated(options: Parameters<typeof createMemoryStore>[0] = {}): Replicated {
  let memory = createMemoryStore(options)
  const writes: Write[] = []
  const roots = new Map<number, Uint8Array>()
  let replicated = 0

  const replicate = (count = writes.length) => {
    for (; replicated < count; replicated++) {
      const next = writes[replicated]?.commit?.next
      if (next !== undefined) roots.set(next.size, next.root)
    }
  }
  const apply = async (write: Write, at = memory) => {
    if (write.commit !== undefined) await at.commit(write.commit)
    if (write.documents !== undefined) await at.writeDocuments(...write.documents)
  }

  /** `after` is called when a write is done, before its answer. */
  function storeWith(after: () => void): SharedStore {
    const write = async (done: Write) => {
      await apply(done)
      writes.push(done)
      after()
    }
    const reads = Object.keys(memory).map(name => {
      const call = (...args: unknown[]) => (memory as unknown as Record<string, (...args: unknown[]) => unknown>)[name]!(...args)
      return [name, call]
    })
    return {
      ...(Object.fromEntries(reads) as SharedStore),
      commit: commit => write({ commit }),
      writeDocuments: (...documents) => write({ documents }),
      async confirmHead() {
        const row = await memory.readHead()
        await write({})
        return row
      },
    }
  }

  return {
    store: storeWith(replicate),
    unreplicated: storeWith(() => {}),
    done: () => writes.length,
    atRisk: () => writes.length - replicated,
    replicate,
    replicatedRoot: size => roots.get(size),
    async failOver(received = 0) {
      writes.splice(replicated + received)
      replicate()
      const standby = createMemoryStore(options)
      for (const write of writes) await apply(write, standby)
      memory = standby
    },
  }
}

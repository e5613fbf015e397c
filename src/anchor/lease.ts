/**
 * One anchorer at a time among the nodes of a store, by a lease with a fencing number. Time only
 * decides who may try: every write of the holder names the fence, and the store refuses it once
 * another node holds the lease. So a node that was paused, and wakes up as the former holder,
 * writes nothing.
 */
import { type DocumentChange, type Documents, isDocumentChanged, LOCAL } from '../store/port/documents.ts'
import type { SharedStore } from '../store/port/port.ts'

export type Lease = {
  /** Takes the lease if nobody holds it, or keeps it. Whether this node holds it. */
  hold(): Promise<boolean>
  /** Documents that each write of the holder names in `unless`; empty before it held the lease. */
  fence(): readonly DocumentChange[]
  /** Gives it up, so that no other node has to wait until it ends. */
  release(): Promise<void>
}

type Deps = {
  readonly store: Pick<Documents, 'readDocument' | 'writeDocuments'> & Pick<SharedStore, 'nowMs'>
  readonly name: string
  /** The name of this process, which no other has. */
  readonly holder: string
}

/** Changed only when the lease goes to another holder: that raises `fence`. */
type Held = { readonly fence: number; readonly holder: string }

const LEASES = `${LOCAL}leases`
/** Much longer than a round, and short enough that a dead holder is no alarm. */
const LEASE_MS = 60_000

/** Creates this node's side of a lease. It holds nothing yet. */
export function createLease({ store, name, holder }: Deps): Lease {
  const fenceAt = { collection: LEASES, key: name }
  const untilAt = { collection: LEASES, key: `${name}-until` }
  const read = async (at: typeof fenceAt) => (await store.readDocument(at.collection, at.key)) ?? null
  /** The fence as this node has written it. */
  let own: DocumentChange | undefined

  /** Whether it was written. After a lost answer, the next call reads what was. */
  async function write(changes: readonly DocumentChange[], unless: readonly DocumentChange[]): Promise<boolean> {
    try {
      await store.writeDocuments(changes, { unless })
      return true
    } catch (cause) {
      if (isDocumentChanged(cause)) return false
      throw cause
    }
  }

  async function take(fence: string | null, until: string | null, nowMs: number): Promise<boolean> {
    const next = { ...fenceAt, value: JSON.stringify({ fence: fenceOf(fence) + 1, holder } satisfies Held) }
    const unless = [
      { ...fenceAt, value: fence },
      { ...untilAt, value: until },
    ]
    if (!(await write([next, { ...untilAt, value: String(nowMs + LEASE_MS) }], unless))) return false
    own = next
    return true
  }

  return {
    async hold() {
      // The clock is read before the write, so a late write does not lengthen the lease.
      const nowMs = await store.nowMs()
      const [fence, until] = [await read(fenceAt), await read(untilAt)]
      const leftMs = Number(until ?? 0) - nowMs
      if (fence !== null && holderOf(fence) === holder) {
        own = { ...fenceAt, value: fence }
        if (leftMs > LEASE_MS / 2 && leftMs <= LEASE_MS) return true
        return write([{ ...untilAt, value: String(nowMs + LEASE_MS) }], [own])
      }
      // A longer rest than a lease can have shows that the store's clock was set back.
      if (leftMs > 0 && leftMs <= LEASE_MS) return false
      return take(fence, until, nowMs)
    },
    fence: () => (own === undefined ? [] : [own]),
    async release() {
      if (own !== undefined) await write([{ ...untilAt, value: '0' }], [own])
    },
  }
}

function fenceOf(row: string | null): number {
  return row === null ? 0 : (JSON.parse(row) as Held).fence
}

function holderOf(row: string): string {
  return (JSON.parse(row) as Held).holder
}

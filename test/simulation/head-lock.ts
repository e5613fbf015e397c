/** The lock of the head, as a database has it: given in the order of asking, and for a bounded time. */

/** A transaction, which is compared with others only. */
export type Transaction = object

export type HeadLock = {
  /** Calls `granted` once the transaction has the lock, or `refused` if that takes too long. */
  ask(transaction: Transaction, granted: () => unknown, refused: () => unknown): void
  has(transaction: Transaction): boolean
  /** Ends the transaction, whether it has the lock or waits for it. */
  release(transaction: Transaction): void
  /** Ends all transactions: another server has taken over. */
  clear(): void
}

type Waiting = { readonly transaction: Transaction; readonly granted: () => unknown; readonly refused: () => unknown }

/** How long a transaction waits for the lock, and how long it may have it and do nothing. */
const LOCK_MS = 8000
const IDLE_MS = 5000

/** Creates the lock. `later` plans an event of the servers. */
export function createHeadLock(later: (ms: number, label: string, act: () => unknown) => void): HeadLock {
  let queue: Waiting[] = []

  function grant(): void {
    const [first] = queue
    if (first === undefined) return
    later(IDLE_MS, 'puts out who holds the head', () => release(first.transaction))
    first.granted()
  }

  function release(transaction: Transaction): void {
    const had = queue[0]?.transaction === transaction
    queue = queue.filter(each => each.transaction !== transaction)
    if (had) grant()
  }

  return {
    ask(transaction, granted, refused) {
      queue.push({ transaction, granted, refused })
      if (queue.length === 1) return grant()
      later(LOCK_MS, 'refuses who waits for the head', () => {
        if (queue[0]?.transaction === transaction || !queue.some(each => each.transaction === transaction)) return
        release(transaction)
        refused()
      })
    },
    has: transaction => queue[0]?.transaction === transaction,
    release,
    clear() {
      const [, ...waiting] = queue
      queue = []
      for (const { refused } of waiting) refused()
    },
  }
}

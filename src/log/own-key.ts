/**
 * The key with which this node signs: the one of its start and, once a change has ended that, the
 * next one, as soon as this node has it. In between the node signs nothing new and seals nothing.
 */
import type { PolicyKey } from '../core/policy.ts'
import { formatVkey, type Signer } from '../core/tlog/note.ts'
import type { Documents } from '../store/port/documents.ts'
import type { Head, LogStore } from '../store/port/log.ts'
import { createGrace, type GraceDeps } from './grace.ts'
import { readLog, readOpenChange, signsUpTo } from './log-keys.ts'
import type { SigningKey } from './sequencer.ts'
import type { LogSigner } from './signer.ts'

export type OwnKey = SigningKey & {
  /** Signs with the keys of the moment. */
  readonly signer: LogSigner
  vkey(): string
  /** The keys that signed this log, oldest first, as a policy lists them. */
  keys(): readonly PolicyKey[]
  /**
   * The largest size that this node may sign, asked before it takes over a head. If a change has
   * ended its key, it waits from then on, or has the next key already.
   */
  signsUpTo(found: Head): Promise<number>
  /** Reads the keys of the log, whose newest entry is the last of `size`. Called once, at the start. */
  open(size: number): Promise<void>
}

type Deps = {
  readonly store: LogStore & Documents
  readonly signer: Signer
  /**
   * The key that this node has now, in its file; undefined if that cannot be read. Missing: it only
   * ever has the one of its start.
   */
  readonly readSigner?: (() => Promise<Signer | undefined>) | undefined
  /** Called when other keys sign from now on. */
  readonly onChange: () => void
} & GraceDeps

const BEGUN =
  'a change of the log key was begun: this node goes on once it is complete. If it was interrupted, run "openseal rotate log-key" again'
const ENDED = 'the log key was changed: this node goes on once it has the new one, in log.key of its folder of keys'

/** Creates the key of a node. */
export function createOwnKey({ store, signer: first, readSigner, onChange, ...others }: Deps): OwnKey {
  const grace = createGrace({ store, onChange, ...others })
  let current = first
  let keys: readonly PolicyKey[] = []
  /** The size of a tree that this node's key may not sign, or that ends with a change of it. */
  let waiting: { readonly reason: string; readonly size: number } | undefined
  const vkey = () => formatVkey(current.vkey)
  const mayGoOn = async (size: number) => !Number.isFinite(await signsUpTo(store, vkey(), size))

  /** Reads the keys of the log, and takes up the newest if this node has it. */
  async function takeUp(): Promise<void> {
    keys = (await readLog(store))?.keys ?? []
    const wanted = keys.at(-1)?.vkey
    if (wanted === undefined || wanted === vkey()) return
    const found = await readSigner?.()
    if (found === undefined || formatVkey(found.vkey) !== wanted) return
    // First, so that the new key signs nothing alone while the old one is read.
    await grace.follow(wanted)
    current = found
    onChange()
  }

  async function follow(): Promise<void> {
    if (waiting === undefined) return
    await takeUp()
    // While the change has no row, the key that it ends is still the last of the log.
    if (waiting !== undefined && (await mayGoOn(waiting.size))) waiting = undefined
  }

  /** While this node waits for the next key, the old one has nothing to sign beside. */
  async function lookAfterGrace(): Promise<void> {
    if (waiting === undefined) await grace.follow(vkey())
  }

  return {
    signer: {
      get vkey() {
        return current.vkey
      },
      get beside() {
        return grace.signer(vkey())
      },
      sign: message => current.sign(message),
    },
    vkey,
    keys: () => keys,
    async signsUpTo({ size }) {
      const limit = await signsUpTo(store, vkey(), size)
      if (!Number.isFinite(limit)) return limit
      // Before the head is taken over, so that nothing is sealed on it with a key that has ended.
      waiting = { reason: ENDED, size }
      await follow()
      return signsUpTo(store, vkey(), size)
    },
    waits: () => waiting?.reason,
    async open(size) {
      // Before the keys are read: a change without its row may have it a moment later.
      if ((await readOpenChange(store, size)) !== undefined) waiting = { reason: BEGUN, size }
      await takeUp()
      await follow()
      await lookAfterGrace()
    },
    async follow() {
      await follow()
      await lookAfterGrace()
    },
  }
}

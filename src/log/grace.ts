/**
 * The grace after a change of the log's key: the old key signs beside the new one, until a round
 * that both have signed is final. Witnesses and readers who know only the old one lose nothing
 * meanwhile, and have time to follow. Those who have followed ignore the old signature, as they
 * ignore a line by any unknown key.
 */

import { createRow } from '../at-once.ts'
import type { KeyChange } from '../core/statements/key-change.ts'
import { formatVkey, parseNote, parseVkey, type Signer } from '../core/tlog/note.ts'
import { type KeyRows, readKeyChanges } from './log-keys.ts'

export type Grace = {
  /** The old key while it signs beside this one. Undefined afterwards, or if this node lacks it. */
  signer(vkey: string): Signer | undefined
  /** Begins or ends the grace of the change that led to this key. Called every second. */
  follow(vkey: string): Promise<void>
}

/** The old key of a change, which this node may have in its folder of keys. */
export type EndedKey = {
  /** The key that ended with this size; undefined if this node does not have it. */
  read(lastSize: number): Promise<Signer | undefined>
  /**
   * Called each second. Gives the last size of an old key that should sign but is missing here, or
   * has another key in its place; undefined if there is no such key.
   */
  lacks(lastSize: number | undefined): void
  /** Called once, when the old key signs no more. */
  done(lastSize: number): void
}

export type GraceDeps = {
  /** Missing: this node never has an old key. */
  readonly endedKey?: EndedKey | undefined
  /** Some final rounds of the ledger above a size, in ascending order. */
  readonly finalRounds: (after: number) => Promise<readonly { readonly size: number; readonly checkpoint: string }[]>
}

/** Creates a node's grace. `onChange` is called when the old key begins or stops signing. */
export function createGrace({ store, endedKey, finalRounds, onChange }: GraceDeps & { store: KeyRows; onChange: () => void }): Grace {
  /** One at a time: a refresh of the view may take up the next key during another call. */
  const inRow = createRow(1)
  let followed: string | undefined
  /** The change whose grace is not over. */
  let change: KeyChange | undefined
  let signer: Signer | undefined
  /** Final rounds up to this size lack one of the signatures. */
  let seen = 0

  function sign(next: Signer | undefined): void {
    if (next === signer) return
    signer = next
    onChange()
  }

  async function begin(vkey: string): Promise<void> {
    const last = (await readKeyChanges(store)).at(-1)
    followed = vkey
    change = last?.hasGrace && last.change.newKey === vkey ? last.change : undefined
    seen = (change?.fromSize ?? 0) - 1
    sign(undefined)
  }

  async function isOver({ oldKey, newKey }: KeyChange): Promise<boolean> {
    for (const { size, checkpoint } of await finalRounds(seen)) {
      if (isSignedBy(checkpoint, [oldKey, newKey])) return true
      seen = size
    }
    return false
  }

  async function follow(vkey: string): Promise<void> {
    if (vkey !== followed) await begin(vkey)
    if (endedKey !== undefined) endedKey.lacks(await lookFor(endedKey))
  }

  /** Begins or ends the old key's signing. Returns its last size if it should sign and is not there. */
  async function lookFor(endedKey: EndedKey): Promise<number | undefined> {
    if (change === undefined) return undefined
    const lastSize = change.fromSize - 1
    if (await isOver(change)) {
      change = undefined
      if (signer !== undefined) endedKey.done(lastSize)
      sign(undefined)
      return undefined
    }
    if (signer !== undefined) return undefined
    const found = await endedKey.read(lastSize)
    if (found === undefined || formatVkey(found.vkey) !== change.oldKey) return lastSize
    sign(found)
    return undefined
  }

  return {
    signer: vkey => (vkey === change?.newKey ? signer : undefined),
    follow: vkey => inRow(() => follow(vkey)),
  }
}

/** Whether each key has a line in a note that this ledger has stored, whose signatures it made. */
function isSignedBy(note: string, vkeys: readonly string[]): boolean {
  const { signatures } = parseNote(note)
  return vkeys.map(parseVkey).every(({ name, id }) => signatures.some(line => line.name === name && line.id === id))
}

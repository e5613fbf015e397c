/**
 * The keys of a ledger as another copy shows them. Each is believed because the previous key signed
 * the entry that ends it.
 */

import { OpenSealError } from '../core/errors.ts'
import type { Policy, PolicyKey } from '../core/policy.ts'
import { parseReceipt } from '../core/receipt.ts'
import { type Checkpoint, parseCheckpoint } from '../core/tlog/checkpoint.ts'
import { NoteError, parseNote, parseVkey, verifyNote } from '../core/tlog/note.ts'
import { parseTlogProof } from '../core/tlog/tlog-proof.ts'
import { followKeyChange } from '../verifier/extend.ts'
import { type Copy, RefillError } from './copy.ts'

/**
 * A change of the key that is not in the store yet: the index of its entry, and the old key's last
 * checkpoint, which includes that entry.
 */
export type NewChange = { readonly index: number; readonly note: string; readonly checkpoint: Checkpoint }

/**
 * The copy's checkpoint, signed by the log's newest key. If that key is unknown to us, follows the
 * changes from our last key to it.
 * @throws RefillError REFILL_UNSIGNED; NoteError or CheckpointError if it is not a checkpoint
 */
export async function readSignedCheckpoint(copy: Copy, { origin, keys }: { readonly origin: string; readonly keys: readonly PolicyKey[] }) {
  const note = await copy.checkpoint()
  const checkpoint = parseCheckpoint(parseNote(note).text)
  const changes: NewChange[] = []
  let policy: Policy = { type: 'openseal/policy@v1', origin, logKeys: keys, witnesses: [], quorum: 0, anchors: [], requireAnchors: 1 }
  if (!isSigned(note, policy)) {
    for (const receipt of await copy.keyReceipts()) {
      const extended = extend(policy, receipt)
      // A change that our log has already adds nothing.
      if (extended.logKeys.length > policy.logKeys.length) changes.push(readChange(receipt))
      policy = extended
    }
  }
  if (checkpoint.origin !== origin || !isSigned(note, policy)) throw unsigned(origin)
  return { checkpoint, changes }
}

/** Whether the key without an end has signed the note. */
function isSigned(note: string, { logKeys }: Policy): boolean {
  try {
    return verifyNote(note, [parseVkey(logKeys.at(-1)!.vkey)]).length > 0
  } catch (error) {
    if (error instanceof NoteError) return false
    throw error
  }
}

function extend(policy: Policy, receipt: string): Policy {
  try {
    return followKeyChange(policy, receipt)?.policy ?? policy
  } catch (cause) {
    throw cause instanceof OpenSealError ? unsigned(policy.origin, cause) : cause
  }
}

function readChange(receipt: string): NewChange {
  const { index, note } = parseTlogProof(parseReceipt(receipt).proof)
  return { index, note, checkpoint: parseCheckpoint(parseNote(note).text) }
}

function unsigned(origin: string, cause?: unknown): RefillError {
  const fact = `The other copy has no checkpoint signed by the key of this ledger, ${origin}, or by a key that this key introduced.`
  return new RefillError('REFILL_UNSIGNED', fact, { cause })
}

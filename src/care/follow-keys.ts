/**
 * The keys of a ledger as another copy shows them. Each is believed because the previous key signed
 * the entry that ends it.
 */

import { OpenSealError } from '../core/errors.ts'
import type { Policy, PolicyKey } from '../core/policy.ts'
import { parseReceipt } from '../core/receipt.ts'
import { type Checkpoint, parseCheckpoint } from '../core/tlog/checkpoint.ts'
import { parseNote } from '../core/tlog/note.ts'
import { parseTlogProof } from '../core/tlog/tlog-proof.ts'
import { verifyCheckpoint } from '../verifier/checks.ts'
import { followKeyChange } from '../verifier/extend.ts'
import { type Copy, RefillError } from './copy.ts'

/**
 * A change of the key that is not in the store yet: the index of its entry, and the old key's last
 * checkpoint, which includes that entry.
 */
export type NewChange = { readonly index: number; readonly note: string; readonly checkpoint: Checkpoint }

/**
 * The copy's checkpoint, signed by a key of the log that counts at its size, and the changes of the
 * key up to there that the store lacks. Asks for the changes whichever key signed: for a time after
 * a change, the old one signs beside the new one.
 * @throws RefillError REFILL_UNSIGNED; NoteError or CheckpointError if it is not a checkpoint
 */
export async function readSignedCheckpoint(copy: Copy, { origin, keys }: { readonly origin: string; readonly keys: readonly PolicyKey[] }) {
  const note = await copy.checkpoint()
  const { size } = parseCheckpoint(parseNote(note).text)
  const changes: NewChange[] = []
  let policy: Policy = { type: 'openseal/policy@v1', origin, logKeys: keys, witnesses: [], quorum: 0, anchors: [], requireAnchors: 1 }
  for (const receipt of await copy.keyReceipts()) {
    const extended = extend(policy, receipt)
    // A change that our log has already adds nothing.
    if (extended.logKeys.length > policy.logKeys.length) changes.push(readChange(origin, receipt))
    policy = extended
  }
  // The copy may have logged another change since it showed the checkpoint.
  return { checkpoint: readSigned(note, policy), changes: changes.filter(({ index }) => index < size) }
}

function readSigned(note: string, policy: Policy): Checkpoint {
  try {
    return verifyCheckpoint(note, policy)
  } catch (cause) {
    throw cause instanceof OpenSealError ? unsigned(policy.origin, cause) : cause
  }
}

function extend(policy: Policy, receipt: string): Policy {
  try {
    return followKeyChange(policy, receipt)?.policy ?? policy
  } catch (cause) {
    throw cause instanceof OpenSealError ? unsigned(policy.origin, cause) : cause
  }
}

/** The old key may sign larger trees for a time. The one that is kept is the one that it ends with. */
function readChange(origin: string, receipt: string): NewChange {
  const { index, note } = parseTlogProof(parseReceipt(receipt).proof)
  const checkpoint = parseCheckpoint(parseNote(note).text)
  if (checkpoint.size !== index + 1) throw unsigned(origin)
  return { index, note, checkpoint }
}

function unsigned(origin: string, cause?: unknown): RefillError {
  const fact = `The other copy has no checkpoint signed by the key of this ledger, ${origin}, or by a key that this key introduced.`
  return new RefillError('REFILL_UNSIGNED', fact, { cause })
}

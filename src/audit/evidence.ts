/**
 * Evidence that a ledger contradicts itself: two checkpoints that it signed, and a proof that no
 * tree can have both. It convinces anyone who has the ledger's key, without the ledger and without
 * the auditor or the witness that found it.
 */
import { equalBytes, fromHex, toHex, toUtf8 } from '../core/bytes.ts'
import { OpenSealError } from '../core/errors.ts'
import { type Hash, sha256 } from '../core/hash.ts'
import { isJsonObject, parseJson } from '../core/json.ts'
import type { Policy } from '../core/policy.ts'
import { coversSize } from '../core/policy-anchors.ts'
import { type Checkpoint, parseCheckpoint } from '../core/tlog/checkpoint.ts'
import { parseNote, parseVkey, verifyNote } from '../core/tlog/note.ts'
import { verifyConsistency } from '../core/tlog/proof.ts'

/**
 * The later tree's own root at the earlier size, and a consistency proof from there to the later
 * root.
 */
export type ShownRoot = { readonly root: Hash; readonly proof: readonly Hash[] }

/** Both notes, in the order in which they were seen. */
export type Contradiction = { readonly earlier: string; readonly later: string; readonly shown?: ShownRoot | undefined }

/**
 * The conclusion from evidence: two roots signed for one size, a later tree that does not continue
 * the earlier one, or neither.
 */
export type Proven = 'two-checkpoints' | 'rewritten' | 'nothing'

const TYPE = 'openseal/evidence@v1'

/** The folder name of a contradiction, which depends only on the two checkpoints, whoever signed them. */
export function evidenceName({ earlier, later }: Contradiction): string {
  return toHex(sha256(toUtf8(parseNote(earlier).text + parseNote(later).text))).slice(0, 16)
}

/** The files of a contradiction, by name, for the folder of the command that has found it. */
export function evidenceFiles(contradiction: Contradiction, policy: Policy, keeper: 'audit' | 'witness'): Record<string, string> {
  const { earlier, later, shown } = contradiction
  const value = {
    type: TYPE,
    origin: policy.origin,
    logKeys: policy.logKeys.map(({ vkey }) => vkey),
    earlier,
    later,
    ...(shown && { shown: { root: toHex(shown.root), proof: shown.proof.map(toHex) } }),
  }
  return {
    'earlier.checkpoint': earlier,
    'later.checkpoint': later,
    'evidence.json': `${JSON.stringify(value, undefined, 2)}\n`,
    'README.txt': readme(keeper),
  }
}

/**
 * Checks an `evidence.json` for a reader who trusts the keys of `policy`, and returns what it
 * proves. Nothing else in it is believed.
 * @throws OpenSealError EVIDENCE_MALFORMED, or the codes of notes, checkpoints and proofs
 */
export function checkEvidence(text: string | Uint8Array, policy: Policy): { proven: Proven; earlier: Checkpoint; later: Checkpoint } {
  const contradiction = parseEvidence(text)
  const [earlier, later] = [contradiction.earlier, contradiction.later].map(note => verifiedCheckpoint(note, policy)) as [
    Checkpoint,
    Checkpoint,
  ]
  return { proven: provenBy(earlier, later, contradiction.shown), earlier, later }
}

/** The ledger that a contradiction is about, by its own word. Throws what `checkEvidence` throws. */
export function evidenceOrigin(text: string | Uint8Array): string {
  return parseCheckpoint(parseNote(parseEvidence(text).earlier).text).origin
}

function provenBy(earlier: Checkpoint, later: Checkpoint, shown: ShownRoot | undefined): Proven {
  if (earlier.size === later.size) return equalBytes(earlier.root, later.root) ? 'nothing' : 'two-checkpoints'
  if (shown === undefined || earlier.size > later.size || equalBytes(shown.root, earlier.root)) return 'nothing'
  verifyConsistency({ from: earlier.size, to: later.size, fromRoot: shown.root, toRoot: later.root, proof: shown.proof })
  return 'rewritten'
}

function verifiedCheckpoint(note: string, policy: Policy): Checkpoint {
  const checkpoint = parseCheckpoint(parseNote(note).text)
  if (checkpoint.origin !== policy.origin) throw malformed(`a checkpoint of ${checkpoint.origin}`)
  const keys = policy.logKeys.filter(key => coversSize(key, checkpoint.size)).map(key => parseVkey(key.vkey))
  verifyNote(note, keys)
  return checkpoint
}

function parseEvidence(text: string | Uint8Array): Contradiction {
  const value = parseJson(text)
  if (!isJsonObject(value) || value.type !== TYPE) throw malformed('it is not of this type')
  const { earlier, later, shown } = value
  if (typeof earlier !== 'string' || typeof later !== 'string') throw malformed('a checkpoint is missing')
  if (!isJsonObject(shown)) return { earlier, later }
  const { root, proof } = shown
  if (typeof root !== 'string' || !Array.isArray(proof)) throw malformed('its proof cannot be read')
  return { earlier, later, shown: { root: fromHex(root, 32), proof: proof.map(hash => fromHex(String(hash), 32)) } }
}

function malformed(what: string): OpenSealError {
  return new OpenSealError('EVIDENCE_MALFORMED', `the evidence cannot be used: ${what}`)
}

function readme(keeper: string): string {
  return `Evidence that a ledger contradicts itself, kept by "openseal ${keeper}".

earlier.checkpoint  what the ledger signed when it was seen first
later.checkpoint    what it signed later
evidence.json       both, the key and, if the sizes differ, the proof

To check it, take the ledger's key or policy from a source that you trust, and run:

  ./openseal evidence evidence.json --policy openseal.policy.json

By hand: both files are C2SP signed notes (origin, number of entries, root hash). Check both signatures. If both have the same number
of entries, two root hashes are a contradiction. If the numbers differ, "shown" in evidence.json holds the root hash that the later tree
has at the earlier size, and an RFC 9162 consistency proof from it to the later root hash. If that proof is valid and "root" is not the
root hash of earlier.checkpoint, the later tree does not continue the earlier one. Without "shown", the two need not contradict each
other: the ledger showed fewer entries than before.
`
}

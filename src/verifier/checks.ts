/** The checks of design §7 that need nothing but the receipt, the file and the policy, in their order. */

import { type Attempt, attempt, unwrap } from '../core/attempt.ts'
import type { OpenSealError } from '../core/errors.ts'
import { hashLeaf } from '../core/hash.ts'
import { canonicalJson } from '../core/json.ts'
import { coversSize, keysOf, type Policy } from '../core/policy.ts'
import { parseReceipt, type Receipt } from '../core/receipt.ts'
import { encodeEntry } from '../core/statements/entry.ts'
import { type AnyStatement, isRecordStatement, parseAnyStatement } from '../core/statements/registry.ts'
import type { DocumentRef } from '../core/statements/statement.ts'
import { type Checkpoint, CheckpointError, parseCheckpoint } from '../core/tlog/checkpoint.ts'
import { NoteError, parseNote, type Vkey, verifyCosignatures, verifyNote } from '../core/tlog/note.ts'
import { verifyInclusion } from '../core/tlog/proof.ts'
import { parseTlogProof, type TlogProof } from '../core/tlog/tlog-proof.ts'
import type { FileDigest } from '../documents/digest.ts'
import { type Note, note } from './notes.ts'
import type { Asked, Change, UncheckedReason, VerdictCode } from './verdict.ts'

/** What a check came to, and the verdict that it brings about unless one higher in the table applies. */
export type Outcome = {
  readonly status: 'passed' | 'failed' | 'not-run'
  readonly code?: string
  readonly notes: readonly Note[]
  /** In the words of what failed, where there is no note for it. */
  readonly reason?: string
  readonly verdict?: VerdictCode
  /** Why it was not run, where the verdict is `unchecked`. */
  readonly unchecked?: UncheckedReason
  /** True where test networks count, because too few production chains are named: `anchor` finds it. */
  readonly isTest?: boolean
  /** The time by which as many of the final anchors as are required agree: `finality` finds it. */
  readonly date?: string
  /** Who answered, and what became of the version: `currency` finds them. */
  readonly asked?: Asked
  readonly changes?: readonly Change[]
}

/** The parts of a receipt, each read or with the reason why it cannot be. */
export type Evidence = {
  readonly receipt: Attempt<Receipt>
  readonly statement: Attempt<AnyStatement>
  /** The bytes that the log must hold, of any statement: also of a type that is not known here. */
  readonly entry: Attempt<Uint8Array>
  readonly proof: Attempt<TlogProof>
  readonly checkpoint: Attempt<Checkpoint>
}

/** How a file fits a document: by its exact bytes, or by its RFC 8785 form only. */
export type Match = 'bytes' | 'content'

/** Reads the parts of a receipt. Nothing is judged yet. */
export function readEvidence(text: string | Uint8Array): Evidence {
  const receipt = attempt(() => parseReceipt(text))
  const statement = attempt(() => parseAnyStatement(unwrap(receipt).statement))
  const entry = attempt(() => encodeEntry(canonicalJson(unwrap(receipt).statement)))
  const proof = attempt(() => parseTlogProof(unwrap(receipt).proof))
  const checkpoint = attempt(() => parseCheckpoint(parseNote(unwrap(proof).note).text))
  return { receipt, statement, entry, proof, checkpoint }
}

/** Check 1: this file's hash is one of the statement's documents, by `bytes` or by `content`. A statement that lists none vouches for no file. */
export function checkDocument({ statement }: Evidence, file: FileDigest | undefined): Outcome {
  if (file === undefined) return notRun(note('fileNone'))
  if (statement.error) return notRun(note('statementUnreadable'))
  const documents = documentsOf(statement.value)
  if (documents.length === 0) return failed('DOCUMENT_NONE', note('documentsNone'))
  const match = matchOf(documents, file)
  if (match === undefined) return failed('DOCUMENT_OTHER', note('fileOther'))
  return passed([note(match === 'bytes' ? 'fileUnchanged' : 'fileReformatted')])
}

/** Check 2: read strictly, of a known type; its entry is computed from it. */
export function checkStatement({ statement, entry }: Evidence): Outcome {
  const { type } = unwrap(statement)
  unwrap(entry)
  return passed([note('statementType', { type })])
}

/** Check 3: the leaf of that entry is under the checkpoint's root. */
export function checkInclusion({ receipt, entry, proof, checkpoint }: Evidence): Outcome {
  if (receipt.error) return notRun(note('receiptUnreadable'))
  if (isOfCheckpoint(proof.error)) return notRun(note('checkpointUnreadable'))
  const { index, proof: hashes } = unwrap(proof)
  if (checkpoint.error) return notRun(note('checkpointUnreadable'))
  const { size, root } = checkpoint.value
  verifyInclusion({ index, size, leafHash: hashLeaf(unwrap(entry)), root, proof: hashes })
  return passed([note('included', { index, size })])
}

/** Check 4: a signed note whose origin line and key name are the policy's origin, signed by a key of the policy valid at that size. */
export function checkCheckpoint({ proof, checkpoint }: Evidence, policy: Policy): Outcome {
  if (proof.error && !isOfCheckpoint(proof.error)) return notRun(note('proofUnreadable'))
  const { origin, size } = unwrap(checkpoint)
  const { note: noteText } = unwrap(proof)
  const elsewhere = origin !== policy.origin
  // A damaged origin line under a signature of the policy's key is a bad signature, not another ledger.
  if (elsewhere && !claimsKeyOf(policy, noteText)) return otherOrigin(origin, policy)
  const signed = verifyNote(noteText, keysAt(policy, size))
  if (elsewhere) return otherOrigin(origin, policy)
  return passed([note('signed', { size, keys: signed.map(({ name, id }) => `${name}+${id}`).join(', ') })])
}

/** The checkpoint of a signed note, where it is the policy's log's and signed by a key of the policy that is valid at its size. Throws the errors of its readers. */
export function verifyCheckpoint(noteText: string, policy: Policy): Checkpoint {
  const checkpoint = parseCheckpoint(parseNote(noteText).text)
  if (checkpoint.origin !== policy.origin) throw new CheckpointError('CHECKPOINT_ORIGIN', `the checkpoint is of ${checkpoint.origin}`)
  verifyNote(noteText, keysAt(policy, checkpoint.size))
  return checkpoint
}

/** Check 5: at least the policy's quorum of its witnesses. Where it asks for none, nothing was checked, and nothing passed. */
export function checkCosignatures({ proof, checkpoint }: Evidence, policy: Policy): Outcome {
  if (proof.error || checkpoint.error) return notRun(note('checkpointUnreadable'))
  if (policy.quorum === 0) return notRun(note('witnessesUnasked'))
  const witnesses = verifyCosignatures(proof.value.note, keysOf(policy).witnesses)
  const seen = new Set(witnesses.map(({ vkey }) => vkey.name + vkey.id)).size
  const found = note('witnesses', { count: seen, quorum: policy.quorum })
  return seen < policy.quorum ? failed('COSIGNATURES_TOO_FEW', found) : passed([found])
}

/** The documents of a statement; a genesis has none. */
export function documentsOf(statement: AnyStatement): readonly DocumentRef[] {
  return isRecordStatement(statement) ? statement.documents : []
}

/** How a file fits the best of the documents; undefined when it fits none. */
export function matchOf(documents: readonly DocumentRef[], { sha256, jcs }: FileDigest): Match | undefined {
  if (documents.some(document => document.sha256 === sha256)) return 'bytes'
  return jcs !== undefined && documents.some(document => document.jcs === jcs) ? 'content' : undefined
}

/** The check stands. */
export function passed(notes: readonly Note[]): Outcome {
  return { status: 'passed', notes }
}

/** The check does not stand. */
export function failed(code: string, why: Note | readonly Note[], verdict: VerdictCode = 'invalid'): Outcome {
  return { status: 'failed', code, notes: 'key' in why ? [why] : why, verdict }
}

/** The check could not be made, with the reason. */
export function notRun(why: Note | readonly Note[]): Outcome {
  return { status: 'not-run', notes: 'key' in why ? [why] : why }
}

/** The check could not be made, and without it there is no answer. */
export function unchecked(why: Note | readonly Note[], reason: UncheckedReason): Outcome {
  return { ...notRun(why), verdict: 'unchecked', unchecked: reason }
}

/** A proof is read whole, with the note in it: what is wrong with that belongs to `checkpoint`. */
function isOfCheckpoint(error: OpenSealError | undefined): boolean {
  return error instanceof NoteError || error instanceof CheckpointError
}

function keysAt(policy: Policy, size: number): Vkey[] {
  return keysOf(policy)
    .log.filter(key => coversSize(key, size))
    .map(({ key }) => key)
}

function claimsKeyOf(policy: Policy, noteText: string): boolean {
  const { log } = keysOf(policy)
  return parseNote(noteText).signatures.some(({ name, id }) => log.some(({ key }) => key.name === name && key.id === id))
}

function otherOrigin(origin: string, policy: Policy): Outcome {
  return failed('CHECKPOINT_ORIGIN', note('originOther', { origin, expected: policy.origin }), 'unsupported')
}

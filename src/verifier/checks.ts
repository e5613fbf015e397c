/** The checks of design §7 that need only the receipt, the file and the policy, in their order. */

import { type Attempt, attempt, unwrap } from '../core/attempt.ts'
import type { OpenSealError } from '../core/errors.ts'
import { hashLeaf } from '../core/hash.ts'
import { canonicalJson } from '../core/json.ts'
import { keysOf, type Policy } from '../core/policy.ts'
import { coversSize } from '../core/policy-anchors.ts'
import { parseReceipt, type Receipt } from '../core/receipt.ts'
import { encodeEntry } from '../core/statements/entry.ts'
import { type AnyStatement, isRecordStatement, parseAnyStatement } from '../core/statements/registry.ts'
import type { DocumentRef } from '../core/statements/statement.ts'
import { type Checkpoint, CheckpointError, parseCheckpoint } from '../core/tlog/checkpoint.ts'
import { NoteError, parseNote, type Vkey, verifyCosignatures, verifyNote } from '../core/tlog/note.ts'
import { verifyInclusion } from '../core/tlog/proof.ts'
import { parseTlogProof, type TlogProof } from '../core/tlog/tlog-proof.ts'
import type { FileDigest } from '../documents/digest.ts'
import { type Remark, remark } from './remarks.ts'
import type { Asked, Change, UncheckedReason, VerdictCode } from './verdict.ts'

/** The outcome of a check, and the verdict that it causes unless a higher one applies. */
export type Outcome = {
  readonly status: 'passed' | 'failed' | 'not-run'
  readonly code?: string
  readonly remarks: readonly Remark[]
  /** The words of the error, if no remark fits. */
  readonly reason?: string
  readonly verdict?: VerdictCode
  /** Why the check was not run, if the verdict is `unchecked`. */
  readonly unchecked?: UncheckedReason
  /**
   * True if test networks count because the policy names too few production chains. Set by
   * `anchor`.
   */
  readonly isTest?: boolean
  /** The time by which the required number of final anchors agree. Set by `finality`. */
  readonly date?: string
  /** The source that answered, and the changes to the version. Set by `currency`. */
  readonly asked?: Asked
  readonly changes?: readonly Change[]
}

/** The parts of a receipt. Each was read, or has the reason why it could not be. */
export type ReceiptParts = {
  readonly receipt: Attempt<Receipt>
  readonly statement: Attempt<AnyStatement>
  /** The bytes that the log must hold. Available for statements of unknown type too. */
  readonly entry: Attempt<Uint8Array>
  readonly proof: Attempt<TlogProof>
  readonly checkpoint: Attempt<Checkpoint>
}

/** How a file matches a document: by its exact bytes, or only by its RFC 8785 form. */
export type Match = 'bytes' | 'content'

/** Reads the parts of a receipt, without judging them. */
export function readReceiptParts(text: string | Uint8Array): ReceiptParts {
  const receipt = attempt(() => parseReceipt(text))
  const statement = attempt(() => parseAnyStatement(unwrap(receipt).statement))
  const entry = attempt(() => encodeEntry(canonicalJson(unwrap(receipt).statement)))
  const proof = attempt(() => parseTlogProof(unwrap(receipt).proof))
  const checkpoint = attempt(() => parseCheckpoint(parseNote(unwrap(proof).note).text))
  return { receipt, statement, entry, proof, checkpoint }
}

/**
 * Check 1: the file's hash is one of the statement's documents, by `bytes` or by `content`. A
 * statement without documents vouches for no file.
 */
export function checkDocument({ statement }: ReceiptParts, file: FileDigest | undefined): Outcome {
  if (file === undefined) return notRun(remark('fileNone'))
  if (statement.error) return notRun(remark('statementUnreadable'))
  const documents = documentsOf(statement.value)
  if (documents.length === 0) return failed('DOCUMENT_NONE', remark('documentsNone'))
  const match = matchOf(documents, file)
  if (match === undefined) return failed('DOCUMENT_OTHER', remark('fileOther'))
  return passed([remark(match === 'bytes' ? 'fileUnchanged' : 'fileReformatted')])
}

/** Check 2: the statement is read strictly and of a known type. Its entry is computed from it. */
export function checkStatement({ statement, entry }: ReceiptParts): Outcome {
  const { type } = unwrap(statement)
  unwrap(entry)
  return passed([remark('statementType', { type })])
}

/** Check 3: the entry's leaf is under the checkpoint's root. */
export function checkInclusion({ receipt, entry, proof, checkpoint }: ReceiptParts): Outcome {
  if (receipt.error) return notRun(remark('receiptUnreadable'))
  if (isOfCheckpoint(proof.error)) return notRun(remark('checkpointUnreadable'))
  const { index, proof: hashes } = unwrap(proof)
  if (checkpoint.error) return notRun(remark('checkpointUnreadable'))
  const { size, root } = checkpoint.value
  verifyInclusion({ index, size, leafHash: hashLeaf(unwrap(entry)), root, proof: hashes })
  return passed([remark('included', { index, size })])
}

/**
 * Check 4: a signed note whose origin line and key name are the policy's origin, signed by a policy
 * key that is valid at its size.
 */
export function checkCheckpoint({ proof, checkpoint }: ReceiptParts, policy: Policy): Outcome {
  if (proof.error && !isOfCheckpoint(proof.error)) return notRun(remark('proofUnreadable'))
  const { origin, size } = unwrap(checkpoint)
  const { note: noteText } = unwrap(proof)
  const elsewhere = origin !== policy.origin
  // A damaged origin line under a signature of the policy's key is a bad signature, not another
  // ledger.
  if (elsewhere && !claimsKeyOf(policy, noteText)) return otherOrigin(origin, policy)
  const signed = signersOf(noteText, policy, size)
  if (elsewhere) return otherOrigin(origin, policy)
  return passed([remark('signed', { size, keys: signed.map(({ name, id }) => `${name}+${id}`).join(', ') })])
}

/**
 * The checkpoint of a signed note, if it is from the policy's log and signed by a policy key valid
 * at its size. Throws the errors of its parsers.
 */
export function verifyCheckpoint(noteText: string, policy: Policy): Checkpoint {
  const checkpoint = parseCheckpoint(parseNote(noteText).text)
  if (checkpoint.origin !== policy.origin) throw new CheckpointError('CHECKPOINT_ORIGIN', `the checkpoint is from ${checkpoint.origin}`)
  signersOf(noteText, policy, checkpoint.size)
  return checkpoint
}

/**
 * Check 5: at least the policy's quorum of its witnesses. If the policy asks for no witnesses, the
 * check is not run, rather than passed.
 */
export function checkCosignatures({ proof, checkpoint }: ReceiptParts, policy: Policy): Outcome {
  if (proof.error || checkpoint.error) return notRun(remark('checkpointUnreadable'))
  if (policy.quorum === 0) return notRun(remark('witnessesUnasked'))
  const witnesses = verifyCosignatures(proof.value.note, keysOf(policy).witnesses)
  const seen = new Set(witnesses.map(({ vkey }) => vkey.name + vkey.id)).size
  const found = remark('witnesses', { count: seen, quorum: policy.quorum })
  return seen < policy.quorum ? failed('COSIGNATURES_TOO_FEW', found) : passed([found])
}

/** The documents of a statement. A genesis has none. */
export function documentsOf(statement: AnyStatement): readonly DocumentRef[] {
  return isRecordStatement(statement) ? statement.documents : []
}

/** How a file matches the best of the documents; undefined if it matches none. */
export function matchOf(documents: readonly DocumentRef[], { sha256, jcs }: FileDigest): Match | undefined {
  if (documents.some(document => document.sha256 === sha256)) return 'bytes'
  return jcs !== undefined && documents.some(document => document.jcs === jcs) ? 'content' : undefined
}

/** A passed check. */
export function passed(remarks: readonly Remark[]): Outcome {
  return { status: 'passed', remarks }
}

/** A failed check. */
export function failed(code: string, why: Remark | readonly Remark[], verdict: VerdictCode = 'invalid'): Outcome {
  return { status: 'failed', code, remarks: 'key' in why ? [why] : why, verdict }
}

/** A check that could not be run, and why. */
export function notRun(why: Remark | readonly Remark[]): Outcome {
  return { status: 'not-run', remarks: 'key' in why ? [why] : why }
}

/** A check that could not be run and without which there is no verdict. */
export function unchecked(why: Remark | readonly Remark[], reason: UncheckedReason): Outcome {
  return { ...notRun(why), verdict: 'unchecked', unchecked: reason }
}

/**
 * A proof contains its note and is parsed with it. An error in the note belongs to `checkpoint`.
 */
function isOfCheckpoint(error: OpenSealError | undefined): boolean {
  return error instanceof NoteError || error instanceof CheckpointError
}

/**
 * The policy's keys that signed a note, which says `size`. A note that was found signed is
 * remembered, because most receipts of a ledger share one and a signature takes milliseconds.
 * Throws NoteError.
 */
function signersOf(noteText: string, policy: Policy, size: number): readonly Vkey[] {
  const known = SIGNED.get(policy) ?? new Map<string, readonly Vkey[]>()
  SIGNED.set(policy, known)
  const before = known.get(noteText)
  if (before !== undefined) return before
  const signers = verifyNote(noteText, keysAt(policy, size))
  if (known.size >= MOST_SIGNED) known.clear()
  known.set(noteText, signers)
  return signers
}

/** Lives as long as the policy itself. */
const SIGNED = new WeakMap<Policy, Map<string, readonly Vkey[]>>()
const MOST_SIGNED = 100

function keysAt(policy: Policy, size: number): Vkey[] {
  return keysOf(policy)
    .log.filter(key => coversSize(key, size))
    .map(({ key }) => key)
}

/** Whether a signature line of a note is named after a key of the policy's log. Nothing is verified. */
export function claimsKeyOf(policy: Policy, noteText: string): boolean {
  const { log } = keysOf(policy)
  return parseNote(noteText).signatures.some(({ name, id }) => log.some(({ key }) => key.name === name && key.id === id))
}

function otherOrigin(origin: string, policy: Policy): Outcome {
  return failed('CHECKPOINT_ORIGIN', remark('originOther', { origin, expected: policy.origin }), 'unsupported')
}

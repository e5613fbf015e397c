/** The checks of design §7 that need nothing but the receipt, the file and the policy, in their order. */

import { type Checkpoint, CheckpointError, parseCheckpoint } from '../core/checkpoint.ts'
import { encodeEntry } from '../core/entry.ts'
import type { OpenSealError } from '../core/errors.ts'
import { hashLeaf } from '../core/hash.ts'
import { canonicalJson } from '../core/json.ts'
import { NoteError, parseNote, parseVkey, verifyCosignatures, verifyNote } from '../core/note.ts'
import { coversSize, type Policy } from '../core/policy.ts'
import { verifyInclusion } from '../core/proof.ts'
import { parseReceipt, type Receipt } from '../core/receipt.ts'
import { type AnyStatement, type DocumentRef, parseAnyStatement } from '../core/statement.ts'
import { parseTlogProof, type TlogProof } from '../core/tlog-proof.ts'
import { type Attempt, attempt, unwrap } from './attempt.ts'
import type { FileDigest } from './digest.ts'
import type { VerdictCode } from './verdict.ts'

/** What a check came to, and the verdict that it brings about unless one higher in the table applies. */
export type Outcome = {
  readonly status: 'passed' | 'failed' | 'not-run'
  readonly code?: string
  readonly detail: string
  readonly verdict?: VerdictCode
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

const NO_CHECKPOINT = 'there is no checkpoint that could be read'

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

/** Check 1: this file's hash is one of the statement's documents. */
export function checkDocument({ statement }: Evidence, file: FileDigest | undefined): Outcome {
  if (statement.error) return notRun('the statement could not be read')
  const documents = documentsOf(statement.value)
  if (documents.length === 0) return notRun('the statement lists no documents')
  if (file === undefined) return notRun('no file was given')
  const match = matchOf(documents, file)
  if (match === undefined) return failed('DOCUMENT_OTHER', 'this file is none of the documents that the receipt lists')
  return passed(match === 'bytes' ? 'unchanged' : 'same content, formatted differently')
}

/** Check 2: read strictly, of a known type; its entry is computed from it. */
export function checkStatement({ statement, entry }: Evidence): Outcome {
  const { type } = unwrap(statement)
  unwrap(entry)
  return passed(type)
}

/** Check 3: the leaf of that entry is under the checkpoint's root. */
export function checkInclusion({ receipt, entry, proof, checkpoint }: Evidence): Outcome {
  if (receipt.error) return notRun('the receipt could not be read')
  if (isOfCheckpoint(proof.error)) return notRun(NO_CHECKPOINT)
  const { index, proof: hashes } = unwrap(proof)
  if (checkpoint.error) return notRun(NO_CHECKPOINT)
  const { size, root } = checkpoint.value
  verifyInclusion({ index, size, leafHash: hashLeaf(unwrap(entry)), root, proof: hashes })
  return passed(`index ${index} of ${size}`)
}

/** Check 4: a signed note whose origin line and key name are the policy's origin, signed by a key of the policy valid at that size. */
export function checkCheckpoint({ proof, checkpoint }: Evidence, policy: Policy): Outcome {
  if (proof.error && !isOfCheckpoint(proof.error)) return notRun('the proof could not be read')
  const { origin, size } = unwrap(checkpoint)
  const { note } = unwrap(proof)
  const elsewhere = origin !== policy.origin
  // A damaged origin line under a signature of the policy's key is a bad signature, not another ledger.
  if (elsewhere && !claimsKeyOf(policy, note)) return otherOrigin(origin, policy)
  const keys = policy.logKeys.filter(key => coversSize(key, size)).map(key => parseVkey(key.vkey))
  const signed = verifyNote(note, keys)
  if (elsewhere) return otherOrigin(origin, policy)
  return passed(`size ${size}, signed by ${signed.map(({ name, id }) => `${name}+${id}`).join(', ')}`)
}

/** Check 5: at least the policy's quorum of its witnesses. */
export function checkCosignatures({ proof, checkpoint }: Evidence, policy: Policy): Outcome {
  if (proof.error || checkpoint.error) return notRun(NO_CHECKPOINT)
  if (policy.witnesses.length === 0) return passed('the policy asks for no witness')
  const witnesses = verifyCosignatures(proof.value.note, policy.witnesses.map(parseVkey))
  const seen = new Set(witnesses.map(({ vkey }) => vkey.name + vkey.id)).size
  const detail = `${seen} of the policy's witnesses, ${policy.quorum} are needed`
  return seen < policy.quorum ? failed('COSIGNATURES_TOO_FEW', detail) : passed(detail)
}

/** The documents of a statement; a genesis has none. */
export function documentsOf(statement: AnyStatement): readonly DocumentRef[] {
  return statement.type === 'openseal/statement@v1' ? statement.documents : []
}

/** How a file fits the best of the documents; undefined when it fits none. */
export function matchOf(documents: readonly DocumentRef[], { sha256, jcs }: FileDigest): Match | undefined {
  if (documents.some(document => document.sha256 === sha256)) return 'bytes'
  return jcs !== undefined && documents.some(document => document.jcs === jcs) ? 'content' : undefined
}

/** The check stands. A verdict may still follow from what it found. */
export function passed(detail: string, verdict?: VerdictCode): Outcome {
  return verdict === undefined ? { status: 'passed', detail } : { status: 'passed', detail, verdict }
}

/** The check does not stand. */
export function failed(code: string, detail: string, verdict: VerdictCode = 'invalid'): Outcome {
  return { status: 'failed', code, detail, verdict }
}

/** The check could not be made, with the reason. */
export function notRun(detail: string, verdict?: VerdictCode): Outcome {
  return verdict === undefined ? { status: 'not-run', detail } : { status: 'not-run', detail, verdict }
}

/** A proof is read whole, with the note in it: what is wrong with that belongs to `checkpoint`. */
function isOfCheckpoint(error: OpenSealError | undefined): boolean {
  return error instanceof NoteError || error instanceof CheckpointError
}

function claimsKeyOf(policy: Policy, note: string): boolean {
  const keys = policy.logKeys.map(key => parseVkey(key.vkey))
  return parseNote(note).signatures.some(({ name, id }) => keys.some(key => key.name === name && key.id === id))
}

function otherOrigin(origin: string, policy: Policy): Outcome {
  return failed('CHECKPOINT_ORIGIN', `the checkpoint is of ${origin}, the policy speaks of ${policy.origin}`, 'unsupported')
}

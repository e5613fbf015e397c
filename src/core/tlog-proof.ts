/** The proof of one entry in one file, C2SP tlog-proof: index, inclusion proof and the signed checkpoint that it leads to. */
import { readBase64, toBase64 } from './bytes.ts'
import { parseCheckpoint } from './checkpoint.ts'
import { OpenSealError } from './errors.ts'
import { HASH_BYTES, type Hash } from './hash.ts'
import { parseNote } from './note.ts'

/** `extra` is not authenticated and not empty; `proof` goes from the leaf's sibling to the root's child; `note` is the signed checkpoint. */
export type TlogProof = { readonly extra?: Uint8Array; readonly index: number; readonly proof: readonly Hash[]; readonly note: string }

const HEADER = 'c2sp.org/tlog-proof@v1'
const MAX_HASHES = 63
/** The note that was found sound last: many proofs in a row lead to one checkpoint. */
let lastSoundNote: string | undefined

/** The proof as text. Throws what parseTlogProof throws, when that would refuse it. */
export function formatTlogProof(proof: TlogProof): string {
  const { extra, index, proof: hashes, note } = proof
  const fits = Number.isSafeInteger(index) && index >= 0 && hashes.length <= MAX_HASHES && hashes.every(hash => hash.length === HASH_BYTES)
  if (!fits || extra?.length === 0)
    throw new TlogProofError('TLOG_PROOF_MALFORMED', 'an index, at most 63 hashes of 32 bytes, and no empty extra')
  if (note !== lastSoundNote) parseCheckpoint(parseNote(note).text)
  lastSoundNote = note
  return formatUnchecked(proof)
}

/** Reads what formatTlogProof writes, and no other spelling. Throws TLOG_PROOF_MALFORMED; NOTE_MALFORMED, CHECKPOINT_MALFORMED of its checkpoint. */
export function parseTlogProof(text: string): TlogProof {
  const end = text.indexOf('\n\n')
  if (end < 0) throw new TlogProofError('TLOG_PROOF_MALFORMED', 'an empty line and a checkpoint must follow the proof')
  const [header, ...lines] = text.slice(0, end).split('\n')
  if (header !== HEADER) throw new TlogProofError('TLOG_PROOF_MALFORMED', `the first line must be ${HEADER}`)

  const extra = lines[0]?.startsWith('extra ') ? readExtra(lines.shift()!) : undefined
  const index = readIndex(lines.shift() ?? '')
  if (lines.length > MAX_HASHES) throw new TlogProofError('TLOG_PROOF_MALFORMED', `a proof has at most ${MAX_HASHES} hashes`)
  const proof = lines.map(readHash)
  const note = text.slice(end + 2)
  parseCheckpoint(parseNote(note).text)

  const parsed: TlogProof = extra ? { extra, index, proof, note } : { index, proof, note }
  if (formatUnchecked(parsed) !== text) throw new TlogProofError('TLOG_PROOF_MALFORMED', 'the proof is not in its one spelling')
  return parsed
}

function formatUnchecked({ extra, index, proof, note }: TlogProof): string {
  let text = `${HEADER}\n`
  if (extra) text += `extra ${toBase64(extra)}\n`
  text += `index ${index}\n`
  for (const hash of proof) text += `${toBase64(hash)}\n`
  return `${text}\n${note}`
}

function readExtra(line: string): Uint8Array {
  const extra = readBase64(line.slice('extra '.length))
  if (!extra || extra.length === 0) throw new TlogProofError('TLOG_PROOF_MALFORMED', 'the extra line must hold base64')
  return extra
}

function readIndex(line: string): number {
  const index = Number(line.slice('index '.length))
  if (!Number.isSafeInteger(index) || index < 0 || `index ${index}` !== line) {
    throw new TlogProofError('TLOG_PROOF_MALFORMED', `expected the index, got ${JSON.stringify(line.slice(0, 200))}`)
  }
  return index
}

function readHash(line: string): Hash {
  const hash = readBase64(line, HASH_BYTES)
  if (!hash) throw new TlogProofError('TLOG_PROOF_MALFORMED', `expected a hash in base64, got ${JSON.stringify(line.slice(0, 200))}`)
  return hash
}

/** Code: TLOG_PROOF_MALFORMED. */
export class TlogProofError extends OpenSealError {}

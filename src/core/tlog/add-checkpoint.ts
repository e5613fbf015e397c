/**
 * The request by which a log asks a witness for a cosignature: C2SP tlog-witness, "add-checkpoint".
 */
import { readBase64, toBase64 } from '../bytes.ts'
import { OpenSealError } from '../errors.ts'
import { HASH_BYTES, type Hash } from '../hash.ts'

/**
 * `oldSize` is the size of the checkpoint that the witness cosigned last, 0 before its first.
 * `proof` is the consistency proof from there. `note` is the signed checkpoint.
 */
export type AddCheckpoint = { readonly oldSize: number; readonly proof: readonly Hash[]; readonly note: string }

/** The media type of the answer 409, which holds the size that the witness cosigned last. */
export const SIZE_TYPE = 'text/x.tlog.size'

const MAX_PROOF = 63
const OLD = 'old '
const SIZE = /^(?:0|[1-9]\d{0,15})$/

/** The body of the request. */
export function formatAddCheckpoint({ oldSize, proof, note }: AddCheckpoint): string {
  return `${OLD}${oldSize}\n${proof.map(hash => `${toBase64(hash)}\n`).join('')}\n${note}`
}

/**
 * Parses what formatAddCheckpoint writes, and no other spelling. The note is not parsed. Throws
 * AddCheckpointError REQUEST_MALFORMED.
 */
export function parseAddCheckpoint(text: string): AddCheckpoint {
  const end = text.indexOf('\n\n')
  if (end < 0) throw malformed('there is no empty line before the checkpoint')
  const [first = '', ...lines] = text.slice(0, end).split('\n')
  const oldSize = first.startsWith(OLD) ? parseTreeSize(first.slice(OLD.length)) : undefined
  if (oldSize === undefined) throw malformed('the first line is not "old", a space and a tree size')
  if (lines.length > MAX_PROOF) throw malformed(`there are more than ${MAX_PROOF} hashes`)
  const proof = lines.map(line => {
    const hash = readBase64(line, HASH_BYTES)
    if (hash === undefined) throw malformed('a line of the proof is not a hash in base64')
    return hash
  })
  return { oldSize, proof, note: text.slice(end + 2) }
}

/** The body of the answer 409. */
export function formatSizeAnswer(size: number): string {
  return `${size}\n`
}

/** The size in the body of an answer 409. Undefined for any other text. */
export function parseSizeAnswer(text: string): number | undefined {
  return text.endsWith('\n') ? parseTreeSize(text.slice(0, -1)) : undefined
}

function parseTreeSize(text: string): number | undefined {
  const size = Number(text)
  return SIZE.test(text) && Number.isSafeInteger(size) ? size : undefined
}

function malformed(what: string): AddCheckpointError {
  return new AddCheckpointError('REQUEST_MALFORMED', `the request cannot be read: ${what}`)
}

/** REQUEST_MALFORMED. */
export class AddCheckpointError extends OpenSealError {}

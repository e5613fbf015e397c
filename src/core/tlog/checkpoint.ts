/**
 * The text of a checkpoint, C2SP tlog-checkpoint: origin, tree size and root hash, one a line.
 * Extension lines are not accepted.
 */
import { readBase64, toBase64, toUtf8 } from '../bytes.ts'
import { OpenSealError } from '../errors.ts'
import { HASH_BYTES, type Hash } from '../hash.ts'
import { isKeyName } from './note.ts'

/** A log's claim: the root hash of its first `size` entries. */
export type Checkpoint = { readonly origin: string; readonly size: number; readonly root: Hash }

const MAX_ORIGIN_BYTES = 255

/**
 * Whether the text can be an origin: a key name (no Unicode space, no '+') of at most 255 bytes.
 */
export function isOrigin(text: string): boolean {
  return isKeyName(text) && toUtf8(text).length <= MAX_ORIGIN_BYTES
}

/**
 * The checkpoint's text, final newline included. Throws CheckpointError CHECKPOINT_MALFORMED for
 * anything that parseCheckpoint would refuse.
 */
export function formatCheckpoint({ origin, size, root }: Checkpoint): string {
  if (!isOrigin(origin)) throw new CheckpointError('CHECKPOINT_MALFORMED', `origin ${JSON.stringify(origin)}`)
  if (!isSize(size)) throw new CheckpointError('CHECKPOINT_MALFORMED', `tree size ${size}`)
  if (root.length !== HASH_BYTES) throw new CheckpointError('CHECKPOINT_MALFORMED', `root hash of ${root.length} bytes`)
  return `${origin}\n${size}\n${toBase64(root)}\n`
}

/**
 * Parses what formatCheckpoint writes, and no other spelling. Throws CheckpointError
 * CHECKPOINT_MALFORMED.
 */
export function parseCheckpoint(text: string): Checkpoint {
  const [origin = '', sizeLine = '', rootLine = '', ...end] = text.split('\n')
  if (end.length !== 1 || end[0] !== '')
    throw new CheckpointError('CHECKPOINT_MALFORMED', 'a checkpoint is three lines, the last newline included')
  if (!isOrigin(origin)) throw new CheckpointError('CHECKPOINT_MALFORMED', `origin ${JSON.stringify(origin)}`)
  const size = Number(sizeLine)
  if (!isSize(size) || String(size) !== sizeLine) throw new CheckpointError('CHECKPOINT_MALFORMED', `tree size ${JSON.stringify(sizeLine)}`)
  const root = readBase64(rootLine, HASH_BYTES)
  if (!root) throw new CheckpointError('CHECKPOINT_MALFORMED', `root hash ${JSON.stringify(rootLine)}`)
  return { origin, size, root }
}

function isSize(size: number): boolean {
  return Number.isSafeInteger(size) && size >= 0
}

/** Code: CHECKPOINT_MALFORMED. */
export class CheckpointError extends OpenSealError {}

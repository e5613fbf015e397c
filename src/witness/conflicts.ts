/**
 * Contradictions of a log that its own signatures prove, kept as `openseal evidence` reads them. An
 * unproven suspicion is not kept: requests are not authenticated, and anyone could fill the room.
 */
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Contradiction, evidenceFiles, evidenceName } from '../audit/evidence.ts'
import { equalBytes } from '../core/bytes.ts'
import type { Hash } from '../core/hash.ts'
import type { Policy } from '../core/policy.ts'
import type { Checkpoint } from '../core/tlog/checkpoint.ts'
import { shownRoot } from '../core/tlog/proof.ts'
import { SHARED, writeWhole } from '../whole-file.ts'
import { type LogState, originHash } from './state.ts'

/** A checkpoint that the log has signed, and the proof that came with it. */
export type ShownCheckpoint = {
  readonly note: string
  readonly checkpoint: Checkpoint
  readonly oldSize: number
  readonly proof: readonly Hash[]
}

const MAX_CONFLICTS = 16
/** The last one that `evidenceFiles` names. */
const LAST_FILE = 'README.txt'

/**
 * The contradiction between a checkpoint and what was cosigned for its log: another root at a size
 * that was cosigned, or a tree that shows another root at such a size.
 */
export function findContradiction(state: LogState, { note, checkpoint, oldSize, proof }: ShownCheckpoint): Contradiction | undefined {
  const same = state.find(kept => kept.checkpoint.size === checkpoint.size)
  if (same !== undefined)
    return equalBytes(same.checkpoint.root, checkpoint.root) ? undefined : { earlier: same.note, later: note, shown: undefined }
  const old = state.find(kept => kept.checkpoint.size === oldSize)
  const root = shownRoot({ from: oldSize, to: checkpoint.size, toRoot: checkpoint.root, proof })
  if (old === undefined || root === undefined || equalBytes(root, old.checkpoint.root)) return undefined
  return { earlier: old.note, later: note, shown: { root, proof } }
}

/**
 * Keeps a contradiction in a folder of its own, unless it is there or 16 of this log are. Returns
 * that folder if it was written now.
 */
export async function keepContradiction(folder: string, contradiction: Contradiction, policy: Policy): Promise<string | undefined> {
  const ofLog = join(folder, originHash(policy.origin))
  const name = evidenceName(contradiction)
  await mkdir(ofLog, { recursive: true, mode: 0o700 })
  const own = join(ofLog, name)
  const kept = await readdir(ofLog)
  // After a crash, a folder may not have all of its files.
  if (kept.includes(name) ? (await readdir(own)).includes(LAST_FILE) : kept.length >= MAX_CONFLICTS) return undefined
  await mkdir(own, { recursive: true, mode: 0o700 })
  for (const [file, text] of Object.entries(evidenceFiles(contradiction, policy, 'witness')))
    await writeWhole(join(own, file), text, SHARED)
  return own
}

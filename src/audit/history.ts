/**
 * The signed checkpoint of a run: whether the policy accepts it, and whether it continues every
 * checkpoint seen before.
 */
import { equalBytes, toHex } from '../core/bytes.ts'
import { OpenSealError } from '../core/errors.ts'
import type { Policy } from '../core/policy.ts'
import { coversSize } from '../core/policy-anchors.ts'
import { type Checkpoint, parseCheckpoint } from '../core/tlog/checkpoint.ts'
import { parseNote, parseVkey, verifyCosignatures, verifyNote } from '../core/tlog/note.ts'
import { proveConsistency } from '../core/tlog/proof.ts'
import { evidenceFiles, evidenceName, type ShownRoot } from './evidence.ts'
import { type AuditFinding, finding, unreadable } from './finding.ts'
import { createNodeReader, type IsRoot } from './root-check.ts'
import type { Roots } from './roots.ts'
import type { AuditInput, AuditPart } from './run.ts'

/** A checkpoint and its signed note. */
export type SeenCheckpoint = Checkpoint & { readonly note: string }

/** The newest checkpoint; undefined, with a finding, if the policy does not accept it. */
export async function* readCheckpoint({ source, policy }: AuditInput): AuditPart<SeenCheckpoint | undefined> {
  const checkpoint = parseServed(await source.checkpoint())
  const forged = faultOf(checkpoint, policy)
  if (forged === undefined) return checkpoint
  yield { findings: [forged] }
  return undefined
}

function faultOf(checkpoint: SeenCheckpoint, policy: Policy): AuditFinding | undefined {
  const { origin } = checkpoint
  if (origin !== policy.origin) return finding('AUDIT_CHECKPOINT_FORGED', 'origin', { origin })
  try {
    checkSigned(checkpoint, policy)
    return undefined
  } catch (error) {
    if (!(error instanceof OpenSealError)) throw error
    return finding('AUDIT_CHECKPOINT_FORGED', 'reason', { reason: error.message })
  }
}

/**
 * Verifies that a key of the policy signed the checkpoint, and that no signature in a witness's
 * name is false. Returns how many witnesses cosigned. That number decides nothing here: witnesses
 * cosign only some checkpoints, and the newest is rarely among them.
 * @throws NoteError
 */
export function checkSigned({ size, note }: SeenCheckpoint, policy: Policy): number {
  const keys = policy.logKeys.filter(key => coversSize(key, size)).map(key => parseVkey(key.vkey))
  verifyNote(note, keys)
  return verifyCosignatures(note, policy.witnesses.map(parseVkey)).length
}

/** The checkpoints of earlier runs. */
export function seenBefore({ state }: AuditInput): SeenCheckpoint[] {
  return state.seen.map(parseSeen)
}

/**
 * Remembers a checkpoint and compares it with those seen before, regardless of the entries. Returns
 * whether its tree can be the one to re-derive. If a ledger ever signed two roots for one size,
 * every run reports it.
 */
export async function* continuesHistory(input: AuditInput, now: SeenCheckpoint, seen: readonly SeenCheckpoint[]): AuditPart<boolean> {
  await input.state.addSeen(now.note)
  const roots = new Map<number, SeenCheckpoint>()
  let isAlone = true
  for (const checkpoint of [...seen, now]) {
    const other = roots.get(checkpoint.size) ?? checkpoint
    roots.set(checkpoint.size, other)
    if (equalBytes(other.root, checkpoint.root)) continue
    if (checkpoint.size === now.size) isAlone = false
    const evidence = await saveEvidence(input, other, checkpoint)
    const values = { size: checkpoint.size, earlier: toHex(other.root), now: toHex(checkpoint.root) }
    yield { evidence, findings: [finding('AUDIT_TWO_CHECKPOINTS', 'roots', values)] }
  }
  const largest = seen.reduce((a, b) => (b.size > a.size ? b : a), now)
  if (largest.size === now.size) return isAlone
  const evidence = await saveEvidence(input, largest, now)
  yield { evidence, findings: [finding('AUDIT_TREE_SHRANK', 'shrank', { earlier: largest.size, size: now.size })] }
  return false
}

/** The points at which the re-derived tree differs from what the ledger signed. */
export type Misfits = { readonly wrongRoots: readonly AuditFinding[]; readonly rewritten: readonly SeenCheckpoint[] }

/**
 * Compares the re-derived tree with the checkpoint, by two implementations, and with every
 * checkpoint seen before; undefined if all of them match.
 */
export async function findMisfits(
  input: AuditInput,
  now: SeenCheckpoint,
  seen: readonly SeenCheckpoint[],
  roots: Roots,
  isRoot: IsRoot,
): Promise<Misfits | undefined> {
  const ours = roots.at(now.size)
  // The run was cut short; its findings say why.
  if (ours === undefined) return undefined
  const theirs = roots.independentRoot()
  const wrong = (detail: 'root' | 'root.independent', root: Uint8Array) =>
    finding('AUDIT_ROOT_MISMATCH', detail, { root: toHex(root), signed: toHex(now.root) })
  const wrongRoots = [
    ...(equalBytes(ours, now.root) ? [] : [wrong('root', ours)]),
    ...(equalBytes(theirs, now.root) ? [] : [wrong('root.independent', theirs)]),
  ]
  // Earlier checkpoints were compared when their tree was confirmed.
  const confirmed = input.state.confirmed?.size ?? 0
  const rewritten: SeenCheckpoint[] = []
  for (const earlier of seen) {
    const isCompared = earlier.size <= confirmed && roots.at(earlier.size) === undefined
    if (!isCompared && !(await isRoot(earlier.size, earlier.root))) rewritten.push(earlier)
  }
  return wrongRoots.length + rewritten.length === 0 ? undefined : { wrongRoots, rewritten }
}

/**
 * Reports the misfits, and saves contradicting checkpoints with the proof of their contradiction.
 */
export async function* reportMisfits(
  input: AuditInput,
  now: SeenCheckpoint,
  { wrongRoots, rewritten }: Misfits,
  roots: Roots,
): AuditPart<void> {
  yield { findings: wrongRoots }
  for (const earlier of rewritten) {
    // Nothing can be proven from a tree that is not the signed one.
    const shown = wrongRoots.length === 0 ? await show(input, earlier.size, now, roots) : undefined
    const evidence = await saveEvidence(input, earlier, now, shown)
    const values = { size: earlier.size, earlier: toHex(earlier.root) }
    yield { evidence, findings: [finding('AUDIT_HISTORY_REWRITTEN', 'rewritten', values)] }
  }
}

async function show({ source }: AuditInput, size: number, now: SeenCheckpoint, roots: Roots): Promise<ShownRoot | undefined> {
  const root = roots.at(size)
  return root && { root, proof: await proveConsistency(size, now.size, createNodeReader(source, now.size)) }
}

/** The folder of the evidence, if there is one. */
async function saveEvidence(
  { state, policy }: AuditInput,
  earlier: SeenCheckpoint,
  now: SeenCheckpoint,
  shown?: ShownRoot,
): Promise<string[]> {
  const contradiction = { earlier: earlier.note, later: now.note, shown }
  const folder = await state.saveEvidence(evidenceName(contradiction), evidenceFiles(contradiction, policy, 'audit'))
  return folder === undefined ? [] : [folder]
}

function parseServed(note: string): SeenCheckpoint {
  try {
    return parseSeen(note)
  } catch (cause) {
    if (!(cause instanceof OpenSealError)) throw cause
    throw unreadable('/checkpoint', cause.message, cause)
  }
}

/**
 * The checkpoint in a note, unverified.
 * @throws NoteError, CheckpointError
 */
export function parseSeen(note: string): SeenCheckpoint {
  return { ...parseCheckpoint(parseNote(note).text), note }
}

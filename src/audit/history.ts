/** The signed checkpoint of a run: whether the policy accepts it, and whether it continues every checkpoint that was seen before. */
import { equalBytes, toHex, toUtf8 } from '../core/bytes.ts'
import { type Checkpoint, parseCheckpoint } from '../core/checkpoint.ts'
import { OpenSealError } from '../core/errors.ts'
import { sha256 } from '../core/hash.ts'
import { parseNote, parseVkey, verifyCosignatures, verifyNote } from '../core/note.ts'
import { coversSize } from '../core/policy.ts'
import { type Finding, finding } from './finding.ts'
import type { IsRoot } from './root-check.ts'
import type { Roots } from './roots.ts'
import { addFinding, type Run } from './run.ts'
import { SourceError } from './source.ts'

/** A checkpoint with the note that signs it. */
export type SeenCheckpoint = Checkpoint & { readonly note: string }

/** The checkpoint, when it is signed as the policy says. @throws SourceError SOURCE_MALFORMED when it is no checkpoint at all */
export function readCheckpoint(run: Run, note: string): SeenCheckpoint | undefined {
  const { policy } = run.input
  const checkpoint = parseServed(note)
  try {
    if (checkpoint.origin !== policy.origin) throw new OpenSealError('ORIGIN', `its origin is ${JSON.stringify(checkpoint.origin)}`)
    const keys = policy.logKeys.filter(key => coversSize(key, checkpoint.size)).map(key => parseVkey(key.vkey))
    verifyNote(note, keys)
    const cosignatures = policy.quorum === 0 ? [] : verifyCosignatures(note, policy.witnesses.map(parseVkey))
    if (cosignatures.length < policy.quorum)
      throw new OpenSealError('QUORUM', `${cosignatures.length} of ${policy.quorum} witnesses have cosigned it`)
    return checkpoint
  } catch (error) {
    if (!(error instanceof OpenSealError)) throw error
    addFinding(run, finding('AUDIT_CHECKPOINT_FORGED', error.message))
    return undefined
  }
}

/** The checkpoints of earlier runs. */
export function seenBefore({ input }: Run): SeenCheckpoint[] {
  return input.state.seen.map(parseSeen)
}

/** False when the checkpoint contradicts one that was seen before, whatever the entries say. */
export async function continuesHistory(run: Run, now: SeenCheckpoint, seen: readonly SeenCheckpoint[]): Promise<boolean> {
  const other = seen.find(earlier => earlier.size === now.size && !equalBytes(earlier.root, now.root))
  if (other !== undefined) {
    await reportRewritten(run, other, now, `two roots are signed for ${now.size} entries: ${toHex(other.root)} and ${toHex(now.root)}`)
    return false
  }
  const largest = seen.reduce((a, b) => (b.size > a.size ? b : a), now)
  if (largest.size === now.size) return true
  const evidence = await saveEvidence(run, largest, now)
  addFinding(run, finding('AUDIT_TREE_SHRANK', `from ${largest.size} entries to ${now.size}${evidence}`))
  return false
}

/** Where a re-derived tree does not fit what the ledger signed. */
export type Misfits = { readonly wrongRoots: readonly Finding[]; readonly rewritten: readonly SeenCheckpoint[] }

/** The re-derived tree against the checkpoint, twice, and against every checkpoint seen before; undefined when all of them fit. */
export async function findMisfits(
  run: Run,
  now: SeenCheckpoint,
  seen: readonly SeenCheckpoint[],
  roots: Roots,
  isRoot: IsRoot,
): Promise<Misfits | undefined> {
  const ours = roots.at(now.size)
  // The run was cut short: its findings say why.
  if (ours === undefined) return undefined
  const theirs = roots.independentRoot()
  const wrongRoots = [
    ...(equalBytes(ours, now.root) ? [] : [wrongRoot('re-derived', ours, now)]),
    ...(equalBytes(theirs, now.root) ? [] : [wrongRoot('re-derived with merkletreejs', theirs, now)]),
  ]
  // Those up to the confirmed tree were compared when it was confirmed.
  const confirmed = run.input.state.confirmed?.size ?? 0
  const rewritten: SeenCheckpoint[] = []
  for (const earlier of seen) {
    const isCompared = earlier.size <= confirmed && roots.at(earlier.size) === undefined
    if (!isCompared && !(await isRoot(earlier.size, earlier.root))) rewritten.push(earlier)
  }
  return wrongRoots.length + rewritten.length === 0 ? undefined : { wrongRoots, rewritten }
}

/** Reports them, and keeps the checkpoints that contradict each other. */
export async function reportMisfits(run: Run, now: SeenCheckpoint, { wrongRoots, rewritten }: Misfits): Promise<void> {
  for (const found of wrongRoots) addFinding(run, found)
  for (const earlier of rewritten)
    await reportRewritten(
      run,
      earlier,
      now,
      `its tree of ${earlier.size} entries no longer has the root ${toHex(earlier.root)} that it signed`,
    )
}

function wrongRoot(who: string, root: Uint8Array, now: SeenCheckpoint): Finding {
  return finding('AUDIT_ROOT_MISMATCH', `${who} ${toHex(root)}, signed ${toHex(now.root)}`)
}

async function reportRewritten(run: Run, earlier: SeenCheckpoint, now: SeenCheckpoint, what: string): Promise<void> {
  const evidence = await saveEvidence(run, earlier, now)
  addFinding(run, finding('AUDIT_HISTORY_REWRITTEN', `${what}${evidence}`))
}

/** Keeps both signed checkpoints: together they convince anyone who has the key. Returns where, for the finding's words. */
async function saveEvidence({ input, evidence }: Run, earlier: SeenCheckpoint, now: SeenCheckpoint): Promise<string> {
  const name = toHex(sha256(toUtf8(earlier.note + now.note))).slice(0, 16)
  const files = await input.state.saveEvidence(name, { 'earlier.checkpoint': earlier.note, 'now.checkpoint': now.note })
  evidence.push(...files)
  return files.length === 0 ? '' : `; both signed checkpoints are kept in ${files.join(' and ')}`
}

function parseServed(note: string): SeenCheckpoint {
  try {
    return parseSeen(note)
  } catch (cause) {
    if (!(cause instanceof OpenSealError)) throw cause
    throw new SourceError('SOURCE_MALFORMED', `what the ledger serves as its checkpoint is none: ${cause.message}`, { cause })
  }
}

function parseSeen(note: string): SeenCheckpoint {
  return { ...parseCheckpoint(parseNote(note).text), note }
}

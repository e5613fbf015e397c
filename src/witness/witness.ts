/**
 * A witness: cosigns a log's checkpoint if it continues the one that it cosigned before. C2SP
 * tlog-witness, "add-checkpoint".
 */
import { createRow } from '../at-once.ts'
import type { Contradiction } from '../audit/evidence.ts'
import { equalBytes } from '../core/bytes.ts'
import { EMPTY_ROOT } from '../core/hash.ts'
import { keysOf, type Policy } from '../core/policy.ts'
import { coversSize } from '../core/policy-anchors.ts'
import { parseAddCheckpoint } from '../core/tlog/add-checkpoint.ts'
import { type Checkpoint, parseCheckpoint } from '../core/tlog/checkpoint.ts'
import { cosign, parseNote, type Signer, verifyNote, withSignaturesOf } from '../core/tlog/note.ts'
import { verifyConsistency } from '../core/tlog/proof.ts'
import type { Host } from '../host.ts'
import type { Log } from '../logger.ts'
import type { Mark } from '../mark.ts'
import { findContradiction, keepContradiction, type ShownCheckpoint } from './conflicts.ts'
import { WitnessRefusal, WitnessStop } from './errors.ts'
import type { WitnessMark } from './mark.ts'
import { type CosignedNote, type LogState, originHash, type WitnessState } from './state.ts'
import type { ChainWatch } from './watch.ts'

export type Witness = {
  /** The origins of the logs that it cosigns. */
  readonly origins: readonly string[]
  /**
   * The cosignature line of a request, newline included. What it says is durable by then.
   * @throws WitnessRefusal, WitnessStop
   */
  addCheckpoint(body: string): Promise<string>
  /** The newest cosigned checkpoint of the log with this origin hash (hex). */
  latest(hash: string): CosignedNote | undefined
  /** The entries of the checkpoint cosigned last; 0 if there is none. */
  sizeOf(origin: string): number
  /** Why it cosigns nothing any more. */
  stopped(): WitnessStop | undefined
}

type Deps = {
  readonly signer: Signer
  readonly policies: readonly Policy[]
  readonly state: WitnessState
  readonly mark: WitnessMark
  /** The folder of evidence. */
  readonly evidence: string
  /** Compares with the chains of the policies, if that was asked for. */
  readonly watch: ChainWatch | undefined
  readonly host: Pick<Host, 'nowMs'>
  readonly log: Log
}

/**
 * Creates a witness on its folder's state, which nobody else may have open.
 * @throws WitnessStop WITNESS_POLICY_TWICE, WITNESS_MARK_AHEAD, and those of the mark
 */
export async function createWitness({ signer, policies, state, mark, evidence, watch, host, log }: Deps): Promise<Witness> {
  const byOrigin = new Map(policies.map(policy => [policy.origin, policy]))
  if (byOrigin.size < policies.length)
    throw new WitnessStop('WITNESS_POLICY_TWICE', 'Two policies are of one ledger: give the newest one of each ledger only.')
  const byHash = new Map([...byOrigin.keys()].map(origin => [originHash(origin), origin]))
  const oneByOne = createRow(1)
  let stopped: WitnessStop | undefined

  // All logs that it ever cosigned, also those whose policies are no longer given.
  const marks = await mark.read()
  for (const origin of new Set([...marks.keys(), ...state.origins()])) checkMark(origin, marks.get(origin), state.read(origin))

  async function keep(contradiction: Contradiction, policy: Policy): Promise<void> {
    const { origin } = policy
    try {
      const folder = await keepContradiction(evidence, contradiction, policy)
      if (folder !== undefined) log.error('log contradicts itself', { origin, evidence: folder })
    } catch (error) {
      log.error('evidence not kept', { origin, error, ...contradiction })
    }
  }

  /** Refuses what does not continue what was cosigned. */
  function check(shown: ShownCheckpoint): void {
    const latest = state.read(shown.checkpoint.origin)?.at(-1)?.checkpoint
    checkStep(shown, latest)
  }

  /** The dangerous passage. No other request is in it. */
  async function sign(shown: ShownCheckpoint): Promise<string> {
    const { note, checkpoint } = shown
    const { origin, size, root } = checkpoint

    // The file may have been put back or taken away since.
    const marks = await mark.read()
    checkMark(origin, marks.get(origin), state.read(origin))
    // Another request may have been answered since this one was checked.
    check(shown)

    // Times must not go back: each says that no larger tree was seen before it.
    const latest = state.read(origin)?.at(-1)
    const time = Math.max(Math.floor(host.nowMs() / 1000), latest?.time ?? 1)
    const line = cosign(parseNote(note).text, time, signer)

    // A crash after the last signature may have left the mark one step behind. Two steps would look
    // like an older copy of the folder.
    if (latest !== undefined && marks.get(origin)?.size !== latest.checkpoint.size) await mark.raise(marks, origin, latest.checkpoint)

    // The same request in the same second has the same answer, and nothing is new.
    if (latest?.note === note + line) return line

    // A crash before this line leaves nothing. A crash after it leaves a cosignature that nobody has:
    // the log asks again, gets 409, and then another one.
    await state.add({ note: note + line, checkpoint, time })

    // A crash before this line leaves the mark one step behind, as the next start expects. From here
    // on, an older copy of the folder cosigns nothing.
    await mark.raise(marks, origin, { size, root })

    return line
  }

  return {
    origins: [...byOrigin.keys()],
    latest: hash => state.read(byHash.get(hash) ?? '')?.at(-1),
    sizeOf: origin => state.read(origin)?.at(-1)?.checkpoint.size ?? 0,
    stopped: () => stopped,
    async addCheckpoint(body) {
      if (stopped !== undefined) throw stopped
      const { policy, shown } = readRequest(body, byOrigin)
      const { origin } = policy
      const known = state.read(origin)
      const contradiction = known === undefined ? undefined : findContradiction(known, shown)
      if (contradiction !== undefined) await oneByOne(() => keep(contradiction, policy))
      check(shown)
      // Before the passage, because an endpoint may let it wait.
      const reason = await watch?.contradiction(policy, [...(known ?? []).map(({ checkpoint }) => checkpoint), shown.checkpoint])
      if (reason !== undefined) throw new WitnessRefusal(403, 'WITNESS_CHAIN', reason)
      try {
        const line = await oneByOne(() => sign(shown))
        log.info('cosigned', { origin, size: shown.checkpoint.size })
        return line
      } catch (error) {
        if (error instanceof WitnessStop) {
          log.error('witness stopped', { error })
          stopped = error
        }
        throw error
      }
    },
  }
}

/** The request, if a key of a policy has signed its checkpoint. */
function readRequest(body: string, policies: ReadonlyMap<string, Policy>): { policy: Policy; shown: ShownCheckpoint } {
  const { oldSize, proof, note, text } = malformedIfThrows(() => {
    const request = parseAddCheckpoint(body)
    return { ...request, text: parseNote(request.note).text }
  })
  // The first line alone says whose it is: a checkpoint of another kind, too, may be of a log that
  // is not known here.
  const policy = policies.get(text.slice(0, text.indexOf('\n')))
  if (policy === undefined)
    throw new WitnessRefusal(404, 'LOG_UNKNOWN', 'This witness does not cosign this log: give its operator the policy.')
  const checkpoint = malformedIfThrows(() => parseCheckpoint(text))
  const keys = keysOf(policy).log.filter(key => coversSize(key, checkpoint.size))
  const signed = signersOf(note, keys)
  if (oldSize > checkpoint.size)
    throw new WitnessRefusal(400, 'SIZE_SMALLER', `The checkpoint has ${checkpoint.size} entries, fewer than the old size, ${oldSize}.`)
  return { policy, shown: { note: withSignaturesOf(note, signed), checkpoint, oldSize, proof } }
}

function signersOf(note: string, keys: ReturnType<typeof keysOf>['log']) {
  try {
    return verifyNote(
      note,
      keys.map(({ key }) => key),
    )
  } catch (cause) {
    const said = 'No key that this witness knows for this log and size has signed the checkpoint, or a signature in its name is invalid.'
    throw new WitnessRefusal(403, 'SIGNATURE_INVALID', `${said} If the log has a new key, give the operator its newest policy.`, { cause })
  }
}

/** C2SP tlog-witness: the old size first, then the empty tree, then the proof. */
function checkStep({ checkpoint, oldSize, proof }: ShownCheckpoint, latest: Checkpoint | undefined): void {
  const { size, root } = checkpoint
  const known = latest?.size ?? 0
  if (oldSize !== known)
    throw new WitnessRefusal(409, 'SIZE_OTHER', `The checkpoint cosigned last has ${known} entries.`, { latest: known })
  try {
    if (size === 0) verifyConsistency({ from: 0, to: 0, fromRoot: EMPTY_ROOT, toRoot: root, proof })
    else verifyConsistency({ from: known, to: size, fromRoot: latest?.root ?? EMPTY_ROOT, toRoot: root, proof })
  } catch (cause) {
    throw new WitnessRefusal(422, 'PROOF_INVALID', `The checkpoint does not continue the one of ${known} entries that was cosigned.`, {
      cause,
    })
  }
}

/**
 * The mark is what was cosigned last, or the step before it, after a crash between the two writes.
 * @throws WitnessStop WITNESS_MARK_AHEAD
 */
function checkMark(origin: string, mark: Mark | undefined, state: LogState | undefined): void {
  const last = state?.at(-1)?.checkpoint
  const before = state?.at(-2)?.checkpoint
  if (isSame(mark, last) || (last !== undefined && isSame(mark, before))) return
  throw new WitnessStop(
    'WITNESS_MARK_AHEAD',
    `The key of this witness has cosigned something else of ${origin} than this folder shows (${mark?.size ?? 0} and ${last?.size ?? 0} entries): ` +
      'the folder is an older copy, or a copy of it is running. Go on with the newest folder alone. If it is lost, begin a new witness in another folder.',
  )
}

function isSame(a: Mark | undefined, b: Mark | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  return a.size === b.size && equalBytes(a.root, b.root)
}

function malformedIfThrows<T>(read: () => T): T {
  try {
    return read()
  } catch (cause) {
    throw new WitnessRefusal(400, 'REQUEST_MALFORMED', `The request cannot be read: ${(cause as Error).message}.`, { cause })
  }
}

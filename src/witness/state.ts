/** What a witness has cosigned, in its folder: one file a log, with its newest cosigned checkpoints. */
import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Checkpoint, parseCheckpoint } from '../core/tlog/checkpoint.ts'
import { parseNote, type Vkey, verifyCosignatures } from '../core/tlog/note.ts'
import { PRIVATE, writeWhole } from '../whole-file.ts'
import { WitnessStop } from './errors.ts'

/**
 * A checkpoint with the log's signature and our cosignature. `time` is the cosignature's, in Unix
 * seconds.
 */
export type CosignedNote = { readonly note: string; readonly checkpoint: Checkpoint; readonly time: number }

/** The newest checkpoints that were cosigned for a log, at least one, the newest last. */
export type LogState = readonly CosignedNote[]

export type WitnessState = {
  /** Undefined if nothing was cosigned for this log. */
  read(origin: string): LogState | undefined
  /** The origins of all logs for which something was cosigned. */
  origins(): readonly string[]
  /** Adds a checkpoint, which replaces the newest one of the same size. Durable when it returns. */
  add(cosigned: CosignedNote): Promise<void>
}

const TYPE = 'openseal/witness-log@v1'
/** How many checkpoints are kept, to compare with a contract's and with a fork of an older one. */
const MAX_NOTES = 256
const FILE = /^[0-9a-f]{64}\.json$/

/** The name of a log in paths: C2SP tlog-witness, "Monitor Retrieval Mechanism". */
export function originHash(origin: string): string {
  return createHash('sha256').update(origin).digest('hex')
}

/**
 * Reads the state in a folder, and makes the folder if it is missing.
 * @throws WitnessStop WITNESS_STATE_DAMAGED
 */
export async function openWitnessState(folder: string, vkey: Vkey): Promise<WitnessState> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const logs = new Map<string, LogState>()
  for (const name of (await readdir(folder)).filter(name => FILE.test(name))) {
    const path = join(folder, name)
    const notes = parseState(path, await readFile(path, 'utf8'), vkey)
    const { origin } = notes.at(-1)!.checkpoint
    if (`${originHash(origin)}.json` !== name) throw damaged(path)
    logs.set(origin, notes)
  }
  return {
    read: origin => logs.get(origin),
    origins: () => [...logs.keys()],
    async add(cosigned) {
      const { origin, size } = cosigned.checkpoint
      const before = (logs.get(origin) ?? []).filter(kept => kept.checkpoint.size < size)
      const notes = [...before, cosigned].slice(-MAX_NOTES)
      const text = JSON.stringify({ type: TYPE, origin, notes: notes.map(({ note }) => note) }, null, 2)
      await writeWhole(join(folder, `${originHash(origin)}.json`), `${text}\n`, PRIVATE)
      logs.set(origin, notes)
    },
  }
}

/** Each note must be one of ours, so that damage never looks like a contradiction of the log. */
function parseState(path: string, text: string, vkey: Vkey): LogState {
  try {
    const { type, origin, notes } = JSON.parse(text) as { type: unknown; origin: unknown; notes: string[] }
    const parsed = notes.map((note): CosignedNote => {
      const [cosignature] = verifyCosignatures(note, [vkey])
      return { note, checkpoint: parseCheckpoint(parseNote(note).text), time: cosignature!.timeSeconds }
    })
    if (type === TYPE && parsed.length > 0 && parsed.every(({ checkpoint }) => checkpoint.origin === origin)) return parsed
  } catch (cause) {
    throw damaged(path, cause)
  }
  throw damaged(path)
}

function damaged(path: string, cause?: unknown): WitnessStop {
  return new WitnessStop(
    'WITNESS_STATE_DAMAGED',
    `${path} is damaged: look for a failing disk, and begin a new witness in another folder. Keep this one for what is under evidence/.`,
    { cause },
  )
}

/**
 * The mark of a witness: what its key has cosigned last for each log, kept outside its folder. It is
 * made with the key. If a copy of the folder is put back, the copy does not show what was cosigned
 * since. The mark does.
 */
import { mkdir, readFile } from 'node:fs/promises'
import { fromHex, toHex } from '../core/bytes.ts'
import { lockFolder } from '../folder-lock.ts'
import { type Mark, markPath } from '../mark.ts'
import { PRIVATE, writeWhole } from '../whole-file.ts'
import { WitnessStop } from './errors.ts'

/** The marks of all logs, by origin. */
export type Marks = ReadonlyMap<string, Mark>

export type WitnessMark = {
  /** Makes the file, without any log, unless it is there. */
  create(): Promise<void>
  /** @throws WitnessStop WITNESS_MARK_GONE, WITNESS_MARK_UNREADABLE */
  read(): Promise<Marks>
  /** Writes the mark of one log into what was read. Durable when it returns. */
  raise(marks: Marks, origin: string, mark: Mark): Promise<void>
  /** Releases the key to another process. */
  close(): Promise<void>
}

const TYPE = 'openseal/witness-mark@v1'

/**
 * The mark of a witness's key in a folder of marks, for this process alone until it is closed: on
 * one machine, copies of one folder never run together.
 * @throws WitnessStop WITNESS_KEY_LOCKED
 */
export async function openWitnessMark(folder: string, vkey: string): Promise<WitnessMark> {
  const path = markPath(folder, vkey)
  const own = path.replace(/json$/, 'lock')
  await mkdir(own, { recursive: true, mode: 0o700 })
  const lock = await lockFolder(own)
  if (lock === undefined)
    throw new WitnessStop(
      'WITNESS_KEY_LOCKED',
      'A witness with the same key is running on this machine, from another folder: end one of them.',
    )

  async function find(): Promise<Marks | undefined> {
    const text = await readFile(path, 'utf8').catch(cause => {
      if (cause.code === 'ENOENT') return undefined
      throw unreadable(path, cause)
    })
    return text === undefined ? undefined : parseMarks(path, text, vkey)
  }

  async function put(marks: Marks): Promise<void> {
    const logs = [...marks].map(([origin, { size, root }]) => ({ origin, size, root: toHex(root) }))
    await writeWhole(path, `${JSON.stringify({ type: TYPE, vkey, logs }, null, 2)}\n`, PRIVATE)
  }

  return {
    async create() {
      if ((await find()) === undefined) await put(new Map())
    },
    async read() {
      const marks = await find()
      if (marks === undefined) throw gone(path)
      return marks
    },
    raise: (marks, origin, mark) => put(new Map(marks).set(origin, mark)),
    close: lock.release,
  }
}

function parseMarks(path: string, text: string, vkey: string): Map<string, Mark> {
  try {
    const found = JSON.parse(text)
    if (found.type !== TYPE || found.vkey !== vkey) throw new TypeError('it is the mark of something else')
    return new Map(
      (found.logs as { origin: string; size: number; root: string }[]).map(({ origin, size, root }) => {
        if (typeof origin !== 'string' || !Number.isSafeInteger(size) || size < 0) throw new TypeError('an entry is malformed')
        return [origin, { size, root: fromHex(root, 32) }]
      }),
    )
  } catch (cause) {
    throw unreadable(path, cause)
  }
}

function gone(path: string): WitnessStop {
  return new WitnessStop(
    'WITNESS_MARK_GONE',
    `The mark of this witness (${path}) is missing, so nobody knows what its key has cosigned. Put the file back. ` +
      'If it is lost, begin a new witness in another folder, and give its key to the ledgers.',
  )
}

function unreadable(path: string, cause: unknown): WitnessStop {
  return new WitnessStop(
    'WITNESS_MARK_UNREADABLE',
    `The mark of this witness (${path}) cannot be read. Put the newest copy of the file back. ` +
      'If it is lost, begin a new witness in another folder, and give its key to the ledgers.',
    { cause },
  )
}

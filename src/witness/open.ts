/** The folder of a witness: its key, made at the first start, its lock and its state. */
import { mkdir, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { toHex } from '../core/bytes.ts'
import type { Policy } from '../core/policy.ts'
import { createSigner, ED25519_COSIGNATURE, formatVkey, isKeyName, parseVkey, type Signer } from '../core/tlog/note.ts'
import { lockFolder } from '../folder-lock.ts'
import type { Host } from '../host.ts'
import { ensureLogKey, readLogKey } from '../keys.ts'
import type { Log } from '../logger.ts'
import { isWithin } from '../mark.ts'
import { SHARED, syncFolder, writeWhole } from '../whole-file.ts'
import { WitnessStop } from './errors.ts'
import { openWitnessMark, type WitnessMark } from './mark.ts'
import { openWitnessState } from './state.ts'
import type { ChainWatch } from './watch.ts'
import { createWitness, type Witness } from './witness.ts'

/** A witness whose folder is locked. */
export type OpenedWitness = { readonly vkey: string; readonly witness: Witness; close(): Promise<void> }

type Options = {
  /** Absolute, as is the folder of marks. */
  readonly data: string
  readonly markFolder: string
  /** The name of the key, for the first start. By default it is made from the key. */
  readonly name: string | undefined
  readonly policies: readonly Policy[]
  readonly watch: ChainWatch | undefined
  readonly host: Pick<Host, 'nowMs' | 'randomBytes'>
  readonly log: Log
}

const KEY = 'witness.key'
const VKEY = 'witness.vkey'

/**
 * Opens a witness in a folder, which is created if missing.
 * @throws WitnessStop, KeyFileError
 */
export async function openWitness({ data, markFolder, name, policies, watch, host, log }: Options): Promise<OpenedWitness> {
  if (isWithin(markFolder, data))
    throw new WitnessStop(
      'WITNESS_FOLDER_MARK',
      `The folder of marks, ${markFolder}, is in the witness's folder and would be copied with it: set OPENSEAL_MARK to another one.`,
    )
  await mkdir(data, { recursive: true, mode: 0o700 })
  const lock = await lockFolder(data)
  if (lock === undefined) throw new WitnessStop('WITNESS_FOLDER_LOCKED', `Another witness is running in ${data}: end it first.`)
  let mark: WitnessMark | undefined
  const close = async () => {
    await mark?.close()
    await lock.release()
  }
  try {
    const { signer, isNew } = await openKey({ data, name, host, log })
    mark = await openWitnessMark(markFolder, formatVkey(signer.vkey))
    if (isNew) await beginKey(data, signer, mark)
    const state = await openWitnessState(join(data, 'logs'), signer.vkey)
    const witness = await createWitness({ signer, policies, state, mark, evidence: join(data, 'evidence'), watch, host, log })
    return { vkey: formatVkey(signer.vkey), witness, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** The key of the folder. A new one is beside its place until `beginKey`. */
async function openKey({
  data,
  name,
  host,
  log,
}: Pick<Options, 'data' | 'name' | 'host' | 'log'>): Promise<{ readonly signer: Signer; readonly isNew: boolean }> {
  const path = join(data, KEY)
  const vkeyPath = join(data, VKEY)
  if (!(await isThere(path))) return { signer: createNamed(name, await ensureLogKey(`${path}.new`, { host, log })), isNew: true }
  const signer = createNamed(await readName(vkeyPath), await readLogKey(path, log))
  if (formatVkey(signer.vkey) !== (await readText(vkeyPath)))
    throw new WitnessStop('WITNESS_KEY_NAME', `${vkeyPath} is not of the key in ${path}: put both files of one witness back.`)
  if (name !== undefined && name !== signer.vkey.name)
    throw new WitnessStop('WITNESS_KEY_NAME', `This witness is named ${signer.vkey.name}, for as long as it has its key: leave --name out.`)
  return { signer, isNew: false }
}

/**
 * The key comes to its place last. A crash before that leaves a key that has never signed, and the
 * next start continues with it.
 */
async function beginKey(data: string, { vkey }: Signer, mark: WitnessMark): Promise<void> {
  await writeWhole(join(data, VKEY), `${formatVkey(vkey)}\n`, SHARED)
  await mark.create()
  await rename(join(data, `${KEY}.new`), join(data, KEY))
  await syncFolder(data)
}

/** A name of its own for each key, if its operator gives none: ledgers list witnesses by name. */
function createNamed(name: string | undefined, seed: Uint8Array): Signer {
  if (name !== undefined && !isKeyName(name))
    throw new WitnessStop('WITNESS_KEY_NAME', 'The name of a witness has no space and no "+", as in witness.example.org/1: correct --name.')
  if (name !== undefined) return createSigner(name, seed, ED25519_COSIGNATURE)
  const { publicKey } = createSigner('openseal', seed, ED25519_COSIGNATURE).vkey
  return createSigner(`openseal.local/witness/${toHex(publicKey.subarray(0, 4))}`, seed, ED25519_COSIGNATURE)
}

async function readName(path: string): Promise<string> {
  const text = await readText(path)
  try {
    return parseVkey(text ?? '').name
  } catch (cause) {
    throw new WitnessStop('WITNESS_KEY_NAME', `${path} does not hold the key that this witness shows: restore it from a backup.`, { cause })
  }
}

async function isThere(path: string): Promise<boolean> {
  return (await readText(path)) !== undefined
}

async function readText(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').then(
    text => text.trim(),
    cause => {
      if (cause.code === 'ENOENT') return undefined
      throw cause
    },
  )
}

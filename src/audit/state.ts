/** What an audit remembers between runs: how far it re-derived the tree, and every signed checkpoint it ever saw. */
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fromHex, toHex } from '../core/bytes.ts'
import { OpenSealError } from '../core/errors.ts'
import type { Hash } from '../core/hash.ts'
import type { Base } from './roots.ts'

export type AuditState = {
  /** A tree that gave the root of a signed checkpoint: the next run goes on from it. */
  readonly confirmed: Base | undefined
  /** A tree from the middle of a run that was interrupted: nothing has shown yet that it is the signed one. */
  readonly tentative: Base | undefined
  /** Every checkpoint of the ledger that was ever seen with a good signature, oldest first. */
  readonly seen: readonly string[]
  /** Root hashes (hex) of the confirmed tree at the sizes that were anchored or claimed to be. */
  readonly roots: ReadonlyMap<number, string>
  saveTentative(base: Base): Promise<void>
  /** Keeps a tree and roots of it; what was tentative is dropped. */
  confirm(base: Base, roots: ReadonlyMap<number, string>): Promise<void>
  addSeen(note: string): Promise<void>
  /** Keeps both sides of a contradiction, each in a file; returns their paths. */
  saveEvidence(name: string, notes: Readonly<Record<string, string>>): Promise<string[]>
}

/** What the files hold, each a part of it. They are this program's own: a damaged one ends in AUDIT_STATE_MALFORMED. */
type StateFile = {
  readonly origin: string
  readonly size: number
  readonly range: string[]
  readonly edges: string[][]
  readonly checkpoints: string[]
  readonly roots: [number, string][]
}

/** State that lasts only for this run. */
export function createMemoryState(): AuditState {
  return {
    confirmed: undefined,
    tentative: undefined,
    seen: [],
    roots: new Map(),
    async saveTentative() {},
    async confirm() {},
    async addSeen() {},
    async saveEvidence() {
      return []
    },
  }
}

/**
 * State of the ledger `origin` in a folder, made when it is not there. One audit at a time may use it.
 * @throws AuditStateError AUDIT_STATE_MALFORMED, AUDIT_STATE_OTHER, AUDIT_STATE_UNWRITABLE
 */
export async function openAuditState(folder: string, origin: string): Promise<AuditState> {
  await mkdir(folder, { recursive: true }).catch(cause => {
    throw unwritable(folder, cause)
  })
  const fileOf = (name: string) => path.join(folder, `${name}.json`)
  const write = (name: string, value: object) => replaceFile(fileOf(name), `${JSON.stringify({ origin, ...value })}\n`)
  const read = async <T>(name: string, parse: (value: StateFile) => T): Promise<T | undefined> => {
    const text = await readIfThere(fileOf(name))
    return text === undefined ? undefined : readState(fileOf(name), text, origin, parse)
  }
  const seen = (await read('checkpoints', readSeen)) ?? []
  return {
    confirmed: await read('confirmed', readBase),
    tentative: await read('tentative', readBase),
    seen,
    roots: (await read('roots', ({ roots }) => new Map(roots))) ?? new Map(),
    saveTentative: base => write('tentative', formatBase(base)),
    async confirm(base, roots) {
      await write('roots', { roots: [...roots] })
      await write('confirmed', formatBase(base))
      await rm(fileOf('tentative'), { force: true })
    },
    async addSeen(note) {
      if (!seen.includes(note)) await write('checkpoints', { checkpoints: [...seen, note] })
    },
    async saveEvidence(name, notes) {
      const evidence = path.join(folder, 'evidence', name)
      await mkdir(evidence, { recursive: true }).catch(cause => {
        throw unwritable(evidence, cause)
      })
      const files = Object.entries(notes).map(([file, note]) => [path.join(evidence, file), note] as const)
      for (const [file, note] of files) await replaceFile(file, note)
      return files.map(([file]) => file)
    },
  }
}

function formatBase({ size, range, edges }: Base): object {
  return { size, range: range.map(toHex), edges: edges.map(edge => edge.map(toHex)) }
}

function readBase({ size, range, edges }: StateFile): Base {
  if (!Number.isSafeInteger(size) || size < 0 || size % 256 !== 0) throw new TypeError('the size is none')
  return { size, range: readHashes(range), edges: edges.map(readHashes) }
}

function readHashes(hashes: string[]): Hash[] {
  return hashes.map(hash => fromHex(hash, 32))
}

function readSeen({ checkpoints }: StateFile): string[] {
  if (!checkpoints.every(note => typeof note === 'string')) throw new TypeError('a checkpoint is no text')
  return checkpoints
}

function readState<T>(file: string, text: string, origin: string, parse: (value: StateFile) => T): T {
  let value: StateFile
  try {
    value = JSON.parse(text)
    if (value.origin === origin) return parse(value)
  } catch (cause) {
    const advice = 'remove the state folder to audit from the start'
    throw new AuditStateError('AUDIT_STATE_MALFORMED', `${file} cannot be read: ${advice}.`, { cause })
  }
  throw new AuditStateError('AUDIT_STATE_OTHER', `${file} is of the ledger ${value.origin}, not of ${origin}: give each its own folder.`)
}

async function readIfThere(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch(error => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
}

/** Written whole or not at all. */
async function replaceFile(file: string, text: string): Promise<void> {
  try {
    await writeFile(`${file}.new`, text, { flush: true })
    await rename(`${file}.new`, file)
  } catch (cause) {
    throw unwritable(file, cause)
  }
}

function unwritable(file: string, cause: unknown): AuditStateError {
  const code = (cause as NodeJS.ErrnoException).code
  return new AuditStateError('AUDIT_STATE_UNWRITABLE', `the state cannot be kept in ${file} (${code})`, { cause })
}

/** AUDIT_STATE_MALFORMED, AUDIT_STATE_OTHER, AUDIT_STATE_UNWRITABLE. */
export class AuditStateError extends OpenSealError {}

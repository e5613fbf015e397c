/**
 * The state that an audit keeps between runs: how far it re-derived the tree, every signed
 * checkpoint that it ever saw, and what it read of each chain.
 */
import { createHash } from 'node:crypto'
import { mkdir, readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import { fromHex, toHex } from '../core/bytes.ts'
import type { Hash } from '../core/hash.ts'
import { type FolderLock, lockFolder } from '../folder-lock.ts'
import { SHARED, writeWhole } from '../whole-file.ts'
import type { AnchorEvent } from './chain.ts'
import { AuditError } from './finding.ts'
import type { Base } from './roots.ts'

/**
 * The anchors of a log up to a final block, as one endpoint showed them, with storage and events in
 * agreement.
 */
export type ChainMemory = { readonly block: number; readonly hash: string; readonly events: readonly AnchorEvent[] }

export type AuditState = {
  /** A tree that gave the root of a signed checkpoint. The next run continues from it. */
  readonly confirmed: Base | undefined
  /** A tree from the middle of an interrupted run. It is not known yet to be the signed one. */
  readonly tentative: Base | undefined
  /** Every checkpoint of the ledger seen so far with a valid signature, oldest first. */
  readonly seen: readonly string[]
  /**
   * The root hashes (hex) of the confirmed tree at the sizes that were anchored or claimed to be.
   */
  readonly roots: ReadonlyMap<number, string>
  saveTentative(base: Base): Promise<void>
  /** Keeps a tree and some of its roots; the tentative tree is dropped. */
  confirm(base: Base, roots: ReadonlyMap<number, string>): Promise<void>
  addSeen(note: string): Promise<void>
  /** The memory of one log. `name` identifies its chain, contract, log id and endpoint. */
  readChain(name: string): Promise<ChainMemory | undefined>
  saveChain(name: string, memory: ChainMemory | undefined): Promise<void>
  /**
   * Keeps both sides of a contradiction, and its proof, as files of one folder. Returns the
   * folder's path; undefined if nothing is kept.
   */
  saveEvidence(name: string, files: Readonly<Record<string, string>>): Promise<string | undefined>
  /** Releases the folder to other audits. */
  close(): Promise<void>
}

/** The content of the files. Anything else is damage. */
type StateFile = {
  readonly size: number
  readonly range: string[]
  readonly edges: string[][]
  readonly checkpoints: string[]
  readonly roots: [number, string][]
  readonly block: number
  readonly hash: string
  readonly events: (Omit<AnchorEvent, 'root'> & { readonly root: string })[]
}

const TYPE = 'openseal/audit-state@v1'

/** State that lasts only for this run. */
export function createMemoryState(): AuditState {
  const seen: string[] = []
  return {
    confirmed: undefined,
    tentative: undefined,
    seen,
    roots: new Map(),
    async saveTentative() {},
    async confirm() {},
    async addSeen(note) {
      seen.push(note)
    },
    async readChain() {
      return undefined
    },
    async saveChain() {},
    async saveEvidence() {
      return undefined
    },
    async close() {},
  }
}

/**
 * The state of the ledger `origin` in a folder, which is created if missing. One audit at a time
 * holds it, until it closes it or ends.
 * @throws AuditError AUDIT_STATE_LOCKED, AUDIT_STATE_DAMAGED, AUDIT_STATE_OTHER,
 * AUDIT_STATE_UNWRITABLE
 */
export async function openAuditState(folder: string, origin: string): Promise<AuditState> {
  await mkdir(folder, { recursive: true }).catch(cause => {
    throw unwritable(folder, cause)
  })
  const lock = await lockFolder(folder).catch(cause => {
    throw unwritable(folder, cause)
  })
  if (lock === undefined) throw new AuditError('AUDIT_STATE_LOCKED', 'file', { file: folder })
  try {
    return await readState(folder, origin, lock)
  } catch (error) {
    await lock.release()
    throw error
  }
}

async function readState(folder: string, origin: string, lock: FolderLock): Promise<AuditState> {
  const fileOf = (name: string) => path.join(folder, `${name}.json`)
  const write = (name: string, value: object) => replaceFile(fileOf(name), formatFile(origin, value))
  const read = async <T>(name: string, parse: (value: StateFile) => T): Promise<T | undefined> => {
    const text = await readIfThere(fileOf(name))
    return text === undefined ? undefined : parseFile(fileOf(name), text, origin, parse)
  }
  const forget = (name: string) => rm(fileOf(name), { force: true })
  const seen = (await read('checkpoints', readSeen)) ?? []
  return {
    confirmed: await read('confirmed', readBase),
    tentative: await read('tentative', readBase),
    seen,
    roots: (await read('roots', readRoots)) ?? new Map(),
    saveTentative: base => write('tentative', formatBase(base)),
    async confirm(base, roots) {
      await write('roots', { roots: [...roots] })
      await write('confirmed', formatBase(base))
      await forget('tentative')
    },
    async addSeen(note) {
      if (seen.includes(note)) return
      seen.push(note)
      await write('checkpoints', { checkpoints: seen })
    },
    readChain: name => read(chainFile(name), readChain),
    saveChain: (name, memory) => (memory === undefined ? forget(chainFile(name)) : write(chainFile(name), formatChain(memory))),
    async saveEvidence(name, files) {
      const evidence = path.join(folder, 'evidence', name)
      await mkdir(evidence, { recursive: true }).catch(cause => {
        throw unwritable(evidence, cause)
      })
      for (const [file, text] of Object.entries(files)) await replaceFile(path.join(evidence, file), text)
      return evidence
    },
    close: lock.release,
  }
}

function chainFile(name: string): string {
  return `chain-${createHash('sha256').update(name).digest('hex').slice(0, 16)}`
}

function formatBase({ size, range, edges }: Base): object {
  return { size, range: range.map(toHex), edges: edges.map(edge => edge.map(toHex)) }
}

function readBase({ size, range, edges }: StateFile): Base {
  if (!Number.isSafeInteger(size) || size < 0 || size % 256 !== 0) throw new TypeError('the size is not a size')
  return { size, range: range.map(readHash), edges: edges.map(edge => edge.map(readHash)) }
}

function readHash(hash: string): Hash {
  return fromHex(hash, 32)
}

function readRoots({ roots }: StateFile): Map<number, string> {
  return new Map(roots)
}

function readSeen({ checkpoints }: StateFile): string[] {
  return checkpoints.map(String)
}

function formatChain({ block, hash, events }: ChainMemory): object {
  return { block, hash, events: events.map(event => ({ ...event, root: toHex(event.root) })) }
}

function readChain({ block, hash, events }: StateFile): ChainMemory {
  return { block, hash, events: events.map(event => ({ ...event, root: readHash(event.root) })) }
}

/**
 * With a digest, because a flipped bit in a remembered hash would otherwise become a finding
 * against the ledger.
 */
function formatFile(origin: string, value: object): string {
  return `${JSON.stringify({ type: TYPE, origin, sha256: digestOf(value), value })}\n`
}

function parseFile<T>(file: string, text: string, origin: string, parse: (value: StateFile) => T): T {
  let kept: { type: string; origin: string; sha256: string; value: StateFile }
  try {
    kept = JSON.parse(text)
    if (kept.type !== TYPE || kept.sha256 !== digestOf(kept.value)) throw new TypeError('the digest does not match')
    if (kept.origin === origin) return parse(kept.value)
  } catch (cause) {
    throw new AuditError('AUDIT_STATE_DAMAGED', 'file', { file }, { cause })
  }
  throw new AuditError('AUDIT_STATE_OTHER', 'origins', { file, other: kept.origin, origin })
}

function digestOf(value: object): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex')
}

async function readIfThere(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch(cause => {
    if (cause.code === 'ENOENT') return undefined
    throw new AuditError('AUDIT_STATE_DAMAGED', 'file', { file }, { cause })
  })
}

/** Replaces a file atomically. */
async function replaceFile(file: string, text: string): Promise<void> {
  try {
    await writeWhole(file, text, SHARED)
  } catch (cause) {
    throw unwritable(file, cause)
  }
}

function unwritable(file: string, cause: unknown): AuditError {
  return new AuditError(
    'AUDIT_STATE_UNWRITABLE',
    'path.reason',
    { path: file, reason: String((cause as NodeJS.ErrnoException).code) },
    { cause },
  )
}

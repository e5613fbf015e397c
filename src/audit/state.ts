/** What an audit remembers between runs: how far it re-derived the tree, and every checkpoint it ever accepted. */
import { appendFile, mkdir, open, readFile, rename } from 'node:fs/promises'
import path from 'node:path'
import { fromHex, toHex } from '../core/bytes.ts'
import { OpenSealError } from '../core/errors.ts'
import type { Hash } from '../core/hash.ts'

/** The tree as far as it was re-derived. `range` holds the hashes of its perfect subtrees, largest first, `chunks` those of each 256 entries. */
export type AuditProgress = {
  readonly origin: string
  readonly size: number
  readonly range: readonly Hash[]
  readonly chunks: readonly Hash[]
}

export type AuditState = {
  /** Where the last run stopped; size 0 at the first. */
  readonly progress: AuditProgress | undefined
  /** The newest checkpoint that was accepted. */
  readonly checkpoint: string | undefined
  saveProgress(progress: AuditProgress): Promise<void>
  saveCheckpoint(note: string): Promise<void>
  /** Keeps both sides of a contradiction, each in a file; returns their paths. */
  saveEvidence(name: string, notes: Readonly<Record<string, string>>): Promise<string[]>
}

/** State that lasts only for this run. */
export function createMemoryState(): AuditState {
  return {
    progress: undefined,
    checkpoint: undefined,
    async saveProgress() {},
    async saveCheckpoint() {},
    async saveEvidence() {
      return []
    },
  }
}

/** State in a folder. @throws AuditStateError AUDIT_STATE_MALFORMED */
export async function openAuditState(folder: string): Promise<AuditState> {
  await mkdir(folder, { recursive: true })
  const progressFile = path.join(folder, 'progress.json')
  const checkpointFile = path.join(folder, 'checkpoint')
  return {
    progress: readProgress(progressFile, await readIfThere(progressFile)),
    checkpoint: await readIfThere(checkpointFile),
    saveProgress({ origin, size, range, chunks }) {
      return replaceFile(progressFile, `${JSON.stringify({ origin, size, range: range.map(toHex), chunks: chunks.map(toHex) })}\n`)
    },
    async saveCheckpoint(note) {
      await appendFile(path.join(folder, 'checkpoints.ndjson'), `${JSON.stringify(note)}\n`)
      await replaceFile(checkpointFile, note)
    },
    async saveEvidence(name, notes) {
      const evidence = path.join(folder, 'evidence', name)
      await mkdir(evidence, { recursive: true })
      const files = Object.entries(notes).map(([file, note]) => [path.join(evidence, file), note] as const)
      for (const [file, note] of files) await replaceFile(file, note)
      return files.map(([file]) => file)
    },
  }
}

function readProgress(file: string, text: string | undefined): AuditProgress | undefined {
  if (text === undefined) return undefined
  try {
    const { origin, size, range, chunks } = JSON.parse(text)
    if (typeof origin !== 'string' || !Number.isSafeInteger(size)) throw new TypeError('not a progress file')
    const readHashes = (hashes: string[]) => hashes.map(hash => fromHex(hash, 32))
    return { origin, size, range: readHashes(range), chunks: readHashes(chunks) }
  } catch (cause) {
    throw new AuditStateError('AUDIT_STATE_MALFORMED', `${file} cannot be read: remove the state folder to audit from the start.`, {
      cause,
    })
  }
}

async function readIfThere(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch(error => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
}

/** Written whole or not at all. */
async function replaceFile(file: string, text: string): Promise<void> {
  const handle = await open(`${file}.new`, 'w')
  await handle.writeFile(text)
  await handle.sync()
  await handle.close()
  await rename(`${file}.new`, file)
}

/** AUDIT_STATE_MALFORMED. */
export class AuditStateError extends OpenSealError {}

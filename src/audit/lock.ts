/** A lock on a folder that the operating system releases when its holder ends, in any way. */
import path from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { AuditError } from './finding.ts'

/** A held lock. */
export type Lock = { release(): void }

/**
 * Locks a folder. It locks an empty SQLite file, because every other lock that Node offers can be
 * left behind by `kill -9`.
 * @throws AuditError AUDIT_STATE_LOCKED, AUDIT_STATE_UNWRITABLE
 */
export function lockFolder(folder: string): Lock {
  const file = path.join(folder, 'lock')
  // Not imported: the command line also runs where Node has no SQLite, as long as no state is kept.
  const sqlite = process.getBuiltinModule('node:sqlite') as typeof import('node:sqlite') | undefined
  if (sqlite === undefined)
    throw new AuditError('AUDIT_STATE_UNWRITABLE', 'path.reason', { path: file, reason: 'Node 22.13 or newer is needed' })
  let database: DatabaseSync | undefined
  try {
    database = new sqlite.DatabaseSync(file, { timeout: 0 })
    database.exec('BEGIN EXCLUSIVE')
  } catch (cause) {
    database?.close()
    if ((cause as { errcode?: number }).errcode === SQLITE_BUSY)
      throw new AuditError('AUDIT_STATE_LOCKED', 'file', { file: folder }, { cause })
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new AuditError('AUDIT_STATE_UNWRITABLE', 'path.reason', { path: file, reason }, { cause })
  }
  return { release: () => database.isOpen && database.close() }
}

const SQLITE_BUSY = 5

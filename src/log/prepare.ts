/** Prepares a statement for the log: canonical bytes, salt, entry, identity and look-up keys. */
import { toUtf8 } from '../core/bytes.ts'
import { parseJson } from '../core/json.ts'
import { encodeEntry } from '../core/statements/entry.ts'
import { type AnyStatement, parseAnyStatement, statementType } from '../core/statements/registry.ts'
import { identityOf, type Statement, spliceSalt, statementBody, statementDigests } from '../core/statements/statement.ts'
import type { NewRecord } from '../store/port/log.ts'

/** A statement ready to be logged. `asksFirst`: its submitter wants to know `isFirst`. */
export type Prepared = Omit<NewRecord, 'index'> & { readonly entry: Uint8Array; readonly asksFirst?: true }

type RandomBytes = (count: number) => Uint8Array

const SALT_BYTES = 32
const SALTS_PER_DRAW = 256

/** Serialises the canonical text once and adds the salt: the submitter's, if there is one. */
export function prepare(statement: Statement, newSalt: () => string): { readonly text: string; readonly prepared: Prepared } {
  const body = statementBody(statement)
  const text = spliceSalt(body, statement.salt ?? newSalt(), statement)
  // Several times faster than TextEncoder. A strictly read statement is well-formed.
  const bytes = Buffer.from(text, 'utf8')
  const prepared = {
    statement: bytes,
    entry: encodeEntry(bytes),
    identity: identityOf(body),
    subject: { agency: statement.agency, record: statement.record },
    digests: statementDigests(statement),
  }
  return { text, prepared }
}

/**
 * The record that a commit wrote for a statement of the log.
 * @throws StatementError or JsonError if it is not a statement
 */
export function recordOf(index: number, bytes: Uint8Array): NewRecord {
  const statement = parseAnyStatement(parseJson(bytes))
  const type = statementType(statement.type)
  const canonical = toUtf8(type.canonical(statement))
  return {
    index,
    statement: canonical,
    identity: identityOf(type.body(statement)),
    subject: type.subject(statement),
    digests: type.digests(statement),
  }
}

/**
 * Creates salts many at a time, because a call to the system's generator takes longer than
 * everything else in preparing a statement.
 */
export function createSalts(randomBytes: RandomBytes): () => string {
  let drawn: Buffer = Buffer.alloc(0)
  let used = 0
  return () => {
    if (used === drawn.length) {
      drawn = bufferOf(randomBytes(SALT_BYTES * SALTS_PER_DRAW))
      used = 0
    }
    used += SALT_BYTES
    return drawn.toString('base64url', used - SALT_BYTES, used)
  }
}

/** Prepares an entry of the log's own, with the salt that it has. */
export function prepareOwn(statement: Exclude<AnyStatement, Statement>): Prepared {
  const { canonical, body, subject, digests } = statementType(statement.type)
  const bytes = toUtf8(canonical(statement))
  const identity = identityOf(body(statement))
  return { statement: bytes, entry: encodeEntry(bytes), identity, subject: subject(statement), digests: digests(statement) }
}

/** A Buffer over the same memory. */
function bufferOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength)
}

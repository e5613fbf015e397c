/** From a statement to what is logged of it: canonical bytes, salt, entry, identity and look-up keys. */
import { toBase64Url, toUtf8 } from '../core/bytes.ts'
import { encodeEntry } from '../core/entry.ts'
import { canonicalJson, parseJson } from '../core/json.ts'
import {
  canonicalStatement,
  type Genesis,
  identityOf,
  parseAnyStatement,
  type Statement,
  spliceSalt,
  statementBody,
} from '../core/statement.ts'
import type { NewRecord } from '../store/port.ts'
import type { Prepared } from './sequencer.ts'

type RandomBytes = (count: number) => Uint8Array

const SALT_BYTES = 32
const SALTS_PER_DRAW = 256

/** Canonical text once, the salt spliced in; the submitter's salt where there is one. */
export function prepare(statement: Statement, newSalt: () => string): { readonly text: string; readonly prepared: Prepared } {
  const body = statementBody(statement)
  const text = spliceSalt(body, statement.salt ?? newSalt(), statement)
  // Several times faster than TextEncoder; a statement that was read strictly is well-formed.
  const bytes = Buffer.from(text, 'utf8')
  const prepared = {
    statement: bytes,
    entry: encodeEntry(bytes),
    identity: identityOf(body),
    subject: { agency: statement.agency, record: statement.record },
    digests: digestsOf(statement),
  }
  return { text, prepared }
}

/** Each once, in the order of the documents. */
function digestsOf({ documents }: Statement): string[] {
  const digests: string[] = []
  for (const { sha256, jcs = sha256 } of documents) {
    if (!digests.includes(sha256)) digests.push(sha256)
    if (jcs !== sha256 && !digests.includes(jcs)) digests.push(jcs)
  }
  return digests
}

/** What a commit wrote of a statement that stands in the log already. @throws StatementError, JsonError when it is none */
export function recordOf(index: number, bytes: Uint8Array): NewRecord {
  const statement = parseAnyStatement(parseJson(bytes))
  if (statement.type === 'openseal/statement@v1') {
    const { statement: canonical, identity, subject, digests } = prepare(statement, () => '').prepared
    return { index, statement: canonical, identity, subject, digests }
  }
  const { salt: _salt, ...unsalted } = statement
  return { index, statement: bytes, identity: identityOf(canonicalJson(unsalted)), subject: undefined, digests: [] }
}

/** New salts, drawn many at a time: a call to the system's generator costs more than all else in preparing a statement. */
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

/** The first entry of a ledger, with a salt of its own. */
export function prepareGenesis(unsalted: Omit<Genesis, 'salt'>, randomBytes: RandomBytes): Prepared {
  const bytes = toUtf8(canonicalStatement({ ...unsalted, salt: toBase64Url(randomBytes(SALT_BYTES)) }))
  return { statement: bytes, entry: encodeEntry(bytes), identity: identityOf(canonicalJson(unsalted)), subject: undefined, digests: [] }
}

/** The same memory. */
function bufferOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength)
}

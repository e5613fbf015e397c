/**
 * Statements as a ledger serves them, line by line. For each it keeps only the leaf hash, computed
 * on arrival. A thousand statements take 32 KiB of memory, however long they are.
 */

import { OpenSealError } from '../core/errors.ts'
import { HASH_BYTES, type Hash, hashLeaf } from '../core/hash.ts'
import { isJsonObject, type Json, parseJson } from '../core/json.ts'
import { ANCHORS_CHANGE, nameOfPlace } from '../core/statements/anchors-change.ts'
import { encodeEntry } from '../core/statements/entry.ts'
import { ERASURE } from '../core/statements/erasure.ts'
import { KEY_CHANGE, type KeyChange } from '../core/statements/key-change.ts'
import { type AnyStatement, canonicalForm, parseAnyStatement } from '../core/statements/registry.ts'
import { TIMESTAMP } from '../core/statements/timestamp.ts'
import { LedgerFailure } from '../ledger-client/http.ts'
import { AuditError, unreadable } from './finding.ts'

/**
 * Why there is no statement: erased, about to be erased, reported as damaged by the ledger, or
 * refused by our reader, and why.
 */
export type NoStatement = 'erased' | 'erasing' | 'damaged' | { readonly refused: string }

/** The statements of a range of indexes. */
export type ServedStatements = {
  /** Their leaf hashes, concatenated; zeros where there is no statement. */
  readonly leaves: Uint8Array
  /** The indexes without a statement. */
  readonly missing: ReadonlyMap<number, NoStatement>
  /** The statement of index 0, if the range begins with it. */
  readonly genesis: AnyStatement | undefined
  /** The erased ones, with the tombstone that the ledger names; undefined if it names none. */
  readonly erased: ReadonlyMap<number, number | undefined>
  /** The tombstones among them, with the index that each says was erased. */
  readonly tombstones: ReadonlyMap<number, number>
  /** The changes of the log's key among them. */
  readonly keyChanges: readonly { readonly index: number; readonly change: KeyChange }[]
  readonly anchorsChanges: readonly ServedAnchorsChange[]
  /** The time stamps that entries among them name. */
  readonly stamps: readonly LoggedStamp[]
}

/** A time stamp that an entry names: the size of its checkpoint, and the SHA-256 of its token in hex. */
export type LoggedStamp = { readonly size: number; readonly sha256: string }

/** A change of the log's anchors: the names of its places, and their chains. */
export type ServedAnchorsChange = {
  readonly index: number
  readonly origin: string
  readonly places: readonly string[]
  readonly chainIds: readonly number[]
}

/** A statement has at most 128 KiB in canonical form. This leaves room for another spelling. */
export const MAX_STATEMENT_LINE = 160_000

/** For one range of statements. A ledger changes its key once in years. */
const MAX_KEY_CHANGES = 16

/**
 * Reads the lines of [from, to), one for each index, in order.
 * @throws AuditError AUDIT_LEDGER_UNREADABLE, LedgerFailure LEDGER_CUT_OFF
 */
export async function readStatements(body: AsyncIterable<Uint8Array>, path: string, from: number, to: number): Promise<ServedStatements> {
  const leaves = new Uint8Array((to - from) * HASH_BYTES)
  const missing = new Map<number, NoStatement>()
  const keyChanges: { index: number; change: KeyChange }[] = []
  const anchorsChanges: ServedAnchorsChange[] = []
  const stamps: LoggedStamp[] = []
  const erased = new Map<number, number | undefined>()
  const tombstones = new Map<number, number>()
  let genesis: AnyStatement | undefined
  let index = from
  const takeLine = (line: string) => {
    if (index === to) throw unreadable(path, `more than ${to - from} lines`)
    const statement = readLine(line, index, path)
    if (typeof statement === 'object' && 'erased' in statement) {
      missing.set(index, 'erased')
      erased.set(index, statement.erased)
    } else if (typeof statement === 'string' || 'refused' in statement) missing.set(index, statement)
    else {
      leaves.set(statement.leaf, (index - from) * HASH_BYTES)
      if (index === 0) genesis = statement.value
      if (statement.value.type === ERASURE) tombstones.set(index, statement.value.index)
      if (statement.value.type === KEY_CHANGE && keyChanges.length < MAX_KEY_CHANGES) keyChanges.push({ index, change: statement.value })
      if (statement.value.type === TIMESTAMP) stamps.push({ size: statement.value.size, sha256: statement.value.sha256 })
      if (statement.value.type === ANCHORS_CHANGE) {
        const { origin, anchors } = statement.value
        anchorsChanges.push({ index, origin, places: anchors.map(nameOfPlace), chainIds: anchors.map(({ chainId }) => chainId) })
      }
    }
    index++
  }
  for await (const lines of linesOf(body, path)) for (const line of lines) if (line !== '') takeLine(line)
  if (index < to) throw new LedgerFailure('LEDGER_CUT_OFF', `the answer to ${path} broke off`)
  return { leaves, missing, genesis, erased, tombstones, keyChanges, anchorsChanges, stamps }
}

/**
 * The lines without their newline, as many at once as have arrived. A last line without a newline
 * was cut off.
 */
async function* linesOf(body: AsyncIterable<Uint8Array>, path: string): AsyncGenerator<readonly string[]> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  let rest = ''
  for await (const chunk of body) {
    const lines = (rest + decode(decoder, chunk, path)).split('\n')
    rest = lines.pop()!
    if (rest.length > MAX_STATEMENT_LINE) throw unreadable(path, 'a line is too long')
    yield lines
  }
  if (rest !== '') throw new LedgerFailure('LEDGER_CUT_OFF', `the answer to ${path} broke off`)
}

function decode(decoder: TextDecoder, chunk: Uint8Array, path: string): string {
  try {
    return decoder.decode(chunk, { stream: true })
  } catch (cause) {
    throw unreadable(path, 'not UTF-8', cause)
  }
}

type Read = { readonly value: AnyStatement; readonly leaf: Hash }

type Gone = { readonly erased: number | undefined }

function readLine(line: string, index: number, path: string): Read | Gone | NoStatement {
  return readQuickly(line, index) ?? readStrictly(line, index, path)
}

/**
 * Reads a line as a ledger writes it: in RFC 8785 form, which rules out everything that the strict
 * reader refuses.
 */
function readQuickly(line: string, index: number): Read | undefined {
  const start = `{"index":${index},"statement":`
  if (!line.startsWith(start) || !line.endsWith('}')) return undefined
  try {
    const text = line.slice(start.length, -1)
    const value = parseAnyStatement(JSON.parse(text))
    return canonicalForm(value) === text ? { value, leaf: hashLeaf(encodeEntry(text)) } : undefined
  } catch (error) {
    if (!(error instanceof OpenSealError) && !(error instanceof SyntaxError)) throw error
    return undefined
  }
}

function readStrictly(line: string, index: number, path: string): Read | Gone | NoStatement {
  // Half a line is a broken answer. A whole line that the strict reader refuses is the ledger's
  // statement.
  if (!isAnyJson(line)) throw unreadable(path, `the line of statement ${index}`)
  try {
    const served = parseJson(line)
    if (!isJsonObject(served) || served.index !== index) throw unreadable(path, `the line of statement ${index}`)
    if (served.erased !== undefined) return { erased: isIndex(served.erased) ? served.erased : undefined }
    if (served.erasing !== undefined) return 'erasing'
    if (served.damaged === true) return 'damaged'
    const value = parseAnyStatement(served.statement ?? {})
    return { value, leaf: hashLeaf(encodeEntry(canonicalForm(value))) }
  } catch (error) {
    if (!(error instanceof OpenSealError) || error instanceof AuditError) throw error
    return { refused: error.message }
  }
}

function isIndex(value: Json): value is number {
  return Number.isSafeInteger(value)
}

function isAnyJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

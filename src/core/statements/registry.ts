/**
 * The statement types that an entry can commit to, one row each. Code that depends on the type asks
 * this registry. Design §3.2.
 */

import { canonicalJson, type Json } from '../json.ts'
import { ANCHORS_CHANGE, type AnchorsChange, parseAnchorsChange } from './anchors-change.ts'
import { ERASURE, type Erasure, parseErasure } from './erasure.ts'
import { GENESIS, type Genesis, parseGenesis } from './genesis.ts'
import { KEY_CHANGE, type KeyChange, parseKeyChange } from './key-change.ts'
import { unsupported } from './members.ts'
import {
  canonicalStatement,
  parseStatement,
  STATEMENT,
  type Statement,
  type StatementSubject,
  statementBody,
  statementDigests,
  typeOf,
} from './statement.ts'
import { parseTimestamp, TIMESTAMP, type TimestampEntry } from './timestamp.ts'

/** Every statement that an entry can commit to. */
export type AnyStatement = Statement | Genesis | KeyChange | AnchorsChange | Erasure | TimestampEntry

/** A row of the registry. */
export type StatementType<T extends AnyStatement = AnyStatement> = {
  readonly type: T['type']
  /** Parses a salted statement of this type. Throws StatementError. */
  parse(value: Json): T
  /** The RFC 8785 form with the salt, which the entry commits to. */
  canonical(statement: T): string
  /** The RFC 8785 form without the salt, whose hash is the identity. */
  body(statement: T): string
  /** The agency and record that the statement is about; undefined if it is about the log itself. */
  subject(statement: T): StatementSubject | undefined
  /** The digests by which the statement can be found, without repeats. */
  digests(statement: T): string[]
}

type OfTheLog = Exclude<AnyStatement, Statement>

/**
 * Shared by the types that are about the log itself. They are few and small, so a sorting
 * serialiser is fast enough.
 */
const OF_THE_LOG = {
  canonical: (statement: OfTheLog) => canonicalJson(statement),
  body: ({ salt: _salt, ...unsalted }: OfTheLog) => canonicalJson(unsalted),
  subject: () => undefined,
  digests: () => [],
}

const TYPES: readonly StatementType[] = [
  row<Statement>({
    type: STATEMENT,
    parse: value => parseStatement(value, { salted: true }),
    canonical: canonicalStatement,
    body: statementBody,
    subject: ({ agency, record }) => ({ agency, record }),
    digests: statementDigests,
  }),
  row<Genesis>({ type: GENESIS, parse: parseGenesis, ...OF_THE_LOG }),
  row<KeyChange>({ type: KEY_CHANGE, parse: parseKeyChange, ...OF_THE_LOG }),
  row<AnchorsChange>({ type: ANCHORS_CHANGE, parse: parseAnchorsChange, ...OF_THE_LOG }),
  row<Erasure>({ type: ERASURE, parse: parseErasure, ...OF_THE_LOG }),
  row<TimestampEntry>({ type: TIMESTAMP, parse: parseTimestamp, ...OF_THE_LOG }),
]

/** The row of a type. Throws StatementError STATEMENT_UNSUPPORTED for an unknown type. */
export function statementType(type: string): StatementType {
  const found = TYPES.find(each => each.type === type)
  if (found === undefined) throw unsupported(type)
  return found
}

/**
 * Parses a salted statement of any known type. Throws StatementError; an unknown type is
 * STATEMENT_UNSUPPORTED.
 */
export function parseAnyStatement(value: Json): AnyStatement {
  return statementType(typeOf(value)).parse(value)
}

/** The RFC 8785 form of a salted statement of any type, which its entry commits to. */
export function canonicalForm(statement: AnyStatement): string {
  return statementType(statement.type).canonical(statement)
}

/** Whether this is an agency's statement about a record. */
export function isRecordStatement(statement: AnyStatement | undefined): statement is Statement {
  return statement?.type === STATEMENT
}

/**
 * Safe because `statementType` finds a row by its type: no row meets a statement of another type.
 */
function row<T extends AnyStatement>(type: StatementType<T>): StatementType {
  return type as unknown as StatementType
}

/** The types of statements that an entry can commit to: one row each. Whatever depends on a type asks here. Design §3.2. */

import { canonicalJson, type Json } from '../json.ts'
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

/** All that an entry can commit to. */
export type AnyStatement = Statement | Genesis | KeyChange

/** One type. */
export type StatementType<T extends AnyStatement = AnyStatement> = {
  readonly type: T['type']
  /** Reads a salted one from a JSON value of this type. Throws StatementError. */
  parse(value: Json): T
  /** Its RFC 8785 form with the salt: what the entry commits to. */
  canonical(statement: T): string
  /** Its RFC 8785 form without the salt: what its identity is the hash of. */
  body(statement: T): string
  /** The agency and record that it speaks of; undefined for one that speaks of the log itself. */
  subject(statement: T): StatementSubject | undefined
  /** The digests by which it is found, each once. */
  digests(statement: T): string[]
}

/** What all types that speak of the log itself share: few and small, so that a sorting serialiser will do. */
const OF_THE_LOG = {
  canonical: (statement: Genesis | KeyChange) => canonicalJson(statement),
  body: ({ salt: _salt, ...unsalted }: Genesis | KeyChange) => canonicalJson(unsalted),
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
]

/** The row of a type. Throws StatementError STATEMENT_UNSUPPORTED for a type that is not known. */
export function statementType(type: string): StatementType {
  const found = TYPES.find(each => each.type === type)
  if (found === undefined) throw unsupported(type)
  return found
}

/** A salted statement of any known type. Throws StatementError: STATEMENT_UNSUPPORTED for a type that is not known. */
export function parseAnyStatement(value: Json): AnyStatement {
  return statementType(typeOf(value)).parse(value)
}

/** The RFC 8785 form of a salted statement of any type: what its entry commits to. */
export function canonicalForm(statement: AnyStatement): string {
  return statementType(statement.type).canonical(statement)
}

/** True for a statement of an agency about a record. */
export function isRecordStatement(statement: AnyStatement | undefined): statement is Statement {
  return statement?.type === STATEMENT
}

/** A row is only ever called with statements of its own type: `statementType` finds it by that. */
function row<T extends AnyStatement>(type: StatementType<T>): StatementType {
  return type as unknown as StatementType
}

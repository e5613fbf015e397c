/**
 * The statement: an agency's description of one version of a record, and its canonical bytes.
 * Design §3.2.
 */

import { sha256Hex } from '../hash.ts'
import { isJsonObject, type Json } from '../json.ts'
import {
  byteLength,
  checkSalt,
  checkTime,
  list,
  MAX_STATEMENT_BYTES,
  type Members,
  malformed,
  members,
  StatementError,
  text,
  tooLarge,
  unsupported,
} from './members.ts'

/**
 * One file of a record. `sha256` is over its exact bytes, `jcs` over the RFC 8785 form of a JSON
 * document. Both are lower-case hex.
 */
export type DocumentRef = {
  readonly name: string
  readonly mediaType: string
  readonly bytes: number
  readonly sha256: string
  readonly jcs?: string
}

/**
 * A statement about one version of a record. Design §3.2 explains the members; the ledger adds
 * `salt`.
 */
export type Statement = {
  readonly type: typeof STATEMENT
  readonly agency: string
  readonly kind: 'procurement' | 'decision'
  readonly action: 'publish' | 'amend' | 'withdraw'
  readonly record: string
  /** The agency's id of this version. */
  readonly revision?: string
  /**
   * The revision that an amendment or withdrawal is about. Without it, every earlier version of the
   * record.
   */
  readonly target?: string
  readonly identifiers?: readonly { readonly scheme: string; readonly value: string }[]
  readonly title?: string
  readonly language?: string
  readonly published?: string
  readonly documents: readonly DocumentRef[]
  readonly reason?: { readonly code: ReasonCode; readonly text?: string }
  readonly salt?: string
}

/** Why a record was amended or withdrawn. */
export type ReasonCode = (typeof REASON_CODES)[number]

/** The codes of reasons. */
export const REASON_CODES = ['correction', 'legal-change', 'publication-error', 'personal-data', 'court-order', 'other'] as const

/** Identifier schemes that readers know. Others are accepted too. */
export const IDENTIFIER_SCHEMES = [
  ...['ocid', 'oc4ids', 'ted-notice', 'ted-publication', 'ojs', 'ecli', 'eli', 'ncn'],
  ...['akn-work', 'akn-expression', 'akn-manifestation', 'ada', 'message-id', 'local'],
] as const

/** The type of a statement about a record. */
export const STATEMENT = 'openseal/statement@v1'

/** The record that a statement is about, for look-ups. */
export type StatementSubject = { readonly agency: string; readonly record: string }

/** `"salt":"…43 characters…",` */
const SALT_MEMBER_BYTES = 53

/**
 * Parses a statement. With `salted: false`, the salt may be missing. Throws StatementError, whose
 * message names the member.
 */
export function parseStatement(value: Json, { salted }: { salted: boolean }): Statement {
  if (typeOf(value) !== STATEMENT) throw unsupported(typeOf(value))
  const s = members(value, 'the statement', salted ? SALTED : REQUIRED, OPTIONAL)
  checkNames(s)
  checkAction(s)
  list(s.identifiers ?? [], 'identifiers', 0, Number.MAX_SAFE_INTEGER).forEach(checkIdentifier)
  list(s.documents, 'documents', s.action === 'withdraw' ? 0 : 1, 256).forEach(checkDocument)
  checkTwice(s.documents as unknown as readonly DocumentRef[])
  const statement = value as unknown as Statement
  if (longestForm(statement) > MAX_STATEMENT_BYTES) checkSize(statementBody(statement))
  return statement
}

/**
 * The RFC 8785 form without the salt. Writing the fixed members in order is several times faster
 * than sorting them.
 */
export function statementBody(s: Statement): string {
  return JSON.stringify(inOrder(s))
}

/** Adds the salt to the form without it, so that nothing is serialised twice. */
export function spliceSalt(body: string, salt: string, s: Statement): string {
  const tail = statementTail(s)
  return `${body.slice(0, body.length - tail.length)},"salt":"${salt}"${tail}`
}

/** The RFC 8785 form, with the salt if there is one. The entry commits to it. */
export function canonicalStatement(s: Statement): string {
  return s.salt === undefined ? statementBody(s) : spliceSalt(statementBody(s), s.salt, s)
}

/** The digests of the documents in order, without repeats. */
export function statementDigests({ documents }: Statement): string[] {
  const digests: string[] = []
  for (const { sha256, jcs = sha256 } of documents) {
    if (!digests.includes(sha256)) digests.push(sha256)
    if (jcs !== sha256 && !digests.includes(jcs)) digests.push(jcs)
  }
  return digests
}

/**
 * The identity, by which repeats are recognised: SHA-256 of the canonical form without the salt, in
 * lower-case hex.
 */
export function identityOf(body: string): string {
  return sha256Hex(body)
}

/** STATEMENT_MALFORMED, STATEMENT_NAME_TWICE, STATEMENT_TOO_LARGE or STATEMENT_UNSUPPORTED. */
export { StatementError }

// The canonical form.

/**
 * The members in the order of RFC 8785. JSON.stringify already writes strings and whole numbers as
 * the RFC requires, and omits undefined members.
 */
function inOrder(s: Statement) {
  return {
    action: s.action,
    agency: s.agency,
    documents: s.documents.map(({ bytes, jcs, mediaType, name, sha256 }) => ({ bytes, jcs, mediaType, name, sha256 })),
    identifiers: s.identifiers?.map(({ scheme, value }) => ({ scheme, value })),
    kind: s.kind,
    language: s.language,
    published: s.published,
    reason: s.reason && { code: s.reason.code, text: s.reason.text },
    record: s.record,
    revision: s.revision,
    target: s.target,
    title: s.title,
    type: s.type,
  }
}

/** The members after the salt. */
function statementTail({ target, title, type }: Statement): string {
  return `${target === undefined ? '' : `,"target":${JSON.stringify(target)}`}${title === undefined ? '' : `,"title":${JSON.stringify(title)}`},"type":"${type}"}`
}

// The checks, member by member.

const REQUIRED = ['type', 'agency', 'kind', 'action', 'record', 'documents']
const SALTED = [...REQUIRED, 'salt']
const OPTIONAL = ['revision', 'target', 'identifiers', 'title', 'language', 'published', 'reason', 'salt']
const LABEL = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?'
const AGENCY = new RegExp(`^(?=.{1,253}$)${LABEL}(?:\\.${LABEL})+$`)
/**
 * The outline of BCP 47: subtags of 1 to 8 letters and digits, the first of letters only (RFC 5646
 * §2.1).
 */
const LANGUAGE = /^(?:[a-z]{2,8}|[ix](?=-))(?:-[a-z0-9]{1,8})*$/i
const MEDIA_TYPE = /^[a-z0-9][a-z0-9!#$&^_.+-]*\/[a-z0-9][a-z0-9!#$&^_.+-]*(?: *;[ -~]*)?$/i
const HEX_32 = /^[0-9a-f]{64}$/
const PLAIN = /^[!-~](?:[ -~]*[!-~])?$/
const OUTER_SPACE = /^\p{White_Space}|\p{White_Space}$/u
/** Control characters and bidi controls. */
const UNSEEN = /[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u

/** Whether the text is an agency id: a lower-case DNS name of two labels or more. */
export function isAgencyId(text: string): boolean {
  return AGENCY.test(text)
}

function checkNames(s: Members): void {
  if (!isAgencyId(text(s.agency, 'agency'))) throw malformed('agency is not a lower-case DNS name of two labels or more')
  if (s.kind !== 'procurement' && s.kind !== 'decision') throw malformed('kind is neither procurement nor decision')
  id(s.record, 'record')
  if (s.revision !== undefined) id(s.revision, 'revision')
  if (s.target !== undefined) id(s.target, 'target')
  if (s.title !== undefined) text(s.title, 'title')
  if (s.language !== undefined && !LANGUAGE.test(text(s.language, 'language'))) throw malformed('language is not a BCP 47 tag')
  if (s.published !== undefined) checkTime(s.published, 'published')
  if (s.salt !== undefined) checkSalt(s.salt)
}

function checkAction({ action, reason, revision, target }: Members): void {
  if (action !== 'publish' && action !== 'amend' && action !== 'withdraw') throw malformed('action is not one of publish, amend, withdraw')
  if (action === 'withdraw' && revision !== undefined)
    throw malformed('revision does not go with withdraw: a withdrawal is not a version. Name the version to withdraw as target')
  if (action === 'publish') {
    if (target !== undefined) throw malformed('target belongs to amend and withdraw, not to publish')
    if (reason !== undefined) throw malformed('reason belongs to amend and withdraw, not to publish')
    return
  }
  if (reason === undefined) throw malformed(`reason is missing: ${action} needs one`)
  const { code, text: words } = members(reason, 'reason', ['code'], ['text'])
  if (!REASON_CODES.some(known => known === code)) throw malformed(`reason.code is not one of ${REASON_CODES.join(', ')}`)
  if (words !== undefined) text(words, 'reason.text')
}

function checkIdentifier(value: Json, at: number): void {
  const path = `identifiers[${at}]`
  const identifier = members(value, path, ['scheme', 'value'], [])
  if (!/^[a-z0-9-]{1,32}$/.test(text(identifier.scheme, `${path}.scheme`))) throw malformed(`${path}.scheme does not match [a-z0-9-]{1,32}`)
  name(identifier.value, `${path}.value`)
}

function checkDocument(value: Json, at: number): void {
  const path = `documents[${at}]`
  const d = members(value, path, ['name', 'mediaType', 'bytes', 'sha256'], ['jcs'])
  name(d.name, `${path}.name`)
  if (!MEDIA_TYPE.test(text(d.mediaType, `${path}.mediaType`))) throw malformed(`${path}.mediaType is not a media type`)
  if (!Number.isSafeInteger(d.bytes) || (d.bytes as number) < 0) throw malformed(`${path}.bytes is not a number of bytes`)
  if (!HEX_32.test(text(d.sha256, `${path}.sha256`))) throw malformed(`${path}.sha256 is not 64 lower-case hex digits`)
  if (d.jcs !== undefined && !HEX_32.test(text(d.jcs, `${path}.jcs`))) throw malformed(`${path}.jcs is not 64 lower-case hex digits`)
}

/** The type of a statement's JSON. Throws StatementError if it names none. */
export function typeOf(value: Json): string {
  if (!isJsonObject(value)) throw malformed('the statement is not an object')
  return text(value.type, 'type')
}

/** An id or name without invisible characters, so that it looks the same wherever it is shown. */
function name(value: Json | undefined, path: string): string {
  const characters = text(value, path)
  if (PLAIN.test(characters)) return characters
  if (characters === '') throw malformed(`${path} is empty`)
  if (OUTER_SPACE.test(characters)) throw malformed(`${path} begins or ends with white space`)
  if (UNSEEN.test(characters)) throw malformed(`${path} contains a control character or one that changes the direction of text`)
  return characters
}

/** Refuses names that are equal after NFC, because documents are matched by name. */
function checkTwice(documents: readonly DocumentRef[]): void {
  if (documents.length < 2) return
  const seen = new Set<string>()
  for (const [at, document] of documents.entries()) {
    const normal = document.name.normalize('NFC')
    if (seen.has(normal))
      throw new StatementError(
        'STATEMENT_NAME_TWICE',
        `documents[${at}].name is used twice: ${JSON.stringify(document.name.slice(0, 100))}`,
      )
    seen.add(normal)
  }
}

function id(value: Json | undefined, path: string): void {
  const characters = name(value, path)
  // A UTF-16 code unit takes at most three bytes in UTF-8, so most ids need no counting.
  if (characters.length * 3 <= 512) return
  const bytes = byteLength(characters)
  if (bytes > 512) throw malformed(`${path} has ${bytes} bytes instead of 1 to 512`)
}

/**
 * An upper bound of the canonical form's length. Most statements are under it and need not be
 * serialised to be checked.
 */
function longestForm({ agency, record, revision, target, title, language, reason, identifiers = [], documents }: Statement): number {
  const texts = [agency, record, revision, target, title, language, reason?.text]
  for (const { scheme, value } of identifiers) texts.push(scheme, value)
  for (const { name, mediaType } of documents) texts.push(name, mediaType)
  // A UTF-16 code unit takes at most six bytes, as an escape. The constants cover the names, hashes
  // and numbers of members and list items.
  return texts.reduce((sum, text) => sum + 6 * (text?.length ?? 0), 1024 + 64 * identifiers.length + 256 * documents.length)
}

function checkSize(body: string): void {
  const max = MAX_STATEMENT_BYTES - SALT_MEMBER_BYTES
  // A UTF-16 code unit takes at most three bytes in UTF-8, so most statements need no counting.
  if (body.length * 3 > max && byteLength(body) > max) throw tooLarge()
}

/**
 * A statement while a clerk fills it in: the fields of the form, the files, and where in a file a
 * field was read. The browser uses it too.
 */
import { toHex, toUtf8 } from '../../core/bytes.ts'
import { OpenSealError } from '../../core/errors.ts'
import { sha256 } from '../../core/hash.ts'
import type { Json } from '../../core/json.ts'
import { type DocumentRef, parseStatement, STATEMENT, type Statement } from '../../core/statements/statement.ts'
import { type FileRemark, MAX_REMARKS, readRemark } from './remarks.ts'

/**
 * The members of a statement that are typed or chosen, in the order of the form: those that must be
 * filled in come first.
 */
export const FIELDS = [
  'record',
  'revision',
  'target',
  'kind',
  'reason',
  'reasonText',
  'title',
  'language',
  'published',
  'identifiers',
] as const

export type Field = (typeof FIELDS)[number]

export type Draft = {
  readonly action: Statement['action']
  readonly fields: { readonly [field in Field]?: string }
  readonly documents: readonly DocumentRef[]
  /** Values that were read in a file, and where: by field, and the action. */
  readonly read: { readonly [field in Field | 'action']?: ReadField }
  /** Remarks about the files for a clerk. */
  readonly remarks: readonly FileRemark[]
  /** Whether our server read the files, not the browser. */
  readonly isUploaded: boolean
}

/** The place of a field in a file, and which text it had there: a short digest. */
export type ReadField = { readonly at: string; readonly of: string }

/** A field that has to change. `detail` is an English reason, if there is more to say. */
export type Fault = {
  readonly field?: Field | 'documents'
  readonly code: 'missing' | 'refused' | 'twice' | 'erased'
  readonly detail?: string
}

/** Reads the draft that a form carries. Takes anything. */
export function readDraft(form: { readonly [name: string]: string }): Draft {
  const { action } = form
  return {
    action: action === 'amend' || action === 'withdraw' ? action : 'publish',
    fields: Object.fromEntries(FIELDS.map(field => [field, (form[field] ?? '').trim()]).filter(([, value]) => value !== '')),
    documents: readList(form.documents).filter(isDocumentRef),
    read: readPlaces(form.read),
    remarks: readList(form.remarks)
      .slice(0, MAX_REMARKS)
      .map(readRemark)
      .filter(remark => remark !== undefined),
    isUploaded: form.uploaded === 'yes',
  }
}

/** The most bytes of a form's fields: the largest statement, and where its members were read. */
export const MAX_DRAFT_BYTES = 196_608

/** The draft as the fields of a form, for `readDraft`. */
export function writeDraft({ action, fields, documents, read, remarks, isUploaded }: Draft): { readonly [name: string]: string } {
  return {
    action,
    ...fields,
    documents: JSON.stringify(documents),
    read: JSON.stringify(Object.entries(read).map(([field, each]) => ({ field, ...each }))),
    remarks: JSON.stringify(remarks),
    ...(isUploaded && { uploaded: 'yes' }),
  }
}

/** A field as a file has it, for the draft's `read`. */
export function readAt(field: Field | 'action', value: string, at: string): ReadField {
  return { at, of: digestOf(field, value) }
}

/** Where in a file a field was read; undefined if the clerk has changed it since, or typed it. */
export function placeOf({ action, fields, read }: Draft, field: Field | 'action'): string | undefined {
  const found = read[field]
  const now = field === 'action' ? action : fields[field]
  return found !== undefined && now !== undefined && found.of === digestOf(field, now) ? found.at : undefined
}

/**
 * A browser spells a moment without its seconds and time zone, and ends lines with two characters.
 */
function digestOf(field: string, text: string): string {
  const spelled = field === 'published' ? momentOf(text) : text.replaceAll('\r\n', '\n')
  return toHex(sha256(toUtf8(spelled)).subarray(0, 8))
}

/** The statement of a draft, or what has to change first. */
export function statementOf(draft: Draft, agency: string): { readonly statement: Statement } | { readonly faults: readonly Fault[] } {
  const missing = requiredFields(draft).filter(field => draft.fields[field] === undefined)
  const faults: Fault[] = missing.map(field => ({ field, code: 'missing' }))
  if (draft.documents.length === 0 && draft.action !== 'withdraw') faults.push({ field: 'documents', code: 'missing' })
  if (faults.length > 0) return { faults }
  try {
    return { statement: parseStatement(jsonOf(draft, agency), { salted: false }) }
  } catch (error) {
    if (!(error instanceof OpenSealError)) throw error
    return { faults: [faultOf(error)] }
  }
}

/** The fields without which there is no statement. */
export function requiredFields({ action }: Pick<Draft, 'action'>): readonly Field[] {
  return action === 'publish' ? ['record', 'kind'] : ['record', 'kind', 'reason']
}

/** The fields that a form with this action shows. */
export function shownFields({ action }: Pick<Draft, 'action'>): readonly Field[] {
  const without: readonly Field[] = action === 'publish' ? ['target', 'reason', 'reasonText'] : action === 'withdraw' ? ['revision'] : []
  return FIELDS.filter(field => !without.includes(field))
}

function jsonOf({ action, fields, documents }: Draft, agency: string): Json {
  const { record, revision, target, kind, title, language, published, identifiers, reason, reasonText } = fields
  const members = {
    type: STATEMENT,
    agency,
    action,
    kind,
    record,
    revision: action === 'withdraw' ? undefined : revision,
    target: action === 'publish' ? undefined : target,
    title,
    language,
    published: published && momentOf(published),
    identifiers: identifiers?.split('\n').map(readIdentifier),
    reason: action === 'publish' ? undefined : { code: reason, text: reasonText },
    documents,
  }
  // Leaves out what is undefined.
  return JSON.parse(JSON.stringify(members))
}

/** A moment as browsers write it, `2026-01-31T10:05`, in the statement's own spelling. */
function momentOf(text: string): string {
  const [, minute, second = ':00'] = /^(\d{4}-\d\d-\d\dT\d\d:\d\d)(:\d\d)?Z?$/.exec(text) ?? []
  return minute === undefined ? text : `${minute}${second}Z`
}

function readIdentifier(line: string) {
  const end = line.indexOf('=')
  return { scheme: line.slice(0, Math.max(0, end)).trim(), value: line.slice(end + 1).trim() }
}

/** Messages of the statement's parser begin with the member that they are about. */
function faultOf({ code, message }: OpenSealError): Fault {
  if (code === 'STATEMENT_NAME_TWICE') return { field: 'documents', code: 'twice' }
  const member = /^reason\.text/.test(message) ? 'reasonText' : /^[a-z]+/.exec(message)?.[0]
  const field = [...FIELDS, 'documents' as const].find(each => each === member)
  return { ...(field && { field }), code: 'refused', detail: message }
}

/** A document as this form writes it. Whether a statement can list it, the parser says. */
function isDocumentRef(value: { readonly [member: string]: unknown }): value is DocumentRef {
  const { name, mediaType, bytes, sha256, jcs } = value
  const isNamed = typeof name === 'string' && typeof mediaType === 'string' && typeof bytes === 'number'
  return isNamed && isDigest(sha256) && (jcs === undefined || isDigest(jcs))
}

function isDigest(value: unknown): boolean {
  return typeof value === 'string' && value.length === 64
}

function readPlaces(text: string | undefined): Draft['read'] {
  const found = readList(text).flatMap(({ field, at, of }) =>
    [...FIELDS, 'action'].some(each => each === field) && typeof at === 'string' && typeof of === 'string' ? [[field, { at, of }]] : [],
  )
  return Object.fromEntries(found)
}

/** The objects in a list of JSON; none if the text is anything else. */
function readList(text = ''): readonly { readonly [member: string]: unknown }[] {
  try {
    const value: unknown = JSON.parse(text)
    return Array.isArray(value) ? value.filter(each => typeof each === 'object' && each !== null) : []
  } catch {
    return []
  }
}

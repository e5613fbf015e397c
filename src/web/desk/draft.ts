/**
 * A statement while a clerk fills it in: the fields of the form, the files, and where in a file a
 * field was read. The browser uses it too.
 */
import { OpenSealError } from '../../core/errors.ts'
import type { Json } from '../../core/json.ts'
import { type DocumentRef, parseStatement, STATEMENT, type Statement } from '../../core/statements/statement.ts'

/** The members of a statement that are typed or chosen, in the order of the form. */
export const FIELDS = [
  'record',
  'revision',
  'target',
  'kind',
  'title',
  'language',
  'published',
  'identifiers',
  'reason',
  'reasonText',
] as const

export type Field = (typeof FIELDS)[number]

export type Draft = {
  readonly action: Statement['action']
  readonly fields: { readonly [field in Field]?: string }
  readonly documents: readonly DocumentRef[]
  /** Where in a file a field was read. */
  readonly at: { readonly [field: string]: string }
  /** Whether our server read the files, not the browser. */
  readonly isUploaded: boolean
}

/** A field that has to change. `detail` is an English reason, if there is more to say. */
export type Fault = { readonly field?: Field | 'documents'; readonly code: 'missing' | 'refused' | 'twice'; readonly detail?: string }

/** Reads the draft that a form carries. Takes anything. */
export function readDraft(form: { readonly [name: string]: string }): Draft {
  const { action } = form
  return {
    action: action === 'amend' || action === 'withdraw' ? action : 'publish',
    fields: Object.fromEntries(FIELDS.map(field => [field, (form[field] ?? '').trim()]).filter(([, value]) => value !== '')),
    documents: readList(form.documents).filter(isDocumentRef),
    at: Object.fromEntries(Object.entries(readMembers(form.at)).filter(([, where]) => typeof where === 'string')) as Draft['at'],
    isUploaded: form.uploaded === 'yes',
  }
}

/** The most bytes of a form's fields: the largest statement, and where its members were read. */
export const MAX_DRAFT_BYTES = 196_608

/** The draft as the fields of a form, for `readDraft`. */
export function writeDraft({ action, fields, documents, at, isUploaded }: Draft): { readonly [name: string]: string } {
  return { action, ...fields, documents: JSON.stringify(documents), at: JSON.stringify(at), ...(isUploaded && { uploaded: 'yes' }) }
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
function isDocumentRef(value: unknown): value is DocumentRef {
  const { name, mediaType, bytes, sha256, jcs } = (value ?? {}) as { readonly [member: string]: unknown }
  const isNamed = typeof name === 'string' && typeof mediaType === 'string' && typeof bytes === 'number'
  return isNamed && isDigest(sha256) && (jcs === undefined || isDigest(jcs))
}

function isDigest(value: unknown): boolean {
  return typeof value === 'string' && value.length === 64
}

function readList(text: string | undefined): readonly unknown[] {
  const value = readJson(text)
  return Array.isArray(value) ? value : []
}

function readMembers(text: string | undefined): object {
  const value = readJson(text)
  return typeof value === 'object' && value !== null ? value : {}
}

function readJson(text = ''): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

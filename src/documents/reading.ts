/** A file's statements about itself, and where in the file they are. Design §17. */
import { toUtf8 } from '../core/bytes.ts'
import { OpenSealError } from '../core/errors.ts'
import type { Statement } from '../core/statements/statement.ts'

/** The formats that are recognised. */
export type DocumentFormat =
  | 'eforms'
  | 'akoma-ntoso'
  | 'diavgeia'
  | 'diavgeia-history'
  | 'oc4ids'
  | 'open-civic-data'
  | 'legistar'
  | 'ocds'
  | 'mail'
  | 'asice'
  | 'cms'

/** The members of a statement that a file can state. */
export type StatedMembers = Partial<
  Pick<Statement, 'kind' | 'action' | 'record' | 'revision' | 'target' | 'identifiers' | 'title' | 'language' | 'published' | 'reason'>
>

/**
 * One stated member as text, for a preview. `at` is its place in the file, such as an XPath, a JSON
 * pointer or the name of a header; left out if the format itself says it. An identifier's value
 * is `scheme=value`.
 */
export type Stated = { readonly member: keyof StatedMembers; readonly value: string; readonly at?: string }

/** A file inside a container. `mediaType` is what the container says, or what its name suggests. */
export type InnerDocument = {
  readonly name: string
  readonly mediaType: string
  readonly bytes: number
  readonly sha256: string
  readonly jcs?: string
}

/**
 * Something that people should know about a reading. `value` is the text in the file that it is
 * about.
 */
export type DocumentRemark = { readonly code: RemarkCode; readonly value?: string }

/** The codes of all remarks. */
export const REMARK_CODES = [
  /** A date without a time of day or a time zone: `published` is left out. */
  'DATE_NOT_EXACT',
  /** An id that a statement cannot carry: too long, or with characters that nobody sees. */
  'ID_UNFIT',
  'LANGUAGE_UNKNOWN',
  'LANGUAGE_SEVERAL',
  /** A notice changes another one: the record is that of the changed notice. */
  'CHANGE_OF_RECORD',
  /** A notice changes another one, but does not name it by notice id and version. */
  'CHANGE_UNRESOLVED',
  /** A change without a reason that a statement can carry. */
  'REASON_UNSTATED',
  /** A decision whose status is not `PUBLISHED`. */
  'STATUS_OTHER',
  /** A list of versions is not a version itself. */
  'HISTORY_ONLY',
  /** Several records in one file. */
  'RECORDS_SEVERAL',
  /** A signature without the signed document in it. */
  'INNER_DETACHED',
  /** An encrypted document. */
  'INNER_ENCRYPTED',
  /** More inner documents than a statement can list. */
  'INNER_TOO_MANY',
  /** The publisher says that the file holds personal data that is not public. */
  'PRIVATE_DATA',
] as const

export type RemarkCode = (typeof REMARK_CODES)[number]

/** The values that were read out of a file. */
export type DocumentReading = {
  readonly format?: DocumentFormat
  readonly members: StatedMembers
  readonly stated: readonly Stated[]
  /** The publisher's name as the file gives it. It is only a hint: an agency's id is a DNS name. */
  readonly agencyHint?: string
  readonly inner: readonly InnerDocument[]
  readonly remarks: readonly DocumentRemark[]
  /** Why the file could not be read as what it looks like: a stable code and an English reason. */
  readonly refused?: { readonly code: string; readonly detail: string }
}

/** The largest file that is read. A larger one is hashed only. */
export const MAX_READ_BYTES = 64 * 1024 * 1024
/** The most inner documents of a statement, which also lists the file itself. */
const MAX_INNER = 255

/** A file can cause any number of remarks. Equal ones count once. */
const MAX_REMARKS = 20
const MAX_TITLE_CHARACTERS = 500
/** With white space, and with characters of two UTF-16 units. */
const LONGEST_TITLE = 100_000
const MAX_ID_BYTES = 512
/** Characters that an id or a name may not begin or end with, or contain. */
const UNFIT = /^\p{White_Space}|\p{White_Space}$|[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u
const LANGUAGE = /^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$/

/** Collects a reading. */
export type ReadingDraft = ReturnType<typeof draftReading>

/** Begins a reading. The first value of a member counts. */
export function draftReading(format: DocumentFormat, kind?: Statement['kind']) {
  const members: { -readonly [member in keyof StatedMembers]: StatedMembers[member] } = {}
  const stated: Stated[] = []
  const inner: InnerDocument[] = []
  const remarks: DocumentRemark[] = []
  let agencyHint: string | undefined
  const note = (member: keyof StatedMembers, value: string, at?: string) => stated.push({ member, value, ...(at !== undefined && { at }) })
  const remark = (code: RemarkCode, value?: string) => {
    const made = { code, ...(value !== undefined && { value: shorten(value) }) }
    if (remarks.length < MAX_REMARKS && !remarks.some(known => known.code === code && known.value === made.value)) remarks.push(made)
  }
  if (kind !== undefined) {
    members.kind = kind
    note('kind', kind)
  }
  return {
    remark,
    /** States an id. Returns whether it was one. */
    id(member: 'record' | 'revision' | 'target', value: string | undefined, at: string): boolean {
      if (value === undefined || value === '' || members[member] !== undefined) return false
      if (!isFitId(value)) {
        remark('ID_UNFIT', value)
        return false
      }
      members[member] = value
      note(member, value, at)
      return true
    },
    identifier(scheme: string, value: string | undefined, at: string): void {
      if (value === undefined || value === '') return
      if (!isFitId(value)) {
        remark('ID_UNFIT', value)
        return
      }
      if (members.identifiers?.some(known => known.scheme === scheme && known.value === value)) return
      members.identifiers = [...(members.identifiers ?? []), { scheme, value }]
      note('identifiers', `${scheme}=${value}`, at)
    },
    title(text: string | undefined, at: string): void {
      const title = text === undefined ? undefined : cleanTitle(text)
      if (title === undefined || members.title !== undefined) return
      members.title = title
      note('title', title, at)
    },
    /** States a language by its tag, or by a three-letter code of ISO 639. */
    language(text: string | undefined, at: string): void {
      if (text === undefined || text === '') return
      const language = readLanguage(text)
      if (language === undefined) remark('LANGUAGE_UNKNOWN', text)
      else {
        members.language = language
        note('language', language, at)
      }
    },
    /** States when it was published; `text` is how the file writes it. */
    published(moment: string | undefined, text: string | undefined, at: string): void {
      if (text === undefined || text === '') return
      if (moment === undefined) remark('DATE_NOT_EXACT', text)
      else {
        members.published = moment
        note('published', moment, at)
      }
    },
    /** States that an earlier version is amended, and why. */
    amend(reason: NonNullable<Statement['reason']>['code'] | undefined, at: string, reasonAt: string): void {
      members.action = 'amend'
      note('action', 'amend', at)
      if (reason === undefined) remark('REASON_UNSTATED')
      else {
        members.reason = { code: reason }
        note('reason', reason, reasonAt)
      }
    },
    hint(name: string | undefined): void {
      agencyHint ??= name === undefined ? undefined : cleanTitle(name)
    },
    inner(document: InnerDocument): void {
      if (inner.length < MAX_INNER) inner.push(document)
      else if (!remarks.some(({ code }) => code === 'INNER_TOO_MANY')) remark('INNER_TOO_MANY', String(MAX_INNER))
    },
    finish: (): DocumentReading => ({ format, members, stated, inner, remarks, ...(agencyHint !== undefined && { agencyHint }) }),
  }
}

/** The reading of a file that states nothing. */
export const NOTHING_STATED: DocumentReading = { members: {}, stated: [], inner: [], remarks: [] }

/** The reading of a file that is too large to be read. */
export const TOO_LARGE: DocumentReading = {
  ...NOTHING_STATED,
  refused: { code: 'DOCUMENT_TOO_LARGE', detail: `the file is larger than ${MAX_READ_BYTES} bytes, so it is only hashed` },
}

/** Whether the file holds many records, each of which gets a statement of its own. */
export function holdsMany({ format, remarks }: DocumentReading): boolean {
  return format === 'ocds' || (format === 'oc4ids' && remarks.some(({ code }) => code === 'RECORDS_SEVERAL'))
}

const BROKEN_JSON = ['JSON_MALFORMED', 'TEXT_NOT_UTF8']

/**
 * Why a file must not be submitted; undefined if it may. JSON that does not parse is a broken copy,
 * so it is not sent by its bytes either. Any other file is, even if it cannot be understood.
 */
export function brokenJson({ refused }: DocumentReading): DocumentReading['refused'] {
  return refused !== undefined && BROKEN_JSON.includes(refused.code) ? refused : undefined
}

/** Whether a statement can carry this text as an id. */
export function isFitId(text: string): boolean {
  return text !== '' && text.isWellFormed() && !UNFIT.test(text) && toUtf8(text).length <= MAX_ID_BYTES
}

/** A title in one line of at most 500 characters; undefined if nothing is left of it. */
export function cleanTitle(text: string): string | undefined {
  // Of a text as large as a file, the rest is never looked at.
  const clean = text
    .slice(0, LONGEST_TITLE)
    .toWellFormed()
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .trim()
  return clean === '' ? undefined : [...clean].slice(0, MAX_TITLE_CHARACTERS).join('')
}

/** The BCP 47 tag, for a three-letter code the shortest one; undefined for anything else. */
export function readLanguage(text: string): string | undefined {
  if (!LANGUAGE.test(text)) return undefined
  try {
    return Intl.getCanonicalLocales(text)[0]
  } catch {
    return undefined
  }
}

/** The name of a file without the folders around it. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1).normalize('NFC')
}

function shorten(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200).toWellFormed()}…` : text
}

/**
 * A file that cannot be read as what it looks like: XML_*, CMS_*, MAIL_*, ARCHIVE_* or
 * DOCUMENT_TOO_LARGE.
 */
export class DocumentError extends OpenSealError {}

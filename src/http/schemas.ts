/**
 * The shapes of requests and answers as zod schemas. Requests are parsed with them, and
 * /openapi.json is generated from them.
 */

import { z } from 'zod'
import { ERASURE, ERASURE_REASONS } from '../core/statements/erasure.ts'
import { GENESIS } from '../core/statements/genesis.ts'
import { KEY_CHANGE } from '../core/statements/key-change.ts'
import { IDENTIFIER_SCHEMES, REASON_CODES, STATEMENT } from '../core/statements/statement.ts'
import { WARNING_CODES } from '../core/statements/warnings.ts'
import { isTime } from '../core/time.ts'
import { RequestError } from './problem.ts'

const LABEL = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?'

/** 32 bytes as lower-case hex. */
export const hex32 = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'expected a SHA-256 as 64 hex digits in lower case; other hashes are not recorded here')
/** 0x-hex of 32 bytes, as the chain writes it. */
const chainHash = z.string().regex(/^0x[0-9a-f]{64}$/)
/** Exactly `YYYY-MM-DDTHH:MM:SSZ`. */
export const time = z.string().regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/)
/** An index or a tree size. */
export const count = z.int().min(0)
/** An agency's id: a lower-case DNS name of two labels or more. */
export const agencyId = z
  .string()
  .min(3)
  .max(253)
  .regex(new RegExp(`^${LABEL}(?:\\.${LABEL})+$`))

/**
 * Control characters and bidi controls. Listed one by one, because few regular expression engines
 * know \p.
 */
const UNSEEN = '\\u0000-\\u001f\\u007f-\\u009f\\u061c\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069'
/** The white space that is not among them. */
const SPACE = ' \\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000'
/** A name or an id without invisible characters and without white space at either end. */
const visibleName = z
  .string()
  .min(1)
  .regex(
    new RegExp(`^[^${UNSEEN}${SPACE}](?:[^${UNSEEN}]*[^${UNSEEN}${SPACE}])?$`),
    'contains invisible characters, or white space at an end',
  )

/** An id of a record or of one version of it. */
const versionId = visibleName.max(512)

/** A number in a query, which arrives as text. */
function queryNumber(pattern: RegExp, minimum: number, maximum: number) {
  return z
    .string()
    .regex(pattern)
    .meta({ number: { type: 'integer', minimum, maximum } })
}

/** The first digits of a digest. */
export const digestPrefix = z.string().regex(/^[0-9a-f]{3,8}$/)

const identifier = z.strictObject({
  scheme: z
    .string()
    .regex(/^[a-z0-9-]{1,32}$/)
    .describe(`known are ${IDENTIFIER_SCHEMES.join(', ')}`),
  value: visibleName,
})

const mediaType = '[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*'

const document = z
  .strictObject({
    name: visibleName,
    mediaType: z.string().regex(new RegExp(`^${mediaType}/${mediaType}(?: *;[ -~]*)?$`)),
    bytes: count,
    sha256: hex32.describe('SHA-256 over the exact bytes'),
    jcs: hex32.optional().describe('SHA-256 over the RFC 8785 form of a JSON document'),
  })
  .meta({ id: 'DocumentRef' })

/** The members that all of an agency's statements have. */
const common = {
  type: z.literal(STATEMENT),
  agency: agencyId,
  kind: z.enum(['procurement', 'decision']),
  record: versionId.describe("the agency's own stable id of the record, 1 to 512 bytes of UTF-8"),
  identifiers: z.array(identifier).optional(),
  title: z.string().optional(),
  language: z
    .string()
    .regex(/^(?:[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*|[IXix](?:-[A-Za-z0-9]{1,8})+)$/)
    .optional()
    .describe('BCP 47'),
  published: time.optional().describe('when the agency says that it published the document'),
  salt: z
    .string()
    .regex(/^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/)
    .optional(),
}
const revision = versionId.optional().describe("the agency's id of this version, 1 to 512 bytes of UTF-8")
const target = versionId.optional().describe('the revision that is amended or withdrawn; if omitted, every earlier version of the record')
const reason = z.strictObject({ code: z.enum(REASON_CODES), text: z.string().optional() }).meta({ id: 'Reason' })
const documents = z.array(document).max(256).describe('each under a different name')

/**
 * A statement as an agency sends it, at most 128 KiB in canonical form. The ledger adds the salt if
 * it is omitted.
 */
export const statement = z
  .discriminatedUnion('action', [
    z.strictObject({ ...common, action: z.literal('publish'), revision, documents: documents.min(1) }).meta({ id: 'Publication' }),
    z
      .strictObject({ ...common, action: z.literal('amend'), revision, target, reason, documents: documents.min(1) })
      .meta({ id: 'Amendment' }),
    z.strictObject({ ...common, action: z.literal('withdraw'), target, reason, documents }).meta({ id: 'Withdrawal' }),
  ])
  .meta({ id: 'Statement' })

const genesis = z
  .strictObject({
    type: z.literal(GENESIS),
    origin: z.string(),
    logKey: z.string(),
    anchors: z.array(z.strictObject({ type: z.literal('evm'), chainId: count, contract: z.string(), logId: chainHash })),
    created: time,
    salt: z.string(),
  })
  .meta({ id: 'Genesis' })

const keyChange = z
  .strictObject({
    type: z.literal(KEY_CHANGE),
    origin: z.string(),
    oldKey: z.string(),
    newKey: z.string(),
    fromSize: count,
    created: time,
    salt: z.string(),
  })
  .meta({ id: 'KeyChange' })

const erasureReason = z.strictObject({ code: z.enum(ERASURE_REASONS) }).meta({ id: 'ErasureReason' })

const erasure = z
  .strictObject({
    type: z.literal(ERASURE),
    index: count.describe('the entry whose statement was erased'),
    reason: erasureReason,
    by: z.enum(['agency', 'operator']),
    salt: z.string(),
  })
  .meta({ id: 'Erasure' })

const anyStatement = z.union([statement, genesis, keyChange, erasure]).meta({ id: 'AnyStatement' })

const anchorHint = z
  .strictObject({
    type: z.literal('evm'),
    chainId: count,
    contract: z.string(),
    logId: z.string(),
    size: count,
    transaction: z.string().optional(),
    block: z.strictObject({ number: count, hash: z.string(), time }).optional(),
  })
  .meta({ id: 'AnchorHint' })

/** One final anchor. */
export const anchor = anchorHint.extend({ root: hex32 }).meta({ id: 'Anchor' })

/** An anchor that is not final yet. */
const pendingAnchor = z
  .strictObject({
    size: count,
    root: hex32,
    state: z.enum(['prepared', 'submitted', 'included']),
    transaction: chainHash.optional(),
    block: z.strictObject({ number: count, hash: chainHash }).optional(),
  })
  .meta({ id: 'PendingAnchor' })

/** `<name>.receipt.json`. */
export const receipt = z
  .strictObject({
    type: z.literal('openseal/receipt@v1'),
    statement: anyStatement,
    proof: z.string().describe('the text of a c2sp.org/tlog-proof@v1 file'),
    anchors: z.array(anchorHint),
  })
  .meta({ id: 'Receipt' })

/** RFC 9457. */
export const problem = z
  .object({ type: z.string(), title: z.string(), status: z.int(), code: z.string().regex(/^[A-Z0-9_]+$/), detail: z.string() })
  .meta({ id: 'Problem' })

const warningCode = z.enum(WARNING_CODES)
const warnings = z
  .array(z.strictObject({ code: warningCode, detail: z.string() }).meta({ id: 'SubmissionWarning' }))
  .describe('what the submitter should know; warnings never refuse the statement')

/** The answer to one submission. */
export const submitted = z.strictObject({ index: count, receipt, warnings: warnings.optional() }).meta({ id: 'Submitted' })

/** The answer to a dry run of one submission, of which nothing is logged. */
export const dryAnswer = z
  .strictObject({ known: count.optional().describe('the index of the same statement, if it is in the log'), warnings })
  .meta({ id: 'DryAnswer' })

/** The query of a submission. */
export const submitQuery = z.object({
  'dry-run': z.literal('').optional().describe('log nothing, and report what would happen to each statement'),
})

const line = z.int().min(1).describe('the line of the request, from 1')
const lineWarnings = z.array(warningCode).optional()

/** One line of the answer to a stream of submissions; the last one is the summary. */
export const answerLine = z
  .union([
    z.strictObject({ line, status: z.int(), index: count, warnings: lineWarnings }).meta({ id: 'SubmittedLine' }),
    z
      .strictObject({ line, status: z.literal(200), known: count.optional(), warnings: lineWarnings })
      .meta({ id: 'DryLine', description: 'only in a dry run' }),
    z.strictObject({ line, status: z.int(), code: z.string(), detail: z.string() }).meta({ id: 'RefusedLine' }),
    z.strictObject({ accepted: count, known: count, rejected: count }).meta({ id: 'SummaryLine', description: 'the last line' }),
  ])
  .meta({ id: 'AnswerLine' })

const state = z.enum(['sealed', 'anchored'])

const version = z
  .strictObject({
    index: count,
    action: z.string(),
    revision: z.string().optional(),
    target: z.string().optional(),
    published: time.optional(),
    flag: z
      .enum(['repeat', 'reformatted', 'added', 'silent-edit'])
      .optional()
      .describe('how it relates to earlier publications of this version'),
    edited: z.literal(true).optional().describe('an earlier or a later publication of this version has other content under the same name'),
  })
  .meta({ id: 'Version' })

const change = z
  .strictObject({
    index: count.describe('the entry that made the change'),
    what: z.enum(['withdrawn', 'superseded', 'edited', 'edited-elsewhere', 'published', 'added', 'reformatted']),
  })
  .meta({ id: 'VersionChange' })

/** One record, as its page shows it. */
export const record = z
  .strictObject({
    index: count,
    state,
    statement: anyStatement.optional(),
    erased: z.literal(true).optional(),
    anchor: anchor.optional().describe('the first final anchor that covers it'),
    pending: pendingAnchor.optional().describe('the pending anchor that will cover it'),
    versions: z
      .array(version)
      .describe('the statements of the same record, oldest first; if there are more than 1000, the newest and those before this one'),
    changes: z.array(change).describe('what changed for this version'),
    partial: z
      .literal(true)
      .optional()
      .describe('the record has more statements than are shown, so there may be more changes to this version'),
  })
  .meta({ id: 'LedgerRecord' })

/** A record in a list. */
export const recordSummary = z
  .strictObject({
    index: count,
    state,
    accepted: time.optional().describe("when the ledger accepted it, by the ledger's own clock"),
    anchored: time.optional().describe('since when the chain has vouched for it: the block time of its first final anchor'),
    erased: z.literal(true).optional(),
    damaged: z.literal(true).optional(),
    withdrawn: count.optional().describe('the newest entry that withdrew this version'),
    superseded: count.optional().describe('an entry that replaced this version'),
    edited: z.literal(true).optional().describe('an earlier or a later publication of this version has other content under the same name'),
    type: z.string().optional(),
    agency: z.string().optional(),
    kind: z.string().optional(),
    action: z.string().optional(),
    record: z.string().optional(),
    revision: z.string().optional(),
    target: z.string().optional(),
    title: z.string().optional(),
    published: time.optional().describe('when the agency says that it published the document'),
  })
  .meta({ id: 'RecordSummary' })

/** A page of records; `cursor` leads to the next one. */
export const recordList = z
  .strictObject({
    records: z.array(recordSummary),
    cursor: z.string().optional(),
    behind: z
      .int()
      .min(1)
      .optional()
      .describe('how many of the newest entries were not read yet: their changes to these records are not shown'),
  })
  .meta({ id: 'RecordList' })

const erased = z.strictObject({ index: count, erased: z.literal(true) }).meta({ id: 'ErasedLine' })
const damaged = z
  .strictObject({ index: count, damaged: z.literal(true) })
  .meta({ id: 'DamagedLine', description: 'the stored data does not match the tree and is not served' })

/** A line of /v1/receipts. */
export const receiptLine = z
  .union([z.strictObject({ index: count, receipt }).meta({ id: 'ReceiptOfLine' }), erased, damaged])
  .meta({ id: 'ReceiptLine' })
/** A line of /v1/statements. */
export const statementLine = z
  .union([z.strictObject({ index: count, statement: anyStatement }).meta({ id: 'StatementOfLine' }), erased, damaged])
  .meta({ id: 'StatementLine' })

/** An inclusion proof. */
export const inclusion = z
  .strictObject({ index: count, size: count, leafHash: hex32, root: hex32, proof: z.array(hex32) })
  .meta({ id: 'InclusionProof' })

/** A consistency proof. */
export const consistency = z
  .strictObject({ from: count, to: count, fromRoot: hex32, toRoot: hex32, proof: z.array(hex32) })
  .meta({ id: 'ConsistencyProof' })

/** The final anchors and the pending ones. */
export const anchors = z
  .strictObject({
    latest: anchor.optional().describe('the newest final one'),
    final: z.array(anchor).describe('final ones in ascending order of size, at most 1,000'),
    after: count.optional().describe('ask again with ?after= this size for more'),
    pending: z.array(pendingAnchor).describe('the pending ones'),
  })
  .meta({ id: 'Anchors' })

/** The ledger's state. */
export const status = z
  .strictObject({
    origin: z.string(),
    vkey: z.string(),
    size: count,
    root: hex32,
    checkpoint: z.string(),
    accepting: z.boolean(),
    alarms: z.array(z.string()).describe('one sentence each; if nothing is accepted, the reason comes first'),
    alarmCodes: z.array(z.string()).describe('a stable code for each alarm, in the same order'),
    anchored: z.strictObject({ size: count, time }).optional(),
    behind: count.describe('how many entries no final anchor covers'),
    behindSeconds: z.number().min(0).describe('how long the oldest of them has waited, as far as this process saw'),
    scrub: z
      .strictObject({ at: count, passes: count, lastPass: time.optional(), findings: z.array(z.string()) })
      .optional()
      .describe('how far the ledger has read itself again from its disk, and what did not match'),
  })
  .meta({ id: 'Status' })

/** What a verifier trusts. */

/** The log's keys, and the receipts with which each one introduces the next. */
export const logKeys = z.object({
  keys: z.array(z.object({ vkey: z.string(), fromSize: count, toSize: count.optional() })),
  changes: z.array(z.object({ index: count, receipt })),
})

export const policy = z
  .strictObject({
    type: z.literal('openseal/policy@v1'),
    origin: z.string(),
    logKeys: z.array(z.strictObject({ vkey: z.string(), fromSize: count.optional(), toSize: count.optional() })),
    witnesses: z.array(z.string()).optional(),
    quorum: count.optional(),
    anchors: z.array(
      z.strictObject({
        type: z.literal('evm'),
        chainId: count,
        contract: z.string(),
        codeSha256: hex32,
        logId: z.string(),
        production: z.boolean().optional(),
        finality: z.union([z.literal('finalized'), z.strictObject({ confirmations: count })]),
        fromSize: count.optional(),
        toSize: count.optional(),
      }),
    ),
    requireAnchors: z.int().min(1),
  })
  .meta({ id: 'Policy' })

/** An operator's request to register an agency. */
export const newAgency = z.strictObject({ id: agencyId, name: z.string().trim().min(1).max(200) }).meta({ id: 'NewAgency' })
/** A registered agency. */
export const agency = z.object({ id: agencyId, name: z.string(), created: time.optional() }).meta({ id: 'Agency' })
/** All agencies. */
export const agencyList = z.strictObject({ agencies: z.array(agency) }).meta({ id: 'AgencyList' })
/** What a key may do: submit, or also make and revoke keys of its agency. */
const keyRole = z.enum(['submit', 'admin'])
/** A request for a new key, which may submit only unless it says more. */
export const newKey = z
  .strictObject({
    label: z.string().trim().min(1).max(100).optional(),
    expires: time.refine(isTime, 'is not a date of the calendar').optional(),
    role: keyRole.optional(),
  })
  .meta({ id: 'NewKey' })
/** A new key, shown only once. */
export const createdKey = z.strictObject({ keyId: z.string(), key: z.string() }).meta({ id: 'CreatedKey' })
/** A key as it is stored. */
export const apiKey = z
  .object({
    keyId: z.string(),
    role: keyRole,
    label: z.string().optional(),
    created: time.optional(),
    expires: time.optional(),
    revoked: time.optional(),
  })
  .meta({ id: 'ApiKey' })
/** A key and its agency, as the key itself is told. */
export const ownKey = apiKey.extend({ agency: agencyId }).meta({ id: 'OwnKey' })
/** All keys of an agency. */
export const keyList = z.strictObject({ keys: z.array(apiKey) }).meta({ id: 'KeyList' })

/** Liveness: the process answers. */
export const health = z.strictObject({ status: z.literal('ok') }).meta({ id: 'Health' })

/** Readiness: whether submissions are accepted, and how far the anchor lags. */
export const readiness = z
  .strictObject({
    status: z.enum(['ok', 'stopped']),
    alarms: z.array(z.string()),
    alarmCodes: z.array(z.string()),
    behind: count,
    behindSeconds: z.number().min(0),
  })
  .meta({ id: 'Readiness' })

/** The query of /v1/records: one look-up, or the list. */
export const recordQuery = z
  .strictObject({
    sha256: hex32.optional().describe('hash of a document, by its bytes or by its RFC 8785 form'),
    agency: agencyId.optional(),
    record: versionId.optional(),
    cursor: z
      .string()
      .regex(/^(0|[1-9]\d{0,15})$/)
      .optional()
      .describe('only records below this index: the cursor of the previous page'),
    limit: queryNumber(/^([1-9]|[1-9]\d|100)$/, 1, 100)
      .optional()
      .describe('the most results'),
  })
  .refine(q => q.sha256 === undefined || (q.agency === undefined && q.record === undefined), 'ask either by sha256 or by agency')
  .refine(q => q.record === undefined || q.agency !== undefined, 'a record id belongs to an agency: send agency too')

/** The query of /v1/digests: where to continue after a truncated answer. */
export const digestQuery = z.strictObject({
  after: hex32.optional().describe('only digests above this one: the last of the previous answer'),
})

/** The digests under a prefix. */
export const digestList = z
  .strictObject({
    prefix: z.string(),
    digests: z
      .array(
        z.strictObject({
          digest: hex32,
          indexes: z.array(count).describe('entries that list it, ascending: at most the 16 oldest and the 16 newest'),
          more: z.literal(true).optional().describe('there are others between the oldest and the newest of these'),
        }),
      )
      .describe('in ascending order'),
    truncated: z
      .literal(true)
      .optional()
      .describe('more digests follow the last one listed: ask with a longer prefix, or with ?after= that one'),
  })
  .meta({ id: 'DigestList' })

/** The query of /v1/anchors. */
export const anchorQuery = z.strictObject({
  after: queryNumber(/^(0|[1-9]\d{0,15})$/, 0, Number.MAX_SAFE_INTEGER)
    .optional()
    .describe('only anchors above this size'),
})

/** Parses a request value by its schema. Throws RequestError `code` with what is wrong. */
export function readAs<T>(schema: z.ZodType<T>, value: unknown, code: string): T {
  const parsed = schema.safeParse(value)
  if (!parsed.success) throw new RequestError(code, sentence(parsed.error))
  return parsed.data
}

/** Parses a whole number in a path, in its canonical spelling. Throws NUMBER_MALFORMED. */
export function readCount(text: string | undefined, name: string): number {
  const number = Number(text)
  if (text === undefined || !/^\d+$/.test(text) || !Number.isSafeInteger(number) || String(number) !== text)
    throw new RequestError(
      'NUMBER_MALFORMED',
      `${name} is not a whole number in its plain spelling: ${JSON.stringify(text?.slice(0, 40))}.`,
    )
  return number
}

function sentence(error: z.ZodError): string {
  return error.issues
    .slice(0, 3)
    .map(issue => {
      const path = issue.path.reduce<string>(
        (text, part) => text + (typeof part === 'number' ? `[${part}]` : `${text && '.'}${String(part)}`),
        '',
      )
      if (issue.code === 'unrecognized_keys')
        return `${path && `${path}: `}unknown member ${issue.keys
          .map(key => JSON.stringify(key))
          .join(', ')
          .slice(0, 200)}`
      return `${path && `${path}: `}${issue.message.slice(0, 200)}`
    })
    .join('; ')
}

/** Records: submitting, finding and showing them. */
import { z } from 'zod'
import { isDay } from '../../core/since.ts'
import { WARNING_CODES } from '../../core/statements/warnings.ts'
import { STATES } from '../../web/deps.ts'
import { anchor, pendingAnchor } from './anchors.ts'
import { receipt } from './receipts.ts'
import { anyStatement } from './statements.ts'
import { agencyId, count, hex32, queryNumber, time, versionId } from './values.ts'

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

const finalRound = z
  .strictObject({ size: count, time })
  .meta({ id: 'FinalRound' })
  .describe('the first final round that covers it: its size, and the time by which enough anchors agree')

const change = z
  .strictObject({
    index: count.describe('the entry that made the change'),
    what: z.enum(['withdrawn', 'superseded', 'edited', 'edited-elsewhere', 'published', 'added', 'reformatted']),
    erased: count.optional().describe('the tombstone, if the entry that made the change was erased'),
  })
  .meta({ id: 'VersionChange' })

/** One record, as its page shows it. */
export const record = z
  .strictObject({
    index: count,
    state,
    statement: anyStatement,
    anchor: anchor.optional().describe('the first final anchor of the first final round that covers it'),
    pending: pendingAnchor.optional().describe('the pending anchor that will cover it'),
    versions: z
      .array(version)
      .describe('the statements of the same record, oldest first; if there are more than 1000, the newest and those before this one'),
    changes: z.array(change).describe('what changed for this version'),
    partial: z
      .literal(true)
      .optional()
      .describe('the record has more statements than are shown, so there may be more changes to this version'),
    round: finalRound.optional(),
  })
  .meta({ id: 'LedgerRecord' })

/** A record in a list. */
const recordSummary = z
  .strictObject({
    index: count,
    state,
    accepted: time.optional().describe("when the ledger accepted it, by the ledger's own clock"),
    anchored: time.optional().describe('since when the chain has vouched for it: the date of the first final round that covers it'),
    erased: count.optional().describe('the tombstone, if the statement was erased'),
    erasing: time.optional().describe('when the statement will be erased, if somebody has asked for it'),
    changes: z.array(change).optional().describe('what erased statements did to this version'),
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
    agencyName: z.string().optional().describe('the name under which the operator registered the agency'),
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

/** A day of the calendar. */
const day = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}$/)
  .refine(isDay, 'expected a day of the calendar, such as 2026-11-20')

const FILTERS = ['kind', 'state', 'from', 'to', 'packages'] as const

/** The query of /v1/records: one look-up, or the list, narrowed down. */
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
    // Last, because generated clients take these by position.
    text: z.string().min(1).max(512).optional().describe('words of a title, or the number of a record'),
    kind: z.enum(['procurement', 'decision']).optional(),
    state: z
      .enum(STATES)
      .optional()
      .describe('current: the chain vouches for it, and nothing withdrew, replaced or silently edited it; waiting: the chain does not yet'),
    from: day.optional().describe('accepted on this day or later, in UTC, by the ledger’s own clock'),
    to: day.optional().describe('accepted on this day or earlier, in UTC, by the ledger’s own clock'),
    packages: z.enum(['hidden', 'only']).optional().describe('statements of whole files of OCDS releases: all but these, or only these'),
  })
  .refine(q => q.sha256 === undefined || (q.agency === undefined && q.record === undefined), 'ask either by sha256 or by agency')
  .refine(q => q.text === undefined || (q.sha256 === undefined && q.record === undefined), 'ask either by text or by something else')
  .refine(
    q => (q.sha256 === undefined && q.record === undefined) || FILTERS.every(name => q[name] === undefined),
    'kind, state, from, to and packages narrow a list or a search down, not the look-up of one hash or record',
  )
  .refine(q => q.record === undefined || q.agency !== undefined, 'a record id belongs to an agency: send agency too')

/** The first digits of a digest. */
export const digestPrefix = z.string().regex(/^[0-9a-f]{3,8}$/)

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

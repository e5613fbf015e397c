/** The statements in the log. */
import { z } from 'zod'
import { ANCHORS_CHANGE } from '../../core/statements/anchors-change.ts'
import { ERASURE, ERASURE_REASONS } from '../../core/statements/erasure.ts'
import { GENESIS } from '../../core/statements/genesis.ts'
import { KEY_CHANGE } from '../../core/statements/key-change.ts'
import { IDENTIFIER_SCHEMES, REASON_CODES, STATEMENT } from '../../core/statements/statement.ts'
import { TIMESTAMP } from '../../core/statements/timestamp.ts'
import { agencyId, chainHash, count, hex32, time, versionId, visibleName } from './values.ts'

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
    anchors: z.array(
      z.strictObject({ type: z.literal('evm'), chainId: count, contract: z.string(), codeSha256: hex32.optional(), logId: chainHash }),
    ),
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

const anchorsChange = z
  .strictObject({
    type: z.literal(ANCHORS_CHANGE),
    origin: z.string(),
    anchors: z.array(z.strictObject({ type: z.literal('evm'), chainId: count, contract: z.string(), codeSha256: hex32, logId: chainHash })),
    created: time,
    salt: z.string(),
  })
  .meta({ id: 'AnchorsChange' })

/** Why a statement is erased. */
export const erasureReason = z.strictObject({ code: z.enum(ERASURE_REASONS) }).meta({ id: 'ErasureReason' })

const erasure = z
  .strictObject({
    type: z.literal(ERASURE),
    index: count.describe('the entry whose statement was erased'),
    reason: erasureReason,
    by: z.enum(['agency', 'operator']),
    salt: z.string(),
  })
  .meta({ id: 'Erasure' })

const timestamp = z
  .strictObject({
    type: z.literal(TIMESTAMP),
    size: count.describe('the tree size whose checkpoint the token stamps'),
    sha256: hex32.describe('SHA-256 of the RFC 3161 token'),
    created: time,
    salt: z.string(),
  })
  .meta({ id: 'TimestampEntry' })

/** A statement of any type. */
export const anyStatement = z.union([statement, genesis, keyChange, anchorsChange, erasure, timestamp]).meta({ id: 'AnyStatement' })

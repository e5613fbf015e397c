/** Anchors, the log's keys, and the policy of verifiers. */
import { z } from 'zod'
import { anchorHint, receipt } from './receipts.ts'
import { chainHash, count, hex32, queryNumber } from './values.ts'

/** One final anchor. */
export const anchor = anchorHint.extend({ root: hex32 }).meta({ id: 'Anchor' })

/** An anchor that is not final yet. */
export const pendingAnchor = z
  .strictObject({
    size: count,
    root: hex32,
    state: z.enum(['prepared', 'submitted', 'included']),
    transaction: chainHash.optional(),
    block: z.strictObject({ number: count, hash: chainHash }).optional(),
  })
  .meta({ id: 'PendingAnchor' })

/** The final anchors and the pending ones. */
export const anchors = z
  .strictObject({
    latest: anchor.optional().describe('the newest final one'),
    final: z.array(anchor).describe('final ones in ascending order of size, at most 1,000'),
    after: count.optional().describe('ask again with ?after= this size for more'),
    pending: z.array(pendingAnchor).describe('the pending ones'),
  })
  .meta({ id: 'Anchors' })

/** The query of /v1/anchors. */
export const anchorQuery = z.strictObject({
  after: queryNumber(/^(0|[1-9]\d{0,15})$/, 0, Number.MAX_SAFE_INTEGER)
    .optional()
    .describe('only anchors above this size'),
})

/** The log's keys, and the receipts with which each one introduces the next. */
export const logKeys = z.object({
  keys: z.array(z.object({ vkey: z.string(), fromSize: count, toSize: count.optional() })),
  changes: z.array(z.object({ index: count, receipt })),
  anchors: z.array(z.object({ index: count, receipt })).describe('for each change of the anchors, its receipt'),
})

const policyChain = z
  .strictObject({
    type: z.literal('evm'),
    chainId: count,
    contract: z.string(),
    codeSha256: hex32,
    logId: z.string(),
    production: z.boolean().optional(),
    finality: z.union([z.literal('finalized'), z.strictObject({ confirmations: count })]),
    fromSize: count.optional(),
    toSize: count.optional(),
    explorer: z.string().optional(),
  })
  .meta({ id: 'PolicyChain' })

const policyAuthority = z
  .strictObject({
    type: z.literal('rfc3161'),
    name: z.string(),
    certificates: z.array(z.string()).min(1).max(8).describe('base64 of the DER of the root or of the issuing CA'),
    policies: z.array(z.string()).min(1).optional().describe('object identifiers of time-stamp policies; any if omitted'),
    production: z.boolean().optional(),
    fromSize: count.optional(),
    toSize: count.optional(),
  })
  .meta({ id: 'PolicyAuthority' })

/** The policy: keys and chains that a verifier trusts. */
export const policy = z
  .strictObject({
    type: z.literal('openseal/policy@v1'),
    origin: z.string(),
    logKeys: z.array(z.strictObject({ vkey: z.string(), fromSize: count.optional(), toSize: count.optional() })),
    witnesses: z.array(z.string()).optional(),
    quorum: count.optional(),
    anchors: z.array(z.union([policyChain, policyAuthority])),
    requireAnchors: z.int().min(1),
  })
  .meta({ id: 'Policy' })

/** The rounds, and what vouches for each. */
import { z } from 'zod'
import { anchorHint } from './receipts.ts'
import { count, queryNumber } from './values.ts'

/** The most rounds in an answer. */
export const MAX_ROUNDS = 100

/** One round. */
export const round = z
  .strictObject({
    size: count,
    checkpoint: z.string().describe('the signed note, as it was when the round opened, without cosignatures'),
    cosignatures: z.array(z.string()).describe("the witnesses' lines of the signed note"),
    timestamps: z.array(z.strictObject({ name: z.string(), token: z.string().describe('base64 of the DER TimeStampToken') })),
    anchors: z.array(anchorHint).describe('as in a receipt, the earliest first'),
    final: z.boolean().describe("whether that is enough by the ledger's own policy"),
  })
  .meta({ id: 'Round' })

/** Rounds in ascending order of size. */
export const rounds = z
  .strictObject({
    rounds: z.array(round),
    cursor: z.string().optional().describe('ask again with ?cursor= this for more'),
  })
  .meta({ id: 'Rounds' })

/** The query of /v1/rounds. */
export const roundQuery = z.strictObject({
  limit: queryNumber(/^([1-9]\d?|100)$/, 1, MAX_ROUNDS).optional(),
  cursor: queryNumber(/^(0|[1-9]\d{0,15})$/, 0, Number.MAX_SAFE_INTEGER)
    .optional()
    .describe('only rounds above this size'),
})

/** Receipts and proofs, and the lines of /v1/receipts and /v1/statements. */
import { z } from 'zod'
import { EFFECT_KINDS } from '../../core/statements/effects.ts'
import { anyStatement } from './statements.ts'
import { count, hex32, time } from './values.ts'

/** An anchor as a receipt names it. */
export const anchorHint = z
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

const receiptToken = z
  .strictObject({ type: z.literal('rfc3161'), size: count, token: z.string().describe('base64 of the DER TimeStampToken, at most 16 KiB') })
  .meta({ id: 'ReceiptToken' })

/** `<name>.receipt.json`. */
export const receipt = z
  .strictObject({
    type: z.literal('openseal/receipt@v1'),
    statement: anyStatement,
    proof: z.string().describe('the text of a c2sp.org/tlog-proof@v1 file'),
    anchors: z.array(z.union([anchorHint, receiptToken])),
  })
  .meta({ id: 'Receipt' })

const erased = z
  .strictObject({ index: count, erased: count.describe('the index of the tombstone') })
  .meta({ id: 'ErasedLine', description: 'the statement was erased' })
const told = z
  .strictObject({
    index: count,
    erased: count.describe('the index of the tombstone'),
    time: time.describe('when it was erased'),
    effects: z
      .array(z.strictObject({ on: count.describe('the entry of that version'), what: z.enum(EFFECT_KINDS) }))
      .optional()
      .describe('what the statement had done to other versions'),
  })
  .meta({ id: 'ErasedStatementLine', description: 'the statement was erased' })
const erasing = z
  .strictObject({ index: count, erasing: time.describe('when it will be erased') })
  .meta({ id: 'ErasingLine', description: 'somebody has asked to erase the statement' })
const damaged = z
  .strictObject({ index: count, damaged: z.literal(true) })
  .meta({ id: 'DamagedLine', description: 'the stored data does not match the tree and is not served' })

/** A line of /v1/receipts. */
export const receiptLine = z
  .union([z.strictObject({ index: count, receipt }).meta({ id: 'ReceiptOfLine' }), erased, erasing, damaged])
  .meta({ id: 'ReceiptLine' })
/** A line of /v1/statements. */
export const statementLine = z
  .union([z.strictObject({ index: count, statement: anyStatement }).meta({ id: 'StatementOfLine' }), told, erasing, damaged])
  .meta({ id: 'StatementLine' })

/** An inclusion proof. */
export const inclusion = z
  .strictObject({ index: count, size: count, leafHash: hex32, root: hex32, proof: z.array(hex32) })
  .meta({ id: 'InclusionProof' })

/** A consistency proof. */
export const consistency = z
  .strictObject({ from: count, to: count, fromRoot: hex32, toRoot: hex32, proof: z.array(hex32) })
  .meta({ id: 'ConsistencyProof' })

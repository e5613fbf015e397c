/** The receipt: all that a holder of a file needs beside the policy and the chain. Design §3.3. */

import { OpenSealError } from './errors.ts'
import { canonicalJson, isJsonObject, type Json, parseJson } from './json.ts'
import { parseTlogProof, quoteTlogProof, type TlogProof } from './tlog-proof.ts'

/** Where people may look for the anchor. Nothing in it is evidence: what counts is what the contract answers. */
export type AnchorHint = {
  readonly type: 'evm'
  readonly chainId: number
  readonly contract: string
  readonly logId: string
  readonly size: number
  readonly transaction?: string
  readonly block?: { readonly number: number; readonly hash: string; readonly time: string }
}

/** A receipt as read: the statement is raw, for the verifier checks it by its own name. */
export type Receipt = {
  readonly type: 'openseal/receipt@v1'
  readonly statement: Json
  readonly proof: string
  readonly anchors: readonly AnchorHint[]
}

const TYPE = 'openseal/receipt@v1'
const MAX_RECEIPT_BYTES = 1024 * 1024

/** Reads a receipt strictly. Unknown members and anchors of unknown types are left out. Throws ReceiptError or JsonError. */
export function parseReceipt(input: string | Uint8Array): Receipt {
  if (input.length > MAX_RECEIPT_BYTES) throw malformed(`larger than ${MAX_RECEIPT_BYTES} bytes`)
  const value = parseJson(input)
  if (!isJsonObject(value)) throw malformed('not an object')
  const { type, statement, proof, anchors } = value
  if (type !== TYPE) {
    if (typeof type === 'string' && /^openseal\/receipt@v[1-9][0-9]*$/.test(type)) {
      throw new ReceiptError('RECEIPT_UNSUPPORTED', `a receipt of type ${type} needs a newer verifier`)
    }
    throw malformed(`its type is not ${TYPE}`)
  }
  if (statement === undefined) throw malformed('the statement is missing')
  if (typeof proof !== 'string') throw malformed('the proof is missing')
  if (!Array.isArray(anchors)) throw malformed('the anchors are missing')
  return { type, statement, proof, anchors: anchors.flatMap(readHint) }
}

/** The receipt's text from a canonical salted statement: JSON in one line, without its newline. Throws what formatTlogProof throws. */
export function formatReceipt(receipt: { statementText: string; proof: TlogProof; anchors: readonly AnchorHint[] }): string {
  const { statementText, proof, anchors } = receipt
  return `{"type":"${TYPE}","statement":${statementText},"proof":${quoteTlogProof(proof)},"anchors":${JSON.stringify(anchors)}}`
}

/** The index that a receipt is about. Throws TlogProofError. */
export function receiptIndex(receipt: Receipt): number {
  return parseTlogProof(receipt.proof).index
}

/** Whether two receipts are of the same statement at the same index: then either may take the other's place. */
export function isSameRecord(a: Receipt, b: Receipt): boolean {
  return receiptIndex(a) === receiptIndex(b) && canonicalJson(a.statement) === canonicalJson(b.statement)
}

function readHint(value: Json): AnchorHint[] {
  if (!isJsonObject(value) || typeof value.type !== 'string') throw malformed('an anchor without a type')
  // Under another type, only what is shaped otherwise is of another kind; the rest is an anchor with a damaged type.
  if (value.type !== 'evm' && value.logId === undefined) return []
  if (value.type !== 'evm') throw malformed(`an anchor of the unknown type ${JSON.stringify(value.type)}`)
  const { type, chainId, contract, logId, size, transaction, block } = value
  if (!isCount(chainId) || !isCount(size) || typeof contract !== 'string' || typeof logId !== 'string') {
    throw malformed('an anchor needs chainId, contract, logId and size')
  }
  if (transaction !== undefined && typeof transaction !== 'string') throw malformed('the transaction of an anchor is not a string')
  if ((transaction === undefined) !== (block === undefined)) throw malformed('the transaction and the block of an anchor belong together')
  return [{ type, chainId, contract, logId, size, ...(transaction === undefined ? {} : { transaction }), ...readBlock(block) }]
}

function readBlock(block: Json | undefined): { block?: NonNullable<AnchorHint['block']> } {
  if (block === undefined) return {}
  if (!isJsonObject(block)) throw malformed('the block of an anchor is not an object')
  const { number, hash, time } = block
  if (!isCount(number) || typeof hash !== 'string' || typeof time !== 'string')
    throw malformed('the block of an anchor needs number, hash and time')
  return { block: { number, hash, time } }
}

function isCount(value: Json | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function malformed(what: string): ReceiptError {
  return new ReceiptError('RECEIPT_MALFORMED', `the receipt cannot be read: ${what}`)
}

/** RECEIPT_MALFORMED or RECEIPT_UNSUPPORTED. */
export class ReceiptError extends OpenSealError {}

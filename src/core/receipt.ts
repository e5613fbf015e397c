/**
 * The receipt: everything that the holder of a file needs besides the policy and the chain. Design
 * §3.3.
 */

import { readBase64 } from './bytes.ts'
import { decodeText, isLonger, mostBytes } from './encoding.ts'
import { OpenSealError } from './errors.ts'
import { canonicalJson, isJsonObject, type Json, parseJson } from './json.ts'
import { MAX_TOKEN_BYTES } from './timestamp/token.ts'
import { parseTlogProof, type QuotedNote, quoteNote, quoteTlogProof, type TlogProof } from './tlog/tlog-proof.ts'

/** What a receipt says about who vouches for its checkpoint. */
export type ReceiptAnchor = AnchorHint | ReceiptToken

/** Where people can look for the anchor. This is not evidence; only the contract's answer is. */
export type AnchorHint = {
  readonly type: 'evm'
  readonly chainId: number
  readonly contract: string
  readonly logId: string
  readonly size: number
  readonly transaction?: string
  readonly block?: { readonly number: number; readonly hash: string; readonly time: string }
}

/** An RFC 3161 time stamp of the checkpoint: the base64 of its DER TimeStampToken. */
export type ReceiptToken = { readonly type: 'rfc3161'; readonly size: number; readonly token: string }

/**
 * A parsed receipt. The statement stays unparsed, because the verifier checks it under its own
 * name.
 */
export type Receipt = {
  readonly type: 'openseal/receipt@v1'
  readonly statement: Json
  readonly proof: string
  readonly anchors: readonly ReceiptAnchor[]
}

const TYPE = 'openseal/receipt@v1'
export const MAX_RECEIPT_BYTES = 1024 * 1024
const MAX_PROOF_BYTES = 64 * 1024
const MAX_ANCHORS = 64

/**
 * Parses a receipt strictly. Unknown members are dropped. So are anchors that are malformed, too
 * large, of an unknown type, or of another size than the proof: a bad anchor never makes a receipt
 * invalid. Throws ReceiptError, JsonError or EncodingError.
 */
export function parseReceipt(input: string | Uint8Array): Receipt {
  const tooLarge = () => malformed(`larger than ${MAX_RECEIPT_BYTES} bytes`)
  if (input.length > mostBytes(MAX_RECEIPT_BYTES)) throw tooLarge()
  const text = decodeText(input)
  if (isLonger(text, MAX_RECEIPT_BYTES)) throw tooLarge()
  const value = parseJson(text)
  if (!isJsonObject(value)) throw malformed('not an object')
  const { type, statement, proof, anchors } = value
  if (type !== TYPE) {
    if (typeof type === 'string' && /^openseal\/receipt@v[1-9][0-9]*$/.test(type)) {
      throw new ReceiptError('RECEIPT_UNSUPPORTED', `receipts of type ${type} need a newer verifier`)
    }
    throw malformed(`its type is not ${TYPE}`)
  }
  if (statement === undefined) throw malformed('the statement is missing')
  if (typeof proof !== 'string') throw malformed('the proof is missing')
  if (isLonger(proof, MAX_PROOF_BYTES)) throw malformed(`the proof is larger than ${MAX_PROOF_BYTES} bytes`)
  if (!Array.isArray(anchors)) throw malformed('the anchors are missing')
  if (anchors.length > MAX_ANCHORS) throw malformed(`there are more than ${MAX_ANCHORS} anchors`)
  const size = claimedSize(proof)
  return { type, statement, proof, anchors: anchors.flatMap(readAnchor).filter(anchor => anchor.size === size) }
}

/**
 * The receipt's text from a canonical salted statement: one line of JSON, without a newline. Throws
 * what formatTlogProof throws.
 */
export function formatReceipt(
  receipt: { statementText: string; proof: TlogProof; anchors: readonly ReceiptAnchor[] },
  note: QuotedNote = quoteNote(receipt.proof.note),
): string {
  const { statementText, proof, anchors } = receipt
  return `{"type":"${TYPE}","statement":${statementText},"proof":${quoteTlogProof(proof, note)},"anchors":${JSON.stringify(anchors)}}`
}

/** The index of the receipt's entry. Throws TlogProofError. */
export function receiptIndex(receipt: Receipt): number {
  return parseTlogProof(receipt.proof).index
}

/**
 * Whether both receipts are for the same statement at the same index, so that one can replace the
 * other.
 */
export function isSameRecord(a: Receipt, b: Receipt): boolean {
  return receiptIndex(a) === receiptIndex(b) && canonicalJson(a.statement) === canonicalJson(b.statement)
}

/** The tree size that the proof's checkpoint claims, unverified; NaN if it claims none. */
function claimedSize(proof: string): number {
  const [, size = ''] = proof.slice(proof.indexOf('\n\n') + 2).split('\n', 2)
  return size === '' ? Number.NaN : Number(size)
}

function readAnchor(value: Json): ReceiptAnchor[] {
  if (!isJsonObject(value)) return []
  return value.type === 'evm' ? readHint(value) : value.type === 'rfc3161' ? readToken(value) : []
}

function readToken({ size, token }: { readonly [member: string]: Json }): ReceiptToken[] {
  if (!isCount(size) || typeof token !== 'string' || token.length > Math.ceil(MAX_TOKEN_BYTES / 3) * 4) return []
  const bytes = readBase64(token)
  return bytes !== undefined && bytes.length <= MAX_TOKEN_BYTES ? [{ type: 'rfc3161', size, token }] : []
}

function readHint(value: { readonly [member: string]: Json }): AnchorHint[] {
  const { chainId, contract, logId, size, transaction, block } = value
  if (!isCount(chainId) || !isCount(size) || typeof contract !== 'string' || typeof logId !== 'string') return []
  const hint = { type: 'evm', chainId, contract, logId, size } as const
  if (transaction === undefined && block === undefined) return [hint]
  const read = readBlock(block)
  return typeof transaction === 'string' && read !== undefined ? [{ ...hint, transaction, block: read }] : []
}

function readBlock(value: Json | undefined): AnchorHint['block'] {
  if (!isJsonObject(value)) return undefined
  const { number, hash, time } = value
  return isCount(number) && typeof hash === 'string' && typeof time === 'string' ? { number, hash, time } : undefined
}

function isCount(value: Json | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function malformed(what: string): ReceiptError {
  return new ReceiptError('RECEIPT_MALFORMED', `the receipt cannot be read: ${what}`)
}

/** RECEIPT_MALFORMED or RECEIPT_UNSUPPORTED. */
export class ReceiptError extends OpenSealError {}

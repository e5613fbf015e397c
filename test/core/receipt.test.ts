/** Receipts, as text. */

import { deepEqual, equal, throws } from 'node:assert/strict'
import { formatCheckpoint } from '../../src/core/checkpoint.ts'
import { createSigner, signNote } from '../../src/core/note.ts'
import { type AnchorHint, formatReceipt, isSameRecord, parseReceipt, receiptIndex } from '../../src/core/receipt.ts'
import { canonicalStatement } from '../../src/core/statement.ts'
import { formatTlogProof, type TlogProof } from '../../src/core/tlog-proof.ts'
import { FULL } from './statements.ts'

const HINT: AnchorHint = {
  type: 'evm',
  chainId: 1,
  contract: '0x01',
  logId: '0x02',
  size: 7,
  transaction: '0x03',
  block: { number: 5, hash: '0x04', time: '2026-11-23T10:00:00Z' },
}
const signer = createSigner('log.example', new Uint8Array(32).fill(1))
const note = signNote(formatCheckpoint({ origin: 'log.example', size: 8, root: new Uint8Array(32) }), signer)
const PROOF: TlogProof = { index: 7, proof: [new Uint8Array(32).fill(255)], note }
const RECEIPT = { type: 'openseal/receipt@v1', statement: FULL, proof: formatTlogProof(PROOF), anchors: [HINT] }
const parse = (change: object) => parseReceipt(JSON.stringify({ ...RECEIPT, ...change }))

describe('core/receipt', () => {
  it('is one line of JSON that reads back', () => {
    const text = formatReceipt({ statementText: canonicalStatement(FULL), proof: PROOF, anchors: [HINT] })
    equal(text.includes('\n'), false)
    deepEqual(parseReceipt(text), RECEIPT)
    deepEqual(parseReceipt(new TextEncoder().encode(text)), RECEIPT)
    deepEqual(parseReceipt(JSON.stringify(RECEIPT, null, 4)), RECEIPT)
  })

  it('ignores members and anchor types that it does not know', () => {
    const anchors = [
      { type: 'rfc3161', token: 'x' },
      { ...HINT, memo: 'x' },
    ]
    deepEqual(parse({ extra: { a: 1 }, anchors }), RECEIPT)
  })

  it('takes an anchor without the hints for people', () => {
    const { transaction: _, block: __, ...bare } = HINT
    deepEqual(parse({ anchors: [bare] }).anchors, [bare])
    deepEqual(parse({ anchors: [] }).anchors, [])
  })

  it('takes the first block of a chain, and a whole megabyte', () => {
    const first = { ...HINT, size: 0, block: { ...HINT.block!, number: 0 } }
    deepEqual(parse({ anchors: [first] }).anchors, [first])
    const room = 2 ** 20 - JSON.stringify({ ...RECEIPT, extra: '' }).length
    deepEqual(parse({ extra: 'x'.repeat(room) }), RECEIPT)
    throws(() => parse({ extra: 'x'.repeat(room + 1) }), { code: 'RECEIPT_MALFORMED' })
  })

  for (const [what, change] of [
    ['a type that only ends like a later one', { type: 'my openseal/receipt@v2' }],
    ['a type that only begins like a later one', { type: 'openseal/receipt@v2b' }],
    ['a log on a chain without its chain', { anchors: [{ ...HINT, chainId: undefined }] }],
    ['a log on a chain without its id', { anchors: [{ ...HINT, logId: undefined }] }],
    ['a log on a chain without its contract', { anchors: [{ ...HINT, contract: undefined }] }],
    ['a block without a number', { anchors: [{ ...HINT, block: { ...HINT.block!, number: undefined } }] }],
    ['a block without a hash', { anchors: [{ ...HINT, block: { ...HINT.block!, hash: undefined } }] }],
    ['another type', { type: 'openseal/statement@v1' }],
    ['no type', { type: undefined }],
    ['no statement', { statement: undefined }],
    ['no proof', { proof: undefined }],
    ['a proof that is no text', { proof: { index: 1 } }],
    ['no anchors', { anchors: undefined }],
    ['anchors that are no list', { anchors: {} }],
    ['an anchor that is no object', { anchors: ['evm'] }],
    ['an anchor without a type', { anchors: [{ chainId: 1 }] }],
    ['an anchor without a size', { anchors: [{ ...HINT, size: undefined }] }],
    ['an anchor of a broken size', { anchors: [{ ...HINT, size: 1.5 }] }],
    ['a transaction that is no text', { anchors: [{ ...HINT, transaction: 1 }] }],
    ['a transaction without its block', { anchors: [{ ...HINT, block: undefined }] }],
    ['a block without its transaction', { anchors: [{ ...HINT, transaction: undefined }] }],
    ['an anchor whose type alone is damaged', { anchors: [{ ...HINT, type: 'evn' }] }],
    ['a block that is no object', { anchors: [{ ...HINT, block: 5 }] }],
    ['a block without a time', { anchors: [{ ...HINT, block: { number: 5, hash: '0x04' } }] }],
    ['more than a megabyte', { extra: 'x'.repeat(2 ** 20) }],
  ] as const) {
    it(`refuses ${what}`, () => throws(() => parse(change), { code: 'RECEIPT_MALFORMED' }))
  }

  it('is of the same record as another by its index and its statement, whatever else is in it', () => {
    const note = `a.example/log\n9\n${'A'.repeat(43)}=\n\n— a.example/log ${Buffer.alloc(68).toString('base64')}\n`
    const at = (index: number, change: object = {}) => parse({ proof: formatTlogProof({ index, proof: [], note }), ...change })
    deepEqual(
      [0, 3].map(index => receiptIndex(at(index))),
      [0, 3],
    )
    equal(isSameRecord(at(3), at(3, { anchors: [] })), true)
    equal(isSameRecord(at(3), at(4)), false)
    equal(isSameRecord(at(3), at(3, { statement: { ...FULL, title: 'x' } })), false)
  })

  it('refuses what is no object, and JSON that the strict reader refuses', () => {
    throws(() => parseReceipt('[]'), { code: 'RECEIPT_MALFORMED' })
    throws(() => parseReceipt('{"proof":"a","proof":"b"}'), { code: 'JSON_DUPLICATE_KEY' })
    throws(() => parse({ extra: null }), { code: 'JSON_NULL' })
    throws(() => parseReceipt('receipt'), { code: 'JSON_MALFORMED' })
  })

  it('calls a later version unsupported', () => throws(() => parse({ type: 'openseal/receipt@v2' }), { code: 'RECEIPT_UNSUPPORTED' }))
})

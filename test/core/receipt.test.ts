/** Receipts, as text. */

import { deepEqual, equal, throws } from 'node:assert/strict'
import { type AnchorHint, formatReceipt, isSameRecord, parseReceipt, receiptIndex } from '../../src/core/receipt.ts'
import { canonicalStatement } from '../../src/core/statements/statement.ts'
import { formatCheckpoint } from '../../src/core/tlog/checkpoint.ts'
import { createSigner, signNote } from '../../src/core/tlog/note.ts'
import { formatTlogProof, type TlogProof } from '../../src/core/tlog/tlog-proof.ts'
import { savedAs } from './saved-as.ts'
import { FULL } from './statements/statements.ts'

const HINT: AnchorHint = {
  type: 'evm',
  chainId: 1,
  contract: '0x01',
  logId: '0x02',
  size: 8,
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
      { type: 'opentimestamps', size: 8, token: 'x' },
      { ...HINT, memo: 'x' },
    ]
    deepEqual(parse({ extra: { a: 1 }, anchors }), RECEIPT)
  })

  it('takes a time stamp of at most 16 KiB in canonical base64', () => {
    const stamp = (token: unknown, change: object = {}) => ({ type: 'rfc3161', size: 8, token, ...change })
    const largest = stamp(Buffer.alloc(16 * 1024).toString('base64'))
    const text = formatReceipt({
      statementText: canonicalStatement(FULL),
      proof: PROOF,
      anchors: [HINT, { type: 'rfc3161', size: 8, token: 'MAA=' }],
    })
    deepEqual(parseReceipt(text).anchors, [HINT, stamp('MAA=')])
    deepEqual(parse({ anchors: [largest, stamp('MAA=', { memo: 'x' })] }).anchors, [largest, stamp('MAA=')])
    const wrong = [
      stamp(Buffer.alloc(16 * 1024 + 1).toString('base64')),
      stamp(`${'A'.repeat(4 * Math.ceil((16 * 1024) / 3))}AAAA`),
      stamp('MAB='),
      stamp('MAA'),
      stamp('MAA=\n'),
      stamp('MA_='),
      stamp(7),
      stamp(undefined),
      stamp('MAA=', { size: 7 }),
      stamp('MAA=', { size: '8' }),
    ]
    for (const each of wrong) deepEqual(parse({ anchors: [each, HINT] }).anchors, [HINT], JSON.stringify(each).slice(0, 100))
  })

  it('takes an anchor without the hints for people', () => {
    const { transaction: _, block: __, ...bare } = HINT
    deepEqual(parse({ anchors: [bare] }).anchors, [bare])
    deepEqual(parse({ anchors: [] }).anchors, [])
  })

  it('takes the first block of a chain, and a whole megabyte', () => {
    const first = { ...HINT, block: { ...HINT.block!, number: 0 } }
    deepEqual(parse({ anchors: [first] }).anchors, [first])
    const room = 2 ** 20 - Buffer.byteLength(JSON.stringify({ ...RECEIPT, extra: '' }))
    deepEqual(parse({ extra: 'x'.repeat(room) }), RECEIPT)
    throws(() => parse({ extra: 'x'.repeat(room + 1) }), { code: 'RECEIPT_MALFORMED' })
    throws(() => parse({ extra: 'я'.repeat(Math.ceil(room / 2) + 1) }), { code: 'RECEIPT_MALFORMED' })
  })

  for (const [what, anchor] of [
    ['of another size than the proof', { ...HINT, size: 7 }],
    ['of another type that looks like a chain', { ...HINT, type: 'evn' }],
    ['that is no object', 'evm'],
    ['without a type', { chainId: 1 }],
    ['without its chain', { ...HINT, chainId: undefined }],
    ['without the log’s id', { ...HINT, logId: undefined }],
    ['without its contract', { ...HINT, contract: undefined }],
    ['without a size', { ...HINT, size: undefined }],
    ['of a broken size', { ...HINT, size: 8.5 }],
    ['whose transaction is no text', { ...HINT, transaction: 1 }],
    ['with a transaction and no block', { ...HINT, block: undefined }],
    ['with a block and no transaction', { ...HINT, transaction: undefined }],
    ['whose block is no object', { ...HINT, block: 5 }],
    ['whose block has no number', { ...HINT, block: { ...HINT.block!, number: undefined } }],
    ['whose block has no hash', { ...HINT, block: { ...HINT.block!, hash: undefined } }],
    ['whose block has no time', { ...HINT, block: { number: 5, hash: '0x04' } }],
  ] as const) {
    it(`passes over an anchor ${what}, because anchors are hints`, () => deepEqual(parse({ anchors: [anchor, HINT] }).anchors, [HINT]))
  }

  it('reads what was saved with a byte order mark or in UTF-16', () => {
    const text = JSON.stringify(RECEIPT)
    for (const bytes of Object.values(savedAs(text))) deepEqual(parseReceipt(bytes), RECEIPT)
    deepEqual(parseReceipt(`\ufeff${text}`), RECEIPT)
    throws(() => parseReceipt(Uint8Array.of(0xff, 0xfe, 0x00, 0xd8)), { code: 'TEXT_NOT_UTF8' })
  })

  for (const [what, change] of [
    ['a type that only ends like a later one', { type: 'my openseal/receipt@v2' }],
    ['a type that only begins like a later one', { type: 'openseal/receipt@v2b' }],
    ['another type', { type: 'openseal/statement@v1' }],
    ['no type', { type: undefined }],
    ['no statement', { statement: undefined }],
    ['no proof', { proof: undefined }],
    ['a proof that is no text', { proof: { index: 1 } }],
    ['no anchors', { anchors: undefined }],
    ['anchors that are no list', { anchors: {} }],
    ['more than 64 anchors', { anchors: Array(65).fill(HINT) }],
    ['a proof of more than 64 KiB', { proof: `${RECEIPT.proof}${'x'.repeat(2 ** 16)}` }],
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

  it('refuses anything but an object, and JSON that the strict reader refuses', () => {
    throws(() => parseReceipt('[]'), { code: 'RECEIPT_MALFORMED' })
    throws(() => parseReceipt('{"proof":"a","proof":"b"}'), { code: 'JSON_DUPLICATE_KEY' })
    throws(() => parse({ extra: null }), { code: 'JSON_NULL' })
    throws(() => parseReceipt('receipt'), { code: 'JSON_MALFORMED' })
  })

  it('calls a later version unsupported', () => throws(() => parse({ type: 'openseal/receipt@v2' }), { code: 'RECEIPT_UNSUPPORTED' }))
})

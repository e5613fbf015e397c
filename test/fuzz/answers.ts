/** What others answer to a verifier, as targets: ledgers, endpoints of chains, and receipts that introduce a key. */
import { equal, ok } from 'node:assert/strict'
import fc from 'fast-check'
import { toHex } from '../../src/core/bytes.ts'
import { createSigner, formatVkey } from '../../src/core/tlog/note.ts'
import { createLedgerReader } from '../../src/verifier/app/ledger-reader.ts'
import { createJsonRpcReader, extendPolicy } from '../../src/verifier/index.ts'
import { chainWith, createWorld, GENESIS, LOG, ORIGIN, policyWith, STATEMENT } from '../verifier/world.ts'
import { mutated } from './mutate.ts'
import { parser, type Target } from './target.ts'

const RECEIPT = await createWorld([GENESIS, STATEMENT]).receipt(1)
const LISTS = ['{"records":[{"index":1,"agency":"a.example","record":"b"},{"index":2}],"cursor":"1"}', '{"records":[]}', RECEIPT]
const RESULTS = ['"0x1"', '"0x7a69"', '"0x"', '"0x6001"', `"0x${'00'.repeat(31)}07"`].map(
  result => `{"jsonrpc":"2.0","id":1,"result":${result}}`,
)
const ERROR = '{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"no"}}'
const NEW_KEY = formatVkey(createSigner(ORIGIN, new Uint8Array(32).fill(9)).vkey)
const CHANGED = createWorld([
  GENESIS,
  {
    type: 'openseal/key@v1',
    origin: ORIGIN,
    oldKey: formatVkey(LOG.vkey),
    newKey: NEW_KEY,
    fromSize: 3,
    created: '2026-11-01T00:00:00Z',
    salt: 'A'.repeat(43),
  },
])
const CHANGE = await CHANGED.receipt(1)

/** One answer to whatever is asked. */
const answering =
  (bytes: Uint8Array): typeof fetch =>
  async () =>
    new Response(Uint8Array.from(bytes))

/** The targets. */
export const ANSWERS: readonly Target[] = [
  parser(
    'verifier/json-rpc',
    fc.tuple(mutated([...RESULTS, ERROR]), fc.constantFrom('chainId', 'blockNumber', 'anchoredAt', 'codeSha256', 'lastGoodSize')),
    ([bytes, question]): Promise<string | number> => {
      const reader = createJsonRpcReader({ url: 'http://chain.example', fetch: answering(bytes), timeoutMs: 60_000 })
      if (question === 'codeSha256') return reader.codeSha256(`0x${'00'.repeat(20)}`)
      const log = { contract: `0x${'00'.repeat(20)}`, logId: `0x${'00'.repeat(32)}` }
      if (question === 'lastGoodSize') return reader.lastGoodSize({ ...log, block: 'finalized' }).then(size => size ?? 0)
      if (question !== 'anchoredAt') return reader[question]()
      return reader.anchoredAt({ ...log, size: 1, root: new Uint8Array(32), block: 'latest' })
    },
    value => ok(typeof value === 'string' ? /^[0-9a-f]{64}$/.test(value) : Number.isSafeInteger(value) && value >= 0, String(value)),
  ),
  parser(
    'verifier/ledger-reader',
    mutated(LISTS),
    bytes =>
      createLedgerReader({ url: '', origin: ORIGIN, fetch: answering(bytes), timeoutMs: 60_000 }).findReceipts([toHex(new Uint8Array(32))]),
    receipts => ok(receipts.every(text => typeof text === 'string') && receipts.length <= 8),
  ),
  // No damage to a change of keys introduces another key.
  parser(
    'verifier/extend',
    mutated([CHANGE, RECEIPT]),
    bytes => extendPolicy(policyWith(), [new TextDecoder().decode(bytes)], [chainWith(CHANGED)]),
    ({ logKeys }) => equal(logKeys.map(({ vkey }) => vkey).join(), [formatVkey(LOG.vkey), NEW_KEY].join()),
  ),
]

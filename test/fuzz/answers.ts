/**
 * Answers to a verifier, as targets: from ledgers, endpoints of chains, and receipts that introduce
 * a key.
 */
import { equal, ok } from 'node:assert/strict'
import fc from 'fast-check'
import { toHex } from '../../src/core/bytes.ts'
import { createSigner, formatVkey } from '../../src/core/tlog/note.ts'
import { createLedgerReader } from '../../src/verifier/app/ledger-reader.ts'
import { createJsonRpcReader, digestsOf, extendPolicy, verify } from '../../src/verifier/index.ts'
import { chainWith, createWorld, FILE, GENESIS, LOG, ORIGIN, policyWith, STATEMENT, WITHDRAWAL } from '../verifier/world.ts'
import { mutated } from './mutate.ts'
import { parser, type Target, target } from './target.ts'

const RECEIPT = await createWorld([GENESIS, STATEMENT]).receipt(1)
/** The file that is looked up, and what a ledger may answer for the digits of its hash. */
const HASH = toHex(new Uint8Array(32).fill(0xab))
const DIGESTS = [
  `{"prefix":"aba","digests":[{"digest":"${HASH.slice(0, 63)}0","indexes":[4]},{"digest":"${HASH}","indexes":[1,2]}]}`,
  `{"prefix":"aba","digests":[{"digest":"aba${'0'.repeat(61)}","indexes":[1],"more":true}],"truncated":true}`,
  '{"prefix":"aba","digests":[]}',
]
/** A statement that was withdrawn, and what a ledger may list of its record. */
const WITHDRAWN = createWorld([GENESIS, STATEMENT, WITHDRAWAL])
const WITHDRAWN_RECEIPTS = (await Promise.all([0, 1, 2].map(index => WITHDRAWN.receipt(index)))).map(text => () => new Response(text))
const VERSIONS = [
  '{"records":[{"index":2},{"index":1}]}',
  '{"records":[{"index":1}]}',
  '{"records":[{"index":2}],"cursor":"2"}',
  '{"records":[]}',
]
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

/** One answer to every question. */
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
  // Whichever answer a ledger gives to the first digits of a hash, it learns at most eight, and
  // is asked for few receipts.
  parser(
    'verifier/ledger-reader of digests',
    mutated(DIGESTS),
    async bytes => {
      const asked: string[] = []
      const ask: typeof fetch = async input => {
        asked.push(String(input))
        if (input === '/v1/status') return Response.json({ origin: ORIGIN })
        return String(input).startsWith('/v1/digests/') ? answering(bytes)(input) : new Response(RECEIPT)
      }
      const reader = createLedgerReader({ url: '', origin: ORIGIN, fetch: ask, timeoutMs: 60_000 })
      const found = await reader.findReceipts([HASH]).finally(() => {
        const digits = asked.flatMap(path => path.match(/^\/v1\/digests\/(.*)$/)?.[1] ?? [])
        ok(digits.length > 0 && digits.every((prefix, at) => prefix === HASH.slice(0, 3 + at) && prefix.length <= 8), asked.join())
        const receipts = asked.filter(path => /^\/v1\/records\/-?\d+\/receipt$/.test(path))
        const status = asked.filter(path => path === '/v1/status')
        ok(receipts.length + digits.length + status.length === asked.length && receipts.length <= 32 && status.length <= 1, asked.join())
      })
      return { found, text: new TextDecoder().decode(bytes) }
    },
    // A receipt is found by an answer that lists the hash, and by no other.
    ({ found, text }) => ok(found.length <= 8 && (found.length === 0 || text.includes(HASH)), text),
  ),
  // Green only where the list names the entry itself, and nothing that could have changed it.
  target('verifier/ledger-reader of versions', mutated(VERSIONS), async bytes => {
    const answers: { readonly [path: string]: () => Response } = {
      '/v1/status': () => Response.json({ origin: ORIGIN }),
      '/checkpoint': () => new Response(WITHDRAWN.checkpoint),
    }
    const ask: typeof fetch = async input => {
      const path = String(input)
      const [, index] = /^\/v1\/records\/(\d+)\/receipt$/.exec(path) ?? []
      if (index !== undefined) return WITHDRAWN_RECEIPTS[Number(index)]?.() ?? new Response('', { status: 404 })
      return answers[path]?.() ?? answering(bytes)(input)
    }
    const { currency } = createLedgerReader({ url: '', origin: ORIGIN, fetch: ask, timeoutMs: 60_000 })
    const receipt = await WITHDRAWN.receipt(1)
    const { isGreen } = await verify({
      file: digestsOf(FILE),
      receipt,
      policy: policyWith(),
      chain: [chainWith(WITHDRAWN)],
      currency,
      trust: 'policy',
    })
    if (!isGreen) return false
    const { records, cursor = null } = JSON.parse(new TextDecoder().decode(bytes))
    const indexes = records.map((entry: { index: number }) => entry.index)
    ok(cursor === null && indexes.includes(1) && indexes.every((index: number) => index < 2), new TextDecoder().decode(bytes))
    return true
  }),
  // No damage to a change of keys introduces another key.
  parser(
    'verifier/extend',
    mutated([CHANGE, RECEIPT]),
    bytes => extendPolicy(policyWith(), [new TextDecoder().decode(bytes)], [chainWith(CHANGED)]),
    ({ logKeys }) => equal(logKeys.map(({ vkey }) => vkey).join(), [formatVkey(LOG.vkey), NEW_KEY].join()),
  ),
]

/**
 * Input from strangers, without HTTP around it: forms with files and receipts, and the lines of a
 * stream.
 */
import { deepEqual, equal, ok } from 'node:assert/strict'
import { Readable } from 'node:stream'
import fc from 'fast-check'
import { createLineSplitter } from '../../src/http/ndjson.ts'
import { speak } from '../../src/messages/language.ts'
import { renderPage } from '../../src/web/layout.ts'
import { verifiedPage } from '../../src/web/pages/verify.ts'
import type { CheckLedger } from '../../src/web/questions.ts'
import { checkUpload } from '../../src/web/server-verify.ts'
import { readUpload } from '../../src/web/upload.ts'
import { chainWith, createWorld, FILE, GENESIS, policyWith, STATEMENT } from '../verifier/world.ts'
import { mutated } from './mutate.ts'
import { parser, type Target, target } from './target.ts'

const SCRIPT = '<script>alert(1)</script>'
const WORLD = createWorld([GENESIS, STATEMENT])
const RECEIPT = await WORLD.receipt(1, {})
const POLICY = policyWith()

const part = (name: string, fileName: string | undefined, text: string) =>
  `--x\r\nContent-Disposition: form-data; name="${name}"${fileName === undefined ? '' : `; filename="${fileName}"`}\r\n\r\n${text}\r\n`
const FORMS = [
  [part('files', 'a.txt', new TextDecoder().decode(FILE)), part('files', 'a.txt.receipt.json', RECEIPT)],
  [part('files', `${SCRIPT}.receipts.ndjson`, `${RECEIPT}\n${RECEIPT}\n`), part('files', 'p.json', JSON.stringify(POLICY))],
  [part('files', 'p.json', JSON.stringify({ releases: [{ ocid: 'a', id: SCRIPT }] })), part('pasted', undefined, 'a'.repeat(64))],
  [part('files', '', ''), part('pasted', undefined, RECEIPT)],
].map(parts => `${parts.join('')}--x--\r\n`)

/** A ledger that holds nothing. */
const EMPTY: CheckLedger = {
  head: async () => ({ size: 0, note: '' }),
  statement: async () => undefined,
  receipt: async () => RECEIPT,
  findByDigest: async () => [],
  listByDigest: async () => [],
  listByRecord: async () => [],
  erasureStates: async () => [],
}

/** The targets. */
export const FORM_TARGETS: readonly Target[] = [
  parser(
    'web/upload',
    fc.tuple(mutated(FORMS), fc.constantFrom('multipart/form-data; boundary=x', 'multipart/form-data', 'text/plain')),
    async ([body, type]) =>
      checkUpload(speak('en'), await readUpload({ 'content-type': type }, Readable.from([body])), {
        policy: POLICY,
        chain: [chainWith(WORLD)],
        ledger: EMPTY,
      }),
    answer => {
      const page = renderPage({ say: speak('en'), base: '', path: '/verify' }, verifiedPage({ ...FRAME, say: speak('en') }, answer))
      ok(!page.includes(SCRIPT), 'markup of others')
    },
  ),
  // However a request is cut into pieces, the same lines come out, and none that is longer than it
  // may be.
  target(
    'http/ndjson',
    fc.tuple(mutated(['{"a":1}\n{"b":2}\n', '\n\n \r\n{}', `${'x'.repeat(60)}\n{}\n`]), fc.array(fc.nat(30), { maxLength: 8 })),
    ([bytes, cuts]) => {
      const whole = linesOf(bytes, [])
      deepEqual(linesOf(bytes, cuts), whole)
      for (const { text } of whole) ok(text === undefined || text.length <= MAX_LINE)
      equal(new Set(whole.map(({ number }) => number)).size, whole.length)
      return whole.some(({ text }) => text === undefined)
    },
  ),
]

const FRAME = {
  base: '',
  path: '/verify',
  origin: 'openseal.test/fuzz',
  styleHref: '',
  banners: { testNetwork: false, stopped: false, notAccepting: false },
}
const MAX_LINE = 50

function linesOf(bytes: Uint8Array, cuts: readonly number[]) {
  const splitter = createLineSplitter(MAX_LINE)
  const found = []
  let at = 0
  for (const length of [...cuts, bytes.length]) {
    found.push(...splitter.push(Buffer.from(bytes.subarray(at, at + length))))
    at = Math.min(bytes.length, at + length)
  }
  found.push(...splitter.end())
  return found.map(({ number, bytes }) => ({ number, text: bytes && Buffer.from(bytes).toString('latin1') }))
}

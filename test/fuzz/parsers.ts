/** Every parser of core, the verifier, the audit and time stamps as a target. */
import { deepEqual, equal, notEqual, ok } from 'node:assert/strict'
import { TextReader, Uint8ArrayWriter, ZipWriter } from '@zip.js/zip.js'
import fc from 'fast-check'
import { checkEvidence, evidenceFiles } from '../../src/audit/evidence.ts'
import { readStatements } from '../../src/audit/served-statements.ts'
import { fromBase64, fromBase64Url, fromHex, fromUtf8, toBase64, toBase64Url, toHex, toUtf8 } from '../../src/core/bytes.ts'
import { decodeText, isLonger } from '../../src/core/encoding.ts'
import { hashLeaf } from '../../src/core/hash.ts'
import { canonicalJson, type Json, parseJson } from '../../src/core/json.ts'
import { formatPolicy, parsePolicy } from '../../src/core/policy.ts'
import { parseReceipt } from '../../src/core/receipt.ts'
import { decodeEntry, encodeEntry } from '../../src/core/statements/entry.ts'
import { canonicalForm, parseAnyStatement } from '../../src/core/statements/registry.ts'
import { formatTime, isTime } from '../../src/core/time.ts'
import { formatAddCheckpoint, parseAddCheckpoint } from '../../src/core/tlog/add-checkpoint.ts'
import { formatCheckpoint, parseCheckpoint } from '../../src/core/tlog/checkpoint.ts'
import { cosign, formatVkey, parseNote, parseVkey, signNote, verifyCosignatures, verifyNote } from '../../src/core/tlog/note.ts'
import {
  decodeBundle,
  decodeTile,
  encodeBundle,
  encodeTile,
  formatBundlePath,
  formatTilePath,
  parseTilePath,
} from '../../src/core/tlog/tile.ts'
import { formatTlogProof, parseTlogProof } from '../../src/core/tlog/tlog-proof.ts'
import { digestsOf } from '../../src/documents/digest.ts'
import { createScanner } from '../../src/documents/ocds/scan.ts'
import { OWN_DEVICE, readArchive } from '../../src/verifier/app/archive.ts'
import { createFileReader } from '../../src/verifier/app/file-reader.ts'
import { recognize } from '../../src/verifier/app/given.ts'
import { readPasted } from '../../src/verifier/app/pasted.ts'
import { VERDICTS } from '../../src/verifier/verdict.ts'
import { verify } from '../../src/verifier/verify.ts'
import { savedAs } from '../core/saved-as.ts'
import { FULL } from '../core/statements/statements.ts'
import {
  AMENDMENT,
  chainWith,
  createWorld,
  FILE,
  GENESIS,
  hintOf,
  LOG,
  ORIGIN,
  policyWith,
  STATEMENT,
  WITHDRAWAL,
  WITNESSES,
} from '../verifier/world.ts'
import { ANSWERS } from './answers.ts'
import { mutated, mutatedText } from './mutate.ts'
import { STAMPS } from './stamps.ts'
import { parser, type Target, target } from './target.ts'

/** The content of each file of the archives. */
const ZIPPED = '{"type":"openseal/receipt@v1"}'
const TOMBSTONE = { type: 'openseal/erasure@v1', index: 1, reason: { code: 'legal' }, by: 'operator', salt: 'A'.repeat(43) } as const
const STATEMENTS = [GENESIS, STATEMENT, AMENDMENT, WITHDRAWAL, FULL, TOMBSTONE].map(canonicalForm)
const WORLD = createWorld([GENESIS, STATEMENT, AMENDMENT, WITHDRAWAL])
const RECEIPTS = await Promise.all([0, 1, 3].map(index => WORLD.receipt(index, { hints: [hintOf(WORLD)], witnesses: WITNESSES })))
const CHECKPOINTS = [0, 1, 2 ** 53 - 1].map(size => formatCheckpoint({ origin: ORIGIN, size, root: new Uint8Array(32).fill(size % 7) }))
const NOTES = CHECKPOINTS.map(text => signNote(text, LOG) + WITNESSES.map(witness => cosign(text, 1_790_000_000, witness)).join(''))
const POLICY = policyWith()
const REQUESTS = NOTES.map((note, at) => formatAddCheckpoint({ oldSize: at, proof: Array(at).fill(hashLeaf(Uint8Array.of(at))), note }))
const [EVIDENCE] = NOTES.slice(1).map(
  later => evidenceFiles({ earlier: NOTES[0]!, later, shown: shown() }, POLICY, 'audit')['evidence.json']!,
)
const JSONS = ['{"a":[1,2.5,"x\\n",{"b":true}],"c":"é"}', '[]', '"\\u00e9"', '-0.5e-7', ...STATEMENTS, ...RECEIPTS]
const PACKAGE = JSON.stringify({
  uri: 'https://example.org/p',
  version: '1.1',
  releases: [
    {
      ocid: 'ocds-1',
      id: 'r-1',
      date: '2026-11-01T00:00:00Z',
      tag: ['tender'],
      tender: { title: 'A "quoted" bridge\\', value: { amount: 1.5 } },
    },
    { ocid: 'ocds-2', id: 'r-2', date: '2026-11-02T00:00:00Z', tag: ['award'] },
  ],
})
const ZIPS = await Promise.all([0, 6].flatMap(level => ['a.receipt.json', 'a.txt'].map(name => zipOf(name, level))))
const PASTED = [
  `${'ab'.repeat(32)}  a.txt\n\\${'cd'.repeat(32)} *b.txt`,
  `SHA256 hash of a.txt:\r\n${'AB '.repeat(32).trim()}\r\nCertUtil: -hashfile command completed successfully.`,
  `Algorithm : SHA256\nHash      : ${'EF'.repeat(32)}\nPath      : C:\\a.txt`,
  `SHA256 (a.txt) = ${'01'.repeat(32)}\nSHA3-256(b.txt)= ${'23'.repeat(32)}`,
  'a'.repeat(40),
]
const RECORDS = JSON.stringify({ uri: 'u', records: [{ ocid: 'ocds-1', releases: [{ ocid: 'ocds-1', id: '1' }], compiledRelease: {} }] })

/** Of core. */
const CORE: readonly Target[] = [
  parser('core/json', mutated(JSONS), parseJson, (value, bytes) => {
    deepEqual(value, JSON.parse(new TextDecoder().decode(bytes)))
    equal(canonicalJson(parseJson(canonicalJson(value))), canonicalJson(value))
  }),
  parser(
    'core/json of documents',
    mutated([...JSONS, '{"a":null}']),
    bytes => parseJson(bytes, { allowNull: true, exactNumbers: true }),
    (value, bytes) => {
      deepEqual(value, JSON.parse(new TextDecoder().decode(bytes)))
      equal(canonicalJson(parseJson(canonicalJson(value), { allowNull: true })), canonicalJson(value))
    },
  ),
  parser(
    'core/bytes hex',
    mutatedText(['00ff', 'abcdef0123456789']),
    text => fromHex(text),
    (bytes, text) => equal(toHex(bytes), text),
  ),
  parser(
    'core/bytes base64',
    mutatedText(['', 'AA==', 'AAA=', 'AAAA', '+/+/']),
    text => fromBase64(text),
    (bytes, text) => equal(toBase64(bytes), text),
  ),
  parser(
    'core/bytes base64url',
    mutatedText(['', 'AA', 'AAA', 'AAAA', '-_-_']),
    text => fromBase64Url(text),
    (bytes, text) => equal(toBase64Url(bytes), text),
  ),
  parser('core/bytes utf-8', mutated(['aé\u2028\u{1f600}', '']), fromUtf8, (text, bytes) => deepEqual(toUtf8(text), bytes)),
  parser('core/checkpoint', mutatedText(CHECKPOINTS), parseCheckpoint, (checkpoint, text) => equal(formatCheckpoint(checkpoint), text)),
  parser('core/note', mutatedText(NOTES), parseNote, ({ text }, note) => ok(note.startsWith(`${text}\n`))),
  // Nothing but what was signed is ever taken for signed.
  parser(
    'core/note signatures',
    mutatedText(NOTES),
    note => [verifyNote(note, [LOG.vkey]), note] as const,
    ([, note]) => ok(CHECKPOINTS.includes(parseNote(note).text)),
  ),
  parser(
    'core/note cosignatures',
    mutatedText(NOTES),
    note =>
      verifyCosignatures(
        note,
        WITNESSES.map(({ vkey }) => vkey),
      ),
    (found, note) => ok(found.length === 0 || CHECKPOINTS.includes(parseNote(note).text)),
  ),
  parser('core/note vkey', mutatedText([formatVkey(LOG.vkey), formatVkey(WITNESSES[0]!.vkey)]), parseVkey, (vkey, text) =>
    equal(formatVkey(vkey), text),
  ),
  parser('core/add-checkpoint', mutatedText(REQUESTS), parseAddCheckpoint, (request, text) => equal(formatAddCheckpoint(request), text)),
  parser('core/tile path', mutatedText(['tile/0/000', 'tile/entries/x001/234/067.p/3', 'tile/63/999.p/255']), parseTilePath, (path, text) =>
    equal(path.kind === 'tile' ? formatTilePath(path) : formatBundlePath(path), text),
  ),
  parser(
    'core/tile',
    mutated([new Uint8Array(96)]),
    bytes => decodeTile(bytes, 3),
    (hashes, bytes) => deepEqual(encodeTile(hashes), bytes),
  ),
  parser(
    'core/tile bundle',
    mutated([encodeBundle([encodeEntry('a'), encodeEntry('b')])]),
    bytes => decodeBundle(bytes, 2),
    (entries, bytes) => deepEqual(encodeBundle(entries), bytes),
  ),
  parser('core/entry', mutated([encodeEntry('a')]), decodeEntry, (commitment, bytes) => deepEqual(commitment, bytes.slice(1))),
  target('core/time', mutatedText(['2026-01-31T23:59:59Z', '0001-01-01T00:00:00Z', '2024-02-29T00:00:00Z']), text => {
    const accepted = isTime(text)
    if (accepted) equal(formatTime(Date.parse(text)), text)
    return accepted
  }),
  parser('core/tlog-proof', mutatedText(RECEIPTS.map(text => JSON.parse(text).proof)), parseTlogProof, (proof, text) =>
    equal(formatTlogProof(proof), text),
  ),
  parser(
    'core/statement',
    mutated(STATEMENTS),
    bytes => parseAnyStatement(parseJson(bytes)),
    (statement, bytes) => equal(canonicalForm(statement), canonicalJson(parseJson(bytes))),
  ),
  parser('core/encoding', mutated(Object.values(savedAs(formatPolicy(POLICY)))), decodeText, text => {
    equal(isLonger(text, Buffer.byteLength(text)), false)
    equal(text === '' || isLonger(text, Buffer.byteLength(text) - 1), true)
  }),
  parser('core/receipt', mutated(RECEIPTS), parseReceipt, receipt => {
    const { statement, proof, anchors } = receipt
    const again = parseReceipt(JSON.stringify({ ...receipt, anchors: anchors.filter(({ type }) => type === 'evm') }))
    deepEqual([again.statement, again.proof], [statement, proof])
  }),
  parser(
    'core/policy',
    mutated([formatPolicy(POLICY), JSON.stringify(POLICY)]),
    bytes => parsePolicy(bytes),
    policy => deepEqual(parsePolicy(formatPolicy(policy)), policy),
  ),
  // The releases are the same for any chunks.
  parser(
    'core/ocds',
    fc.tuple(mutated([PACKAGE, RECORDS]), fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 12 })),
    ([bytes]) => scan(bytes, []),
    (found, [bytes, cuts]) => deepEqual(scan(bytes, cuts), found),
  ),
]

/** Of the verifier and the audit. */
const READERS: readonly Target[] = [
  target(
    'verifier/file-reader',
    fc.tuple(mutated([PACKAGE, '%PDF-1.7\n1 0 obj\n/ByteRange [0 10 20 30]\n%%EOF\n', ...RECEIPTS]), fc.nat(50)),
    ([bytes, cut]) => {
      const whole = readFile([bytes])
      deepEqual(readFile([bytes.subarray(0, cut), bytes.subarray(cut)]), whole)
      recognize('file.json', whole)
      return whole.releases.length > 0
    },
  ),
  // Receipts are the packed ones.
  parser(
    'verifier/app/archive',
    mutated(ZIPS),
    bytes => readArchive('z.zip', new Blob([bytes as BlobPart]), OWN_DEVICE),
    ({ receipts }) => {
      for (const { text } of receipts) equal(text, ZIPPED)
    },
  ),
  // A fingerprint consists of 64 digits that are in the pasted text.
  target('verifier/app/pasted', mutatedText(PASTED), text => {
    const pasted = readPasted('-', text)
    const digits = text.toLowerCase().replaceAll(' ', '')
    const files = pasted.kind === 'given' ? pasted.files : []
    for (const { read } of files) ok(/^[0-9a-f]{64}$/.test(read.digest.sha256) && digits.includes(read.digest.sha256))
    return files.length > 0
  }),
  // Green only where nothing that counts was changed.
  target('verifier/verify', fc.tuple(mutated(RECEIPTS.slice(1)), mutated([FILE])), async ([receipt, file]) => {
    const { verdict, exit } = await verify({ file: digestsOf(file), receipt, policy: POLICY, chain: [chainWith(WORLD)], trust: 'policy' })
    ok(VERDICTS.some(({ code }) => code === verdict))
    if (exit === 0) ok(RECEIPTS.some(whole => meaningOf(whole) === meaningOf(receipt)))
    return exit === 0
  }),
  parser(
    'audit/served statements',
    mutated([statementLines()]),
    bytes => readStatements(chunksOf(bytes), '/v1/statements/0/6', 0, 6),
    ({ leaves, missing }) => {
      equal(leaves.length, 192)
      for (const index of missing.keys()) ok(index >= 0 && index < 6)
    },
  ),
  // No history but one was ever signed: no damage makes a contradiction of it.
  parser(
    'audit/evidence',
    mutated([EVIDENCE!]),
    bytes => checkEvidence(bytes, POLICY),
    ({ proven }) => notEqual(proven, 'two-checkpoints'),
  ),
]

/** All of them. */
export const PARSERS: readonly Target[] = [...CORE, ...READERS, ...ANSWERS, ...STAMPS]

/** A receipt's signatures by keys of the policy. Lines of unknown witnesses may be anything. */
function meaningOf(receipt: string | Uint8Array): string {
  const { statement, proof } = parseReceipt(receipt)
  const { index, note } = parseTlogProof(proof)
  return canonicalJson({ statement, index, signed: parseNote(note).text } as unknown as Json)
}

async function zipOf(name: string, level: number): Promise<Uint8Array> {
  const writer = new ZipWriter(new Uint8ArrayWriter(), { level, useWebWorkers: false })
  for (const folder of ['', 'b/']) await writer.add(folder + name, new TextReader(ZIPPED))
  return writer.close()
}

function scan(bytes: Uint8Array, cuts: readonly number[]): unknown {
  const found: unknown[] = []
  const scanner = createScanner(({ position, bytes }) => found.push([position, bytes && toHex(bytes)]))
  let at = 0
  for (const length of cuts) {
    scanner.push(bytes.subarray(at, at + length))
    at += length
  }
  scanner.push(bytes.subarray(at))
  return [found, scanner.end()]
}

function readFile(chunks: readonly Uint8Array[]) {
  const reader = createFileReader()
  for (const chunk of chunks) reader.update(chunk)
  return reader.finish()
}

async function* chunksOf(bytes: Uint8Array) {
  const middle = Math.floor(bytes.length / 3)
  yield bytes.subarray(0, middle)
  yield bytes.subarray(middle)
}

function statementLines(): string {
  return STATEMENTS.map((text, index) => (index === 3 ? '{"index":3,"erased":true}\n' : `{"index":${index},"statement":${text}}\n`)).join(
    '',
  )
}

function shown() {
  return { root: new Uint8Array(32), proof: [new Uint8Array(32)] }
}

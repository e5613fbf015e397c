/** What time-stamp authorities, their lists and their responders answer, as targets. */
import { equal, ok } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { fromBase64 } from '../../src/core/bytes.ts'
import { parseCertificate } from '../../src/core/timestamp/certificate.ts'
import { readStatus } from '../../src/timestamps/certificate-status.ts'
import { parseRevocationList } from '../../src/timestamps/revocation-list.ts'
import { verifyToken } from '../../src/verifier/timestamp/verify-token.ts'
import { FROM, issue, STAMPED_AT, UNTIL } from '../timestamp/authority.ts'
import { DATA } from '../timestamp/cases.ts'
import { listOf } from '../timestamp/server.ts'
import { mutated } from './mutate.ts'
import { parser, type Target } from './target.ts'

const read = (name: string) => JSON.parse(readFileSync(new URL(`../timestamp/${name}`, import.meta.url), 'utf8'))
const { cases: tokens }: { cases: readonly { name: string; root: string; token: string }[] } = read('cases.json')
const GOOD = tokens.find(({ name }) => name === 'a good one, p256')!
const ROOT = parseCertificate(fromBase64(GOOD.root))

const asked = read('ocsp.json')
const [ISSUER, SIGNER] = [asked.root, asked.signer].map(der => parseCertificate(fromBase64(der)))
const ANSWERS: readonly Uint8Array[] = asked.cases.map(({ response }: { response: string }) => fromBase64(response))

const LISTED = issue({ name: 'Listing Root', ca: true, usage: 0x06 })
const LIST = listOf(LISTED, [2, 3], { from: FROM, until: UNTIL })

export const STAMPS: readonly Target[] = [
  parser(
    'verifier/verify-token',
    mutated([fromBase64(GOOD.token)]),
    bytes => verifyToken(bytes, { data: DATA, certificates: [ROOT] }),
    ({ seconds }) => equal(seconds, STAMPED_AT),
  ),
  parser(
    'timestamps/revocation-list',
    mutated([LIST]),
    bytes => {
      const list = parseRevocationList(bytes)
      return { ...list, isListed: list.names('02') }
    },
    ({ signed, isListed }) => ok(signed.length > 0 && typeof isListed === 'boolean'),
  ),
  // What is believed, good or revoked, is to the byte what the responder said.
  parser(
    'timestamps/certificate-status',
    mutated(ANSWERS),
    bytes => readStatus(bytes, SIGNER!, ISSUER!, asked.at * 1000),
    (said, bytes) => ok(said === undefined || ANSWERS.some(answer => Buffer.compare(answer, bytes) === 0)),
  ),
]

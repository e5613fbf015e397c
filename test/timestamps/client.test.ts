/** The client of a time-stamp authority, against a real one over HTTP. */

import { deepEqual, equal, match, ok, rejects, throws } from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import { parseCertificate } from '../../src/core/timestamp/certificate.ts'
import { parseDer } from '../../src/core/timestamp/der.ts'
import { createTimestampClient } from '../../src/timestamps/client.ts'
import { checkRevocation } from '../../src/timestamps/revocation.ts'
import { parseRevocationList } from '../../src/timestamps/revocation-list.ts'
import { verifyToken } from '../../src/verifier/timestamp/verify-token.ts'
import { listen, stop } from '../listen.ts'
import { leastUsedMs, longestRoundMs } from '../thread-time.ts'
import { extension, FROM, type Issued, issue, issuedBy, POLICY, STAMPED_AT, TIME_STAMPING, UNTIL } from '../timestamp/authority.ts'
import { boolean, element, oid, sequence, tagged } from '../timestamp/der-writer.ts'
import { type AuthorityServer, listOf, responseOf, serveAuthority, sha256Of, statusOf } from '../timestamp/server.ts'

const TEXT = 'log.example/one\n3\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n'
const NOW = STAMPED_AT * 1000

/** The longest that a list may hold the loop, in processor time. */
const MOST_MS = 50

describe('timestamps/client', () => {
  let served: AuthorityServer
  const nonces: Uint8Array[] = []
  const clientOf = (change: object = {}) =>
    createTimestampClient({
      name: 'Served',
      url: served.url,
      certificates: [served.root.der],
      fetch,
      timeoutMs: 10_000,
      nowMs: () => NOW,
      newNonce: () => {
        nonces.push(randomBytes(16))
        return nonces.at(-1)!
      },
      ...change,
    })
  const stamp = (change: object = {}) => clientOf(change).stamp(TEXT)

  before(async () => {
    served = await serveAuthority({ nowMs: () => NOW })
  })
  beforeEach(() => {
    served.change = {}
    served.answer = undefined
    served.list = listOf(served.root, [], { from: FROM, until: UNTIL })
  })
  after(() => served.close())

  it('asks for SHA-256 of the checkpoint’s text with a nonce and the certificates, and keeps the token that it gets', async () => {
    const { token, signer, ...told } = await stamp()
    const [version, imprint, nonce, wanted] = parseDer(served.requests.at(-1)!).children
    deepEqual([...version!.content], [1])
    deepEqual(Buffer.from(imprint!.children[1]!.content), sha256Of(Buffer.from(TEXT)))
    equal(imprint!.children[0]!.children[0]!.whole.length, 11)
    deepEqual([nonce!.content.length, nonce!.content[0]], [17, 1])
    deepEqual(Buffer.from(nonce!.content.subarray(1)), Buffer.from(nonces.at(-1)!))
    deepEqual([...wanted!.content], [255])
    deepEqual(told, {
      time: '2026-11-24T12:00:00Z',
      renewBy: '2035-12-31T23:59:59Z',
      sha256: createHash('sha256').update(token).digest('hex'),
      revocation: 'good',
    })
    const verified = await verifyToken(token, { data: Buffer.from(TEXT), certificates: [parseCertificate(served.root.der)] })
    equal(verified.seconds, STAMPED_AT)
    equal(signer, sha256Of(verified.path[0]!.key.bits).toString('hex'))
  })

  it('takes the bytes of the token out of an answer "granted with changes", and says when it must be covered', async () => {
    const tsa = issuedBy(served.root, { name: 'Short', serial: 9, purposes: [TIME_STAMPING], until: STAMPED_AT + 3600 })
    served.change = { signer: tsa, certificates: [tsa] }
    served.answer = reply => ({ body: responseOf(parseDer(reply).children[1]!.whole, 1) })
    const { renewBy, revocation } = await stamp()
    deepEqual([renewBy, revocation], ['2026-11-24T13:00:00Z', 'unnamed'])
  })

  it('ends a token with a short RSA key when ETSI does', async () => {
    const tsa = issuedBy(served.root, { name: 'RSA', serial: 9, kind: 'rsa', purposes: [TIME_STAMPING] })
    served.change = { signer: tsa, certificates: [tsa] }
    equal((await stamp()).renewBy, '2028-12-31T23:59:59Z')
  })

  for (const [what, answer, code] of [
    ['another content type', (body: Buffer) => ({ body, type: 'text/html' }), 'TIMESTAMP_ANSWER'],
    ['a page that says that it is a reply', () => ({ body: Buffer.from('<html>') }), 'TIMESTAMP_ANSWER'],
    ['an error', (body: Buffer) => ({ body, status: 503 }), 'TIMESTAMP_ANSWER'],
    ['a redirect', (body: Buffer) => ({ body, status: 307, location: 'http://127.0.0.1:9/' }), 'TIMESTAMP_UNREACHABLE'],
    ['65 KiB', (body: Buffer) => ({ body: Buffer.concat([body, Buffer.alloc(65 * 1024)]) }), 'TIMESTAMP_ANSWER'],
    ['nothing', () => ({ body: Buffer.alloc(0) }), 'TIMESTAMP_ANSWER'],
    ['a granted status without a token', () => ({ body: responseOf(undefined) }), 'TIMESTAMP_ANSWER'],
    ['a refusal', () => ({ body: responseOf(undefined, 2, 'the log is\u202e closed') }), 'TIMESTAMP_REFUSED'],
    ['bytes behind the answer', (body: Buffer) => ({ body: Buffer.concat([body, Buffer.of(0)]) }), 'TIMESTAMP_ANSWER'],
  ] as const) {
    it(`refuses ${what}`, async () => {
      served.answer = answer
      await rejects(stamp(), { code })
    })
  }

  it('repeats what a refusal says, with marks for what a terminal would obey', async () => {
    served.answer = () => ({ body: responseOf(undefined, 2, 'the log is\u202e closed') })
    await rejects(stamp(), { message: 'Served refuses a time stamp (status 2): the log is[U+202E] closed' })
  })

  it('keeps no token that a verifier would refuse', async () => {
    const web = issuedBy(served.root, { name: 'Web', serial: 7, purposes: ['1.3.6.1.5.5.7.3.1'] })
    const other = issue({ name: 'Other Root', ca: true })
    const wrong: readonly (readonly [AuthorityServer['change'], string, object?])[] = [
      [{ nonce: Buffer.of(5) }, 'TIMESTAMP_OTHER_DATA'],
      [{ nonce: undefined as never }, 'TIMESTAMP_OTHER_DATA'],
      [{ imprint: new Uint8Array(32) }, 'TIMESTAMP_OTHER_DATA'],
      [{}, 'TIMESTAMP_POLICY', { policies: ['1.2.3.9'] }],
      [{ signer: web, certificates: [web] }, 'TIMESTAMP_CERTIFICATE'],
      [{}, 'TIMESTAMP_CHAIN', { certificates: [other.der] }],
      [{ messageDigest: new Uint8Array(32) }, 'TIMESTAMP_SIGNATURE'],
      [{ essVersion: 1 }, 'TIMESTAMP_CERTIFICATE'],
      [{ hash: 'sha1' }, 'TIMESTAMP_UNSUPPORTED'],
    ]
    for (const [change, code, more] of wrong) {
      served.change = change
      await rejects(stamp(more), { code }, JSON.stringify(change))
    }
    served.change = {}
    equal((await stamp({ policies: [POLICY] })).time, '2026-11-24T12:00:00Z')
  })

  it('refuses the time of a clock that is more than a day off', async () => {
    for (const days of [-2, 2]) {
      served.change = { seconds: STAMPED_AT + days * 86_400 }
      await rejects(stamp(), { code: 'TIMESTAMP_CLOCK', message: /more than a day from this machine's clock/ })
    }
    served.change = { seconds: STAMPED_AT - 86_000 }
    match((await stamp()).time, /^2026-11-23T/)
  })

  it('refuses a revoked certificate by its issuer’s current list, and tells where no list could be read', async () => {
    const list = (by: Issued, serials: readonly number[], until = UNTIL, extensions: readonly Buffer[] = []) =>
      listOf(by, serials, { from: FROM, until, extensions })
    const critical = (name: string) => [extension(name, boolean(true), true)]
    served.list = list(served.root, [2])
    await rejects(stamp(), { code: 'TIMESTAMP_REVOKED' })
    served.list = list(served.root, [3])
    equal((await stamp()).revocation, 'good')
    const stranger = { ...issue({ name: served.root.name, ca: true }) }
    for (const unusable of [
      undefined,
      Buffer.from('no list'),
      Buffer.alloc(0),
      list(stranger, [2]),
      list(served.root, [2], STAMPED_AT - 1),
      list({ ...served.root, name: 'Another Name' }, [2]),
      Buffer.concat([list(served.root, [2]), Buffer.alloc(1)]),
      list(served.root, [2], UNTIL, critical('2.5.29.27')),
      list(served.root, [2], UNTIL, critical('1.2.3')),
      list(served.root, [3]).subarray(0, -1),
    ]) {
      served.list = unusable
      equal((await stamp()).revocation, 'unreachable')
    }
    served.list = list(served.root, [2], UNTIL, [...critical('2.5.29.28'), extension('1.2.3', boolean(true))])
    await rejects(stamp(), { code: 'TIMESTAMP_REVOKED' })
  })

  it('believes a list only if it would name this certificate: an issuer may have several', async () => {
    const url = (address: string) => tagged(0, tagged(0, element(0x86, Buffer.from(address))))
    const only = (number: number) => element(0x80 + number, Uint8Array.of(0xff))
    const own = url(served.url.replace('/stamp', '/revoked.crl'))
    const answerTo = async (serials: readonly number[], ...scope: readonly Buffer[]) => {
      served.list = listOf(served.root, serials, {
        from: FROM,
        until: UNTIL,
        extensions: [extension('2.5.29.28', sequence(...scope), true)],
      })
      return (await stamp()).revocation
    }
    for (const scope of [[own], [own, only(1)], [only(1), only(4)], []]) equal(await answerTo([3], ...scope), 'good')
    for (const scope of [[url('http://ca.example/other.crl')], [only(2)], [only(5)], [own, element(0x83, Uint8Array.of(1, 0x40))]]) {
      equal(await answerTo([3], ...scope), 'unreachable')
      await rejects(answerTo([2], ...scope), { code: 'TIMESTAMP_REVOKED' })
    }
  })

  it('waits no longer for many silent lists and responders than for one of each', async () => {
    let asked = 0
    const silent = createServer(() => asked++)
    const address = await listen(silent)
    try {
      const places = [1, 2, 3].map(number => element(0x86, Buffer.from(`${address}/${number}`)))
      const extensions = [
        extension('2.5.29.31', sequence(...places.map(place => sequence(tagged(0, tagged(0, place)))))),
        extension('1.3.6.1.5.5.7.1.1', sequence(...places.map(place => sequence(oid('1.3.6.1.5.5.7.48.1'), place)))),
      ]
      const root = issue({ name: 'Root', ca: true, usage: 0x06 })
      const middle = issuedBy(root, { name: 'Middle', serial: 3, ca: true, usage: 0x06, extensions })
      const tsa = issuedBy(middle, { name: 'TSA', serial: 4, purposes: [TIME_STAMPING], extensions })
      const path = [tsa, middle, root].map(({ der }) => parseCertificate(der))
      const timeoutMs = 400
      const startMs = performance.now()
      equal(await checkRevocation(path, NOW, { fetch, timeoutMs }), 'unreachable')
      // One after the other they would take 12 times as long as one.
      ok(performance.now() - startMs < 6 * timeoutMs)
      equal(asked, 12)
    } finally {
      stop(silent)
    }
  })

  it('asks a responder where no list is named or can be read, and refuses what it calls revoked', async () => {
    const other = await serveAuthority({ nowMs: () => NOW, names: ['list', 'responder'] })
    const alone = await serveAuthority({ nowMs: () => NOW, names: ['responder'] })
    try {
      for (const each of [other, alone]) {
        const ask = async () => (await stamp({ url: each.url, certificates: [each.root.der] })).revocation
        const says = (isRevoked: boolean, more: object = {}) =>
          statusOf(each.root, { serial: 2 }, isRevoked, { from: FROM, until: UNTIL, ...more })
        const critical = [extension('1.2.3', boolean(true), true)]
        equal(await ask(), 'unreachable')
        for (const usable of [
          {},
          { certificates: Array(4).fill(each.root), copies: 16, extensions: [extension('1.2.3', boolean(true))] },
        ]) {
          each.status = says(false, usable)
          equal(await ask(), 'good')
        }
        for (const unusable of [
          says(true, { until: STAMPED_AT - 1 }),
          says(false, { certificates: Array(5).fill(each.root) }),
          says(false, { copies: 17 }),
          says(false, { extensions: critical }),
          Buffer.from('no answer'),
          Buffer.alloc(65 * 1024),
          says(false).subarray(1),
        ]) {
          each.status = unusable
          equal(await ask(), 'unreachable')
        }
        each.status = says(true)
        await rejects(ask(), { code: 'TIMESTAMP_REVOKED' })
      }
      // A list that can be read is enough.
      other.list = listOf(other.root, [], { from: FROM, until: UNTIL })
      equal((await stamp({ url: other.url, certificates: [other.root.der] })).revocation, 'good')
    } finally {
      other.close()
      alone.close()
    }
  })

  it('stops reading a list that has more members than any real one', async () => {
    const filling = Buffer.alloc(4_000_000, Buffer.from([0x05, 0x00]))
    for (const list of [filling, sequence(filling), sequence(sequence(filling))]) {
      const usedMs = await leastUsedMs(async () => throws(() => parseRevocationList(list), { code: 'DER_MALFORMED' }))
      ok(usedMs < MOST_MS, `${usedMs} ms`)
    }
  })

  it('finds a certificate in a list of a hundred thousand, and holds up nobody meanwhile', async () => {
    const others = Array.from({ length: 100_000 }, (_, at) => 1000 + at)
    served.list = listOf(served.root, [...others, 2], { from: FROM, until: UNTIL })
    await rejects(stamp(), { code: 'TIMESTAMP_REVOKED' })
    served.list = listOf(served.root, others, { from: FROM, until: UNTIL })
    const longestMs = await longestRoundMs(MOST_MS, async () => equal((await stamp()).revocation, 'good'))
    ok(longestMs < MOST_MS, `${longestMs} ms`)
  })

  it('gives up after its time, and when it is told to', async () => {
    const silent = createServer(() => {})
    const url = await listen(silent)
    try {
      await rejects(stamp({ url, timeoutMs: 50 }), { code: 'TIMESTAMP_UNREACHABLE', message: /did not answer/ })
      const stopping = new AbortController()
      const asked = rejects(clientOf({ url }).stamp(TEXT, stopping.signal), { code: 'TIMESTAMP_UNREACHABLE' })
      stopping.abort()
      await asked
    } finally {
      stop(silent)
    }
    await rejects(stamp({ url: 'http://127.0.0.1:9/' }), { code: 'TIMESTAMP_UNREACHABLE' })
  })
})

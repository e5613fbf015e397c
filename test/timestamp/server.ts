/** A time-stamp authority over real HTTP, for tests: RFC 3161 §3.4, and its list of revoked certificates. */

import { createHash, createPublicKey, createSign } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import { parseDer } from '../../src/core/timestamp/der.ts'
import { listen, stop } from '../listen.ts'
import { extension, type Issued, issue, issuedBy, type StampOptions, stamp, TIME_STAMPING } from './authority.ts'
import { bits, element, generalizedTime, integer, none, octets, oid, sequence, set, tagged, text } from './der-writer.ts'

/** An authority that answers at an address, and what it was asked. */
export type AuthorityServer = {
  readonly url: string
  readonly root: Issued
  readonly requests: Buffer[]
  /** What its answers say, and what is wrong with them. */
  change: Partial<StampOptions>
  /** Answers instead of a token; reset by the test. */
  answer: ((reply: Buffer) => { status?: number; type?: string; body: Buffer; location?: string } | undefined) | undefined
  /** The list of revoked certificates, or none at all. */
  list: Buffer | undefined
  /** What the responder says of a certificate, or nothing at all. */
  status: Buffer | undefined
  close(): void
}

/** TimeStampResp. */
export const responseOf = (token: Uint8Array | undefined, status = 0, why?: string) =>
  sequence(sequence(integer(status), ...(why === undefined ? [] : [sequence(text(why))])), ...(token === undefined ? [] : [token]))

/** A list of revoked certificates (RFC 5280 §5), signed by its issuer's P-256 key. */
export function listOf(
  issuer: Issued,
  serials: readonly number[],
  { from, until, extensions = [] }: { from: number; until: number; extensions?: readonly Buffer[] },
): Buffer {
  const algorithm = sequence(oid('1.2.840.10045.4.3.2'))
  const name = sequence(set(sequence(oid('2.5.4.3'), text(issuer.name))))
  const revoked = serials.map(serial => sequence(integer(serial), generalizedTime(from)))
  const body = sequence(
    integer(1),
    algorithm,
    name,
    generalizedTime(from),
    generalizedTime(until),
    ...(revoked.length === 0 ? [] : [sequence(Buffer.concat(revoked))]),
    ...(extensions.length === 0 ? [] : [tagged(0, sequence(...extensions))]),
  )
  return sequence(body, algorithm, bits(createSign('sha256').update(body).sign(issuer.key)))
}

/** An OCSPResponse of an issuer (RFC 6960 §4.2.1), signed by its P-256 key. */
export function statusOf(
  issuer: Issued,
  { serial }: Pick<Issued, 'serial'>,
  isRevoked: boolean,
  options: {
    readonly from: number
    readonly until: number
    readonly certificates?: readonly Issued[]
    readonly copies?: number
    readonly extensions?: readonly Buffer[]
  },
): Buffer {
  const { from, until, certificates = [], copies = 1, extensions = [] } = options
  const name = sequence(set(sequence(oid('2.5.4.3'), text(issuer.name))))
  const key = parseDer(createPublicKey(issuer.key).export({ type: 'spki', format: 'der' })).children[1]!.content.subarray(1)
  const sha1 = (bytes: Uint8Array) => octets(createHash('sha1').update(bytes).digest())
  const id = sequence(sequence(oid('1.3.14.3.2.26'), none()), sha1(name), sha1(key), integer(serial))
  const status = isRevoked ? tagged(1, generalizedTime(from)) : element(0x80)
  const single = sequence(id, status, generalizedTime(from), tagged(0, generalizedTime(until)))
  const more = extensions.length === 0 ? [] : [tagged(1, sequence(...extensions))]
  const data = sequence(tagged(1, name), generalizedTime(from), sequence(...Array<Buffer>(copies).fill(single)), ...more)
  const given = certificates.length === 0 ? [] : [tagged(0, sequence(...certificates.map(({ der }) => der)))]
  const signature = bits(createSign('sha256').update(data).sign(issuer.key))
  const basic = sequence(data, sequence(oid('1.2.840.10045.4.3.2')), signature, ...given)
  return sequence(element(0x0a, Uint8Array.of(0)), tagged(0, sequence(oid('1.3.6.1.5.5.7.48.1.1'), octets(basic))))
}

/**
 * Starts an authority. Its signer's certificate names the authority's own list of revoked ones, or
 * what it is told to name.
 */
export async function serveAuthority(options: {
  readonly nowMs: () => number
  readonly names?: readonly ('list' | 'responder')[]
}): Promise<AuthorityServer> {
  const root = issue({ name: 'Served Root', ca: true, usage: 0x06 })
  const state = { change: {}, answer: undefined, list: undefined, status: undefined, requests: [] } as unknown as Omit<
    AuthorityServer,
    'url' | 'root' | 'close'
  >
  let tsa: Issued
  const server: Server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', part => parts.push(part))
    request.on('end', () => {
      if (request.url === '/revoked.crl') {
        response.writeHead(state.list === undefined ? 404 : 200, { 'content-type': 'application/pkix-crl' }).end(state.list)
        return
      }
      const asked = Buffer.concat(parts)
      if (request.url === '/status') {
        const isAsked = request.method === 'POST' && request.headers['content-type'] === 'application/ocsp-request'
        response.writeHead(isAsked && state.status ? 200 : 404, { 'content-type': 'application/ocsp-response' }).end(state.status)
        return
      }
      state.requests.push(asked)
      const [, imprint, nonce] = parseDer(asked).children
      const hash = imprint!.children[1]!.content
      const token = stamp({
        data: Buffer.alloc(0),
        imprint: hash,
        nonce: nonce!.content,
        signer: tsa,
        certificates: [tsa],
        seconds: Math.floor(options.nowMs() / 1000),
        ...state.change,
      })
      const reply = responseOf(token)
      const { status = 200, type = 'application/timestamp-reply', body = reply, location } = state.answer?.(reply) ?? {}
      response.writeHead(status, { 'content-type': type, ...(location !== undefined && { location }) }).end(body)
    })
  })
  const base = await listen(server)
  const place = (path: string) => element(0x86, Buffer.from(base + path))
  const named = {
    list: extension('2.5.29.31', sequence(sequence(tagged(0, tagged(0, place('/revoked.crl')))))),
    responder: extension('1.3.6.1.5.5.7.1.1', sequence(sequence(oid('1.3.6.1.5.5.7.48.1'), place('/status')))),
  }
  const { names = ['list'] } = options
  tsa = issuedBy(root, { name: 'Served TSA', serial: 2, purposes: [TIME_STAMPING], extensions: names.map(name => named[name]) })
  return Object.assign(state, { url: `${base}/stamp`, root, close: () => stop(server) })
}

/** SHA-256, for what a request must carry. */
export const sha256Of = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest()

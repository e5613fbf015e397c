/** A time-stamp authority over real HTTP, for tests: RFC 3161 §3.4, and its list of revoked certificates. */

import { createHash, createSign } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import { parseDer } from '../../src/core/timestamp/der.ts'
import { listen, stop } from '../listen.ts'
import { extension, type Issued, issue, issuedBy, type StampOptions, stamp, TIME_STAMPING } from './authority.ts'
import { bits, element, generalizedTime, integer, oid, sequence, set, tagged, text } from './der-writer.ts'

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

/** Starts an authority. Its signer's certificate names the authority's own list of revoked ones. */
export async function serveAuthority(options: { readonly nowMs: () => number; readonly names?: boolean }): Promise<AuthorityServer> {
  const root = issue({ name: 'Served Root', ca: true, usage: 0x06 })
  const state = { change: {}, answer: undefined, list: undefined, requests: [] } as unknown as Omit<
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
  const place = element(0x86, Buffer.from(`${base}/revoked.crl`))
  const points = extension('2.5.29.31', sequence(sequence(tagged(0, tagged(0, place)))))
  tsa = issuedBy(root, { name: 'Served TSA', serial: 2, purposes: [TIME_STAMPING], extensions: options.names === false ? [] : [points] })
  return Object.assign(state, { url: `${base}/stamp`, root, close: () => stop(server) })
}

/** SHA-256, for what a request must carry. */
export const sha256Of = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest()

/** How much work a stranger's time stamp can cause. Counted, because machines differ in speed. */

import { ok, rejects } from 'node:assert/strict'
import { parseCertificate } from '../../src/core/timestamp/certificate.ts'
import { verifyToken } from '../../src/verifier/timestamp/verify-token.ts'
import { type Issued, issue, issuedBy, newKey, stamp, TIME_STAMPING } from '../timestamp/authority.ts'

const data = Buffer.from('three lines')
const root = issue({ name: 'Root', ca: true, usage: 0x06 })
const verify = (token: Uint8Array, certificates: readonly Issued[] = [root]) =>
  verifyToken(token, { data, certificates: certificates.map(({ der }) => parseCertificate(der)) })

/** How often an action calls a method of WebCrypto. */
async function countCalls(method: 'verify' | 'digest', action: () => Promise<unknown>): Promise<number> {
  const prototype = SubtleCrypto.prototype as unknown as Record<string, (...given: unknown[]) => unknown>
  const own = prototype[method]!
  let calls = 0
  prototype[method] = function (this: SubtleCrypto, ...given) {
    calls++
    return own.apply(this, given)
  }
  try {
    await action()
    return calls
  } finally {
    prototype[method] = own
  }
}

describe('verifier: the cost of a time stamp', () => {
  it('tries each signature once, in however many orders seven certificates of one name and key can be put', async () => {
    const key = newKey('p521')
    const own = [1, 2, 3, 4, 5, 6, 7].map(serial => issue({ name: 'Root', ca: true, kind: 'p521', key, serial }))
    const signer = issuedBy(own[0]!, { name: 'TSA', serial: 9, purposes: [TIME_STAMPING], usage: 0xc0 })
    const token = stamp({ data, signer, certificates: [signer, ...own] })
    const calls = await countCalls('verify', () => rejects(verify(token), { code: 'TIMESTAMP_CHAIN' }))
    ok(calls <= 8, `${calls} signatures`)
    const roots = [11, 12, 13, 14, 15, 16, 17, 18].map(serial => issue({ name: 'Root', ca: true, usage: 0x06, serial }))
    const more = await countCalls('verify', () => rejects(verify(token, roots), { code: 'TIMESTAMP_CHAIN' }))
    ok(more <= 64, `${more} signatures for eight roots of one name`)
  })

  it('takes a genuine time stamp among certificates that a stranger added, even of algorithms that do not count', async () => {
    const signer = issuedBy(root, { name: 'TSA', serial: 9, purposes: [TIME_STAMPING], usage: 0xc0 })
    const middle = issuedBy(root, { name: 'CA', ca: true, serial: 2, usage: 0x06 })
    const below = issuedBy(middle, { name: 'TSA 2', serial: 3, purposes: [TIME_STAMPING], usage: 0xc0 })
    const weak = issuedBy(
      { ...root, kind: 'rsa1024', key: newKey('rsa1024') },
      { name: 'CA', ca: true, kind: 'rsa', serial: 8, usage: 0x06 },
    )
    await verify(stamp({ data, signer, certificates: [signer, weak] }))
    await verify(stamp({ data, signer: below, certificates: [below, weak, middle] }))
  })

  it('hashes no certificate for a list that nobody signed', async () => {
    const signer = issuedBy(root, { name: 'TSA', serial: 9, purposes: [TIME_STAMPING], usage: 0xc0 })
    const token = stamp({ data, signer, certificates: [signer], essMore: Array<Issued>(170).fill(signer) })
    // The last byte is of the signature.
    token[token.length - 1]! ^= 1
    const calls = await countCalls('digest', () => rejects(verify(token), { code: 'TIMESTAMP_SIGNATURE' }))
    ok(calls <= 4, `${calls} hashes`)
  })
})

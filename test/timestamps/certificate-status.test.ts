/** Questions about a certificate, and answers to them, as OpenSSL writes them. */
import { deepEqual, equal, ok } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { OpenSealError } from '../../src/core/errors.ts'
import { parseCertificate } from '../../src/core/timestamp/certificate.ts'
import { makeStatusRequest, readStatus } from '../../src/timestamps/certificate-status.ts'

const file = JSON.parse(readFileSync(new URL('../timestamp/ocsp.json', import.meta.url), 'utf8'))
const [root, signer] = [file.root, file.signer].map(der => parseCertificate(Buffer.from(der, 'base64')))
const DAY = 86_400
const SAYS = new Map([
  [true, 'revoked'],
  [false, 'good'],
  [undefined, 'nothing'],
])

describe('timestamps/certificate-status', () => {
  const statusOf = async (response: Uint8Array, { at = file.at, of = signer!, by = root! } = {}) =>
    SAYS.get(await readStatus(response, of, by, at * 1000))
  const responseOf = (name: string) => Buffer.from(file.cases.find((each: { name: string }) => each.name === name).response, 'base64')

  it('asks in the words of OpenSSL', () => {
    equal(Buffer.from(makeStatusRequest(signer!, root!)).toString('base64'), file.request)
  })

  for (const { name, says, openssl, response } of file.cases)
    it(`takes an answer for ${says}, as OpenSSL does: ${name}`, async () => {
      deepEqual([await statusOf(Buffer.from(response, 'base64')), openssl], [says, says])
    })

  it('takes no answer about another certificate, or of another time', async () => {
    const good = responseOf('good, by the issuer')
    const other = { ...signer!, serial: '02' }
    deepEqual(await Promise.all([statusOf(good, { of: other }), statusOf(good, { of: signer!, by: signer! })]), ['nothing', 'nothing'])
    const times = [-2 * DAY, 0, 29 * DAY, 31 * DAY].map(seconds => statusOf(good, { at: file.at + seconds }))
    deepEqual(await Promise.all(times), ['nothing', 'good', 'good', 'nothing'])
  })

  for (const name of ['good, by the issuer', 'good, by a responder that the issuer named'])
    it(`takes no damaged answer for one: ${name}`, async () => {
      const whole = responseOf(name)
      for (let at = 0; at < whole.length; at++) {
        const damaged = Buffer.from(whole)
        damaged[at]! ^= 1 << (at % 8)
        const said = await statusOf(damaged).catch(error => {
          ok(error instanceof OpenSealError, `byte ${at}: ${error}`)
          return 'nothing'
        })
        equal(said, 'nothing', `byte ${at}`)
      }
      for (let length = 0; length < whole.length; length += 7)
        equal(await statusOf(whole.subarray(0, length)).catch(({ code }) => code), 'DER_MALFORMED')
    })
})

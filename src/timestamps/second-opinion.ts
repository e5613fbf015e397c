/**
 * A second check of a token, by pkijs. It shares no code with our own verifier, so that a mistake in
 * either one does not let a bad token into the ledger.
 */

import { webcrypto } from 'node:crypto'
import { ContentInfo, CryptoEngine, Certificate as PkiCertificate, SignedData, setEngine } from 'pkijs'
import { TimestampError } from '../core/timestamp/token.ts'

const ENGINE = new CryptoEngine({ name: 'node', crypto: webcrypto as Crypto })
// Parts of pkijs take no engine as a parameter, and Node is not a browser to them.
setEngine('node', ENGINE)

/**
 * Checks imprint, chain and signature. pkijs checks neither the purpose of the signer's certificate,
 * nor that the token names it, nor path lengths: our own verifier does. It knows no Ed25519, so that
 * a ledger takes no tokens by it. Throws TimestampError.
 */
export async function checkAgain(token: Uint8Array, data: Uint8Array, certificates: readonly Uint8Array[]): Promise<void> {
  const isRight = await verifyWithPkijs(token, data, certificates).catch(cause => {
    throw refused(cause)
  })
  if (!isRight) throw refused(undefined)
}

async function verifyWithPkijs(token: Uint8Array, data: Uint8Array, certificates: readonly Uint8Array[]): Promise<boolean> {
  const signed = new SignedData({ schema: ContentInfo.fromBER(Uint8Array.from(token).buffer).content })
  const trustedCerts = certificates.map(certificate => PkiCertificate.fromBER(Uint8Array.from(certificate).buffer))
  const given = { signer: 0, trustedCerts, data: Uint8Array.from(data).buffer, checkChain: true, extendedMode: true } as const
  // A wrong signature makes it resolve, and not reject.
  return (await signed.verify(given, ENGINE)).signatureVerified === true
}

function refused(cause: unknown): TimestampError {
  return new TimestampError('TIMESTAMP_SIGNATURE', 'the time stamp does not count: a second program refuses its signature or its chain', {
    cause,
  })
}

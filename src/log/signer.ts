/**
 * The log's Ed25519 key with node:crypto, which signs several times faster than the pure
 * implementation and gives the same bytes.
 */
import { createPrivateKey, createPublicKey, sign } from 'node:crypto'
import { concatBytes, fromHex } from '../core/bytes.ts'
import { type Checkpoint, formatCheckpoint } from '../core/tlog/checkpoint.ts'
import { ed25519Vkey, type Signer, signNote } from '../core/tlog/note.ts'

/** The key of a log, and for a time after a change of it the old one, which signs beside it. */
export type LogSigner = Signer & { readonly beside?: Signer | undefined }

/** PKCS #8 around a 32-byte Ed25519 seed. RFC 8410 §7. */
const PKCS8_PREFIX = fromHex('302e020100300506032b657004220420')
const PUBLIC_KEY_BYTES = 32

/** The signer of a log: `name` is its origin, `seed` the 32 secret bytes of RFC 8032 §5.1.5. */
export function createLogSigner(name: string, seed: Uint8Array): Signer {
  const privateKey = createPrivateKey({ key: Buffer.from(concatBytes(PKCS8_PREFIX, seed)), format: 'der', type: 'pkcs8' })
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' })
  const publicKey = new Uint8Array(spki.subarray(spki.length - PUBLIC_KEY_BYTES))
  return {
    vkey: ed25519Vkey(name, publicKey),
    sign: message => new Uint8Array(sign(null, message, privateKey)),
  }
}

/** The signed note of a checkpoint. Ed25519 is deterministic: the same keys always give the same text. */
export function signCheckpoint(checkpoint: Checkpoint, signer: LogSigner): string {
  return signNote(formatCheckpoint(checkpoint), signer, ...(signer.beside === undefined ? [] : [signer.beside]))
}

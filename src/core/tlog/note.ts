/**
 * Signed notes: C2SP signed-note with Ed25519 (type 0x01), and witness cosignatures, C2SP
 * tlog-cosignature (type 0x04).
 */
import { concatBytes, fromHex, readBase64, toBase64, toHex, toUtf8 } from '../bytes.ts'
import { OpenSealError } from '../errors.ts'
import { sha256 } from '../hash.ts'
import { ED25519_KEY_BYTES, ED25519_SIGNATURE_BYTES, ed25519PublicKey, isEd25519Key, signEd25519, verifyEd25519 } from './ed25519.ts'

/**
 * A verifier key. `id` is 8 lower-case hex digits; `type` is 1 (Ed25519) or 4 (Ed25519
 * cosignature); `publicKey` is 32 bytes.
 */
export type Vkey = { readonly name: string; readonly id: string; readonly type: number; readonly publicKey: Uint8Array }

/** A signing key: `sign` returns the 64-byte Ed25519 signature of exactly the message. */
export type Signer = { readonly vkey: Vkey; sign(message: Uint8Array): Uint8Array }

/** One signature line, unverified: the claimed key's name and id, and the bytes after the id. */
export type NoteSignature = { readonly name: string; readonly id: string; readonly signature: Uint8Array }

/** A parsed note. `text` ends in a newline; `signatures` are in the note's order and unverified. */
export type Note = { readonly text: string; readonly signatures: readonly NoteSignature[] }

/**
 * A verified cosignature. `timeSeconds` is the Unix time at which the witness says that it saw the
 * checkpoint.
 */
export type Cosignature = { readonly vkey: Vkey; readonly timeSeconds: number }

/** Signature type of an Ed25519 signature over the note's text. */
export const ED25519 = 0x01

/** Signature type of a timestamped Ed25519 cosignature. */
export const ED25519_COSIGNATURE = 0x04

const MAX_SIGNATURES = 100
const MAX_NOTE_LENGTH = 1_000_000
const KEY_ID_BYTES = 4
const TIMESTAMP_BYTES = 8
const SPACE_OR_PLUS = /[\p{White_Space}+]/u
const VKEY = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/
const SIGNATURE_LINE = /^— ([^ ]+) ([^ ]+)$/

/**
 * Whether the text can be a key name: not empty, no Unicode space, no '+', no character that notes
 * exclude.
 */
export function isKeyName(text: string): boolean {
  return text !== '' && isNoteText(text) && !SPACE_OR_PLUS.test(text)
}

/**
 * The verifier key of a 32-byte Ed25519 public key, with its computed id. Throws NoteError
 * NOTE_KEY_MALFORMED.
 */
export function ed25519Vkey(name: string, publicKey: Uint8Array, type: number = ED25519): Vkey {
  if (!isKeyName(name)) throw new NoteError('NOTE_KEY_MALFORMED', `key name ${JSON.stringify(name)}`)
  if (type !== ED25519 && type !== ED25519_COSIGNATURE) throw new NoteError('NOTE_KEY_MALFORMED', `key type ${type} is not supported`)
  if (publicKey.length !== ED25519_KEY_BYTES) throw new NoteError('NOTE_KEY_MALFORMED', `public key of ${publicKey.length} bytes`)
  if (!isEd25519Key(publicKey)) throw new NoteError('NOTE_KEY_MALFORMED', `the public key of ${name} is not a valid Ed25519 key`)
  // signed-note, "Signatures": key ID = SHA-256(key name || 0x0A || signature type || public
  // key)[:4]
  const id = sha256(concatBytes(toUtf8(`${name}\n`), Uint8Array.of(type), publicKey)).subarray(0, KEY_ID_BYTES)
  return { name, id: toHex(id), type, publicKey }
}

/**
 * Parses `<name>+<id>+<base64(type ‖ public key)>`, as formatVkey writes it. Throws NoteError
 * NOTE_KEY_MALFORMED.
 */
export function parseVkey(text: string): Vkey {
  const [, name = '', , encoded = ''] = VKEY.exec(text) ?? []
  const key = readBase64(encoded, 1 + ED25519_KEY_BYTES)
  if (!key) throw new NoteError('NOTE_KEY_MALFORMED', `verifier key ${JSON.stringify(text)}`)
  const vkey = ed25519Vkey(name, key.slice(1), key[0])
  if (formatVkey(vkey) !== text) throw new NoteError('NOTE_KEY_MALFORMED', `the id in ${JSON.stringify(text)} does not match its key`)
  return vkey
}

/** A verifier key as text: `<name>+<id>+<base64(type ‖ public key)>`. */
export function formatVkey(vkey: Vkey): string {
  return `${vkey.name}+${vkey.id}+${toBase64(concatBytes(Uint8Array.of(vkey.type), vkey.publicKey))}`
}

/** A signer from a 32-byte secret Ed25519 seed. Throws NoteError NOTE_KEY_MALFORMED. */
export function createSigner(name: string, seed: Uint8Array, type: number = ED25519): Signer {
  if (seed.length !== ED25519_KEY_BYTES) throw new NoteError('NOTE_KEY_MALFORMED', `a seed has 32 bytes, not ${seed.length}`)
  return { vkey: ed25519Vkey(name, ed25519PublicKey(seed), type), sign: message => signEd25519(message, seed) }
}

/**
 * Signs a text that ends in a newline, with one signature for each signer. Throws NoteError
 * NOTE_MALFORMED.
 */
export function signNote(text: string, ...signers: readonly Signer[]): string {
  if (!isNoteText(text) || !text.endsWith('\n')) throw new NoteError('NOTE_MALFORMED', 'the text of a note ends in a newline')
  const note = `${text}\n${signers.map(signer => formatLine(signer.vkey, signer.sign(toUtf8(text)))).join('')}`
  parseNote(note)
  return note
}

/** Parses a note without verifying it; at most 100 signatures. Throws NoteError NOTE_MALFORMED. */
export function parseNote(note: string): Note {
  if (note.length > MAX_NOTE_LENGTH) throw new NoteError('NOTE_MALFORMED', `a note of more than ${MAX_NOTE_LENGTH} characters`)
  if (!isNoteText(note)) throw new NoteError('NOTE_MALFORMED', 'a note contains no control character except the newline')
  // The text may contain empty lines, so the signatures begin after the last one.
  const end = note.lastIndexOf('\n\n')
  if (end < 0 || !note.endsWith('\n'))
    throw new NoteError('NOTE_MALFORMED', 'a note consists of text, an empty line and whole signature lines')
  const lines = note
    .slice(end + 2)
    .split('\n')
    .slice(0, -1)
  if (lines.length < 1 || lines.length > MAX_SIGNATURES) {
    throw new NoteError('NOTE_MALFORMED', `a note has 1 to ${MAX_SIGNATURES} signatures, not ${lines.length}`)
  }
  return { text: note.slice(0, end + 1), signatures: lines.map(parseSignatureLine) }
}

/**
 * Returns the known Ed25519 keys (type 1; others are skipped) that signed the note, each once.
 * Signatures by unknown keys are ignored. Throws NoteError NOTE_MALFORMED, NOTE_SIGNATURE when a
 * known key's signature is invalid, or NOTE_UNSIGNED when no known key signed.
 */
export function verifyNote(note: string, vkeys: readonly Vkey[]): Vkey[] {
  const { text, signatures } = parseNote(note)
  const signed = new Set<Vkey>()
  for (const line of signatures) {
    const vkey = signerOf(line, vkeys, ED25519)
    // A repeated signature adds nothing, and verification is expensive.
    if (!vkey || signed.has(vkey)) continue
    checkSignature(vkey, line.signature, toUtf8(text))
    signed.add(vkey)
  }
  if (signed.size === 0) throw new NoteError('NOTE_UNSIGNED', 'no known key signed this note')
  return [...signed]
}

/**
 * The same note with the first signature of each of these keys, and no other line. The signatures
 * are not verified. Throws NoteError NOTE_MALFORMED, also if none of the keys has signed.
 */
export function withSignaturesOf(note: string, vkeys: readonly Vkey[]): string {
  const { text, signatures } = parseNote(note)
  const kept = vkeys.flatMap(vkey => signatures.find(line => signerOf(line, [vkey], vkey.type)) ?? [])
  const lines = kept.map(line => formatLine(line, line.signature))
  const short = `${text}\n${lines.join('')}`
  parseNote(short)
  return short
}

/**
 * A cosignature line, newline included, to append to the signed note of this checkpoint. The
 * signer's key must have type 4.
 */
export function cosign(checkpointText: string, timeSeconds: number, signer: Signer): string {
  if (signer.vkey.type !== ED25519_COSIGNATURE) throw new Error('bug: only a key of type 4 cosigns')
  if (!Number.isSafeInteger(timeSeconds) || timeSeconds < 0) throw new Error(`bug: cosignature time ${timeSeconds}`)
  const timestamp = new Uint8Array(TIMESTAMP_BYTES)
  const view = new DataView(timestamp.buffer)
  view.setUint32(0, Math.floor(timeSeconds / 2 ** 32))
  view.setUint32(4, timeSeconds % 2 ** 32)
  return formatLine(signer.vkey, concatBytes(timestamp, signer.sign(cosignedMessage(checkpointText, timeSeconds))))
}

/**
 * Returns the first cosignature of each known witness (keys of type 4; others are skipped). An
 * empty result is not an error: the policy counts them. Throws NoteError NOTE_MALFORMED, or
 * NOTE_SIGNATURE when a known witness's cosignature is invalid.
 */
export function verifyCosignatures(note: string, witnesses: readonly Vkey[]): Cosignature[] {
  const { text, signatures } = parseNote(note)
  const cosigned = new Map<Vkey, Cosignature>()
  for (const line of signatures) {
    const vkey = signerOf(line, witnesses, ED25519_COSIGNATURE)
    if (!vkey || cosigned.has(vkey)) continue
    const timeSeconds = readTimestamp(line)
    checkSignature(vkey, line.signature.subarray(TIMESTAMP_BYTES), cosignedMessage(text, timeSeconds))
    cosigned.set(vkey, { vkey, timeSeconds })
  }
  return [...cosigned.values()]
}

function isNoteText(text: string): boolean {
  if (!text.isWellFormed()) return false
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0x20 && unit !== 0x0a) return false
  }
  return true
}

function formatLine({ name, id }: Pick<Vkey, 'name' | 'id'>, signature: Uint8Array): string {
  return `— ${name} ${toBase64(concatBytes(fromHex(id, KEY_ID_BYTES), signature))}\n`
}

function parseSignatureLine(line: string): NoteSignature {
  const [, name = '', encoded = ''] = SIGNATURE_LINE.exec(line) ?? []
  const bytes = readBase64(encoded)
  if (!isKeyName(name) || !bytes || bytes.length <= KEY_ID_BYTES) {
    throw new NoteError('NOTE_MALFORMED', `signature line ${JSON.stringify(line.slice(0, 200))}`)
  }
  return { name, id: toHex(bytes.subarray(0, KEY_ID_BYTES)), signature: bytes.slice(KEY_ID_BYTES) }
}

function signerOf(line: NoteSignature, vkeys: readonly Vkey[], type: number): Vkey | undefined {
  return vkeys.find(vkey => vkey.type === type && vkey.name === line.name && vkey.id === line.id)
}

function checkSignature(vkey: Vkey, signature: Uint8Array, message: Uint8Array): void {
  if (!verifyEd25519(signature, message, vkey.publicKey))
    throw new NoteError('NOTE_SIGNATURE', `the signature in the name of ${vkey.name}+${vkey.id} is not by that key`)
}

/** The message that a witness signs. tlog-cosignature, "Ed25519 signed message". */
function cosignedMessage(checkpointText: string, timeSeconds: number): Uint8Array {
  return toUtf8(`cosignature/v1\ntime ${timeSeconds}\n${checkpointText}`)
}

function readTimestamp({ name, signature }: NoteSignature): number {
  const whole = signature.length === TIMESTAMP_BYTES + ED25519_SIGNATURE_BYTES
  const view = new DataView(signature.buffer, signature.byteOffset)
  const seconds = whole ? view.getUint32(0) * 2 ** 32 + view.getUint32(4) : Number.NaN
  if (!Number.isSafeInteger(seconds)) throw new NoteError('NOTE_SIGNATURE', `the cosignature in the name of ${name} has no time`)
  return seconds
}

/**
 * Codes: NOTE_MALFORMED, NOTE_KEY_MALFORMED, NOTE_SIGNATURE (invalid signature of a known key),
 * NOTE_UNSIGNED (no known key).
 */
export class NoteError extends OpenSealError {}

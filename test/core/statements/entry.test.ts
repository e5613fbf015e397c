/** Entries. */

import { deepEqual, throws } from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { decodeEntry, encodeEntry } from '../../../src/core/statements/entry.ts'

const digest = createHash('sha256').update('{"title":"é"}').digest()

describe('core/statements/entry', () => {
  it('is 0x01 and the SHA-256 of the canonical statement, as text or as bytes', () => {
    const expected = Uint8Array.of(1, ...digest)
    deepEqual(encodeEntry('{"title":"é"}'), expected)
    deepEqual(encodeEntry(new TextEncoder().encode('{"title":"é"}')), expected)
  })

  it('gives the commitment back', () => deepEqual(decodeEntry(encodeEntry('{"title":"é"}')), new Uint8Array(digest)))

  it('calls another version unsupported and another length malformed', () => {
    throws(() => decodeEntry(Uint8Array.of(2, ...digest)), { code: 'ENTRY_UNSUPPORTED' })
    throws(() => decodeEntry(Uint8Array.of(2)), { code: 'ENTRY_UNSUPPORTED' })
    throws(() => decodeEntry(new Uint8Array(0)), { code: 'ENTRY_MALFORMED' })
    throws(() => decodeEntry(Uint8Array.of(1, ...digest, 0)), { code: 'ENTRY_MALFORMED' })
    throws(() => decodeEntry(Uint8Array.of(1, ...digest.subarray(1))), { code: 'ENTRY_MALFORMED' })
  })
})

import { deepEqual, equal, throws } from 'node:assert/strict'
import { fromHex, toHex } from '../../src/core/bytes.ts'
import { EMPTY_ROOT, HASH_BYTES, hashLeaf, hashNode, sha256 } from '../../src/core/hash.ts'
import { naiveSha256 } from './tlog/naive.ts'

describe('hash', () => {
  it('has the root of the empty tree', () => {
    equal(toHex(EMPTY_ROOT), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
    equal(EMPTY_ROOT.length, HASH_BYTES)
  })

  it('hashes the empty leaf as the published vector', () => {
    equal(toHex(hashLeaf(new Uint8Array(0))), '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d')
    equal(toHex(hashLeaf(Uint8Array.from(Buffer.from('L123456')))), '395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56')
  })

  it('puts different prefixes before leaves and nodes', () => {
    const [left, right] = [sha256(Uint8Array.of(1)), sha256(Uint8Array.of(2))]
    deepEqual(hashNode(left, right), naiveSha256(Uint8Array.of(1), left, right))
    deepEqual(hashLeaf(left), naiveSha256(Uint8Array.of(0), left))
  })

  it('hashes each leaf by itself, whatever length the one before it had', () => {
    const entries = [33, 33, 5, 0, 33, 1, 200, 33].map((length, at) => new Uint8Array(length).fill(at + 1))
    for (const entry of entries) deepEqual(hashLeaf(entry), naiveSha256(Uint8Array.of(0), entry))
    const [first, second] = [hashLeaf(entries[0]!), hashLeaf(entries[1]!)]
    deepEqual([first, second], [naiveSha256(Uint8Array.of(0), entries[0]!), naiveSha256(Uint8Array.of(0), entries[1]!)])
  })

  it('never joins anything but two whole hashes', () => {
    throws(() => hashNode(fromHex('00'), EMPTY_ROOT), /bug/)
    throws(() => hashNode(EMPTY_ROOT.subarray(1), new Uint8Array(33)), /bug/)
  })
})

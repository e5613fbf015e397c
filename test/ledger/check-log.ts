/** Reads a whole ledger again and re-hashes it: what every crash and fault test ends with. */
import assert from 'node:assert/strict'
import { type Hash, hashLeaf } from '../../src/core/hash.ts'
import { encodeEntry } from '../../src/core/statements/entry.ts'
import { decodeBundle } from '../../src/core/tlog/tile.ts'
import type { Store } from '../../src/store/port/port.ts'
import { mth } from '../core/tlog/naive.ts'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

/**
 * Every statement against its entry, every entry against its leaf hash in the tiles, every tile
 * level against the one below, and the root.
 */
export async function checkLog(store: Store): Promise<number> {
  const row = await store.readHead()
  if (row === undefined) return 0
  const { head, edge } = row
  const entries: Uint8Array[] = []
  for (let index = 0; index * 256 < head.size; index++) {
    const width = Math.min(256, head.size - index * 256)
    entries.push(...decodeBundle((await store.readBundle(index)) ?? edge.bundle, width))
  }
  assert.equal(entries.length, head.size)
  for (const [index, entry] of entries.entries()) {
    const statement = await store.readStatement(index)
    assert.ok(statement !== undefined, `statement ${index}`)
    assert.equal(hex(encodeEntry(statement)), hex(entry), `entry ${index}`)
  }
  let level: Hash[] = entries.map(hashLeaf)
  assert.equal(hex(mth(level)), hex(head.root), 'root')
  for (let tileLevel = 0; level.length > 0; tileLevel++) {
    for (let index = 0; index * 256 < level.length; index++) {
      const hashes = level.slice(index * 256, index * 256 + 256)
      const stored = hashes.length === 256 ? (await store.readTile(tileLevel, index))?.subarray(0, 8192) : edge.tiles[tileLevel]
      assert.equal(hex(stored ?? new Uint8Array(0)), hashes.map(hex).join(''), `tile ${tileLevel}/${index}`)
    }
    const full = Math.floor(level.length / 256)
    level = Array.from({ length: full }, (_, i) => mth(level.slice(i * 256, i * 256 + 256)))
  }
  return head.size
}

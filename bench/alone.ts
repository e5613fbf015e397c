/** The measurements without HTTP: Level by itself, and the building of trees. */
import { createHash } from 'node:crypto'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { Level } from 'level'
import { MerkleTree } from 'merkletreejs'
import { toHex } from '../src/core/bytes.ts'
import { hashLeaf } from '../src/core/hash.ts'
import { encodeEntry } from '../src/core/statements/entry.ts'
import { EMPTY_STATE, grow } from '../src/log/tree-state.ts'
import { statementLine } from './statements.ts'

const LEVEL_BATCH = 1000
const TREE_BATCH = 8192

/** Puts a second: the lines of a bulk submission in synced batches of 1,000. */
export async function levelBulk(folder: string, count: number): Promise<number> {
  return withLevel(folder, async db => {
    const values = Array.from({ length: count }, (_, n) => Buffer.from(statementLine('level', n)))
    const startMs = performance.now()
    for (let n = 0; n < count; n += LEVEL_BATCH) {
      const batch = values.slice(n, n + LEVEL_BATCH).map((value, i) => ({ type: 'put' as const, key: keyOf(n + i), value }))
      await db.batch(batch, { sync: true })
    }
    return (count * 1000) / (performance.now() - startMs)
  })
}

/** The middle time of one synced put of a statement, in milliseconds. */
export async function levelLone(folder: string, count: number): Promise<number> {
  return withLevel(folder, async db => {
    const times: number[] = []
    for (let n = 0; n < count; n++) {
      const value = Buffer.from(statementLine('lone', n))
      const startMs = performance.now()
      await db.put(keyOf(n), value, { sync: true })
      times.push(performance.now() - startMs)
    }
    return times.toSorted((a, b) => a - b)[Math.floor(count / 2)] ?? 0
  })
}

/**
 * Entries a second, from entry to root, by OpenSeal in batches and by merkletreejs at once. Throws
 * when the roots differ.
 */
export function buildTrees(count: number): { openseal: number; merkletreejs: number } {
  const entries = Array.from({ length: count }, (_, n) => encodeEntry(String(n)))
  const [ourRoot, openseal] = timed(count, () => {
    let state = EMPTY_STATE
    for (let n = 0; n < count; n += TREE_BATCH) state = grow(state, entries.slice(n, n + TREE_BATCH)).state
    return toHex(state.head.root)
  })
  const hashFn = (data: Buffer) => createHash('sha256').update(Buffer.of(1)).update(data).digest()
  const [theirRoot, merkletreejs] = timed(count, () => {
    const leaves = entries.map(entry => Buffer.from(hashLeaf(entry)))
    return new MerkleTree(leaves, hashFn, { sortPairs: false, duplicateOdd: false }).getRoot().toString('hex')
  })
  if (ourRoot !== theirRoot) throw new Error(`bug: the roots differ: ${ourRoot} and ${theirRoot}`)
  return { openseal, merkletreejs }
}

function timed<T>(count: number, act: () => T): [T, number] {
  const startMs = performance.now()
  const result = act()
  return [result, (count * 1000) / (performance.now() - startMs)]
}

async function withLevel<T>(folder: string, act: (db: Level<Buffer, Buffer>) => Promise<T>): Promise<T> {
  const path = join(folder, 'level-alone')
  const db = new Level<Buffer, Buffer>(path, { keyEncoding: 'buffer', valueEncoding: 'buffer' })
  await db.open()
  try {
    return await act(db)
  } finally {
    await db.close()
    rmSync(path, { recursive: true })
  }
}

function keyOf(n: number): Buffer {
  const key = Buffer.alloc(8)
  key.writeBigUInt64BE(BigInt(n))
  return key
}

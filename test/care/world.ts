/** A ledger at rest in a folder, and hands that change single rows of it. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Level } from 'level'
import { openLevelStore } from '../../src/store/level/level.ts'
import { LOG_KEY, openTestLedger, statementOf } from '../ledger/fixtures.ts'

export type Rest = {
  readonly dataDir: string
  /** Its signed checkpoint. */
  readonly note: string
  /** Changes a row, or removes it: the key is its letter and what follows. */
  change(letter: string, rest: Uint8Array, how: (value: Uint8Array) => Uint8Array | undefined): Promise<void>
  /** The keys of the rows of a letter, without it. */
  keys(letter: string): Promise<Uint8Array[]>
  remove(): Promise<void>
}

/** Makes a ledger of `size` entries and closes it. */
export async function layToRest(size: number): Promise<Rest> {
  const dataDir = await mkdtemp(join(tmpdir(), 'openseal-rest-'))
  const store = await openLevelStore(join(dataDir, 'store'))
  const ledger = await openTestLedger(store)
  await Promise.all(Array.from({ length: size - 1 }, (_, i) => ledger.submit(statementOf(`r${i}`, i))))
  const { note } = ledger.head()
  await ledger.close()
  const openRaw = () => new Level<Uint8Array, Uint8Array>(join(dataDir, 'store'), { keyEncoding: 'view', valueEncoding: 'view' })
  await mkdir(join(dataDir, 'keys'))
  await writeFile(join(dataDir, 'keys', 'log.key'), Buffer.from(LOG_KEY).toString('hex'))
  return {
    dataDir,
    note,
    async keys(letter) {
      const raw = openRaw()
      const [gte, lt] = [Buffer.from(letter), Buffer.from(String.fromCharCode(letter.charCodeAt(0) + 1))]
      const keys = await raw.keys({ gte, lt }).all()
      await raw.close()
      return keys.map(key => key.slice(1))
    },
    async change(letter, rest, how) {
      const raw = openRaw()
      const key = Buffer.concat([Buffer.from(letter), rest])
      const before = await raw.get(key)
      if (before === undefined) throw new Error(`bug: no row ${letter}`)
      const after = how(before)
      await (after === undefined ? raw.del(key) : raw.put(key, after))
      await raw.close()
    },
    remove: () => rm(dataDir, { recursive: true, force: true }),
  }
}

/** An index as keys have it. */
export function indexBytes(index: number): Uint8Array {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(index))
  return bytes
}

/** The bytes with one bit changed. */
export function flipBit(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte, i) => (i === Math.floor(bytes.length / 2) ? byte ^ 8 : byte))
}

/**
 * A process for the full-disk test, started where no file may grow beyond a limit: commits on and
 * prints which commits were answered.
 */
import { randomBytes } from 'node:crypto'
import { toHex } from '../../../src/core/bytes.ts'
import { EMPTY_ROOT, sha256 } from '../../../src/core/hash.ts'
import { openLevelStore } from '../../../src/store/level/level.ts'

const COMMITS = 40
const store = await openLevelStore(process.argv[2]!)
const rootOf = (size: number) => (size === 0 ? EMPTY_ROOT : sha256(new TextEncoder().encode(`root ${size}`)))
const answered: number[] = []
let refused = 0
for (let tries = 0; tries < COMMITS; tries++) {
  const size = (await store.readHead())?.head.size ?? 0
  const record = { index: size, statement: randomBytes(100_000), identity: toHex(rootOf(size + 1)), subject: undefined, digests: [] }
  const next = { size: size + 1, root: rootOf(size + 1) }
  const edge = { tiles: [], bundle: new Uint8Array(0) }
  const commit = { previous: { size, root: rootOf(size) }, next, edge, tiles: [], bundles: [], records: [record], timeMs: 1 }
  try {
    await store.commit(commit)
    answered.push(size)
  } catch {
    refused++
  }
}
await store.close()
process.stdout.write(`${JSON.stringify({ answered, refused })}\n`)

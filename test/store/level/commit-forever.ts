/**
 * A process for the crash test: commits one record after the other and prints the size after each
 * answer, until it is killed.
 */
import { toHex } from '../../../src/core/bytes.ts'
import { EMPTY_ROOT, sha256 } from '../../../src/core/hash.ts'
import { openLevelStore } from '../../../src/store/level/level.ts'

const store = await openLevelStore(process.argv[2]!)
const bytes = (text: string) => new TextEncoder().encode(text)
const rootOf = (size: number) => (size === 0 ? EMPTY_ROOT : sha256(bytes(`root ${size}`)))
for (let size = 0; ; size++) {
  const record = { index: size, statement: bytes(`statement ${size}`), identity: toHex(rootOf(size + 1)), subject: undefined, digests: [] }
  const next = { size: size + 1, root: rootOf(size + 1) }
  const edge = { tiles: [], bundle: new Uint8Array(0) }
  await store.commit({ previous: { size, root: rootOf(size) }, next, edge, tiles: [], bundles: [], records: [record], timeMs: 0 })
  process.stdout.write(`${size + 1}\n`)
}

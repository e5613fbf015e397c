/** Commits and records to test stores with. */
import { EMPTY_ROOT, sha256, sha256Hex } from '../../../src/core/hash.ts'
import type { Commit, NewRecord } from '../../../src/store/port/log.ts'

/** Above every index. */
export const TOP = Number.MAX_SAFE_INTEGER
export const text = (s: string) => new TextEncoder().encode(s)
export const hash = (s: string) => sha256(text(s))
export const hex = (s: string) => sha256Hex(s)
export const plain = (bytes: Uint8Array | undefined) => (bytes === undefined ? undefined : Buffer.from(bytes).toString('latin1'))

export function record(index: number, subject: NewRecord['subject'] = { agency: 'a.example', record: `r${index}` }): NewRecord {
  return {
    index,
    statement: text(`statement ${index}`),
    identity: hex(`identity ${index}`),
    subject,
    digests: [hex(`document ${index}`)],
  }
}

export function commitOf(from: number, to: number, records = Array.from({ length: to - from }, (_, i) => record(from + i))): Commit {
  const rootOf = (size: number) => (size === 0 ? EMPTY_ROOT : hash(`root ${size}`))
  return {
    previous: { size: from, root: rootOf(from) },
    next: { size: to, root: rootOf(to) },
    edge: { tiles: [text(`edge ${to}`), new Uint8Array(0)], bundle: text(`bundle ${to}`) },
    tiles: [],
    bundles: [],
    records,
    timeMs: 1_700_000_000_000 + to,
  }
}

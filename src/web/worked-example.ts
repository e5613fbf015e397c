/**
 * The example on the page "How it works": a file, its statement and a tree of four entries, computed
 * by the same functions as the ledger's. Nothing of it is on any ledger.
 */
import { toHex, toUtf8 } from '../core/bytes.ts'
import { type Hash, hashLeaf, hashNode, sha256 } from '../core/hash.ts'
import { encodeEntry } from '../core/statements/entry.ts'
import { canonicalStatement, type Statement } from '../core/statements/statement.ts'

/** Where the example's entry is in its tree of four. */
const INDEX = 2
/** A fixed salt, so that the page shows the same example each time. A ledger draws it at random. */
const SALT = 'c2FsdCBvZiB0aGUgZXhhbXBsZSwgbm90IHJhbmRvbQo'

/** Every value that the page shows. */
export type WorkedExample = {
  readonly fileHash: Hash
  readonly changedHash: Hash
  readonly statement: string
  /** From the leaves up: four leaf hashes, two nodes, the root. */
  readonly levels: readonly (readonly Hash[])[]
  readonly index: number
}

/** Computes the example for a file of one line, as `echo` writes it, and a changed line. */
export function workExample(line: string, changed: string): WorkedExample {
  const bytes = toUtf8(`${line}\n`)
  const fileHash = sha256(bytes)
  const statement = canonicalStatement({
    type: 'openseal/statement@v1',
    agency: 'transport.gov.example',
    kind: 'decision',
    action: 'publish',
    record: 'permit-2026-17',
    documents: [{ name: 'decision.txt', mediaType: 'text/plain', bytes: bytes.length, sha256: toHex(fileHash) }],
    salt: SALT,
  } satisfies Statement)
  const leaves = [0, 1, 2, 3].map(at => hashLeaf(encodeEntry(at === INDEX ? statement : `the entry of another agency, ${at}`)))
  const nodes = pairUp(leaves)
  return { fileHash, changedHash: sha256(toUtf8(`${changed}\n`)), statement, levels: [leaves, nodes, pairUp(nodes)], index: INDEX }
}

function pairUp(hashes: readonly Hash[]): Hash[] {
  return hashes.flatMap((left, at) => (at % 2 === 0 ? [hashNode(left, hashes[at + 1] as Hash)] : []))
}

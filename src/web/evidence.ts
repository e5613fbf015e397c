/**
 * The content of a certificate from a receipt: every number from the statement to the anchored
 * root.
 */
import { equalBytes, toUtf8 } from '../core/bytes.ts'
import { type Hash, hashLeaf, sha256 } from '../core/hash.ts'
import { parseReceipt } from '../core/receipt.ts'
import { encodeEntry } from '../core/statements/entry.ts'
import { parseCheckpoint } from '../core/tlog/checkpoint.ts'
import { parseNote } from '../core/tlog/note.ts'
import { parseTlogProof } from '../core/tlog/tlog-proof.ts'
import { type PathLine, proofPath } from './proof-path.ts'

/**
 * The statement's canonical text, its fingerprint, the leaf, the path up, the root of the tree of
 * `size`, and the signed checkpoint of that tree.
 */
export type Evidence = {
  readonly statementText: string
  readonly statementHash: Hash
  readonly leafHash: Hash
  readonly path: readonly PathLine[]
  readonly size: number
  readonly root: Hash
  readonly note: string
}

/** Reads the evidence from a receipt of this ledger. */
export function evidenceOf(statementText: string, receiptText: string): Evidence {
  const { index, proof, note } = parseTlogProof(parseReceipt(receiptText).proof)
  const { size, root } = parseCheckpoint(parseNote(note).text)
  const statement = toUtf8(statementText)
  const leafHash = hashLeaf(encodeEntry(statement))
  const path = proofPath(index, size, leafHash, proof)
  if (!equalBytes(path.at(-1)?.result ?? leafHash, root)) throw new Error(`bug: the receipt of entry ${index} does not lead to its root`)
  return { statementText, statementHash: sha256(statement), leafHash, path, size, root, note }
}

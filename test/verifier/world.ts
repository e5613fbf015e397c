/**
 * A small ledger with real keys, trees, notes and receipts, and a chain in memory that answers as
 * the contract would.
 */

import { toHex } from '../../src/core/bytes.ts'
import { OpenSealError } from '../../src/core/errors.ts'
import { type Hash, hashLeaf, hashNode } from '../../src/core/hash.ts'
import { canonicalJson } from '../../src/core/json.ts'
import { type Policy, parsePolicy } from '../../src/core/policy.ts'
import type { PolicyChain } from '../../src/core/policy-anchors.ts'
import { type AnchorHint, formatReceipt, type ReceiptAnchor } from '../../src/core/receipt.ts'
import { encodeEntry } from '../../src/core/statements/entry.ts'
import type { AnyStatement } from '../../src/core/statements/registry.ts'
import type { Statement } from '../../src/core/statements/statement.ts'
import { formatCheckpoint } from '../../src/core/tlog/checkpoint.ts'
import { cosign, createSigner, formatVkey, type Signer, signNote } from '../../src/core/tlog/note.ts'
import { proveInclusion } from '../../src/core/tlog/proof.ts'
import { type Node, rootFromRange, rootNodes } from '../../src/core/tlog/tree.ts'
import { digestsOf } from '../../src/documents/digest.ts'
import type { BlockTag, ChainReader } from '../../src/verifier/chain-reader.ts'
import type { CurrencyReader, Listed } from '../../src/verifier/currency.ts'

export const ORIGIN = 'log.example/one'
export const LOG = createSigner(ORIGIN, new Uint8Array(32).fill(1))
export const WITNESSES = [2, 3].map(byte => createSigner(`witness-${byte}.example`, new Uint8Array(32).fill(byte), 4))
export const ANCHORED_AT = 1_790_000_000
export const DATE = new Date(ANCHORED_AT * 1000).toISOString().replace('.000', '')
export const FILE = new TextEncoder().encode('{"b": 1.0, "a": "tender"}\n')

const { sha256, jcs = '' } = digestsOf(FILE)

/** Publishes FILE. */
export const STATEMENT: Statement = {
  type: 'openseal/statement@v1',
  agency: 'transport.gov.example',
  kind: 'procurement',
  action: 'publish',
  record: 'ocds-1',
  revision: 'r-1',
  title: 'Bridge',
  published: '2026-11-01T00:00:00Z',
  documents: [{ name: 'tender.json', mediaType: 'application/json', bytes: FILE.length, sha256, jcs }],
  salt: 'A'.repeat(43),
}

export const GENESIS: AnyStatement = {
  type: 'openseal/genesis@v1',
  origin: ORIGIN,
  logKey: formatVkey(LOG.vkey),
  anchors: [],
  created: '2026-11-01T00:00:00Z',
  salt: 'A'.repeat(43),
}

/** Amends STATEMENT with another document. */
export const AMENDMENT: Statement = {
  ...STATEMENT,
  action: 'amend',
  revision: 'r-2',
  target: 'r-1',
  published: '2026-11-02T00:00:00Z',
  documents: [{ name: 'tender.json', mediaType: 'application/json', bytes: 1, sha256: 'ab'.repeat(32) }],
  reason: { code: 'correction' },
}

const { revision: _, ...unversioned } = AMENDMENT

/** Withdraws STATEMENT. */
export const WITHDRAWAL: Statement = {
  ...unversioned,
  action: 'withdraw',
  published: '2026-11-03T00:00:00Z',
  documents: [],
  reason: { code: 'court-order' },
}

/** Says that the statement at `index` was erased. */
export function tombstoneOf(index: number): AnyStatement {
  return { type: 'openseal/erasure@v1', index, reason: { code: 'personal-data' }, by: 'agency', salt: 'A'.repeat(43) }
}

export type World = {
  readonly size: number
  readonly root: Hash
  /** The signed checkpoint. */
  readonly checkpoint: string
  receipt(
    index: number,
    options?: {
      signer?: Signer
      beside?: readonly Signer[]
      origin?: string
      witnesses?: readonly Signer[]
      hints?: readonly ReceiptAnchor[]
    },
  ): Promise<string>
}

/** A ledger that holds these statements in this order. */
export function createWorld(statements: readonly AnyStatement[]): World {
  const leaves = statements.map(statement => hashLeaf(encodeEntry(textOf(statement))))
  const size = leaves.length
  const known = new Map<string, Hash>()
  const read = async (nodes: readonly Node[]) => nodes.map(node => subtree(leaves, node, known))
  const root = rootFromRange(rootNodes(size).map(node => subtree(leaves, node, known)))
  return {
    size,
    root,
    checkpoint: signNote(formatCheckpoint({ origin: ORIGIN, size, root }), LOG),
    async receipt(index, { signer = LOG, beside = [], origin = ORIGIN, witnesses = [], hints = [] } = {}) {
      const text = formatCheckpoint({ origin, size, root })
      const note = signNote(text, signer, ...beside) + witnesses.map(witness => cosign(text, ANCHORED_AT, witness)).join('')
      const proof = { index, proof: await proveInclusion(index, size, read), note }
      const statement = statements[index]
      if (statement === undefined) throw new Error(`bug: no statement ${index}`)
      return formatReceipt({ statementText: textOf(statement), proof, anchors: hints })
    },
  }
}

/** A policy for the ledger, its one anchor changed as told. */
export function policyWith(anchor: Partial<PolicyChain> = {}, change: object = {}): Policy {
  const given = { ...ANCHOR, ...anchor }
  const base = { type: 'openseal/policy@v1', origin: ORIGIN, logKeys: [{ vkey: formatVkey(LOG.vkey) }], anchors: [given] }
  return parsePolicy(JSON.stringify({ ...base, ...change }))
}

/** A production anchor, final by the chain's own tag. */
export const ANCHOR: PolicyChain = {
  type: 'evm',
  chainId: 1,
  contract: `0x${'c0'.repeat(20)}`,
  codeSha256: 'c1'.repeat(32),
  logId: `0x${'1d'.repeat(32)}`,
  production: true,
  finality: 'finalized',
  fromSize: 0,
}

/** A receipt's hint about the anchor of `chainWith`. */
export function hintOf({ size }: World): AnchorHint {
  const { type, chainId, contract, logId } = ANCHOR
  return { type, chainId, contract, logId, size, transaction: TRANSACTION, block: { number: 50, hash: BLOCK_HASH, time: DATE } }
}

const TRANSACTION = `0x${'7a'.repeat(32)}`
const BLOCK_HASH = `0x${'b1'.repeat(32)}`

/** The content of a chain in memory. An anchor of block n is seen at every block from n on. */
export type ChainFacts = {
  readonly name?: string
  readonly chainId?: number
  readonly codeSha256?: string
  readonly head?: number
  readonly finalized?: number
  readonly anchors?: readonly { readonly world: World; readonly block: number; readonly time: number }[]
  readonly down?: boolean
  /** The owner closed the log at a block, and vouches for no larger size. */
  readonly closed?: { readonly lastGoodSize: number; readonly block: number }
}

/** A chain that answers from its facts as the contract would. */
export function createChain(facts: ChainFacts): ChainReader {
  const { chainId = 1, codeSha256 = ANCHOR.codeSha256, head = 100, finalized = 90, anchors = [], name } = facts
  const answer = async <T>(value: T): Promise<T> => {
    if (facts.down) throw new OpenSealError('RPC_UNREACHABLE', 'the endpoint is down')
    return value
  }
  const heightOf = (block: BlockTag) => (block === 'latest' ? head : block === 'finalized' ? finalized : block)
  return {
    ...(name === undefined ? {} : { name }),
    chainId: () => answer(chainId),
    codeSha256: () => answer(codeSha256),
    blockNumber: () => answer(head),
    anchoredAt: ({ size, root, block, contract, logId }) => {
      const at = heightOf(block)
      const found = anchors.find(anchor => anchor.block <= at && anchor.world.size === size && toHex(anchor.world.root) === toHex(root))
      return answer(found && contract === ANCHOR.contract && logId === ANCHOR.logId ? found.time : 0)
    },
    lastGoodSize: ({ block }) => answer(facts.closed && facts.closed.block <= heightOf(block) ? facts.closed.lastGoodSize : undefined),
  }
}

/** A chain on which the world's root is anchored and final. */
export function chainWith(world: World, facts: ChainFacts = {}): ChainReader {
  return createChain({ anchors: [{ world, block: 50, time: ANCHORED_AT }], ...facts })
}

/**
 * A ledger that lists these entries of a world's record beside that which is asked about, with the
 * checkpoint that it serves.
 */
export function listingOf(world: World, listed: readonly Listed[] = [], change: object = {}): CurrencyReader {
  return async (_, index) => ({ source: 'ledger', checkpoint: world.checkpoint, listed: [{ index }, ...listed], complete: true, ...change })
}

/** The canonical form, of statements too whose type is not known. */
function textOf(statement: AnyStatement): string {
  return canonicalJson(statement)
}

function subtree(leaves: readonly Hash[], { level, index }: Node, known: Map<string, Hash>): Hash {
  const leaf = leaves[index]
  if (level === 0 && leaf) return leaf
  const key = `${level} ${index}`
  const half = (at: number) => subtree(leaves, { level: level - 1, index: at }, known)
  const hash = known.get(key) ?? hashNode(half(index * 2), half(index * 2 + 1))
  known.set(key, hash)
  return hash
}

/**
 * A chain in memory with one contract and one publisher: a mempool, blocks, reorganisations above
 * the final blocks, and CheckpointAnchor's rules. For the simulation, and for tests of what needs no
 * real chain.
 */
import type { AnchorCall, AnchorChain, AnchoredHead, ChainBlock, SignedTransaction, TxReceipt } from '../../src/anchor/chain.ts'
import { equalBytes, fromHex, toHex } from '../../src/core/bytes.ts'
import { OpenSealError } from '../../src/core/errors.ts'
import { type Hash, sha256Text } from '../../src/core/hash.ts'
import { verifyConsistency } from '../../src/core/tlog/proof.ts'
import type { ChainReader } from '../../src/verifier/chain-reader.ts'

/** How many blocks on top make a block final. */
export const CONFIRMATIONS = 2
export const CHAIN_ID = 4242
export const CONTRACT = `0x${'c'.repeat(40)}`
export const LOG_ID = `0x${'d'.repeat(64)}`
export const CODE_SHA256 = 'e'.repeat(64)

type Transaction = {
  readonly nonce: number
  readonly size: number
  readonly root: string
  readonly proof: readonly string[]
  readonly fee: number
}
type Anchored = { readonly root: string; readonly time: number; readonly transaction: string; readonly block: number }
/** The contract and the publisher's account after a block. */
type State = { readonly head: AnchoredHead | null; readonly nonce: number; readonly anchored: ReadonlyMap<number, Anchored> }
type Block = ChainBlock & { readonly receipts: ReadonlyMap<string, boolean>; readonly raws: readonly string[]; readonly state: State }

export type MemoryChain = {
  /** The chain as a node reaches it, every endpoint of which answers. */
  readonly chain: AnchorChain
  /** The chain as the verifier reads it. */
  readonly reader: ChainReader
  /** Puts every transaction that can be executed into a block of this time, in Unix seconds. */
  mine(time: number): void
  /**
   * Replaces the newest blocks, at most those that are not final, by as many of this time. `keeps`:
   * which of their transactions return to the mempool, for later blocks.
   */
  reorganise(depth: number, keeps: (raw: string) => boolean, time: number): void
  /** Forgets transactions that are in no block. */
  forget(): void
  /** Sends a call with the publisher's key, past the anchorer. */
  stray(call: AnchorCall): void
  /** Everything that the contract holds now. */
  anchors(): readonly { readonly size: number; readonly root: Hash }[]
  height(): number
}

const GENESIS: Block = {
  number: 0,
  hash: `0x${'0'.repeat(64)}`,
  time: 0,
  receipts: new Map(),
  raws: [],
  state: { head: null, nonce: 0, anchored: new Map() },
}
const FIRST_FEE = 10
const CEILING = 1000

/** Creates a chain with one empty block. */
export function createMemoryChain(): MemoryChain {
  let blocks: readonly Block[] = [GENESIS]
  let forks = 0
  const pending = new Map<number, string>()

  const newest = () => blocks.at(-1)!
  const at = (block: 'latest' | 'finalized' | number): Block => {
    if (block === 'latest') return newest()
    const number = block === 'finalized' ? newest().number - CONFIRMATIONS : block
    return blocks[Math.max(0, Math.min(number, newest().number))]!
  }
  const holds = (state: State, size: number, root: Hash) => {
    const found = state.anchored.get(size)
    return found !== undefined && found.root === toHex(root) ? found : undefined
  }
  const refuse = (code: string) => new OpenSealError(code, code)

  const broadcast = (raw: string) => {
    const { nonce, fee } = decode(raw)
    if (pending.get(nonce) === raw || blocks.some(({ receipts }) => receipts.has(hashOf(raw)))) return
    if (nonce < newest().state.nonce) throw refuse('CHAIN_NONCE_TOO_LOW')
    const other = pending.get(nonce)
    if (other !== undefined && decode(other).fee * 1.1 > fee) throw refuse('CHAIN_UNDERPRICED')
    pending.set(nonce, raw)
  }

  const chain: AnchorChain = {
    chainId: CHAIN_ID,
    contract: CONTRACT,
    logId: LOG_ID,
    losesBlocks: false,
    publisher: async () => `0x${'a'.repeat(40)}`,
    heads: async () => [newest().state.head],
    closings: async () => [undefined],
    latest: async () => newest().state.head,
    anchoredAt: async (size, root, block) => holds(at(block).state, size, root)?.time ?? 0,
    nextNonce: async () => newest().state.nonce,
    async prepare({ nonce, ...call }) {
      if (!isAccepted(newest().state.head, call)) throw refuse('CHAIN_REJECTED')
      return signed({ nonce, size: call.size, root: toHex(call.root), proof: call.proof.map(toHex), fee: FIRST_FEE })
    },
    async bump(raw) {
      const old = decode(raw)
      const fee = Math.ceil(old.fee * 1.2)
      return fee > CEILING ? null : signed({ ...old, fee })
    },
    broadcast: async raw => broadcast(raw),
    async txReceipt(hash): Promise<TxReceipt | null> {
      const block = blocks.find(({ receipts }) => receipts.has(hash))
      return block === undefined ? null : { block: plain(block), succeeded: block.receipts.get(hash)! }
    },
    async findAnchored(size, root) {
      const found = holds(newest().state, size, root)
      return found === undefined ? null : { transaction: found.transaction, block: plain(blocks[found.block]!) }
    },
    async standing({ number, hash }, size, root) {
      if (blocks[number]?.hash === hash) return 'there'
      return holds(newest().state, size, root) === undefined ? 'gone' : 'moved'
    },
    blockHash: async number => blocks[number]?.hash ?? null,
    isFinal: async ({ number, hash }) => blocks[number]?.hash === hash && newest().number - number >= CONFIRMATIONS,
    funds: async () => ({ balanceWei: '1000000000000000000', anchors: 1000 }),
    close() {},
  }

  /** Adds a block with every transaction that can be executed, or with none. */
  const add = (time: number, isEmpty: boolean) => {
    let { state } = newest()
    const number = blocks.length
    const receipts = new Map<string, boolean>()
    const raws: string[] = []
    const next = () => (isEmpty ? undefined : pending.get(state.nonce))
    for (let raw = next(); raw !== undefined; raw = next()) {
      pending.delete(state.nonce)
      const after = execute(state, raw, { number, time })
      receipts.set(hashOf(raw), after.head !== state.head)
      raws.push(raw)
      state = after
    }
    const hash = `0x${toHex(sha256Text(`${newest().hash} ${number} ${time} ${forks} ${raws.join(' ')}`))}`
    blocks = [...blocks, { number, hash, time, receipts, raws, state }]
  }

  return {
    chain,
    reader: {
      chainId: async () => CHAIN_ID,
      codeSha256: async () => CODE_SHA256,
      anchoredAt: async ({ size, root, block }) => holds(at(block).state, size, root)?.time ?? 0,
      lastGoodSize: async () => undefined,
      blockNumber: async () => newest().number,
    },
    mine: time => add(time, false),
    reorganise(depth, keeps, time) {
      forks++
      const height = newest().number
      const left = Math.max(1, blocks.length - Math.min(depth, CONFIRMATIONS))
      const gone = blocks.slice(left).flatMap(({ raws }) => raws)
      blocks = blocks.slice(0, left)
      while (newest().number < height) add(time, true)
      for (const raw of gone) if (keeps(raw)) pending.set(decode(raw).nonce, raw)
    },
    forget: () => pending.clear(),
    stray({ size, root, proof }) {
      const { nonce } = newest().state
      pending.set(nonce, signed({ nonce, size, root: toHex(root), proof: proof.map(toHex), fee: FIRST_FEE * 2 }).raw)
    },
    anchors: () => [...newest().state.anchored].map(([size, { root }]) => ({ size, root: fromHex(root) })),
    height: () => newest().number,
  }
}

function execute(state: State, raw: string, { number, time }: { readonly number: number; readonly time: number }): State {
  const { size, root, proof } = decode(raw)
  const call = { size, root: fromHex(root), proof: proof.map(hash => fromHex(hash)) }
  const nonce = state.nonce + 1
  if (!isAccepted(state.head, call)) return { ...state, nonce }
  const anchored = new Map(state.anchored).set(size, { root, time, transaction: hashOf(raw), block: number })
  return { head: { size, root: call.root, time }, nonce, anchored }
}

/** CheckpointAnchor's rule: it grows, with a consistency proof from the checkpoint before. */
function isAccepted(head: AnchoredHead | null, { size, root, proof }: AnchorCall): boolean {
  if (head === null) return size > 0
  if (size <= head.size || equalBytes(root, head.root)) return false
  try {
    verifyConsistency({ from: head.size, to: size, fromRoot: head.root, toRoot: root, proof })
    return true
  } catch {
    return false
  }
}

function signed(transaction: Transaction): SignedTransaction {
  const raw = `0x${Buffer.from(JSON.stringify(transaction)).toString('hex')}`
  const fee = String(transaction.fee)
  return { raw, hash: hashOf(raw), nonce: transaction.nonce, maxFeePerGas: fee, maxPriorityFeePerGas: fee }
}

function decode(raw: string): Transaction {
  return JSON.parse(Buffer.from(raw.slice(2), 'hex').toString())
}

function hashOf(raw: string): string {
  return `0x${toHex(sha256Text(raw))}`
}

function plain({ number, hash, time }: Block): ChainBlock {
  return { number, hash, time }
}

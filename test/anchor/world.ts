/**
 * A ledger, its log in the contract, and an anchorer on a clock of its own, on one of the test
 * chains.
 */
import { randomBytes } from 'node:crypto'
import { type TransactionLike, Wallet } from 'ethers'
import { type Anchoring, createAnchoring } from '../../src/anchor/anchoring.ts'
import type { AnchorChain, Finality } from '../../src/anchor/chain.ts'
import { ensureLog } from '../../src/chain/deploy.ts'
import { type ChainLimits, DEFAULT_LIMITS, openAnchorChain } from '../../src/chain/ethereum.ts'
import { createKeySigner, type TxSigner } from '../../src/chain/signer.ts'
import { type Ledger, openLedger } from '../../src/ledger/ledger.ts'
import { createLogSigner } from '../../src/log/signer.ts'
import { type Log, silentLog } from '../../src/logger.ts'
import { createMemoryStore } from '../../src/store/memory/memory.ts'
import type { Store } from '../../src/store/port/port.ts'
import { CHAIN_ID, type TestChain } from '../chain/chains.ts'
import { testHost } from '../test-host.ts'

export type World = {
  readonly chain: AnchorChain
  readonly store: Store
  readonly ledger: Ledger
  /** The address that signs: of this world alone, so that nonces begin with the log's opening. */
  readonly address: string
  readonly key: string
  anchorerOn(chain?: AnchorChain): Anchoring
  /** The same log on other endpoints, with another signer, under other limits. */
  open(changes: Options): AnchorChain
  passMs(ms: number): void
  /**
   * Sets the clock of the day forward or back. The steady one, of the same process, does not
   * notice.
   */
  setClock(byMs: number): void
  close(): void
}

export type Options = {
  readonly urls?: readonly string[]
  readonly signer?: TxSigner
  readonly finality?: Finality
  readonly limits?: Partial<ChainLimits>
  readonly log?: Log
}

const ETHER = 10n ** 18n
const GWEI = 10n ** 9n
/** The time at which the clock of every world begins. */
export const CLOCK_MS = Date.UTC(2026, 0, 1)

let worlds = 0
let records = 0

/** Opens a log of its own, of a key of its own, with 100 ether. */
export async function openWorld(at: TestChain, { log = silentLog, ...options }: Options = {}): Promise<World> {
  const key = `0x${randomBytes(32).toString('hex')}`
  const keySigner = createKeySigner(key)
  const address = await keySigner.address()
  await at.setBalance(address, 100n * ETHER)
  const origin = `log.example/${worlds++}`
  const { contract } = at
  const logId = await ensureLog({ rpcUrls: [at.url], signer: keySigner, log: silentLog, contract, origin })
  const opened: AnchorChain[] = []
  const open = ({ urls = [at.url], signer = keySigner, finality = { confirmations: 2 }, limits }: Options) => {
    const chain = openAnchorChain({ urls, chainId: CHAIN_ID, contract, logId, signer, finality, limits: { ...DEFAULT_LIMITS, ...limits } })
    opened.push(chain)
    return chain
  }
  const chain = open(options)
  const store = createMemoryStore()
  let clockMs = CLOCK_MS
  let steadyMs = 0
  const ledger = await openFor(store, origin, logId, () => clockMs)
  return {
    chain,
    store,
    ledger,
    address,
    key,
    anchorerOn: (over = chain) =>
      createAnchoring({
        ledger,
        store,
        chains: [{ name: 'chain', chain: over }],
        intervalMs: 5_000,
        minBatch: 1,
        host: testHost({ nowMs: () => clockMs, steadyMs: () => steadyMs }),
        log,
      }),
    open,
    passMs(ms) {
      clockMs += ms
      steadyMs += ms
    },
    setClock(byMs) {
      clockMs += byMs
    },
    close() {
      for (const each of opened) each.close()
    },
  }
}

/**
 * For a suite on one chain, which is started once and told to `begun`: opens worlds, closes them
 * after each test, and lets the chain mine by itself again.
 */
export function useWorlds(start: () => Promise<TestChain>, begun: (at: TestChain) => unknown): (options?: Options) => Promise<World> {
  let at: TestChain
  const opened: World[] = []

  before(async function () {
    this.timeout(60_000)
    at = await start()
    await begun(at)
  })
  afterEach(async () => {
    for (const world of opened.splice(0)) world.close()
    await at.mining(true)
    await at.mine()
  })
  after(() => at.close())

  return async (options = {}) => {
    const world = await openWorld(at, options)
    opened.push(world)
    return world
  }
}

/** A ledger on a store, bound to a log in the contract. */
export function openFor(store: Store, origin: string, logId: string, nowMs: () => number = Date.now): Promise<Ledger> {
  return openLedger({
    store,
    signer: createLogSigner(origin, new Uint8Array(32).fill(7)),
    origin,
    anchors: [{ type: 'evm', chainId: CHAIN_ID, contract: `0x${'0'.repeat(40)}`, logId }],
    host: testHost({ nowMs }),
  })
}

/** Submits `count` records and waits until they are sealed. */
export async function submit(ledger: Ledger, count: number): Promise<void> {
  for (let index = 0; index < count; index++)
    await ledger.submit({
      type: 'openseal/statement@v1',
      agency: 'transport.gov.example',
      kind: 'decision',
      action: 'publish',
      record: `record-${records++}`,
      published: '2026-01-01T00:00:00Z',
      documents: [{ name: 'a.pdf', mediaType: 'application/pdf', bytes: 1, sha256: 'ab'.repeat(32) }],
    })
}

/**
 * Rounds until the newest anchor is in a block: anvil executes a moment after it has taken a
 * transaction.
 */
export async function untilIncluded(anchorer: Anchoring, size: number): Promise<void> {
  for (;;) {
    await anchorer.tick()
    const found = anchorer.state().find(anchor => anchor.size === size)
    if (found !== undefined && (found.state === 'included' || found.state === 'final')) return
    await pause()
  }
}

/** The open anchors, newest last, without the last final one. */
export function openAnchors(anchorer: Anchoring) {
  return anchorer.state().filter(({ state }) => state !== 'final')
}

/** The attempts of the oldest open anchor. */
export function attemptsOf(anchorer: Anchoring) {
  return openAnchors(anchorer)[0]?.attempts ?? []
}

/**
 * A transaction with the same key that the anchorer did not make. It pays well. Returns its hash.
 */
export async function sendFrom(at: TestChain, key: string, fields: TransactionLike): Promise<string> {
  const wallet = new Wallet(key)
  const fees = { maxFeePerGas: 20n * GWEI, maxPriorityFeePerGas: 3n * GWEI }
  const raw = await wallet.signTransaction({ type: 2, chainId: CHAIN_ID, to: wallet.address, gasLimit: 21_000, ...fees, ...fields })
  return at.rpc('eth_sendRawTransaction', [raw])
}

export function pause(): Promise<void> {
  return new Promise(done => setTimeout(done, 10))
}

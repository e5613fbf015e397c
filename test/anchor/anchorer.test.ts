import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Anchoring, createAnchoring } from '../../src/anchor/anchoring.ts'
import type { AnchorChain, Finality } from '../../src/anchor/chain.ts'
import { deployContract, ensureLog } from '../../src/chain/deploy.ts'
import { EMBEDDED_CHAIN_ID, EMBEDDED_KEY, type EmbeddedChain, startEmbeddedChain } from '../../src/chain/embedded.ts'
import { DEFAULT_LIMITS, openAnchorChain } from '../../src/chain/ethereum.ts'
import { createKeySigner } from '../../src/chain/signer.ts'
import { toHex } from '../../src/core/bytes.ts'
import { type Ledger, openLedger } from '../../src/ledger/ledger.ts'
import { createLogSigner } from '../../src/log/signer.ts'
import { silentLog } from '../../src/logger.ts'
import { createMemoryStore } from '../../src/store/memory/memory.ts'
import type { Documents } from '../../src/store/port/documents.ts'
import type { Store } from '../../src/store/port/port.ts'
import { testHost } from '../test-host.ts'
import { submit } from './world.ts'

const signer = createKeySigner(EMBEDDED_KEY)

describe('anchor/anchorer', () => {
  let dataDir: string
  let embedded: EmbeddedChain
  let contract: string
  let logs = 0
  const chains: AnchorChain[] = []
  const rpc = async (method: string, params: unknown[] = []): Promise<unknown> => {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
    const answer = await fetch(embedded.url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    return ((await answer.json()) as { result: unknown }).result
  }

  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'openseal-anchorer-'))
    embedded = await startEmbeddedChain({ dataDir, port: 0, log: silentLog })
    contract = (await deployContract({ rpcUrls: [embedded.url], signer, log: silentLog })).address
  })
  afterEach(() => {
    for (const chain of chains.splice(0)) chain.close()
  })
  after(async () => {
    await embedded.stop()
    await rm(dataDir, { recursive: true, force: true })
  })

  /**
   * A separate ledger, with its log opened in the shared contract. Time advances only by `passMs`.
   */
  async function world(options: { finality?: Finality; minBatch?: number; urls?: string[]; store?: Store } = {}) {
    const origin = `log.example/${logs++}`
    const logId = await ensureLog({ rpcUrls: [embedded.url], signer, log: silentLog, contract, origin })
    const { finality = { confirmations: 0 }, urls = [embedded.url] } = options
    const chain = openAnchorChain({
      urls,
      chainId: EMBEDDED_CHAIN_ID,
      contract,
      logId,
      signer,
      finality,
      limits: DEFAULT_LIMITS,
    })
    chains.push(chain)
    const store = options.store ?? createMemoryStore()
    let clockMs = Date.UTC(2026, 0, 1)
    const ledger = await openFor(store, origin, logId, () => clockMs)
    const anchorerOn = (over: Documents = store, book: Ledger = ledger): Anchoring =>
      createAnchoring({
        ledger: book,
        store: over,
        chains: [{ name: 'chain', chain }],
        intervalMs: 5_000,
        minBatch: options.minBatch ?? 1,
        host: testHost({ nowMs: () => clockMs, steadyMs: () => clockMs }),
        log: silentLog,
      })
    const passMs = (ms: number) => {
      clockMs += ms
    }
    return { origin, logId, chain, store, ledger, anchorerOn, passMs }
  }

  it('anchors the newest checkpoint, once, and hands it to the ledger when it is final', async () => {
    const { ledger, chain, anchorerOn, passMs } = await world()
    const anchorer = anchorerOn()
    await submit(ledger, 3)
    await finish(anchorer)
    const { size, root } = ledger.head()
    const anchor = ledger.latestAnchor()
    assert.equal(size, 4)
    assert.equal(anchor?.size, 4)
    assert.equal(anchor?.root, toHex(root))
    const time = await chain.anchoredAt(4, root, 'finalized')
    assert.equal(Date.parse(anchor?.block.time ?? ''), time * 1000)
    assert.equal(JSON.parse(await ledger.receipt(2)).anchors[0].transaction, anchor?.transaction)
    const nonce = await chain.nextNonce()
    passMs(60_000)
    await finish(anchorer)
    assert.equal(await chain.nextNonce(), nonce)
    assert.deepEqual(
      { ...anchorer.lag(), balanceWei: '', affordableAnchors: 0 },
      { oldestUnanchoredMs: 0, unanchoredRecords: 0, lastFinalSize: 4, balanceWei: '', affordableAnchors: 0 },
    )
  })

  it('anchors each later checkpoint with a consistency proof from the last', async () => {
    const { ledger, chain, anchorerOn, passMs } = await world()
    const anchorer = anchorerOn()
    for (const more of [1, 1, 5, 2, 9]) {
      await submit(ledger, more)
      await finish(anchorer)
      passMs(5_000)
    }
    assert.deepEqual(
      (await ledger.listAnchors(0, 10)).map(({ size }) => size),
      [2, 3, 8, 10, 19],
    )
    assert.equal((await chain.latest())?.size, 19)
  })

  it('waits for the interval and for the smallest batch, but not forever', async () => {
    const { ledger, anchorerOn, passMs } = await world({ minBatch: 3 })
    const anchorer = anchorerOn()
    await submit(ledger, 2)
    await finish(anchorer)
    await submit(ledger, 3)
    await finish(anchorer)
    assert.equal(ledger.latestAnchor()?.size, 3)
    passMs(5_000)
    await finish(anchorer)
    assert.equal(ledger.latestAnchor()?.size, 6)
    await submit(ledger, 1)
    passMs(25_000)
    await finish(anchorer)
    assert.equal(ledger.latestAnchor()?.size, 6)
    assert.equal(anchorer.lag().unanchoredRecords, 1)
    passMs(5_000)
    await finish(anchorer)
    assert.equal(ledger.latestAnchor()?.size, 7)
  })

  it('completes with the same transaction after a crash between storing and sending', async () => {
    const { ledger, store, chain, anchorerOn } = await world()
    await submit(ledger, 2)
    const dying = createAnchoring({
      ledger,
      store,
      chains: [{ name: 'chain', chain: { ...chain, broadcast: () => Promise.reject(new Error('power cut')) } }],
      intervalMs: 5_000,
      minBatch: 1,
      host: testHost(),
      log: silentLog,
    })
    await assert.rejects(dying.tick(), /power cut/)
    const [prepared] = await openRecords(store)
    assert.equal(prepared.state, 'prepared')
    assert.equal(await chain.txReceipt(prepared.attempts[0].hash), null)
    await submit(ledger, 4)
    await finish(anchorerOn())
    const [anchor] = await ledger.listAnchors(0, 1)
    assert.equal(anchor?.transaction, prepared.attempts[0].hash)
    assert.equal(anchor?.size, 3)
  })

  it('ends in one anchor and one transaction, whichever write fails, before or after it lands', async () => {
    let failures = 0
    for (const lands of [false, true]) {
      for (let nth = 1; ; nth++) {
        const { ledger, store, chain, anchorerOn } = await world()
        await submit(ledger, 1)
        const nonce = await chain.nextNonce()
        const failing = failNth(store, nth, lands)
        const anchorer = anchorerOn(failing.store)
        let failed = false
        for (let round = 0; round < 4; round++)
          await anchorer.tick().catch(error => {
            assert.match(String(error), /disk failed/)
            failed = true
          })
        // The same anchorer goes on from what the store holds now.
        await finish(anchorer)
        assert.deepEqual(
          (await ledger.listAnchors(0, 10)).map(({ size }) => size),
          [2],
        )
        assert.equal(await chain.nextNonce(), nonce + 1)
        assert.deepEqual(await openRecords(store), [])
        if (!failed) break
        failures++
      }
    }
    assert.ok(failures >= 6, `${failures}`)
  })

  it('does not anchor twice when a second anchorer starts, at the same moment or later', async () => {
    const { ledger, chain, anchorerOn } = await world()
    await submit(ledger, 2)
    const nonce = await chain.nextNonce()
    const [one, two] = [anchorerOn(), anchorerOn()]
    await one.tick()
    await two.tick()
    await Promise.all([one.tick(), two.tick(), one.tick()])
    await finish(anchorerOn())
    assert.equal(await chain.nextNonce(), nonce + 1)
    assert.equal(ledger.latestAnchor()?.size, 3)
  })

  it('stops the ledger when the contract is ahead of the store', async () => {
    const first = await world()
    await submit(first.ledger, 3)
    await finish(first.anchorerOn())
    const restored = await openFor(createMemoryStore(), first.origin, first.logId)
    await first.anchorerOn(createMemoryStore(), restored).compareWithChain()
    assert.match(
      restored.stopped() ?? '',
      /checkpoint of 4 entries, but this store only has 1: if no other chain and no witness contradicts it, restore/,
    )
    await assert.rejects(submit(restored, 1), { code: 'LEDGER_STOPPED' })
  })

  it('stops the ledger when the contract holds another root of the same size', async () => {
    const first = await world()
    await submit(first.ledger, 3)
    await finish(first.anchorerOn())
    const other = await openFor(createMemoryStore(), first.origin, first.logId)
    await submit(other, 3)
    const anchorer = first.anchorerOn(createMemoryStore(), other)
    assert.equal(anchorer.compared(), false)
    await anchorer.tick()
    assert.equal(anchorer.compared(), true)
    assert.match(other.stopped() ?? '', /another root hash for 4 entries than this store: this is another store, or somebody else anchors/)
  })

  it('sends final anchors again, in their order, when an embedded chain has lost its last blocks', async () => {
    const { ledger, chain, anchorerOn, passMs } = await world()
    const before = await rpc('evm_snapshot')
    const anchorer = anchorerOn()
    for (const more of [2, 3, 1]) {
      await submit(ledger, more)
      await finish(anchorer)
      passMs(5_000)
    }
    const anchors = await ledger.listAnchors(0, 10)
    await rpc('evm_revert', [before])
    assert.equal(await chain.latest(), null)
    await finish(anchorerOn())
    const again = await ledger.listAnchors(0, 10)
    assert.deepEqual(
      again.map(({ size, transaction }) => [size, transaction]),
      anchors.map(({ size, transaction }) => [size, transaction]),
    )
    assert.equal((await chain.latest())?.size, 7)
    for (const { block } of again) assert.equal(await chain.blockHash(block.number), block.hash)
  })

  it('has every anchor on chain again after kill -9 of the chain in the very moment of an anchor', async () => {
    const { ledger, chain, anchorerOn, passMs } = await world()
    await embedded.save()
    const anchorer = anchorerOn()
    await submit(ledger, 2)
    await finish(anchorer)
    passMs(5_000)
    await submit(ledger, 2)
    while (ledger.latestAnchor()?.size !== 5) await anchorer.tick()
    process.kill(embedded.pid(), 'SIGKILL')
    const isBack = () =>
      chain.latest().then(
        () => true,
        () => false,
      )
    for (const end = Date.now() + 10_000; !(await isBack()) && Date.now() < end; ) await pause()
    await finish(anchorerOn())
    const anchors = await ledger.listAnchors(0, 10)
    assert.deepEqual(
      anchors.map(({ size }) => size),
      [3, 5],
    )
    for (const { size, block } of anchors) {
      assert.equal(await chain.blockHash(block.number), block.hash)
      assert.equal(await chain.anchoredAt(size, await ledger.rootAt(size), 'latest'), Date.parse(block.time) / 1000)
    }
  })

  it('takes an anchor over from the contract if its own record of it is gone', async () => {
    const { ledger, chain, store, anchorerOn } = await world()
    await submit(ledger, 2)
    await finish(anchorerOn())
    const nonce = await chain.nextNonce()
    const anchor = ledger.latestAnchor()
    const emptied = createMemoryStore()
    await finish(anchorerOn(emptied))
    assert.equal(await chain.nextNonce(), nonce)
    assert.deepEqual(ledger.latestAnchor(), anchor)
    assert.notEqual(await store.readDocument('anchorer', String(EMBEDDED_CHAIN_ID)), undefined)
  })

  it('reports in its lag that no endpoint answers, and goes on by itself', async () => {
    const dead = await world({ urls: ['http://127.0.0.1:9'] })
    const anchorer = dead.anchorerOn()
    await submit(dead.ledger, 1)
    await assert.rejects(anchorer.tick(), { code: 'CHAIN_UNREACHABLE' })
    dead.passMs(7_000)
    const { alarm, oldestUnanchoredMs, unanchoredRecords } = anchorer.lag()
    assert.deepEqual([alarm, oldestUnanchoredMs, unanchoredRecords], ["The chain's endpoint 127.0.0.1:9 does not answer.", 7_000, 2])
    const alive = await world({ urls: ['http://127.0.0.1:9', embedded.url] })
    await submit(alive.ledger, 1)
    await finish(alive.anchorerOn())
    assert.equal(alive.ledger.latestAnchor()?.size, 2)
  })

  it('runs by itself between start and stop, and leaves nothing running', async () => {
    const { ledger, anchorerOn } = await world()
    const anchorer = anchorerOn()
    await submit(ledger, 1)
    anchorer.start()
    while (ledger.latestAnchor() === undefined) await pause()
    await anchorer.stop()
    assert.equal(ledger.latestAnchor()?.size, 2)
  })
})

function openFor(store: Store, origin: string, logId: string, nowMs: () => number = Date.now): Promise<Ledger> {
  return openLedger({
    store,
    signer: createLogSigner(origin, new Uint8Array(32).fill(7)),
    origin,
    anchors: [{ type: 'evm', chainId: EMBEDDED_CHAIN_ID, contract: `0x${'0'.repeat(40)}`, logId }],
    host: testHost({ nowMs }),
  })
}

/**
 * Rounds until nothing that can come about by itself is open: anvil executes a moment after it has
 * taken a transaction.
 */
async function finish(anchorer: Anchoring): Promise<void> {
  let before = ''
  for (let quiet = 0; quiet < 2; ) {
    await anchorer.tick()
    await pause()
    const now = JSON.stringify(anchorer.state())
    const isOpen = anchorer.state().some(({ state }) => state === 'prepared' || state === 'submitted')
    quiet = now === before && !isOpen ? quiet + 1 : 0
    before = now
  }
}

async function openRecords(store: Store) {
  const ends = JSON.parse((await store.readDocument('anchorer', String(EMBEDDED_CHAIN_ID))) ?? '{"open":[]}')
  const all = await store.listDocuments('anchors')
  return all.map(({ value }) => JSON.parse(value)).filter(({ size }) => ends.open.includes(size))
}

function failNth(store: Store, nth: number, lands: boolean) {
  let writes = 0
  const failing: Documents = {
    ...store,
    async writeDocuments(...write) {
      if (++writes !== nth) return store.writeDocuments(...write)
      if (lands) await store.writeDocuments(...write)
      throw new Error('disk failed')
    },
  }
  return { store: failing }
}

function pause(): Promise<void> {
  return new Promise(done => setTimeout(done, 20))
}

/**
 * A chain that takes back what it had called final, that moves its blocks, or on which the owner
 * has closed the log.
 */
import assert from 'node:assert/strict'
import { anchorKey } from '../../src/anchor/final-anchors.ts'
import { anchorInterface } from '../../src/chain/artifact.ts'
import { createLog } from '../../src/logger.ts'
import { CHAIN_ID, CHAINS, type TestChain } from '../chain/chains.ts'
import { type Behaviour, type Call, openEndpoint } from '../chain/endpoint.ts'
import { attemptsOf, openAnchors, sendFrom, submit, untilIncluded, useWorlds, type World } from './world.ts'

/** More final anchors than one round looks at. */
const COUNT = 18

for (const [name, start] of CHAINS) {
  describe(`anchors and a chain that goes back, on ${name}`, () => {
    let at: TestChain
    const openWorld = useWorlds(start, chain => {
      at = chain
    })
    const events: string[] = []
    const log = createLog({ write: line => events.push(JSON.parse(line).event), nowMs: Date.now })
    beforeEach(() => {
      events.length = 0
    })
    const world = () => openWorld({ finality: { confirmations: 1 }, log })
    const told = (event: string) => events.filter(one => one === event).length

    /** Anchors the newest checkpoint; final when it resolves. */
    const anchor = async ({ ledger, passMs }: World, anchorer: ReturnType<World['anchorerOn']>) => {
      await submit(ledger, 1)
      passMs(5_000)
      const { size } = ledger.head()
      await untilIncluded(anchorer, size)
      await at.mine()
      await anchorer.tick()
      assert.equal(ledger.latestAnchor()?.size, size)
      return ledger.latestAnchor()!
    }

    for (const isRunning of [true, false])
      it(`takes over the block to which the chain has moved a final anchor, ${isRunning ? 'while it runs' : 'after a restart'}`, async () => {
        const here = await world()
        const { ledger, chain } = here
        const anchorer = here.anchorerOn()
        const before = await at.rpc('evm_snapshot')
        const was = await anchor(here, anchorer)
        const { raw } = (await storedAnchor(here, was.size)).attempts[0]!
        await at.rpc('evm_revert', [before])
        await at.mine(3)
        await chain.broadcast(raw)
        await at.mine(2)
        const seeing = isRunning ? anchorer : here.anchorerOn()
        await seeing.tick()
        const now = ledger.latestAnchor()!
        assert.deepEqual([now.size, now.transaction], [was.size, was.transaction])
        assert.notDeepEqual(now.block, was.block)
        const { hash } = await at.rpc<{ hash: string }>('eth_getBlockByNumber', [`0x${now.block.number.toString(16)}`, false])
        assert.equal(now.block.hash, hash)
        assert.equal(Date.parse(now.block.time) / 1000, await chain.anchoredAt(now.size, ledger.head().root, 'latest'))
        assert.deepEqual(JSON.parse(await ledger.receipt(1)).anchors[0].block, now.block)
        assert.equal((await storedAnchor(here, now.size)).block?.hash, hash)
        await seeing.tick()
        assert.equal(seeing.lag().alarm, undefined)
      })

    it('finds every older anchor that was moved, some in each round', async () => {
      const here = await world()
      const { ledger, chain } = here
      const anchorer = here.anchorerOn()
      const before = await at.rpc('evm_snapshot')
      const finals = []
      for (let n = 0; n < COUNT; n++) finals.push(await anchor(here, anchorer))
      const raws = []
      for (const { size } of finals) raws.push((await storedAnchor(here, size)).attempts[0]!.raw)
      await at.rpc('evm_revert', [before])
      await at.mine(2)
      for (const raw of raws) {
        await chain.broadcast(raw)
        await at.mine()
      }
      await at.mine()
      const seeing = here.anchorerOn()
      await seeing.tick()
      // The newest ones are in their new places after one round; the walk comes to each of the
      // others in its turn.
      for (let rounds = 0; rounds <= COUNT; rounds++) await seeing.tick()
      for (const was of finals) {
        const now = await ledger.anchorAtSize(was.size)
        assert.notEqual(now?.block.hash, was.block.hash)
        const { blockHash } = await at.rpc<{ blockHash: string }>('eth_getTransactionReceipt', [was.transaction])
        assert.equal(now?.block.hash, blockHash)
      }
    })

    it('calls records no longer anchored if the chain has lost their final anchor, and sends it again until it is final', async () => {
      const here = await world()
      const { ledger } = here
      const anchorer = here.anchorerOn()
      await anchor(here, anchorer)
      const before = await at.rpc('evm_snapshot')
      const lost = await anchor(here, anchorer)
      await at.rpc('evm_revert', [before])
      await at.mine(4)
      await at.mining(false)
      for (const seeing of [anchorer, here.anchorerOn(), anchorer]) {
        await seeing.tick()
        assert.deepEqual([seeing.lag().alarmCode, seeing.lag().lastFinalSize], ['ANCHOR_LOST', lost.size - 1])
        assert.equal(ledger.latestAnchor()?.size, lost.size - 1)
        assert.equal(await ledger.roundOf(lost.size - 1), undefined)
        assert.deepEqual(JSON.parse(await ledger.receipt(lost.size - 1)).anchors, [])
      }
      assert.equal(told('the chain has lost final anchors'), 1)
      assert.ok(told('anchoring is in trouble') <= 2, 'once for each process, not for each round')
      await at.mining(true)
      await at.mine()
      await untilIncluded(anchorer, lost.size)
      await at.mine()
      await anchorer.tick()
      await anchorer.tick()
      assert.deepEqual([anchorer.lag().alarm, ledger.latestAnchor()?.transaction], [undefined, lost.transaction])
    })

    it('lets the next anchor replace one that the chain has lost under it', async () => {
      const here = await world()
      const { ledger, chain, passMs } = here
      const anchorer = here.anchorerOn()
      const before = await at.rpc('evm_snapshot')
      const lost = await anchor(here, anchorer)
      await submit(ledger, 1)
      await at.rpc('evm_revert', [before])
      await at.mine(2)
      const { size, root } = ledger.head()
      const { raw } = await chain.prepare({ size, root, proof: [], nonce: await chain.nextNonce() })
      await chain.broadcast(raw)
      await at.mine(2)
      for (let rounds = 0; rounds < 3; rounds++) {
        passMs(5_000)
        await anchorer.tick()
      }
      assert.equal(await ledger.anchorAtSize(lost.size), undefined)
      assert.equal((await ledger.roundOf(lost.size - 1))?.size, size)
      assert.equal(told('the chain has lost a final anchor'), 1)
      assert.deepEqual([anchorer.lag().alarm, anchorer.lag().lastFinalSize], [undefined, size])
    })

    it('calls no anchor moved or lost because one endpoint keeps no old blocks, or shows different ones', async () => {
      const endpoint = await openEndpoint(at.url)
      try {
        const here = await openWorld({ finality: { confirmations: 1 }, log, urls: [endpoint.url, at.url] })
        const { ledger } = here
        const anchorer = here.anchorerOn()
        const first = await anchor(here, anchorer)
        const was = await anchor(here, anchorer)
        const isOld = ({ method, params }: Call) =>
          method === 'eth_getBlockByNumber' && /^0x/.test(String(params[0])) && Number(params[0]) <= was.block.number
        const strange = { number: `0x${was.block.number.toString(16)}`, hash: `0x${'77'.repeat(32)}`, timestamp: '0x1' }
        const behaviours: Behaviour[] = [
          call => (isOld(call) ? null : undefined),
          call => (isOld(call) ? strange : undefined),
          call => (isOld(call) ? strange : call.method === 'eth_call' && isAskedForTime(call) ? `0x${'0'.repeat(64)}` : undefined),
        ]
        for (const behaviour of behaviours) {
          endpoint.behave(behaviour)
          for (let rounds = 0; rounds < 3; rounds++) await anchorer.tick()
          assert.deepEqual([ledger.latestAnchor(), await ledger.anchorAtSize(first.size), anchorer.lag().alarm], [was, first, undefined])
        }
      } finally {
        await endpoint.close()
      }
    })

    it('stops for good when the owner has closed the log, running and after a restart, and says where it goes on', async () => {
      for (const isRunning of [true, false]) {
        const here = await world()
        const { ledger, address, key, chain } = here
        const anchorer = here.anchorerOn()
        const good = await anchor(here, anchorer)
        await anchor(here, anchorer)
        await submit(ledger, 1)
        const successor = await openSuccessor(at, key, address)
        await sendFrom(at, key, {
          nonce: await chain.nextNonce(),
          to: chain.contract,
          gasLimit: 200_000,
          data: anchorInterface.encodeFunctionData('closeLog', [chain.logId, good.size, successor]),
        })
        await at.mine()
        const seeing = isRunning ? anchorer : here.anchorerOn()
        if (isRunning) await seeing.tick()
        else await seeing.compareWithChain()
        assert.equal(ledger.stopCode(), 'LOG_CLOSED')
        assert.deepEqual(ledger.closing(), { lastGoodSize: good.size, successor })
        await assert.rejects(submit(ledger, 1), {
          code: 'LOG_CLOSED',
          message: new RegExp(`closed it.*good up to tree size ${good.size}\\..*${successor}`),
        })
        assert.deepEqual([(await ledger.roundOf(good.size - 1))?.size, ledger.latestAnchor()?.size], [good.size, good.size])
        assert.equal(await ledger.roundOf(good.size), undefined, 'what is above is disowned')
        await seeing.tick()
        assert.deepEqual([attemptsOf(seeing), openAnchors(seeing)], [[], []])
      }
    })

    it('is not stopped for good by one endpoint that says alone that the log was closed', async () => {
      const endpoint = await openEndpoint(at.url)
      try {
        const here = await openWorld({ finality: { confirmations: 1 }, log, urls: [endpoint.url, at.url] })
        const { ledger, chain } = here
        const anchorer = here.anchorerOn()
        await anchor(here, anchorer)
        const open = await at.rpc<string>('eth_call', [{ to: chain.contract, data: LOG_OF + chain.logId.slice(2) }, 'latest'])
        // The fourth of six words says that it is closed, the fifth at which size.
        const words = open.slice(2).match(/.{64}/g)!
        const closed = `0x${[...words.slice(0, 3), '1'.padStart(64, '0'), '1'.padStart(64, '0'), words[5]].join('')}`
        endpoint.behave(({ method, params }) =>
          method === 'eth_call' && (params[0] as { data: string }).data.startsWith(LOG_OF) ? closed : undefined,
        )
        for (const seeing of [anchorer, here.anchorerOn()]) {
          await assert.rejects(seeing === anchorer ? seeing.tick() : seeing.compareWithChain(), { code: 'CHAIN_CONTRADICTED' })
          assert.deepEqual([ledger.stopCode(), ledger.closing(), seeing.lag().alarmCode], [undefined, undefined, 'CHAIN_CONTRADICTED'])
        }
        await submit(ledger, 1)
        endpoint.behave(() => undefined)
        await anchorer.tick()
        assert.equal(anchorer.lag().alarm, undefined)
      } finally {
        await endpoint.close()
      }
    })

    it('notices that the log was closed after it had stopped because of a false continuation', async () => {
      const here = await world()
      const { ledger, key, chain } = here
      const anchorer = here.anchorerOn()
      await anchor(here, anchorer)
      ledger.stop('the contract holds a checkpoint that this store does not know', 'LEDGER_AT_ODDS')
      await anchorer.tick()
      assert.equal(ledger.stopCode(), 'LEDGER_AT_ODDS')
      const data = anchorInterface.encodeFunctionData('closeLog', [chain.logId, 1, `0x${'0'.repeat(64)}`])
      await sendFrom(at, key, { nonce: await chain.nextNonce(), to: chain.contract, gasLimit: 200_000, data })
      await at.mine()
      await anchorer.tick()
      assert.deepEqual([ledger.stopCode(), ledger.closing()], ['LOG_CLOSED', { lastGoodSize: 1 }])
    })

    it('reports a missing contract once, while it runs and after a restart', async () => {
      const here = await world()
      const { chain } = here
      const anchorer = here.anchorerOn()
      await anchor(here, anchorer)
      const code = await at.rpc('eth_getCode', [chain.contract, 'latest'])
      await at.rpc('hardhat_setCode', [chain.contract, '0x'])
      try {
        for (let rounds = 0; rounds < 3; rounds++) await assert.rejects(anchorer.tick(), { code: 'CHAIN_NO_CONTRACT' })
        const restarted = here.anchorerOn()
        await assert.rejects(restarted.compareWithChain(), { code: 'CHAIN_NO_CONTRACT' })
        assert.equal(anchorer.lag().alarmCode, 'CHAIN_NO_CONTRACT')
        assert.deepEqual([restarted.lag().alarm, restarted.lag().alarmCode], [anchorer.lag().alarm, anchorer.lag().alarmCode])
        assert.equal(told('anchoring is in trouble'), 2)
      } finally {
        await at.rpc('hardhat_setCode', [chain.contract, code])
      }
      await anchorer.tick()
      assert.deepEqual([anchorer.lag().alarm, told('anchoring goes on')], [undefined, 1])
    })
  })
}

const ANCHORED_AT = anchorInterface.getFunction('anchoredAt')!.selector
const LOG_OF = anchorInterface.getFunction('logOf')!.selector

function isAskedForTime({ params }: Call): boolean {
  return (params[0] as { data: string }).data.startsWith(ANCHORED_AT)
}

async function storedAnchor({ store }: World, size: number) {
  const value = await store.readDocument('anchors', anchorKey(CHAIN_ID, size))
  return JSON.parse(value ?? '{}') as { attempts: { raw: string }[]; block?: { hash: string } }
}

async function openSuccessor(at: TestChain, key: string, publisher: string): Promise<string> {
  const count = Number(await at.rpc<string>('eth_getTransactionCount', [publisher, 'latest']))
  const data = anchorInterface.encodeFunctionData('openLog', [`successor.example/${key.slice(2, 10)}`, publisher])
  const hash = await sendFrom(at, key, { nonce: count, to: at.contract, gasLimit: 300_000, data })
  await at.mine()
  for (;;) {
    const receipt = await at.rpc<{ logs: { topics: string[] }[] } | null>('eth_getTransactionReceipt', [hash])
    if (receipt !== null) return receipt.logs[0]!.topics[1]!
  }
}

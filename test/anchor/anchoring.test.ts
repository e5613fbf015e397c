/** Several chains of one ledger: each on its own, and rounds final as the policy says. */
import { deepEqual, equal, match, rejects } from 'node:assert/strict'
import { createAnchoring } from '../../src/anchor/anchoring.ts'
import type { AnchorChain } from '../../src/anchor/chain.ts'
import type { RoundRule } from '../../src/anchor/round-rule.ts'
import type { LedgerChain } from '../../src/anchor/tended-chains.ts'
import { openVouched } from '../../src/anchor/vouched.ts'
import type { PolicyChain } from '../../src/core/policy-anchors.ts'
import { silentLog } from '../../src/logger.ts'
import { createMemoryStore } from '../../src/store/memory/memory.ts'
import { openTestLedger, statementOf } from '../ledger/fixtures.ts'
import { CODE_SHA256, CONTRACT, createMemoryChain, LOG_ID } from '../simulation/chain.ts'
import { createTestClock, testHost } from '../test-host.ts'

const PLACE: Omit<PolicyChain, 'chainId'> = {
  type: 'evm',
  contract: CONTRACT,
  codeSha256: CODE_SHA256,
  logId: LOG_ID,
  production: true,
  finality: 'finalized',
  fromSize: 0,
}
const ruleOf = (requireAnchors: number, ...chainIds: number[]): RoundRule => ({
  witnesses: [],
  quorum: 0,
  anchors: chainIds.map(chainId => ({ ...PLACE, chainId })),
  requireAnchors,
})

/** Chains in memory, of ids from 1; a ledger with the rule; and what tends both. */
async function openWorld(count: number, rule?: RoundRule, more: readonly Partial<LedgerChain>[] = [], store = createMemoryStore()) {
  const clock = createTestClock()
  const nowMs = () => Date.UTC(2026, 0, 2) + clock.steadyMs()
  const ledger = await openTestLedger(store, { rule, host: { nowMs } })
  const memories = Array.from({ length: count }, createMemoryChain)
  const chains = memories.map(
    ({ chain }, at): LedgerChain => ({ name: `chain ${at + 1}`, chain: { ...chain, chainId: at + 1 }, ...more[at] }),
  )
  const host = testHost({ nowMs, ...clock })
  const open = (over = chains, on = ledger) =>
    createAnchoring({ ledger: on, store, chains: over, intervalMs: 1000, minBatch: 1, host, log: silentLog })
  let blockTime = 0
  const pass = (ms: number, ...mined: number[]) => {
    clock.advance(ms)
    blockTime += 12
    for (const at of mined) memories[at]!.mine(blockTime + at)
  }
  /** Some rounds of a record each, while blocks come on all chains, or on those. */
  const run = async (rounds: number, anchoring: ReturnType<typeof open>, mined = memories.map((_, at) => at)) => {
    for (let round = 0; round < rounds; round++) {
      await ledger.submit(statementOf(`record ${records++}`))
      for (let step = 0; step < 4; step++) {
        await anchoring.tick().catch(() => {})
        pass(250, ...mined)
      }
    }
  }
  return { store, ledger, memories, chains, open, pass, run }
}
let records = 0

const dead: Partial<AnchorChain> = {
  heads: () => Promise.reject(Object.assign(new Error('down'), { code: 'CHAIN_UNREACHABLE' })),
}

describe('anchoring on several chains', () => {
  it('calls final what as many chains as the policy requires hold, by the date of the last of them', async () => {
    const { ledger, open, run } = await openWorld(3, ruleOf(2, 1, 2, 3))
    const anchoring = open()
    await run(6, anchoring)
    const [first] = await ledger.listFinalRounds(0, 1)
    const { anchors } = await ledger.roundAt(first!.size)
    deepEqual(
      anchors.map(({ chainId }) => chainId),
      [1, 2, 3],
    )
    equal(first!.time, anchors[1]!.block.time)
    deepEqual(JSON.parse(await ledger.receipt(0)).anchors.length, 3)
    deepEqual(anchoring.troubles(), [])
  })

  it('goes on while one chain is down, and names it; nothing is final that needs it', async () => {
    const { ledger, chains, open, run } = await openWorld(2, ruleOf(2, 1, 2))
    const [one, two] = chains as [LedgerChain, LedgerChain]
    await run(3, open())
    const before = ledger.latestRound()!.size
    const half = open([one, { ...two, chain: { ...two.chain, ...dead } }])
    await run(3, half)
    equal(ledger.latestRound()?.size, before)
    equal((await ledger.newestAnchors(Number.MAX_SAFE_INTEGER, 1))[0]!.size > before, true)
    match(half.troubles()[0]!.message, /^chain 2: /)
    deepEqual(
      half.vouchers().map(({ name, trouble }) => [name, trouble !== undefined]),
      [
        ['chain 1', false],
        ['chain 2', true],
      ],
    )
    await run(3, open())
    equal(ledger.latestRound()!.size > before, true)
  })

  it('stops the ledger when any of its chains holds another history, and names it', async () => {
    const { ledger, chains, open, run, memories } = await openWorld(2)
    await run(2, open())
    const other = await openWorld(1)
    await other.run(9, other.open())
    const [one] = chains as [LedgerChain]
    await open([one, { name: 'the other', chain: { ...other.chains[0]!.chain, chainId: 2 } }]).tick()
    match(ledger.stopped() ?? '', /^the other: the contract holds/)
    equal(memories[1]!.anchors().length > 0, true)
  })

  it('accepts submissions once it was compared with a chain that takes part in as many rounds as any', async () => {
    const { chains, open } = await openWorld(2, undefined, [{}, { everyRounds: 4 }])
    const [often, seldom] = chains as [LedgerChain, LedgerChain]
    const without = (each: LedgerChain): LedgerChain => ({ ...each, chain: { ...each.chain, ...dead } })
    const oneUp = open([often, without(seldom)])
    await oneUp.compareWithChain()
    equal(oneUp.compared(), true)
    const otherUp = open([without(often), seldom])
    await rejects(otherUp.compareWithChain(), /down/)
    equal(otherUp.compared(), false)
  })

  it('lets a slow chain take part in every n-th round, in which every chain does', async () => {
    const { ledger, memories, open, run } = await openWorld(2, ruleOf(2, 1, 2), [{}, { everyRounds: 3 }])
    await run(10, open())
    const ordinals = await Promise.all(memories[1]!.anchors().map(async ({ size }) => (await ledger.rounds.at(size))?.ordinal))
    deepEqual(ordinals, [3, 6, 9])
    deepEqual(
      (await ledger.listFinalRounds(0, 9)).map(({ size }) => size),
      memories[1]!
        .anchors()
        .map(({ size }) => size)
        .slice(0, (await ledger.listFinalRounds(0, 9)).length),
    )
  })

  it('begins on a chain that was added later with an empty proof, from its first size', async () => {
    const { ledger, memories, open, run, chains } = await openWorld(2, ruleOf(1, 1, 2))
    await run(4, open(chains.slice(0, 1)))
    const { size } = ledger.head()
    await run(2, open([chains[0]!, { ...chains[1]!, fromSize: size }]))
    equal(memories[1]!.anchors()[0]!.size >= size, true)
    equal(ledger.stopped(), undefined)
  })

  it('keeps to the size that a chain was sent until it is final or refused, however many rounds open', async () => {
    const { memories, open, run, ledger } = await openWorld(2)
    const anchoring = open()
    await run(3, anchoring, [0])
    const pending = anchoring.state().filter(({ chainId, state }) => chainId === 2 && state !== 'final')
    deepEqual(
      pending.map(({ size }) => size),
      [(await ledger.rounds.byOrdinal(1))!.size],
    )
    equal(memories[0]!.anchors().length, 3)
  })

  it('judges stored rounds again when the policy has changed, and shows none until then that is final no longer', async () => {
    const store = createMemoryStore()
    const { open, run, chains } = await openWorld(2, ruleOf(1, 1, 2), [], store)
    await run(4, open(chains.slice(0, 1)))
    const strict = await openTestLedger(store, { rule: ruleOf(2, 1, 2) })
    deepEqual([strict.latestRound(), await strict.roundOf(1)], [undefined, undefined])
    const again = open([], strict)
    await strict.judgeAgain([])
    await strict.judgeAgain([])
    deepEqual(await strict.listFinalRounds(0, 9), [])
    const loose = await openTestLedger(store, { rule: ruleOf(1, 1, 2) })
    equal(await loose.judgeAgain([]), false)
    await loose.refresh()
    equal((await loose.listFinalRounds(0, 9)).length > 0, true)
    equal(again.vouchers().length, 0)
  })

  it('judges stored rounds again by itself after the policy has changed', async () => {
    const store = createMemoryStore()
    const { open, run, chains } = await openWorld(2, ruleOf(2, 1, 2), [], store)
    await run(4, open(chains.slice(0, 1)))
    const loose = await openTestLedger(store, { rule: ruleOf(1, 1, 2) })
    deepEqual(await loose.listFinalRounds(0, 9), [])
    const anchoring = open(chains.slice(0, 1), loose)
    for (let tick = 0; tick < 3; tick++) await anchoring.tick()
    equal((await loose.listFinalRounds(0, 9)).length >= 3, true)
  })

  it('reads few of many stored rounds when none is final by a new policy, at its start and for a receipt', async () => {
    const store = createMemoryStore()
    const { ledger } = await openWorld(1, ruleOf(1, 1), [], store)
    const finalAt = (on: Pick<typeof ledger, 'setFinal'>, chainId: number, size: number) =>
      on.setFinal({
        ...{ type: 'evm', chainId, contract: CONTRACT, logId: LOG_ID, size, root: '', transaction: '0x1' },
        block: { number: size, hash: '0x2', time: '2026-11-20T10:00:00Z' },
      })
    for (let size = 1; size <= 300; size++) {
      await ledger.rounds.open({ size, root: '', checkpoint: '', openedMs: 0 }, [])
      await finalAt(ledger, 1, size)
    }
    let reads = 0
    const listDocuments: typeof store.listDocuments = (...args) => {
      reads++
      return store.listDocuments(...args)
    }
    const counted = { ...store, listDocuments }
    const strict = await openVouched(counted, { steadyMs: () => 0 }, { rule: ruleOf(2, 1, 2) })
    deepEqual([strict.latest(), reads < 600], [undefined, true])
    for (const chainId of [1, 2]) await finalAt(strict, chainId, 401)
    reads = 0
    deepEqual([(await strict.covering(7))?.size, reads < 400], [401, true])
    // The newest are judged first.
    equal(await strict.judgeAgain([]), false)
    deepEqual(
      (await strict.listFinal(230, 9)).map(({ size }) => size),
      [231, 232, 233, 234, 235, 236, 401],
    )
    while (!(await strict.judgeAgain([])));
    deepEqual(
      (await strict.listFinal(0, 9)).map(({ size }) => size),
      [401],
    )
  })

  it('waits for records, and not for the time stamps that it logs, however quiet the ledger is', async () => {
    const { ledger, open, run, pass } = await openWorld(2, ruleOf(1, 1, 2))
    const anchoring = open()
    const waits = () => ({ oldestMs: anchoring.lag().oldestUnanchoredMs, troubles: anchoring.troubles() })
    await run(1, anchoring)
    await run(1, anchoring)
    while ((ledger.latestRound()?.size ?? 0) < ledger.head().size) {
      await anchoring.tick()
      pass(1000, 0, 1)
    }
    await ledger.logTimestamp({ size: ledger.head().size, sha256: 'ab'.repeat(32), created: '2026-12-01T10:00:00Z' })
    const idle = { oldestMs: 0, troubles: [] }
    await anchoring.tick()
    pass(30 * 86_400_000, 0, 1)
    await anchoring.tick()
    deepEqual(waits(), idle)
    // The record after a quiet month has not waited for a month.
    await ledger.submit(statementOf('after a quiet month'))
    await anchoring.tick()
    deepEqual(waits(), idle)
  })

  it('says that no round becomes final, although nothing is wrong with any voucher, and says it no longer than that', async () => {
    // Chain 9 is in the policy, and nobody tends it.
    for (const [rule, codes] of [
      [ruleOf(2, 1, 9), ['ROUND_LATE']],
      [ruleOf(1, 1, 9), []],
    ] as const) {
      const { open, run, pass } = await openWorld(1, rule)
      const anchoring = open()
      await run(1, anchoring)
      const codesAfter = async (ms: number) => {
        pass(ms, 0)
        await anchoring.tick()
        return anchoring.troubles().map(({ code }) => code)
      }
      for (let seconds = 0; seconds < 10; seconds++) deepEqual(await codesAfter(1000), [])
      deepEqual(await codesAfter(2 * 3_600_000), codes)
    }
  })

  it('anchors on a chain that was retired up to its last size, and says nothing of it afterwards', async () => {
    const { ledger, memories, open, run, chains } = await openWorld(2, ruleOf(1, 1, 2))
    await run(2, open())
    const toSize = ledger.head().size
    const retired = { ...chains[1]!, toSize, chain: { ...chains[1]!.chain } }
    await run(3, open([chains[0]!, retired]))
    equal(memories[1]!.anchors().at(-1)!.size, toSize)
    equal(memories[0]!.anchors().at(-1)!.size > toSize, true)
    const down = open([chains[0]!, { ...retired, chain: { ...retired.chain, ...dead } }])
    await run(3, down)
    deepEqual(down.troubles(), [])
    // What it has anchored still counts for records of its time.
    equal((await ledger.roundAt(toSize)).anchors.length, 2)
  })
})

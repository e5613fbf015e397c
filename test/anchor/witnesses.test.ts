/** Witnesses as vouchers of rounds: a quorum of them in receipts, and one that fails alone. */
import { deepEqual, equal, match } from 'node:assert/strict'
import { createAnchoring } from '../../src/anchor/anchoring.ts'
import { createLease, type Lease } from '../../src/anchor/lease.ts'
import { createWitnessClient, type WitnessClient } from '../../src/anchor/witness-client.ts'
import { createSigner, formatVkey, parseNote } from '../../src/core/tlog/note.ts'
import { parseTlogProof } from '../../src/core/tlog/tlog-proof.ts'
import { silentLog } from '../../src/logger.ts'
import { createMemoryStore } from '../../src/store/memory/memory.ts'
import { openTestLedger, statementOf } from '../ledger/fixtures.ts'
import { CHAIN_ID, CODE_SHA256, CONTRACT, createMemoryChain, LOG_ID } from '../simulation/chain.ts'
import { createTestClock, testHost } from '../test-host.ts'
import { serveWitness, type WitnessServer } from '../witness-server.ts'

const NOW = 1_790_000_000

describe('anchor/witnesses', () => {
  const servers: WitnessServer[] = []
  afterEach(() => {
    for (const server of servers.splice(0)) server.close()
  })

  async function openWitness(at: number, name?: string) {
    const server = await serveWitness(at, () => NOW * 1000, name)
    servers.push(server)
    const host = testHost({ nowMs: () => NOW * 1000 })
    return Object.assign(server, { client: createWitnessClient({ vkey: server.vkey, url: server.url, fetch, host }) })
  }

  async function openWorld(count: number, quorum: number, requireAnchors = 1, name?: string) {
    const witnesses = await Promise.all(Array.from({ length: count }, (_, at) => openWitness(at, name)))
    const store = createMemoryStore()
    const place = { type: 'evm', chainId: CHAIN_ID, contract: CONTRACT, codeSha256: CODE_SHA256, logId: LOG_ID } as const
    const rule = {
      witnesses: witnesses.map(({ vkey }) => vkey),
      quorum,
      anchors: [{ ...place, production: true, finality: 'finalized' as const, fromSize: 0 }],
      requireAnchors,
    }
    const ledger = await openTestLedger(store, { rule })
    const clock = createTestClock()
    const memory = createMemoryChain()
    const clients = witnesses.map(({ client }) => client)
    const open = (on = ledger, lease?: Lease, asked = clients) =>
      createAnchoring({
        ...{ ledger: on, store, chains: [{ name: 'chain', chain: memory.chain }], intervalMs: 1000, minBatch: 1, log: silentLog, lease },
        witnesses: asked,
        host: testHost({ nowMs: clock.steadyMs, ...clock }),
      })
    const anchoring = open()
    let blockTime = 0
    const round = async () => {
      await ledger.submit(statementOf(`record ${records++}`))
      for (let step = 0; step < 4; step++) {
        await anchoring.tick()
        clock.advance(250)
        blockTime += 12
        memory.mine(blockTime)
      }
    }
    return { ledger, anchoring, open, rule, witnesses, clock, round, store }
  }
  let records = 0
  const linesOf = (receipt: string) => parseNote(parseTlogProof(JSON.parse(receipt).proof).note).signatures.map(({ name }) => name)

  it('cosign each round, and receipts carry their lines once a round is final', async () => {
    const { ledger, witnesses, round } = await openWorld(3, 2)
    for (let count = 0; count < 3; count++) await round()
    deepEqual(linesOf(await ledger.receipt(1)).sort(), [
      'ledger.example/test',
      'witness.example/w0',
      'witness.example/w1',
      'witness.example/w2',
    ])
    deepEqual(witnesses[0]!.shown, [2, 3, 4])
    equal(ledger.latestRound()?.size, 4)
    equal((await ledger.roundAt(4)).cosignatures[0]!.time, new Date(NOW * 1000).toISOString().replace('.000', ''))
  })

  it('fail alone: the others and the chain go on, the one is named, and it catches up with the newest round', async () => {
    const { ledger, anchoring, witnesses, round, clock } = await openWorld(3, 2)
    witnesses[2]!.mood = 'down'
    for (let count = 0; count < 3; count++) await round()
    equal(ledger.latestRound()?.size, 4)
    match(
      anchoring
        .troubles()
        .map(({ message }) => message)
        .join(),
      /^Witness witness.example\/w2 answers with status 503/,
    )
    // In three seconds, with a pause of one and then of two.
    equal(witnesses[2]!.shown.length <= 3, true)
    witnesses[2]!.mood = 'up'
    clock.advance(60_000)
    await round()
    deepEqual(anchoring.troubles(), [])
    deepEqual(
      anchoring
        .vouchers()
        .map(({ size }) => size)
        .slice(1),
      [5, 5, 5],
    )
    // It is asked for no round that was passed.
    deepEqual(
      witnesses[2]!.shown,
      witnesses[2]!.shown.toSorted((a, b) => a - b),
    )
  })

  it('are told apart by the ids of their keys if two have one name', async () => {
    const { anchoring, witnesses, round } = await openWorld(2, 1, 1, 'witness.example')
    witnesses[0]!.mood = 'down'
    for (let count = 0; count < 3; count++) await round()
    const names = witnesses.map(({ vkey }) => /^[^+]+\+[0-9a-f]{8}/.exec(vkey)![0])
    deepEqual(
      anchoring.vouchers().map(({ name, trouble }) => [name, trouble?.code]),
      [
        ['chain', undefined],
        [names[0], 'WITNESS_UNREACHABLE'],
        [names[1], undefined],
      ],
    )
    equal(anchoring.troubles()[0]!.message.startsWith(`${names[0]}: Witness witness.example answers`), true)
  })

  it('make no round final below the quorum, and the newest with a quorum is in receipts until one is', async () => {
    const { ledger, witnesses, round } = await openWorld(2, 2)
    witnesses[1]!.mood = 'down'
    await round()
    deepEqual([ledger.latestRound(), linesOf(await ledger.receipt(0))], [undefined, ['ledger.example/test']])
    equal((await ledger.roundAt(2)).anchors.length + (await ledger.roundAt(2)).cosignatures.length > 0, true)
    const other = await openWorld(2, 2, 2)
    await other.round()
    deepEqual([other.ledger.latestRound(), linesOf(await other.ledger.receipt(0)).length], [undefined, 3])
  })

  it('are named when they do not answer at all, and hold up nothing', async () => {
    const { ledger, anchoring, witnesses, clock } = await openWorld(2, 1)
    witnesses[1]!.mood = 'silent'
    await ledger.submit(statementOf('silent'))
    const first = anchoring.tick()
    while (witnesses[1]!.shown.length === 0 || anchoring.vouchers()[1]!.size === 0) await new Promise(setImmediate)
    clock.advance(31_000)
    match(
      anchoring
        .troubles()
        .map(({ message }) => message)
        .join(),
      /witness.example\/w1: It has not answered for 31 seconds\.$/,
    )
    equal(anchoring.vouchers()[1]!.trouble, undefined)
    await anchoring.stop()
    await first
  })

  it('are shown no larger checkpoint before the last one of a key that ended', async () => {
    const { ledger, open, witnesses, clock, round, store } = await openWorld(1, 1)
    await round()
    const newKey = createSigner('ledger.example/test', new Uint8Array(32).fill(9))
    await ledger.changeKey(formatVkey(newKey.vkey))
    const { size } = ledger.head()
    const after = await openTestLedger(store, { signer: newKey })
    await after.submit(statementOf('after'))
    deepEqual([(await after.nextCheckpoint(witnesses[0]!.shown.at(-1)!)).size, after.ends()], [size, [size]])
    // Two rounds have opened before the witness answers again.
    const anchoring = open(after)
    const tick = async () => {
      clock.advance(60_000)
      await anchoring.tick()
    }
    witnesses[0]!.mood = 'down'
    for (let count = 0; count < 3; count++) await tick()
    const { length } = witnesses[0]!.shown
    witnesses[0]!.mood = 'up'
    for (let count = 0; count < 2; count++) await tick()
    deepEqual(witnesses[0]!.shown.slice(length), [size, after.head().size])
  })

  it('are asked by the node with the lease alone, and their answer to one that has lost it meanwhile is not stored', async () => {
    const { ledger, open, witnesses, clock, store } = await openWorld(1, 1)
    const [witness] = witnesses
    const leaseOf = (holder: string) => createLease({ store: { ...store, nowMs: async () => clock.steadyMs() }, name: 'rounds', holder })
    let answer: (() => void) | undefined
    const late = {
      ...witness!.client,
      cosign: async (...request: Parameters<WitnessClient['cosign']>) => {
        const cosigned = witness!.client.cosign(...request)
        await cosigned.catch(() => {})
        if (witness!.mood === 'up')
          await new Promise<void>(resolve => {
            answer = resolve
          })
        return cosigned
      },
    }
    const [ours, theirs] = [open(ledger, leaseOf('ours'), [late]), open(ledger, leaseOf('theirs'))]
    await ledger.submit(statementOf('lease'))
    clock.advance(1000)
    witness!.mood = 'down'
    await ours.tick()
    // One failure is nobody's concern.
    deepEqual([witness!.shown, ours.vouchers()[1]!.trouble], [[2], undefined])
    witness!.mood = 'up'
    await theirs.tick()
    deepEqual(witness!.shown, [2])
    clock.advance(1000)
    const tick = ours.tick()
    while (answer === undefined) await new Promise(setImmediate)
    clock.advance(61_000)
    witness!.mood = 'down'
    await theirs.tick()
    answer?.()
    await tick
    deepEqual((await ledger.roundAt(2)).cosignatures, [])
  })
})

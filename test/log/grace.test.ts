/**
 * The grace after a change of the log's key, on a real ledger: the old key signs beside the new one
 * until a round that both have signed is final.
 */
import { deepEqual, equal, ok } from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { toHex } from '../../src/core/bytes.ts'
import { EMPTY_ROOT } from '../../src/core/hash.ts'
import { formatVkey, parseNote, type Signer } from '../../src/core/tlog/note.ts'
import { parseTlogProof } from '../../src/core/tlog/tlog-proof.ts'
import type { Ledger, LedgerDeps } from '../../src/ledger/ledger.ts'
import { createGrace } from '../../src/log/grace.ts'
import { createLogSigner, type LogSigner, signCheckpoint } from '../../src/log/signer.ts'
import { createMemoryStore } from '../../src/store/memory/memory.ts'
import type { Store } from '../../src/store/port/port.ts'
import { anchorOf, ORIGIN, openTestLedger, statementOf } from '../ledger/fixtures.ts'
import { createTestClock } from '../test-host.ts'

const [ONE, TWO, THREE] = [1, 2, 3].map(byte => createLogSigner(ORIGIN, new Uint8Array(32).fill(byte))) as [Signer, Signer, Signer]
const [FIRST, SECOND, THIRD] = [ONE, TWO, THREE].map(({ vkey }) => vkey.id) as [string, string, string]

/** The ids of the keys that signed a note, in its order. */
const signersOf = (note: string) => parseNote(note).signatures.map(({ id }) => id)
const signersOfReceipt = (receipt: string) => signersOf(parseTlogProof(JSON.parse(receipt).proof).note)

describe('grace of a log key', () => {
  let clock: ReturnType<typeof createTestClock>
  let store: Store
  let folder: { [lastSize: number]: Signer }
  let done: number[]
  /** What the node was told that it lacks, without repeats. */
  let lacked: (number | undefined)[]
  beforeEach(() => {
    clock = createTestClock()
    store = createMemoryStore()
    folder = {}
    done = []
    lacked = []
  })

  const endedKey = {
    read: async (lastSize: number) => folder[lastSize],
    lacks: (lastSize: number | undefined) => void (lacked.at(-1) === lastSize && lacked.length > 0 ? 0 : lacked.push(lastSize)),
    done: (lastSize: number) => void done.push(lastSize),
  }
  const open = (signer: Signer, more: Partial<LedgerDeps> = {}) => openTestLedger(store, { signer, endedKey, ...more, host: clock })
  const submit = async (ledger: Ledger) => (await ledger.submit(statementOf(`record ${records++}`))).index
  let records = 0
  /** Lets a second pass, in which each node looks after its keys, until it is so. */
  const passUntil = async (isSo: () => boolean) => {
    for (let turns = 0; !isSo(); turns++) {
      if (turns % 100 === 0) clock.advance(1000)
      await turn()
    }
  }
  /** Lets some seconds pass. */
  const pass = async () => {
    for (let turns = 0; turns < 500; turns++) {
      if (turns % 100 === 0) clock.advance(1000)
      await turn()
    }
  }
  /** A round of the ledger's next checkpoint, which becomes final. */
  const makeFinal = async (ledger: Ledger) => {
    const { size, root, checkpoint } = await ledger.nextCheckpoint((await ledger.rounds.newest())?.size ?? 0)
    await ledger.rounds.open({ size, root: toHex(root), checkpoint, openedMs: 0 }, [])
    await ledger.setFinal(anchorOf(size, toHex(root)))
    return { size, signers: signersOf(checkpoint) }
  }
  /** A ledger of the first key with a record, which became the second's. Its last size is 3. */
  const rotated = async (options: { isStolen?: boolean } = {}) => {
    const ledger = await open(ONE)
    await submit(ledger)
    const { change } = await ledger.changeKey(formatVkey(TWO.vkey), options)
    await ledger.close()
    folder[change.fromSize - 1] = ONE
    return change.fromSize
  }

  it('has both sign heads, rounds and receipts until a round that both have signed is final', async () => {
    const fromSize = await rotated()
    const ledger = await open(TWO)
    const index = await submit(ledger)
    deepEqual([signersOf(ledger.head().note), signersOfReceipt(await ledger.receipt(index))], Array(2).fill([SECOND, FIRST]))
    deepEqual(signersOf(await ledger.checkpointAt(2)), [SECOND, FIRST])
    // The last tree of the old key is a round of its own, which the new one has not signed.
    deepEqual(await makeFinal(ledger), { size: fromSize - 1, signers: [FIRST] })
    await pass()
    deepEqual([signersOf(ledger.head().note), done], [[SECOND, FIRST], []])
    deepEqual(await makeFinal(ledger), { size: fromSize, signers: [SECOND, FIRST] })
    await passUntil(() => done.length > 0)
    deepEqual([signersOf(ledger.head().note), done], [[SECOND], [fromSize - 1]])
    await submit(ledger)
    deepEqual(await makeFinal(ledger), { size: fromSize + 1, signers: [SECOND] })
    // What was given out in the grace keeps both.
    deepEqual(signersOfReceipt(await ledger.receipt(index)), [SECOND, FIRST])
  })

  it('goes on after a restart, and begins no other once it is over', async () => {
    const fromSize = await rotated()
    const before = await open(TWO)
    await submit(before)
    await before.close()
    const again = await open(TWO)
    deepEqual(signersOf(again.head().note), [SECOND, FIRST])
    await makeFinal(again)
    equal((await makeFinal(again)).size, fromSize)
    await again.close()
    const last = await open(TWO)
    await pass()
    deepEqual([signersOf(last.head().note), done], [[SECOND], []])
  })

  it('is not ended by rounds that the new key alone has signed, as those of a node without the old key', async () => {
    const fromSize = await rotated()
    const without = await open(TWO, { endedKey: { ...endedKey, read: async () => undefined } })
    await submit(without)
    deepEqual(signersOf(without.head().note), [SECOND])
    await makeFinal(without)
    deepEqual(await makeFinal(without), { size: fromSize, signers: [SECOND] })
    const other = await open(TWO)
    await submit(other)
    await pass()
    deepEqual([signersOf(other.head().note), done], [[SECOND, FIRST], []])
    deepEqual(await makeFinal(other), { size: fromSize + 1, signers: [SECOND, FIRST] })
    await passUntil(() => done.length > 0)
    deepEqual(signersOf(other.head().note), [SECOND])
  })

  it('is not ended by a round that the old key alone has signed', async () => {
    const size = await rotated()
    const signedBy = (signer: LogSigner) => ({ size, checkpoint: signCheckpoint({ origin: ORIGIN, size, root: EMPTY_ROOT }, signer) })
    let rounds = [signedBy(ONE)]
    const grace = createGrace({ store, endedKey, finalRounds: async () => rounds, onChange: () => {} })
    await grace.follow(formatVkey(TWO.vkey))
    deepEqual([grace.signer(formatVkey(TWO.vkey)), done], [ONE, []])
    rounds = [signedBy({ ...TWO, beside: ONE })]
    await grace.follow(formatVkey(TWO.vkey))
    deepEqual([grace.signer(formatVkey(TWO.vkey)), done], [undefined, [size - 1]])
  })

  it('takes up the old key once this node has it, and tells of another in its place', async () => {
    const fromSize = await rotated()
    folder = { [fromSize - 1]: THREE }
    lacked = []
    const ledger = await open(TWO)
    await pass()
    deepEqual(signersOf(ledger.head().note), [SECOND])
    deepEqual(lacked, [fromSize - 1])
    folder = { [fromSize - 1]: ONE }
    await passUntil(() => signersOf(ledger.head().note).length === 2)
    deepEqual(
      [signersOf(ledger.head().note), lacked],
      [
        [SECOND, FIRST],
        [fromSize - 1, undefined],
      ],
    )
  })

  it('is lacked no longer once rounds of other nodes have ended it', async () => {
    const fromSize = await rotated()
    let lacking: number | undefined
    const lacks = (lastSize: number | undefined) => {
      lacking = lastSize
    }
    await open(TWO, { endedKey: { read: async () => undefined, lacks, done: () => {} } })
    deepEqual(lacking, fromSize - 1)
    const other = await open(TWO)
    await submit(other)
    await makeFinal(other)
    await makeFinal(other)
    await passUntil(() => lacking === undefined)
    await pass()
    deepEqual(lacking, undefined)
  })

  it('is not given to a stolen key', async () => {
    await rotated({ isStolen: true })
    const ledger = await open(TWO)
    await submit(ledger)
    await pass()
    deepEqual(signersOf(ledger.head().note), [SECOND])
    await makeFinal(ledger)
    deepEqual((await makeFinal(ledger)).signers, [SECOND])
  })

  it('reaches each node that runs, and ends at all of them with a round that one has opened', async () => {
    let held = ONE
    const nodes = await Promise.all([1, 2].map(() => open(ONE, { readSigner: async () => held })))
    const [a, b] = nodes as [Ledger, Ledger]
    await submit(a)
    const { change } = await (await open(ONE)).changeKey(formatVkey(TWO.vkey))
    folder[change.fromSize - 1] = ONE
    await pass()
    held = TWO
    const bothSign = () => nodes.every(node => signersOf(node.head().note).length === 2)
    await passUntil(bothSign)
    await submit(a)
    await passUntil(() => b.head().size === change.fromSize)
    ok(bothSign())
    await makeFinal(a)
    await makeFinal(a)
    await passUntil(() => done.length === 2)
    deepEqual(
      nodes.map(node => signersOf(node.head().note)),
      [[SECOND], [SECOND]],
    )
  })

  it('leaves no moment in which a running node signs with the new key alone', async () => {
    let held = ONE
    const slow = { ...endedKey, read: (lastSize: number) => turn().then(() => endedKey.read(lastSize)) }
    const shown: string[][] = []
    let node: Ledger | undefined
    const onSigned = () => void (node && shown.push(signersOf(node.head().note)))
    node = await open(ONE, { readSigner: async () => held, endedKey: slow, onSigned })
    const { change } = await (await open(ONE)).changeKey(formatVkey(TWO.vkey))
    folder[change.fromSize - 1] = ONE
    held = TWO
    await passUntil(() => node?.vkey === formatVkey(TWO.vkey))
    await submit(node)
    deepEqual(new Set(shown.map(String)), new Set([FIRST, `${SECOND},${FIRST}`]))
  })

  it('ends with the next change of the key, which has a grace of its own', async () => {
    await rotated()
    const ledger = await open(TWO)
    const { change, note } = await ledger.changeKey(formatVkey(THREE.vkey))
    deepEqual(signersOf(note), [SECOND, FIRST])
    await ledger.close()
    folder[change.fromSize - 1] = TWO
    const third = await open(THREE)
    await submit(third)
    deepEqual(signersOf(third.head().note), [THIRD, SECOND])
  })
})

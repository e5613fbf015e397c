/** Several nodes of one ledger on one store, in every order in which they can call the store. */
import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict'
import type { AnchoredHead } from '../../src/anchor/chain.ts'
import { compareHeads } from '../../src/anchor/compare.ts'
import { toHex } from '../../src/core/bytes.ts'
import { parseReceipt } from '../../src/core/receipt.ts'
import { identityOf, statementBody } from '../../src/core/statements/statement.ts'
import { parseCheckpoint } from '../../src/core/tlog/checkpoint.ts'
import { formatVkey, parseNote, type Signer, verifyNote } from '../../src/core/tlog/note.ts'
import type { Host } from '../../src/host.ts'
import { createAgencies } from '../../src/ledger/agencies/agencies.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import type { LoggedChange } from '../../src/log/log-keys.ts'
import type { Submission } from '../../src/log/sequencer.ts'
import { createLogSigner } from '../../src/log/signer.ts'
import { createMemoryStore } from '../../src/store/memory/memory.ts'
import type { Store } from '../../src/store/port/port.ts'
import { createTestClock, testHost } from '../test-host.ts'
import { checkLog } from './check-log.ts'
import { anchorOf, ORIGIN, openTestLedger, signer, statementOf, withHead } from './fixtures.ts'
import { type Act, createStage, everyOrder, OF_THE_LOG, type Outcome, seeded } from './stage.ts'

const otherSigner = createLogSigner(ORIGIN, new Uint8Array(32).fill(7))
const OTHER_VKEY = formatVkey(otherSigner.vkey)

const codeOf = <T>(outcome: Outcome<T>) => ('error' in outcome ? (outcome.error.code ?? outcome.error.message) : undefined)
const resultOf = <T>(outcome: Outcome<T>): T => {
  if ('error' in outcome) throw outcome.error
  return outcome.value
}
const anchoredSizes = async (ledger: Ledger, index: number) => parseReceipt(await ledger.receipt(index)).anchors.map(({ size }) => size)

type NodesOptions = {
  /** Changes what a node's store does, by the node's name. */
  readonly mend?: Readonly<Record<string, (store: Store) => Store>>
  /** The calls whose order is chosen. */
  readonly calls?: readonly (keyof Store)[]
  readonly host?: Partial<Host>
}

/** Nodes on one store, and every checkpoint that any of them showed. */
async function openNodes(count: number, { mend = {}, calls, ...deps }: NodesOptions = {}) {
  const store = createMemoryStore()
  const stage = createStage(store, calls)
  const names = 'ABC'.slice(0, count).split('')
  const nodes: Ledger[] = []
  for (const name of names) nodes.push(await openTestLedger(stage.node(name, mend[name]), deps))
  const shown = new Set<string>()
  return {
    store,
    stage,
    nodes,
    shown,
    look: () => {
      for (const node of nodes) shown.add(node.head().note)
    },
    /** Every checkpoint shown belongs to the tree that the store holds now; no node has stopped. */
    async check(going: readonly Ledger[] = nodes) {
      const size = await checkLog(store)
      const reader = await openTestLedger(store, going.length === 0 ? { signer: otherSigner } : {})
      for (const note of shown) {
        const { size, root } = parseCheckpoint(parseNote(note).text)
        equal(toHex(await reader.rootAt(size)), toHex(root), `the checkpoint of size ${size}`)
      }
      deepEqual(
        going.map(node => node.stopped()),
        going.map(() => undefined),
      )
      return size
    },
  }
}

const submits = (node: Ledger, name: string, ...records: string[]) =>
  records.map(record => ({ node: name, run: () => node.submit(statementOf(record)) }))

describe('nodes on one store', () => {
  it('seal side by side in every order: none stops, none forks, and each answer holds', async () => {
    const runs = await everyOrder(async choose => {
      const { nodes, stage, look, check } = await openNodes(2)
      const [a, b] = nodes as [Ledger, Ledger]
      const outcomes = await stage.play([...submits(a, 'A', 'one'), ...submits(b, 'B', 'two')], choose, look)
      deepEqual(outcomes.map(outcome => resultOf(outcome).index).sort(), [1, 2])
      equal(await check(), 3)
    })
    ok(runs > 50, `${runs} orders`)
  })

  it('call one statement of a record its first in every order, and it is the one that came first', async () => {
    const calls = ['readHead', 'commit', 'findIdentities', 'haveStatements'] as const
    await everyOrder(async choose => {
      const { nodes, stage, look, check } = await openNodes(2, { calls })
      const acts = nodes.map((node, i) => ({ node: 'AB'[i]!, run: () => node.submitForReceipt(statementOf('one', i)) }))
      const outcomes = (await stage.play(acts, choose, look)).map(resultOf).sort((a, b) => a.index - b.index)
      deepEqual(
        outcomes.map(({ index, isFirst }) => [index, isFirst]),
        [
          [1, true],
          [2, undefined],
        ],
      )
      await check()
    })
  })

  it('give one statement one index in every order, whichever of them it is sent to', async () => {
    await everyOrder(async choose => {
      const { nodes, stage, look, check } = await openNodes(2)
      const [a, b] = nodes as [Ledger, Ledger]
      const outcomes = await stage.play([...submits(a, 'A', 'one'), ...submits(b, 'B', 'one')], choose, look)
      deepEqual(
        outcomes.map(outcome => resultOf(outcome).index),
        [1, 1],
      )
      deepEqual(outcomes.map(outcome => resultOf(outcome).known).sort(), [false, true])
      deepEqual(
        nodes.map(node => node.head().size),
        [2, 2],
        'a node that answers has signed for it',
      )
      equal(await check(), 2)
    })
  })

  it('show what another has logged: its statement, its proofs and its receipt', async () => {
    const { nodes } = await openNodes(2)
    const [a, b] = nodes as [Ledger, Ledger]
    const { index } = await a.submit(statementOf('one'))
    equal(JSON.parse((await b.statement(index))!).record, 'one')
    await a.submit(statementOf('two'))
    equal((await b.inclusion(1, 3)).size, 3)
    equal(parseReceipt(await b.receipt(2)).anchors.length, 0)
    equal(b.head().note, a.head().note)
    await rejects(b.statement(3), { code: 'RECORD_NOT_FOUND' })
  })

  it('see what another has sealed within a second or two, though nobody asks them', async () => {
    const store = createMemoryStore()
    const clock = createTestClock()
    let reads = 0
    const counting: Store = {
      ...store,
      readHead: () => {
        reads++
        return store.readHead()
      },
    }
    const a = await openTestLedger(store)
    const b = await openTestLedger(counting, { host: clock })
    await a.submit(statementOf('one'))
    equal(b.head().size, 1)
    reads = 0
    clock.advance(1000)
    for (let turns = 0; b.head().size < 2; turns++) {
      ok(turns < 100, 'the node does not follow')
      await new Promise(setImmediate)
    }
    equal(b.head().note, a.head().note)
    equal(reads, 1)
    await b.close()
  })

  it('stop where the store no longer extends what they have signed, though nobody asks them', async () => {
    const store = createMemoryStore()
    const clock = createTestClock()
    let emptied = store
    const shown = withHead({ ...store, lastSize: () => emptied.lastSize() }, () => emptied.readHead())
    const b = await openTestLedger(shown, { host: clock })
    await b.submit(statementOf('one'))
    emptied = createMemoryStore()
    await openTestLedger(emptied)
    clock.advance(1000)
    for (let turns = 0; b.stopped() === undefined; turns++) {
      ok(turns < 100, 'the node does not follow')
      await new Promise(setImmediate)
    }
    match(b.stopped() ?? '', /does not extend/)
  })

  it('give anchored receipts when another has brought the anchor, and take them back when the chain has lost it', async () => {
    let clockMs = 0
    const { nodes } = await openNodes(2, { host: { steadyMs: () => clockMs } })
    const [a, b] = nodes as [Ledger, Ledger]
    await a.submit(statementOf('one'))
    deepEqual(await anchoredSizes(b, 1), [])
    await a.setFinal(anchorOf(2, toHex(await a.rootAt(2))))
    clockMs += 2000
    deepEqual([await anchoredSizes(a, 1), await anchoredSizes(b, 1)], [[2], [2]])
    await a.dropFinal(31337, [2])
    clockMs += 2000
    deepEqual([await anchoredSizes(a, 1), await anchoredSizes(b, 1)], [[], []])
  })

  it('give receipts with every anchor of a round, of whichever node and chain', async () => {
    let clockMs = 0
    const { nodes } = await openNodes(2, { host: { steadyMs: () => clockMs } })
    const [a, b] = nodes as [Ledger, Ledger]
    await a.submit(statementOf('one'))
    const root = toHex(await a.rootAt(2))
    await a.setFinal(anchorOf(2, root))
    await b.setFinal({ ...anchorOf(2, root), chainId: 10 })
    clockMs += 2000
    for (const node of nodes)
      deepEqual(
        parseReceipt(await node.receipt(1))
          .anchors.map(anchor => 'chainId' in anchor && anchor.chainId)
          .sort(),
        [10, 31337],
      )
    await b.dropFinal(31337, [2])
    clockMs += 2000
    for (const node of nodes)
      deepEqual(
        parseReceipt(await node.receipt(1)).anchors.map(anchor => 'chainId' in anchor && anchor.chainId),
        [10],
      )
  })

  it('register an agency once, in every order', async () => {
    await everyOrder(async choose => {
      const store = createMemoryStore()
      const stage = createStage(store)
      const acts = ['A', 'B'].map(node => {
        const agencies = createAgencies({ store: stage.node(node), host: testHost({ nowMs: () => 0 }) })
        return { node, run: () => agencies.add({ id: 'transport.gov.example', name: node }) }
      })
      const outcomes = await stage.play(acts, choose)
      deepEqual(outcomes.map(codeOf).sort(), ['AGENCY_EXISTS', undefined])
      const added = outcomes.flatMap(outcome => ('value' in outcome ? [outcome.value] : []))
      deepEqual(JSON.parse((await store.readDocument('agencies', 'transport.gov.example'))!), added[0])
    })
  })

  it('refuse a key that another has revoked, within two seconds', async () => {
    let clockMs = 0
    const store = createMemoryStore()
    const host = testHost({ nowMs: () => 0, steadyMs: () => clockMs })
    const [a, b] = [createAgencies({ store, host }), createAgencies({ store, host })]
    await a.add({ id: 'transport.gov.example', name: 'Transport' })
    const { key, keyId } = await a.addKey('transport.gov.example', {})
    equal((await b.authenticate(key)).keyId, keyId)
    await a.revokeKey('transport.gov.example', keyId)
    clockMs = 1999
    await rejects(b.authenticate(key), { code: 'KEY_REVOKED' })
    deepEqual(
      (await b.list()).map(({ id }) => id),
      ['transport.gov.example'],
    )
  })

  it('count the age of a key from when they began to read it, however slow the store is', async () => {
    let clockMs = 0
    const store = createMemoryStore()
    const host = testHost({ nowMs: () => 0, steadyMs: () => clockMs })
    const a = createAgencies({ store, host })
    let answer = () => {}
    const slow: Store = {
      ...store,
      async readDocument(collection, key) {
        const row = await store.readDocument(collection, key)
        await new Promise<void>(resolve => (answer = resolve))
        return row
      },
    }
    const b = createAgencies({ store: slow, host })
    await a.add({ id: 'transport.gov.example', name: 'Transport' })
    const { key, keyId } = await a.addKey('transport.gov.example', {})
    const authenticating = b.authenticate(key)
    await a.revokeKey('transport.gov.example', keyId)
    clockMs = 1500
    await new Promise(setImmediate)
    answer()
    await authenticating
    const again = b.authenticate(key)
    await new Promise(setImmediate)
    answer()
    await rejects(again, { code: 'KEY_REVOKED' })
  })

  it('take a checkpoint that another has anchored for their own, and stop where the contract holds more than the store', async () => {
    const { nodes } = await openNodes(2)
    const [a, b] = nodes as [Ledger, Ledger]
    await a.submit(statementOf('one'))
    const { size, root } = a.head()
    const chainOf = (newest: AnchoredHead) => ({ chainId: 1, heads: async () => [newest], closings: async () => [undefined] })
    await compareHeads(b, chainOf({ size, root, time: 0 }))
    deepEqual([b.stopped(), b.head().size], [undefined, 2])
    await compareHeads(b, chainOf({ size: 3, root, time: 0 }))
    match(b.stopped() ?? '', /checkpoint of 3 entries/)
  })

  it('anchor the newest checkpoint of all of them', async () => {
    const { nodes } = await openNodes(2)
    const [a, b] = nodes as [Ledger, Ledger]
    await a.submit(statementOf('one'))
    const { size, root, note } = a.head()
    deepEqual(await b.nextCheckpoint(0), { size, root, checkpoint: note })
  })

  it('list a change of the log key that another has made, with its receipt, and take no more submissions', async () => {
    const { nodes } = await openNodes(3)
    const [a, ...others] = nodes as [Ledger, ...Ledger[]]
    await a.submit(statementOf('one'))
    const { change } = await a.changeKey(OTHER_VKEY)
    for (const node of others) {
      await node.refresh()
      deepEqual(node.logKeys(), [
        { vkey: a.vkey, fromSize: 0, toSize: change.fromSize - 1 },
        { vkey: OTHER_VKEY, fromSize: 0 },
      ])
      deepEqual(await node.keyReceipts(), await a.keyReceipts())
      await rejects(node.submit(statementOf('two')), { code: 'LEDGER_KEY_ENDED', message: /has the new one/ })
      deepEqual([node.stopped(), node.unsettledCode()], [undefined, 'LEDGER_KEY_ENDED'])
    }
  })

  it('seal nothing with a log key that another of them has ended, in every order', async () => {
    await everyOrder(async choose => {
      const { nodes, stage, look, shown, store, check } = await openNodes(2)
      const [a, b] = nodes as [Ledger, Ledger]
      const acts: Act<LoggedChange | Submission>[] = [{ node: 'A', run: () => a.changeKey(OTHER_VKEY) }, ...submits(b, 'B', 'one')]
      const outcomes = await stage.play(acts, choose, look)
      const [changed, submitted] = outcomes as [Outcome<LoggedChange>, Outcome<Submission>]
      const { index, change: logged } = resultOf(changed)
      equal(logged.fromSize, index + 2, 'the size from which the new key signs')
      equal((await store.readHead())?.head.size, index + 1, 'nothing is on top of the change')
      if ('error' in submitted) equal(codeOf(submitted), 'LEDGER_KEY_ENDED')
      await rejects(b.submit(statementOf('two')), { code: 'LEDGER_KEY_ENDED' })
      for (const note of shown) ok(parseCheckpoint(parseNote(note).text).size < logged.fromSize)
      const next = await openTestLedger(store, { signer: otherSigner })
      await next.submit(statementOf('three'))
      await rejects(b.submit(statementOf('four')), { code: 'LEDGER_KEY_ENDED' })
      for (const node of nodes) {
        await node.refresh()
        ok(node.head().size < logged.fromSize, 'the old key signs nothing from that size on')
      }
      equal(await check([]), index + 2)
    })
  })

  it('go on with the key that follows once they have it, in every order, and sign nothing of its time with the old one', async () => {
    await everyOrder(async choose => {
      const store = createMemoryStore()
      const stage = createStage(store, OF_THE_LOG)
      let held = signer
      const a = await openTestLedger(stage.node('A'))
      const b = await openTestLedger(stage.node('B'), { readSigner: async () => held })
      // Its folder of keys gets the new one while nodes that have it go on already.
      const change = async () => {
        const changed = await a.changeKey(OTHER_VKEY)
        const next = await openTestLedger(store, { signer: otherSigner })
        await next.submit(statementOf('three'))
        held = otherSigner
        return changed
      }
      const acts: Act<LoggedChange | Submission>[] = [{ node: 'A', run: change }, ...submits(b, 'B', 'one')]
      const outcomes = await stage.play(acts, choose)
      const { fromSize } = resultOf(outcomes[0] as Outcome<LoggedChange>).change
      if ('error' in outcomes[1]!) equal(codeOf(outcomes[1]), 'LEDGER_KEY_ENDED')
      await b.submit(statementOf('two'))
      deepEqual([b.vkey, b.unsettled(), b.logKeys()[0]!.toSize], [OTHER_VKEY, undefined, fromSize - 1])
      const size = await checkLog(store)
      ok(size >= fromSize)
      // Every size that the old key may not sign has the new key's signature.
      for (let at = fromSize; at <= size; at++) equal(verifyNote(await b.checkpointAt(at), [otherSigner.vkey]).length, 1, `size ${at}`)
    })
  })

  it('take up a key that was changed twice while they could not look', async () => {
    const store = createMemoryStore()
    const third = createLogSigner(ORIGIN, new Uint8Array(32).fill(9))
    let held: Signer | undefined = signer
    const b = await openTestLedger(store, { readSigner: async () => held })
    await (await openTestLedger(store)).changeKey(OTHER_VKEY)
    await (await openTestLedger(store, { signer: otherSigner })).changeKey(formatVkey(third.vkey))
    for (const wrong of [signer, otherSigner, undefined]) {
      held = wrong
      await rejects(b.submit(statementOf('one')), { code: 'LEDGER_KEY_ENDED' })
    }
    held = third
    equal((await b.submit(statementOf('one'))).index, 3)
    equal(verifyNote(b.head().note, [third.vkey]).length, 1)
  })

  const lostAnswers = {
    'did not land': () => Promise.reject(new Error('the connection was lost')),
    'landed all the same': async (commit: () => Promise<void>) => {
      await commit()
      throw new Error('the connection was lost')
    },
  }
  for (const [what, answer] of Object.entries(lostAnswers))
    it(`learn what became of a commit without an answer that ${what}, wherever another takes the head meanwhile`, async () => {
      await everyOrder(async choose => {
        let isLost = false
        const losing = (store: Store): Store => ({
          ...store,
          async commit(commit) {
            // The ledger's own first commit is its genesis, and only one commit is lost.
            if (isLost || commit.previous.size === 0) return store.commit(commit)
            isLost = true
            return answer(() => store.commit(commit))
          },
        })
        const { nodes, stage, look, check, store } = await openNodes(2, { mend: { A: losing }, calls: OF_THE_LOG })
        const [a, b] = nodes as [Ledger, Ledger]
        // Two batches, so that the head can be beyond the size that was committed without an
        // answer.
        const two = async () => {
          await b.submit(statementOf('two'))
          return b.submit(statementOf('three'))
        }
        const [first, second] = await stage.play([...submits(a, 'A', 'one'), { node: 'B', run: two }], choose, look)
        resultOf(second!)
        const size = await check()
        const kept = (await store.findIdentities([identityOf(statementBody(statementOf('one')))]))[0]
        if ('error' in first!) deepEqual([codeOf(first), kept], ['LEDGER_COMMIT_FAILED', undefined])
        else deepEqual(first, { value: { index: kept, known: false } })
        equal(size, kept === undefined ? 3 : 4)
        deepEqual(await a.submit(statementOf('one')), { index: kept ?? 3, known: kept !== undefined })
      })
    })

  it('begin one log, whichever of them is first on an empty store', async () => {
    const runs = await everyOrder(async choose => {
      const store = createMemoryStore()
      const stage = createStage(store, OF_THE_LOG)
      let clockMs = Date.UTC(2026, 0, 2)
      const acts = ['A', 'B'].map(node => ({
        node,
        run: () => {
          clockMs += 60_000
          const startedMs = clockMs
          return openTestLedger(stage.node(node), { host: { nowMs: () => startedMs } })
        },
      }))
      const [a, b] = (await stage.play(acts, choose)).map(resultOf) as [Ledger, Ledger]
      equal(await checkLog(store), 1)
      equal(await a.statement(0), await b.statement(0))
      equal((await b.submit(statementOf('one'))).index, 1)
    })
    ok(runs > 10, `${runs} orders`)
  })

  it('read while they seal: in every order a node shows only what the store holds, and never goes back', async () => {
    await everyOrder(async choose => {
      const { nodes, stage, look, check } = await openNodes(2, { calls: OF_THE_LOG })
      const [a, b] = nodes as [Ledger, Ledger]
      let last = 0
      const neverBack = () => {
        look()
        ok(b.head().size >= last)
        last = b.head().size
      }
      const acts: Act<unknown>[] = [...submits(a, 'A', 'one'), ...submits(b, 'B', 'two'), { node: 'B', run: () => b.refresh() }]
      for (const outcome of await stage.play(acts, choose, neverBack)) resultOf(outcome)
      equal(await check(), 3)
      equal((await b.inclusion(2, 3)).size, 3)
    })
  })

  it('stop, in every order, if they start with a log key that another is ending', async () => {
    const codes = new Set<string | undefined>()
    await everyOrder(async choose => {
      const calls = ['readHead', 'commit', 'readDocument', 'listDocuments', 'writeDocuments'] as const
      const { nodes, stage, store } = await openNodes(1, { calls })
      const starting = stage.node('B')
      const acts: Act<LoggedChange | Submission>[] = [
        { node: 'A', run: () => nodes[0]!.changeKey(OTHER_VKEY) },
        { node: 'B', run: async () => (await openTestLedger(starting)).submit(statementOf('one')) },
      ]
      const [changed, submitted] = await stage.play(acts, choose)
      const { index } = resultOf(changed as Outcome<LoggedChange>)
      codes.add(codeOf(submitted!))
      equal((await store.readHead())?.head.size, index + 1, 'nothing is on top of the change')
    })
    deepEqual([...codes].sort(), ['LEDGER_KEY_CHANGED', 'LEDGER_KEY_ENDED', undefined])
  })

  it('change the key once where two of them change it at the same time', async () => {
    await everyOrder(async choose => {
      const { nodes, stage, look, store, check } = await openNodes(2)
      const third = formatVkey(createLogSigner(ORIGIN, new Uint8Array(32).fill(9)).vkey)
      const outcomes = await stage.play(
        nodes.map((node, at) => ({ node: 'AB'[at]!, run: () => node.changeKey([OTHER_VKEY, third][at]!) })),
        choose,
        look,
      )
      deepEqual(outcomes.map(codeOf).sort(), ['LEDGER_KEY_ENDED', undefined])
      equal((await store.listDocuments('key-changes')).length, 1)
      if (outcomes.findIndex(outcome => 'value' in outcome) === 0) equal(await check([]), 2)
    })
  })

  it('stay one log over many batches of three nodes, whose readers ask for what the others logged', async () => {
    for (let seed = 0; seed < 12; seed++) {
      const choose = seeded(seed)
      const { nodes, stage, look, check } = await openNodes(3)
      const records = Array.from({ length: 60 }, (_, i) => `r${i % 45}`)
      const acts: Act<unknown>[] = nodes.flatMap((node, at) =>
        Array.from({ length: 12 }, (_, i) => {
          const record = records[choose(records.length)]!
          const name = 'ABC'[at]!
          if (i % 4 === 3) return { node: name, run: () => node.refresh() }
          return {
            node: name,
            // Late, so that a node seals many batches.
            run: async () => {
              for (let before = 0; before < i; before++) await node.refresh()
              const { index } = await node.submit(statementOf(record))
              for (const reader of nodes) equal(JSON.parse((await reader.statement(index))!).record, record)
              for (const reader of nodes) parseReceipt(await reader.receipt(index))
            },
          }
        }),
      )
      for (const outcome of await stage.play(acts, choose, look)) resultOf(outcome)
      const size = await check()
      const sizes = new Set(await Promise.all(nodes.map(node => node.refresh().then(() => node.head().note))))
      deepEqual([sizes.size, nodes[0]!.head().size], [1, size], `seed ${seed}`)
    }
  }).timeout(120_000)
})

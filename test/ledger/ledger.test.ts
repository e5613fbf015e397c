/**
 * The ledger over a store: exactly once, in order, provable at every size, the same after a
 * restart.
 */
import assert from 'node:assert/strict'
import { toHex } from '../../src/core/bytes.ts'
import { hashLeaf } from '../../src/core/hash.ts'
import { parseReceipt } from '../../src/core/receipt.ts'
import { encodeEntry } from '../../src/core/statements/entry.ts'
import { parseCheckpoint } from '../../src/core/tlog/checkpoint.ts'
import { parseNote, verifyNote } from '../../src/core/tlog/note.ts'
import { verifyConsistency, verifyInclusion } from '../../src/core/tlog/proof.ts'
import { parseTlogProof } from '../../src/core/tlog/tlog-proof.ts'
import { createMemoryStore } from '../../src/store/memory/memory.ts'
import { StoreError } from '../../src/store/port/errors.ts'
import type { Edge } from '../../src/store/port/log.ts'
import type { Store } from '../../src/store/port/port.ts'
import { checkLog } from './check-log.ts'
import { anchorOf, ORIGIN, openTestLedger, signer, statementOf, withHead } from './fixtures.ts'

describe('ledger', () => {
  it('begins with a genesis that binds origin, key and anchors', async () => {
    const ledger = await openTestLedger(createMemoryStore())
    const genesis = JSON.parse((await ledger.statement(0))!)
    assert.deepEqual(
      { ...genesis, salt: 'x' },
      { type: 'openseal/genesis@v1', origin: ORIGIN, logKey: ledger.vkey, anchors: [], created: '2026-01-02T00:00:00Z', salt: 'x' },
    )
    assert.equal(ledger.head().size, 1)
  })

  it('refuses another origin, key or anchor than the genesis binds', async () => {
    const store = createMemoryStore()
    await openTestLedger(store)
    await assert.rejects(openTestLedger(store, { origin: 'other.example' }), { code: 'LEDGER_ORIGIN_CHANGED' })
    const anchors = [{ type: 'evm', chainId: 1, contract: `0x${'1'.repeat(40)}`, logId: `0x${'2'.repeat(64)}` }] as const
    await assert.rejects(openTestLedger(store, { anchors }), { code: 'LEDGER_ANCHOR_CHANGED' })
    const { createLogSigner } = await import('../../src/log/signer.ts')
    const other = createLogSigner(ORIGIN, new Uint8Array(32).fill(8))
    await assert.rejects(openTestLedger(store, { signer: other }), { code: 'LEDGER_KEY_CHANGED' })
  })

  it('gives one statement one index, even when it comes many times at once and with other salts', async () => {
    const ledger = await openTestLedger(createMemoryStore())
    const salts = ['A', 'B', 'C'].map(letter => `${letter.repeat(42)}A`)
    const same = [...salts.map(salt => ({ ...statementOf('one'), salt })), statementOf('one')]
    const answers = await Promise.all([...same, statementOf('two')].map(statement => ledger.submit(statement)))
    assert.deepEqual(answers, [
      { index: 1, known: false },
      { index: 1, known: true },
      { index: 1, known: true },
      { index: 1, known: true },
      { index: 2, known: false },
    ])
    assert.deepEqual(await ledger.submit(statementOf('one')), { index: 1, known: true })
    assert.equal(JSON.parse((await ledger.statement(1))!).salt, salts[0])
    assert.equal(ledger.head().size, 3)
  })

  it('tells the submitter of one statement whether it is the first of its record', async () => {
    const ledger = await openTestLedger(createMemoryStore())
    const submit = async (record: string, version: number, changes = {}) =>
      (await ledger.submitForReceipt(statementOf(record, version, changes))).isFirst
    await ledger.submit(statementOf('stream', 1))
    const nobodyAsks = ledger.submit(statementOf('four', 1))
    const elsewhere = { agency: 'health.gov.example' }
    assert.deepEqual(
      await Promise.all([
        submit('one', 1),
        submit('two', 1),
        submit('one', 2),
        submit('two', 1),
        submit('stream', 2),
        submit('four', 2),
        submit('one', 1, elsewhere),
      ]),
      [true, true, undefined, undefined, undefined, undefined, true],
    )
    assert.deepEqual([await submit('one', 1), await submit('one', 3), await submit('three', 1)], [undefined, undefined, true])
    assert.deepEqual(await nobodyAsks, { index: 2, known: false })
  })

  it('holds a tree that re-hashes to its head, whatever the batches', async () => {
    const store = createMemoryStore()
    const ledger = await openTestLedger(store)
    let next = 0
    for (const batch of [1, 2, 252, 1, 255, 256, 257, 3, 700]) {
      await Promise.all(Array.from({ length: batch }, () => ledger.submit(statementOf(`r${next++}`))))
      assert.equal(await checkLog(store), next + 1)
    }
  })

  it('fills the second tile level and crosses 65,536 entries', async () => {
    const store = createMemoryStore()
    const ledger = await openTestLedger(store)
    for (const batch of [8000, 57_530, 5, 8, 400]) {
      const before = ledger.head().size
      await Promise.all(Array.from({ length: batch }, (_, i) => ledger.submit(statementOf(`r${before + i}`))))
    }
    const { head, edge } = (await store.readHead())!
    assert.equal(head.size, 65_944)
    assert.deepEqual(
      edge.tiles.map(tile => tile.length / 32),
      [head.size % 256, Math.floor(head.size / 256) % 256, 1],
    )
    const restarted = await openTestLedger(store)
    for (const index of [0, 65_535, 65_536, 65_943])
      verifyInclusion({ ...(await restarted.inclusion(index, head.size)), proof: [...(await restarted.inclusion(index, head.size)).proof] })
    const consistency = await restarted.consistency(65_535, 65_944)
    verifyConsistency({ ...consistency, proof: [...consistency.proof] })
  }).timeout(60_000)

  it('proves every entry in every size, and every size in every later one', async () => {
    const ledger = await openTestLedger(createMemoryStore())
    await Promise.all(Array.from({ length: 39 }, (_, i) => ledger.submit(statementOf(`r${i}`))))
    for (let size = 1; size <= 40; size++) {
      const { root } = parseCheckpoint(parseNote(await ledger.checkpointAt(size)).text)
      for (let index = 0; index < size; index++) {
        const proof = await ledger.inclusion(index, size)
        const leafHash = hashLeaf(encodeEntry((await ledger.statement(index))!))
        verifyInclusion({ index, size, leafHash, root, proof: [...proof.proof] })
      }
      for (let from = 0; from <= size; from++) {
        const { fromRoot, toRoot, proof } = await ledger.consistency(from, size)
        verifyConsistency({ from, to: size, fromRoot, toRoot, proof: [...proof] })
        assert.equal(toHex(toRoot), toHex(root))
      }
    }
    await assert.rejects(ledger.inclusion(40, 40), { code: 'PROOF_RANGE' })
    await assert.rejects(ledger.inclusion(0, 41), { code: 'PROOF_RANGE' })
    await assert.rejects(ledger.consistency(3, 2), { code: 'PROOF_RANGE' })
  })

  it('gives receipts that hold their statement, proof and checkpoint, and the anchor once it is final', async () => {
    const store = createMemoryStore()
    const ledger = await openTestLedger(store)
    await Promise.all([1, 2, 3, 4].map(i => ledger.submit(statementOf(`r${i}`))))
    const sealed = parseReceipt(await ledger.receipt(2))
    assert.deepEqual(sealed.anchors, [])
    const sealedProof = parseTlogProof(sealed.proof)
    verifyNote(sealedProof.note, [signer.vkey])
    assert.equal(parseCheckpoint(parseNote(sealedProof.note).text).size, 5)

    await ledger.setFinal(anchorOf(3, toHex(await ledger.rootAt(3))))
    await ledger.setFinal(anchorOf(5, toHex(await ledger.rootAt(5))))
    const reopened = await openTestLedger(store)
    for (const [index, size] of [
      [4, 5],
      [2, 3],
      [0, 3],
      [3, 5],
      [4, 5],
      [1, 3],
    ] as const) {
      for (const [one, receipt] of [ledger, reopened].entries()) {
        const { anchors, proof } = parseReceipt(await receipt.receipt(index))
        assert.deepEqual(
          [anchors[0]?.size, parseCheckpoint(parseNote(parseTlogProof(proof).note).text).size],
          [size, size],
          `${index} in ${one}`,
        )
      }
    }
    await assert.rejects(ledger.receipt(5), { code: 'RECORD_NOT_FOUND' })
  })

  it('signs the same head with the same bytes after a restart', async () => {
    const store = createMemoryStore()
    const ledger = await openTestLedger(store)
    await ledger.submit(statementOf('one'))
    assert.equal((await openTestLedger(store)).head().note, ledger.head().note)
  })

  it('reads as many keys when it opens a large ledger as when it opens a small one', async () => {
    const readsToOpen = async (store: Store) => {
      let reads = 0
      const counted = Object.fromEntries(
        Object.entries(store).map(([name, call]) => [
          name,
          (...args: unknown[]) => {
            reads++
            return (call as (...args: unknown[]) => unknown)(...args)
          },
        ]),
      ) as Store
      await openTestLedger(counted)
      return reads
    }
    const store = createMemoryStore()
    const ledger = await openTestLedger(store)
    await ledger.setFinal(anchorOf(1, toHex(await ledger.rootAt(1))))
    const small = await readsToOpen(store)
    await Promise.all(Array.from({ length: 3000 }, (_, i) => ledger.submit(statementOf(`r${i}`))))
    for (let size = 1; size <= 3001; size += 100) await ledger.setFinal(anchorOf(size, toHex(await ledger.rootAt(size))))
    assert.equal(await readsToOpen(store), small)
  })

  it('marks a silent edit, a reformatted document and a repeat in the history of a record', async () => {
    const ledger = await openTestLedger(createMemoryStore())
    const jcs = 'a'.repeat(64)
    const withJcs = (content: number) => ({ ...statementOf('r', content).documents[0]!, jcs })
    const history: [Parameters<typeof statementOf>[2] & object, number][] = [
      [{ revision: '1', documents: [withJcs(1)] }, 1],
      [{ revision: '1', documents: [withJcs(2)] }, 2],
      [{ revision: '1', documents: [withJcs(2)], published: '2026-01-05T00:00:00Z' }, 2],
      [{ revision: '1' }, 3],
      [{ revision: '2' }, 4],
      [{ revision: '2', action: 'amend', reason: { code: 'correction' } }, 5],
    ]
    for (const [changes, content] of history) await ledger.submit(statementOf('r', content, changes))
    const { versions } = await ledger.history(3)
    assert.deepEqual(
      versions.map(version => version.flag),
      [undefined, 'reformatted', 'repeat', 'silent-edit', undefined, undefined],
    )
    assert.deepEqual(await ledger.history(0), { versions: [], changes: [] })
  })

  it('gives the newest thousand of a long history, or the requested entry with the hundred before it', async () => {
    const ledger = await openTestLedger(createMemoryStore())
    await Promise.all(Array.from({ length: 1500 }, (_, i) => ledger.submit(statementOf('r', i, { revision: String(i) }))))
    const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)
    const indexes = async (index: number) => (await ledger.history(index)).versions.map(version => version.index)
    assert.deepEqual(await indexes(1500), range(501, 1500))
    assert.deepEqual(await indexes(300), [...range(200, 300), ...range(501, 1500)])
    assert.deepEqual(await indexes(550), [...range(450, 500), ...range(501, 1500)])
    assert.deepEqual(await indexes(1), [1, ...range(501, 1500)])
    assert.deepEqual((await ledger.history(1500)).partial, true)
  })

  it('marks both sides of an edit, and no version that was corrected openly', async () => {
    const ledger = await openTestLedger(createMemoryStore())
    const reason = { reason: { code: 'correction' } } as const
    await ledger.submit(statementOf('r', 1))
    await ledger.submit(statementOf('r', 2))
    await ledger.submit(statementOf('r', 3, { action: 'withdraw', documents: [], ...reason }))
    await ledger.submit(statementOf('r', 3))
    await ledger.submit(statementOf('s', 1, { revision: '1' }))
    await ledger.submit(statementOf('s', 2, { revision: '2', action: 'amend', ...reason }))
    const changes = async (index: number) => (await ledger.history(index)).changes.map(({ index, what }) => `${index} ${what}`)
    assert.deepEqual(await changes(1), ['2 edited', '3 withdrawn', '4 published'])
    assert.deepEqual(await changes(2), ['1 edited', '3 withdrawn', '4 published'])
    assert.deepEqual(await changes(4), [])
    assert.deepEqual(await changes(5), ['6 superseded'])
    const { versions, partial } = await ledger.history(4)
    assert.deepEqual(
      versions.map(({ flag, edited = false }) => [flag, edited]),
      [
        [undefined, true],
        ['silent-edit', true],
        [undefined, false],
        [undefined, false],
      ],
    )
    assert.equal(partial, undefined)
  })

  it('refuses submissions once it was stopped, and goes on reading', async () => {
    const ledger = await openTestLedger(createMemoryStore())
    await ledger.submit(statementOf('one'))
    ledger.stop('the chain is ahead of the store')
    await assert.rejects(ledger.submit(statementOf('two')), { code: 'LEDGER_STOPPED', message: /the chain is ahead/ })
    assert.equal((await ledger.inclusion(1, 2)).size, 2)
  })

  it('answers everything that was submitted before it closes', async () => {
    const ledger = await openTestLedger(createMemoryStore())
    let answered = 0
    for (let i = 0; i < 5000; i++) ledger.submit(statementOf(`r${i}`)).then(() => answered++)
    await ledger.close()
    assert.equal(answered, 5000)
  })

  it('refuses submissions beyond its memory, and takes them later', async () => {
    const ledger = await openTestLedger(createMemoryStore())
    const title = 'x'.repeat(30_000)
    const outcomes = await Promise.allSettled(Array.from({ length: 3000 }, (_, i) => ledger.submit(statementOf(`r${i}`, 1, { title }))))
    const refused = outcomes.flatMap((outcome, i) => (outcome.status === 'rejected' ? [{ i, code: outcome.reason.code }] : []))
    assert.ok(refused.length > 0)
    assert.deepEqual([...new Set(refused.map(({ code }) => code))], ['LEDGER_BUSY'])
    assert.equal((await ledger.submit(statementOf(`r${refused[0]!.i}`, 1, { title }))).known, false)
  })
})

function flipLast(bytes: Uint8Array): Uint8Array {
  const flipped = bytes.slice()
  if (flipped.length > 0) flipped[flipped.length - 1]! ^= 1
  return flipped
}

/** A store whose writes fail on purpose, before or after they land. */
function failing(store: Store, plan: { at: number; landed: boolean; headFails?: Error | undefined }): Store {
  let commits = 0
  let failed = false
  const commit: Store['commit'] = async batch => {
    commits++
    if (commits !== plan.at) return store.commit(batch)
    failed = true
    if (plan.landed) await store.commit(batch)
    throw new Error('EIO: the disk failed')
  }
  return withHead({ ...store, commit }, async () => {
    if (failed && plan.headFails) throw plan.headFails
    return store.readHead()
  })
}

describe('sealing when the store fails', () => {
  for (const landed of [false, true])
    for (const headFails of [false, true])
      it(`a commit that fails ${landed ? 'after' : 'before'} it landed, ${headFails ? 'and a head that cannot be read' : 'and a head that tells'}`, async () => {
        const store = createMemoryStore()
        const ledger = await openTestLedger(
          failing(store, { at: 3, landed, headFails: headFails ? new Error('EIO: the disk failed again') : undefined }),
        )
        const acknowledged = [await ledger.submit(statementOf('one'))]
        const second = await ledger.submit(statementOf('two')).then(
          submission => ({ submission, code: undefined }),
          error => ({ submission: undefined, code: error.code }),
        )
        const expected = headFails ? 'LEDGER_STOPPED' : landed ? undefined : 'LEDGER_COMMIT_FAILED'
        assert.equal(second.code, expected)
        if (expected === undefined) assert.deepEqual(second.submission, { index: 2, known: false })
        const third = await ledger.submit(statementOf('three')).catch(error => error.code)
        assert.deepEqual(third, headFails ? 'LEDGER_STOPPED' : { index: landed ? 3 : 2, known: false })
        if (second.submission) acknowledged.push(second.submission)

        const restarted = await openTestLedger(store)
        const size = await checkLog(store)
        assert.ok(acknowledged.every(({ index }) => index < size))
        assert.deepEqual(await restarted.submit(statementOf('one')), { index: 1, known: true })
        assert.equal((await restarted.submit(statementOf('two'))).known, landed)
        await checkLog(store)
      })

  for (const landed of [false, true])
    it(`seals nothing until the store tells what became of a commit that ${landed ? 'landed' : 'did not land'}, then goes on`, async () => {
      const store = createMemoryStore()
      const unsettled = new StoreError('STORE_UNSETTLED', 'the disk takes nothing yet')
      const plan = { at: 3, landed, headFails: unsettled }
      const ledger = await openTestLedger(failing(store, plan))
      await ledger.submit(statementOf('one'))
      const before = ledger.head().note
      for (const record of ['two', 'three']) await assert.rejects(ledger.submit(statementOf(record)), { code: 'LEDGER_UNSETTLED' })
      assert.deepEqual([ledger.head().note, ledger.unsettled(), ledger.stopped()], [before, unsettled.message, undefined])
      assert.equal((await store.readHead())?.head.size, landed ? 3 : 2)
      Object.assign(plan, { headFails: undefined })
      assert.deepEqual(await ledger.submit(statementOf('two')), { index: 2, known: landed })
      assert.equal(ledger.unsettled(), undefined)
      assert.equal(await checkLog(store), 3)
    })

  const damages = {
    'an entry': (edge: Edge): Edge => ({ ...edge, bundle: flipLast(edge.bundle) }),
    'a tile': (edge: Edge): Edge => ({ ...edge, tiles: edge.tiles.map(flipLast) }),
  }
  for (const [what, damage] of Object.entries(damages))
    it(`stops, unanswered, when ${what} read back is not what was committed`, async () => {
      const store = createMemoryStore()
      const lying = withHead(store, async () => {
        const row = await store.readHead()
        return row === undefined || row.head.size < 3 ? row : { ...row, edge: damage(row.edge) }
      })
      const ledger = await openTestLedger(lying)
      await ledger.submit(statementOf('one'))
      const before = ledger.head().note
      await assert.rejects(ledger.submit(statementOf('two')), { code: 'LEDGER_STOPPED' })
      assert.equal(ledger.head().note, before)
      assert.match(ledger.stopped() ?? '', /not the committed one/)
    })

  it('stops when the store has moved to a history that does not extend its own', async () => {
    const [ours, theirs] = [createMemoryStore(), createMemoryStore()]
    const stranger = await openTestLedger(theirs)
    for (const record of ['x', 'y', 'z']) await stranger.submit(statementOf(record))
    let swapped = false
    const swapping = new Proxy(ours, { get: (_, name) => (swapped ? theirs : ours)[name as keyof Store] })
    const ledger = await openTestLedger(swapping)
    await ledger.submit(statementOf('one'))
    swapped = true
    await assert.rejects(ledger.submit(statementOf('two')), { code: 'LEDGER_STOPPED', message: /does not extend ours/ })
    assert.equal((await theirs.readHead())?.head.size, 4)
  })

  it('two ledgers on one store never fork and never give one statement two indexes', async () => {
    const store = createMemoryStore()
    const nodes = [await openTestLedger(store), await openTestLedger(store)]
    const answers = await Promise.all(
      Array.from({ length: 300 }, (_, i) => Promise.all(nodes.map(node => node.submit(statementOf(`r${i}`))))),
    )
    for (const [a, b] of answers) assert.equal(a!.index, b!.index)
    assert.equal(new Set(answers.map(([a]) => a!.index)).size, 300)
    assert.equal(await checkLog(store), 301)
  })

  it('refuses a store whose edge does not give the root of its head', async () => {
    const store = createMemoryStore()
    await (await openTestLedger(store)).submit(statementOf('one'))
    const damaged = withHead(store, async () => {
      const row = (await store.readHead())!
      return { ...row, edge: { ...row.edge, tiles: [new Uint8Array(64)] } }
    })
    await assert.rejects(openTestLedger(damaged), { code: 'LEDGER_CORRUPT' })
  })
})

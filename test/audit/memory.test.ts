/** The audit's memory between runs: what is new, what was interrupted, and what was rewritten. */
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkEvidence } from '../../src/audit/evidence.ts'
import { type AuditState, openAuditState } from '../../src/audit/state.ts'
import { toHex } from '../../src/core/bytes.ts'
import { sayDetail, speakAudit } from '../../src/messages/audit/speak.ts'
import { ORIGIN } from '../ledger/fixtures.ts'
import { codesOf, flip, grow, onPath, openWorld, policyOf, type Served, serveLedger, type World } from './world.ts'

describe('audit with a memory', () => {
  let folder: string
  let state: () => Promise<AuditState>
  let world: World
  let other: Served | undefined
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'openseal-audit-'))
    state = () => openAuditState(folder, ORIGIN)
    other = undefined
  })
  afterEach(async () => {
    await rm(folder, { recursive: true })
    await world.close()
    await other?.close()
  })

  const notesIn = (evidence: string) =>
    Promise.all(['earlier.checkpoint', 'later.checkpoint'].map(file => readFile(join(evidence, file), 'utf8')))

  it('reads only what is new', async () => {
    world = await openWorld(1500)
    equal((await world.run({ state: await state() })).exit, 0)
    await grow(world.ledger, 1800)
    world.proxy.requests.length = 0
    const { verdict, from, size, root } = await world.run({ state: await state() })
    deepEqual({ verdict, from, size, root }, { verdict: 'clean', from: 1280, size: 1800, root: toHex(world.ledger.head().root) })
    deepEqual(world.proxy.requests.toSorted(), [
      '/checkpoint',
      '/checkpoint',
      '/tile/0/005',
      '/tile/0/006',
      '/tile/0/007.p/8',
      '/tile/1/000.p/7',
      '/tile/entries/005',
      '/tile/entries/006',
      '/tile/entries/007.p/8',
      '/v1/anchors?after=0',
      '/v1/statements/1280/1800',
    ])
  })

  it('is clean again when nothing was added', async () => {
    for (const size of [1, 300, 512]) {
      await world?.close()
      await rm(folder, { recursive: true })
      world = await openWorld(size)
      for (const _ of [1, 2, 3]) equal((await world.run({ state: await state() })).exit, 0)
    }
  })

  it('goes on where an interrupted run ended', async () => {
    world = await openWorld(4400)
    world.proxy.tamper = path => {
      if (path.startsWith('/tile/0/016')) world.proxy.down = true
      return undefined
    }
    equal((await world.run({ state: await state() })).exit, 6)
    world.proxy.down = false
    world.proxy.tamper = () => undefined
    const { verdict, from } = await world.run({ state: await state() })
    deepEqual({ verdict, from }, { verdict: 'clean', from: 4096 })
  })

  it('begins again where an interrupted run had not found the tombstone of an erased statement', async () => {
    world = await openWorld(4400)
    world.proxy.tamper = (path, body) => {
      if (path.startsWith('/tile/0/016')) world.proxy.down = true
      return /^\/v1\/statements\/0\//.test(path) ? body.toString().replace(/^\{"index":9,.*$/m, '{"index":9,"erased":4300}') : undefined
    }
    equal((await world.run({ state: await state() })).exit, 6)
    const claim = world.proxy.tamper
    world.proxy.tamper = (path, body) => (path.startsWith('/tile') ? undefined : claim(path, body))
    world.proxy.down = false
    const report = await world.run({ state: await state() })
    deepEqual([report.from, codesOf(report)], [0, ['AUDIT_ERASURE_UNPROVEN']])
  })

  it('does not believe what an interrupted run remembered from a bad mirror', async () => {
    world = await openWorld(4400)
    other = await serveLedger(4400, { seed: 'b' })
    const honest = world.proxy.upstream
    const note = world.ledger.head().note
    // Another tree under the right checkpoint, and then the line goes dead.
    world.proxy.upstream = other.url
    world.proxy.tamper = path => {
      if (path.startsWith('/tile/0/016')) world.proxy.down = true
      return path === '/checkpoint' ? note : undefined
    }
    equal((await world.run({ state: await state() })).exit, 6)
    Object.assign(world.proxy, { upstream: honest, down: false, tamper: () => undefined })
    const { verdict, from, evidence } = await world.run({ state: await state() })
    deepEqual({ verdict, from, evidence }, { verdict: 'clean', from: 0, evidence: [] })
  })

  for (const [what, second, code] of [
    ['of the same size', 600, 'AUDIT_TWO_CHECKPOINTS'],
    ['that is longer', 700, 'AUDIT_HISTORY_REWRITTEN'],
    ['that is much longer', 2000, 'AUDIT_HISTORY_REWRITTEN'],
  ] as const) {
    it(`catches another history ${what}, and keeps both signed checkpoints`, async () => {
      world = await openWorld(600)
      other = await serveLedger(second, { seed: 'b' })
      const first = await world.run({ state: await state() })
      equal(first.exit, 0)
      world.proxy.upstream = other.url
      const report = await world.run({ state: await state() })
      equal(report.exit, 5)
      ok(codesOf(report).includes(code), codesOf(report).join())
      // Of two trees of one size, nobody can say which one to read.
      if (second === 600) deepEqual([codesOf(report), report.size], [['AUDIT_TWO_CHECKPOINTS'], 0])
      deepEqual(await notesIn(report.evidence[0]!), [world.ledger.head().note, other.ledger.head().note])
      const { proven } = checkEvidence(await readFile(join(report.evidence[0]!, 'evidence.json')), policyOf(world.ledger))
      equal(proven, code === 'AUDIT_TWO_CHECKPOINTS' ? 'two-checkpoints' : 'rewritten')
      // And again: the next run does not continue from the lie. A ledger that signed two histories
      // is reported in every later run.
      equal((await world.run({ state: await state() })).exit, 5)
      world.proxy.upstream = world.url
      equal((await world.run({ state: await state() })).exit, 5)
    })
  }

  it('catches a history that was rewritten after a run that was interrupted', async () => {
    world = await openWorld(4400)
    other = await serveLedger(4500, { seed: 'b' })
    world.proxy.tamper = path => {
      if (path.startsWith('/tile/0/016')) world.proxy.down = true
      return undefined
    }
    equal((await world.run({ state: await state() })).exit, 6)
    Object.assign(world.proxy, { upstream: other.url, down: false, tamper: () => undefined })
    const report = await world.run({ state: await state() })
    deepEqual([codesOf(report), report.evidence.length], [['AUDIT_HISTORY_REWRITTEN'], 1])
  })

  it('catches a smaller tree, and keeps both signed checkpoints', async () => {
    world = await openWorld(300)
    const earlier = world.ledger.head().note
    await grow(world.ledger, 400)
    equal((await world.run({ state: await state() })).exit, 0)
    world.proxy.tamper = onPath(/checkpoint/, () => earlier)
    const report = await world.run({ state: await state() })
    deepEqual([report.exit, codesOf(report)], [5, ['AUDIT_TREE_SHRANK']])
    match(sayDetail(speakAudit('en'), report.findings[0]!), /from 400 entries to 300/)
    deepEqual(await notesIn(report.evidence[0]!), [world.ledger.head().note, earlier])
  })

  it('remembers nothing of a tree with a finding', async () => {
    world = await openWorld(600)
    world.proxy.tamper = onPath(/entries\/000$/, flip(50))
    equal((await world.run({ state: await state() })).exit, 5)
    const kept = await state()
    const { confirmed, tentative, seen } = kept
    await kept.close()
    deepEqual([confirmed, tentative, seen], [undefined, undefined, [world.ledger.head().note]])
    world.proxy.tamper = () => undefined
    equal((await world.run({ state: await state() })).exit, 0)
  })
})

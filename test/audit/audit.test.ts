/** The audit against a real ledger over HTTP, with everything that a ledger could be caught at. */
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkEvidence } from '../../src/audit/evidence.ts'
import type { Finding, Unfinished } from '../../src/audit/finding.ts'
import type { AuditReport } from '../../src/audit/run.ts'
import { type AuditState, openAuditState } from '../../src/audit/state.ts'
import { toHex } from '../../src/core/bytes.ts'
import { formatCheckpoint } from '../../src/core/checkpoint.ts'
import { createSigner, signNote } from '../../src/core/note.ts'
import { parsePolicy } from '../../src/core/policy.ts'
import { decodeBundle, encodeBundle } from '../../src/core/tile.ts'
import { sayDetail, speakAudit } from '../../src/messages/audit/speak.ts'
import { ORIGIN, signer } from '../ledger/fixtures.ts'
import { grow, openWorld, policyOf, type Served, serveLedger, type Tamper, type World } from './world.ts'

const codesOf = ({ findings }: AuditReport) => findings.map(({ code }) => code)
const reasonsOf = ({ unfinished }: AuditReport) => unfinished.map(({ code }) => code)
const where = (told: Finding | Unfinished | undefined) => (told === undefined ? '' : sayDetail(speakAudit('en'), told))
const onPath =
  (wanted: RegExp, change: (body: Buffer) => Buffer | string): Tamper =>
  (path, body) =>
    wanted.test(path) ? change(body) : undefined
const flip = (at: number) => (body: Buffer) => {
  body[at] = body[at]! ^ 1
  return body
}
const changeEntries = (width: number, change: (entries: Uint8Array[]) => Uint8Array[]) => (body: Buffer) =>
  Buffer.from(encodeBundle(change(decodeBundle(body, width))))

describe('audit of an honest ledger', () => {
  for (const size of [1, 2, 256, 257, 9000]) {
    it(`is clean at ${size} entries, and gives the signed root`, async () => {
      const world = await openWorld(size)
      const { verdict, exit, findings, unfinished, root, statements, from } = await world.run()
      deepEqual(
        { verdict, exit, findings, unfinished, root, statements, from, size: world.ledger.head().size },
        { verdict: 'clean', exit: 0, findings: [], unfinished: [], root: toHex(world.ledger.head().root), statements: size, from: 0, size },
      )
      await world.close()
    })
  }

  it('is none the worse for a ledger that grows meanwhile', async () => {
    const world = await openWorld(300)
    let grown: Promise<void> | undefined
    world.proxy.tamper = path => {
      if (path === '/checkpoint') grown ??= grow(world.ledger, 700)
      return undefined
    }
    const { verdict, size } = await world.run()
    deepEqual({ verdict, size }, { verdict: 'clean', size: 300 })
    await grown
    await world.close()
  })

  it('counts erased statements and goes on', async () => {
    const world = await openWorld(300)
    world.proxy.tamper = onPath(/^\/v1\/statements/, body => {
      const lines = body.toString().split('\n')
      lines[7] = '{"index":7,"erased":true}'
      return lines.join('\n')
    })
    const { verdict, statements, erased } = await world.run()
    deepEqual({ verdict, statements, erased }, { verdict: 'clean', statements: 300, erased: 1 })
    await world.close()
  })
})

describe('audit of a ledger that lies', () => {
  let world: World
  before(async () => {
    world = await openWorld(600)
    entries = (await Promise.all([bundleOf(0, 256), bundleOf(1, 256), bundleOf(2, 88)])).flat()
  })
  after(() => world.close())

  const swap = (a: number, b: number) =>
    changeEntries(256, entries => {
      const copy = [...entries]
      ;[copy[a], copy[b]] = [entries[b]!, entries[a]!]
      return copy
    })
  const changeEntry = (width: number, at: number) =>
    changeEntries(width, entries =>
      entries.with(
        at,
        entries[at]!.map((b, i) => (i === 9 ? b ^ 1 : b)),
      ),
    )
  const statementLine = (index: number, change: (line: string) => string) => (body: Buffer) => {
    const lines = body.toString().split('\n')
    return lines.with(index, change(lines[index]!)).join('\n')
  }
  const forged =
    (root: Uint8Array, key = signer) =>
    () =>
      signNote(formatCheckpoint({ origin: ORIGIN, size: 600, root }), key)

  const bundleOf = async (index: number, width: number) => decodeBundle((await world.ledger.bundle(index, width))!, width)
  let entries: Uint8Array[] = []
  /** Serves the entries of another list, bundle by bundle. */
  const serveEntries =
    (change: (entries: Uint8Array[]) => Uint8Array[]): Tamper =>
    path => {
      const index = /entries\/(\d+)/.exec(path)?.[1]
      const start = Number(index) * 256
      return index === undefined ? undefined : Buffer.from(encodeBundle(change(entries).slice(start, start + 256)))
    }
  const swapAcross = serveEntries(list => list.with(10, list[520]!).with(520, list[10]!))
  const closeGap = serveEntries(list => list.toSpliced(9, 1))

  const cases: readonly (readonly [string, Tamper, string, RegExp, number?])[] = [
    ['a changed entry', onPath(/entries\/001$/, changeEntry(256, 5)), 'AUDIT_ENTRY_CHANGED', /entry 261$/, 261],
    ['a changed entry of the partial bundle', onPath(/entries\/002\.p\/88$/, changeEntry(88, 3)), 'AUDIT_ENTRY_CHANGED', /entry 515$/, 515],
    [
      'a dropped entry',
      onPath(
        /entries\/000$/,
        changeEntries(256, list => list.toSpliced(9, 1)),
      ),
      'AUDIT_ENTRY_DROPPED',
      /entry 9$/,
      9,
    ],
    [
      'a dropped last entry',
      onPath(
        /entries\/002/,
        changeEntries(88, list => list.slice(0, -1)),
      ),
      'AUDIT_ENTRY_DROPPED',
      /entry 599$/,
      599,
    ],
    ['two swapped entries', onPath(/entries\/000$/, swap(3, 200)), 'AUDIT_ENTRIES_SWAPPED', /entries 3, 200$/, 3],
    ['two entries swapped between bundles', swapAcross, 'AUDIT_ENTRIES_SWAPPED', /entries 10, 520$/, 10],
    ['a dropped entry whose gap was closed', closeGap, 'AUDIT_ENTRY_DROPPED', /entry 9$/, 9],
    ['a bundle that is none', onPath(/entries\/001$/, body => body.subarray(1)), 'AUDIT_ENTRY_CHANGED', /from 256 on/, 256],
    ['a changed hash in a tile of level 0', onPath(/tile\/0\/000$/, flip(40)), 'AUDIT_TILE_MISMATCH', /tile 0\/0, hash 1$/, 1],
    ['a changed hash in the partial tile of level 0', onPath(/tile\/0\/002/, flip(0)), 'AUDIT_TILE_MISMATCH', /tile 0\/2, hash 0$/, 512],
    ['a changed hash in an upper tile', onPath(/tile\/1\//, flip(33)), 'AUDIT_TILE_MISMATCH', /tile 1\/0, hash 1$/],
    ['a tile that is cut off', onPath(/tile\/1\//, body => body.subarray(1)), 'AUDIT_TILE_MISMATCH', /tile 1\/0/],
    [
      'a checkpoint signed by another key',
      onPath(/checkpoint/, () => forged(world.ledger.head().root, createSigner(ORIGIN, new Uint8Array(32)))()),
      'AUDIT_CHECKPOINT_FORGED',
      /./,
    ],
    [
      'a checkpoint whose size was changed',
      onPath(/checkpoint/, body => body.toString().replace('600', '599')),
      'AUDIT_CHECKPOINT_FORGED',
      /./,
    ],
    [
      'a checkpoint whose root was changed',
      onPath(/checkpoint/, body => body.toString().replace(/\n.{43}=\n/, `\n${'A'.repeat(43)}=\n`)),
      'AUDIT_CHECKPOINT_FORGED',
      /./,
    ],
    [
      'a signed root that is not that of the entries',
      onPath(/checkpoint/, forged(new Uint8Array(32))),
      'AUDIT_ROOT_MISMATCH',
      /signed: 0{64}$/,
    ],
    [
      'a changed statement',
      onPath(
        /statements/,
        statementLine(42, line => line.replace('decision.pdf', 'decisive.pdf')),
      ),
      'AUDIT_STATEMENT_CHANGED',
      /statement 42$/,
      42,
    ],
    [
      'a statement that the strict reader refuses',
      onPath(
        /statements/,
        statementLine(42, line => line.replace('{"index":42', '{"index":42,"index":42')),
      ),
      'AUDIT_STATEMENT_UNREADABLE',
      /statement 42: /,
      42,
    ],
    [
      'a statement of a shape that no ledger logs',
      onPath(
        /statements/,
        statementLine(42, line => line.replace('"kind"', '"king"')),
      ),
      'AUDIT_STATEMENT_UNREADABLE',
      /statement 42: /,
      42,
    ],
    [
      'two swapped statements',
      onPath(/statements/, body => {
        const lines = body.toString().split('\n')
        const [a, b] = [lines[42]!, lines[555]!]
        return lines.with(42, b.replace('"index":555', '"index":42')).with(555, a.replace('"index":42', '"index":555')).join('\n')
      }),
      'AUDIT_STATEMENTS_SWAPPED',
      /statements 42, 555$/,
      42,
    ],
    [
      'a genesis that was erased',
      onPath(
        /statements/,
        statementLine(0, () => '{"index":0,"erased":true}'),
      ),
      'AUDIT_GENESIS_MISMATCH',
      /erased/,
      0,
    ],
  ]
  for (const [what, tamper, code, detail, index] of cases) {
    it(`finds ${what}`, async () => {
      world.proxy.tamper = tamper
      const report = await world.run()
      deepEqual([report.verdict, report.exit, report.unfinished], ['inconsistent', 5, []])
      ok(
        codesOf(report).every(found => found === code),
        codesOf(report).join(),
      )
      match(where(report.findings[0]), detail)
      equal(report.findings[0]!.index, index)
    })
  }

  it('finds a genesis that does not bind the anchors of the policy', async () => {
    world.proxy.tamper = () => undefined
    const { origin, logKeys, ...policy } = await readPolicy(world)
    const anchor = {
      type: 'evm',
      chainId: 1,
      contract: `0x${'1'.repeat(40)}`,
      codeSha256: '2'.repeat(64),
      logId: `0x${'3'.repeat(64)}`,
    } as const
    const anchors = [{ ...anchor, production: true, finality: 'finalized' as const, fromSize: 0 }]
    const report = await world.run({ policy: { ...policy, origin, logKeys, anchors } })
    deepEqual([report.exit, codesOf(report)], [5, ['AUDIT_GENESIS_MISMATCH']])
    deepEqual(reasonsOf(report), ['AUDIT_CHAIN_NOT_ASKED'])
  })

  it('stops at a hundred findings', async () => {
    world.proxy.tamper = onPath(/statements/, body => body.toString().replaceAll('decision.pdf', 'decisive.pdf'))
    const report = await world.run()
    deepEqual([report.findings.length, reasonsOf(report)], [100, ['AUDIT_TOO_MANY']])
  })
})

describe('audit that cannot finish', () => {
  it('says so when the ledger does not answer', async () => {
    const world = await openWorld(10)
    world.proxy.down = true
    const { verdict, exit, unfinished } = await world.run()
    deepEqual([verdict, exit], ['unfinished', 6])
    deepEqual(
      unfinished.map(({ code, values }) => [code, values.path]),
      [
        ['AUDIT_LEDGER_UNREACHABLE', '/v1/anchors?after=0'],
        ['AUDIT_LEDGER_UNREACHABLE', '/checkpoint'],
      ],
    )
    await world.close()
  })

  it('says so when an answer is cut off, withheld, or not of a ledger', async () => {
    const world = await openWorld(300)
    const broken: readonly Tamper[] = [
      onPath(/statements/, body => body.subarray(0, body.length - 20)),
      onPath(/statements/, body => body.subarray(0, body.length / 2)),
      onPath(/checkpoint/, () => '<html>Log in to the hotel</html>'),
      onPath(/anchors/, () => '{}'),
    ]
    for (const tamper of broken) {
      world.proxy.tamper = tamper
      const { exit, findings } = await world.run()
      deepEqual({ exit, findings }, { exit: 6, findings: [] })
    }
    await world.close()
  })
})

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

  it('goes on where an interrupted run came to', async () => {
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
      deepEqual(await notesIn(report.evidence[0]!), [world.ledger.head().note, other.ledger.head().note])
      const { proven } = checkEvidence(await readFile(join(report.evidence[0]!, 'evidence.json')), policyOf(world.ledger))
      equal(proven, code === 'AUDIT_TWO_CHECKPOINTS' ? 'two-checkpoints' : 'rewritten')
      // And again: the lie is not what the next run goes on from. A ledger that signed two histories is told of ever after.
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
    match(where(report.findings[0]), /from 400 entries to 300/)
    deepEqual(await notesIn(report.evidence[0]!), [world.ledger.head().note, earlier])
  })

  it('remembers nothing of a tree with a finding', async () => {
    world = await openWorld(600)
    world.proxy.tamper = onPath(/entries\/000$/, flip(50))
    equal((await world.run({ state: await state() })).exit, 5)
    const kept = await state()
    const { confirmed, tentative, seen } = kept
    kept.close()
    deepEqual([confirmed, tentative, seen], [undefined, undefined, [world.ledger.head().note]])
    world.proxy.tamper = () => undefined
    equal((await world.run({ state: await state() })).exit, 0)
  })
})

async function readPolicy({ url }: World) {
  return parsePolicy(await (await fetch(`${url}/policy.json`)).text())
}

/** The audit against a real ledger over HTTP, with everything that a ledger could be caught at. */
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import type { AuditFinding, Unfinished } from '../../src/audit/finding.ts'
import { openAuditState } from '../../src/audit/state.ts'
import { toHex } from '../../src/core/bytes.ts'
import { EMPTY_ROOT } from '../../src/core/hash.ts'
import { parsePolicy } from '../../src/core/policy.ts'
import { formatCheckpoint } from '../../src/core/tlog/checkpoint.ts'
import { createSigner, signNote } from '../../src/core/tlog/note.ts'
import { decodeBundle, encodeBundle } from '../../src/core/tlog/tile.ts'
import { sayDetail, speakAudit } from '../../src/messages/audit/speak.ts'
import { ORIGIN, signer } from '../ledger/fixtures.ts'
import { codesOf, flip, grow, onPath, openWorld, reasonsOf, type Tamper, type World } from './world.ts'

const where = (told: AuditFinding | Unfinished | undefined) => (told === undefined ? '' : sayDetail(speakAudit('en'), told))
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

  it('accepts a ledger that grows meanwhile', async () => {
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

  it('counts erased statements, each with its tombstone, and goes on', async () => {
    const world = await openWorld(300)
    await world.ledger.requestErasure(7, 'legal', { by: 'operator' })
    const { verdict, statements, erased } = await world.run()
    deepEqual({ verdict, statements, erased }, { verdict: 'clean', statements: 301, erased: 1 })
    await world.close()
  })

  it('finds what is called erased without a tombstone that says so', async () => {
    const world = await openWorld(300)
    await world.ledger.requestErasure(7, 'legal', { by: 'operator' })
    for (const claim of ['true', '300', '5', '200', '"300"']) {
      world.proxy.tamper = onPath(/^\/v1\/statements/, body => {
        const lines = body.toString().split('\n')
        lines[9] = `{"index":9,"erased":${claim}}`
        return lines.join('\n')
      })
      const { verdict, findings } = await world.run()
      deepEqual([verdict, findings.map(({ code, index }) => [code, index])], ['inconsistent', [['AUDIT_ERASURE_UNPROVEN', 9]]], claim)
    }
    await world.close()
  })

  it('is not finished while a statement waits to be erased, or was erased after the audited tree', async () => {
    const world = await openWorld(300)
    for (const [line, code] of [
      ['{"index":9,"erasing":"2026-12-01T00:00:00Z"}', 'AUDIT_STATEMENT_ERASING'],
      ['{"index":9,"erased":1000}', 'AUDIT_ERASURE_LATER'],
    ] as const) {
      world.proxy.tamper = onPath(/^\/v1\/statements/, body => body.toString().replace(/^\{"index":9,.*$/m, line))
      const { verdict, unfinished } = await world.run()
      deepEqual([verdict, unfinished.map(reason => reason.code)], ['unfinished', [code]])
    }
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
    ['a damaged bundle', onPath(/entries\/001$/, body => body.subarray(1)), 'AUDIT_ENTRY_CHANGED', /from 256 on/, 256],
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
      'a statement that the ledger itself calls damaged',
      onPath(
        /statements/,
        statementLine(42, () => '{"index":42,"damaged":true}'),
      ),
      'AUDIT_STATEMENT_DAMAGED',
      /statement 42$/,
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
    // Of a genesis that is not the logged one, it does not matter what it binds.
    world.proxy.tamper = onPath(
      /statements/,
      statementLine(0, line => line.replace(/"created":"\d/, '"created":"3')),
    )
    deepEqual(codesOf(await world.run({ policy: { ...policy, origin, logKeys, anchors } })), ['AUDIT_STATEMENT_CHANGED'])
  })

  it('finds an empty ledger, which has not even a first entry', async () => {
    const note = signNote(formatCheckpoint({ origin: ORIGIN, size: 0, root: EMPTY_ROOT }), signer)
    world.proxy.tamper = onPath(/checkpoint/, () => note)
    const report = await world.run()
    deepEqual([report.exit, codesOf(report)], [5, ['AUDIT_GENESIS_MISMATCH']])
  })

  it('is never clean where any one bit of tiles, entries, statements or checkpoint was changed', async () => {
    const paths = ['/checkpoint', '/tile/0/000', '/tile/0/002.p/88', '/tile/1/000.p/2', '/tile/entries/001', '/v1/statements/0/600']
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...paths), fc.nat(), fc.nat(7), async (path, at, bit) => {
        world.proxy.tamper = (asked, body) => {
          if (asked !== path) return undefined
          // The last line of the statements may end as it likes.
          const place = at % (body.length - 1)
          body[place] = body[place]! ^ (2 ** bit)
          return body
        }
        const { exit } = await world.run()
        ok(exit === 5 || exit === 6, `exit ${exit}`)
      }),
      { numRuns: 120 },
    )
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

  it('examines the tree of a mirror without statements, says what is missing, and remembers nothing of it', async () => {
    const world = await openWorld(2100)
    world.proxy.missing = /^\/v1\/statements/
    const folder = await mkdtemp(join(tmpdir(), 'openseal-audit-'))
    const report = await world.run({ state: await openAuditState(folder, ORIGIN) })
    deepEqual([report.exit, reasonsOf(report), report.withheld, report.size], [6, ['AUDIT_LEDGER_MISSING'], 2100, 2100])
    equal(report.root, toHex(world.ledger.head().root))
    const { confirmed, tentative, close } = await openAuditState(folder, ORIGIN)
    await close()
    await rm(folder, { recursive: true })
    deepEqual([confirmed, tentative], [undefined, undefined])
    world.proxy.tamper = onPath(/entries\/001$/, flip(40))
    deepEqual(codesOf(await world.run()), ['AUDIT_ENTRY_CHANGED'])
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

async function readPolicy({ url }: World) {
  return parsePolicy(await (await fetch(`${url}/policy.json`)).text())
}

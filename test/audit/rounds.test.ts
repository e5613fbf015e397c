/** The audit by a policy that names time-stamp authorities: the rounds, their tokens, and how many suffice. */
import { deepEqual, equal, match } from 'node:assert/strict'
import { join } from 'node:path'
import { formatAuditReport } from '../../src/audit/report.ts'
import type { AuditInput } from '../../src/audit/run.ts'
import { openAuditState } from '../../src/audit/state.ts'
import { toBase64, toHex } from '../../src/core/bytes.ts'
import { sha256 } from '../../src/core/hash.ts'
import type { Policy } from '../../src/core/policy.ts'
import type { PolicyAuthority } from '../../src/core/policy-anchors.ts'
import { formatTime } from '../../src/core/time.ts'
import { formatCheckpoint } from '../../src/core/tlog/checkpoint.ts'
import { cosign, createSigner, formatVkey, parseNote, signNote } from '../../src/core/tlog/note.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import { speakAudit } from '../../src/messages/audit/speak.ts'
import { ORIGIN, signer } from '../ledger/fixtures.ts'
import { CODE_SIGNING, type Issued, issue, issuedBy, STAMPED_AT, type StampOptions, stamp, TIME_STAMPING } from '../timestamp/authority.ts'
import { type AnchoredWorld, type Loose, useAnchoredWorld } from './anchored-world.ts'
import { codesOf, grow, openWorld, policyOf, reasonsOf } from './world.ts'

const SIZES = [100, 300, 700]

const authorityOf = (name: string) => {
  const root = issue({ name: `${name} Root`, ca: true, usage: 0x06 })
  const tsa = issuedBy(root, { name: `${name} TSA`, serial: 2, purposes: [TIME_STAMPING], usage: 0xc0 })
  const anchor: PolicyAuthority = { type: 'rfc3161', name, certificates: [toBase64(root.der)], production: true, fromSize: 0 }
  return { root, tsa, anchor }
}
const [ONE, TWO] = [authorityOf('One'), authorityOf('Two')]
const tokenOf = (note: string, tsa: Issued, change: Partial<StampOptions> = {}) =>
  stamp({ data: Buffer.from(parseNote(note).text), signer: tsa, certificates: [tsa], ...change })

/** Opens a round, stores a token of it, and logs that, as an anchorer and an authority's voucher do. */
async function vouch(ledger: Ledger, size: number, { tsa, anchor: { name } } = ONE): Promise<void> {
  const checkpoint = await ledger.checkpointAt(size)
  await ledger.rounds.open({ size, root: toHex(await ledger.rootAt(size)), checkpoint, openedMs: 0 }, [])
  const token = tokenOf(checkpoint, tsa)
  const [time, created, hash] = [formatTime(STAMPED_AT * 1000), '2026-12-01T10:00:00Z', toHex(sha256(token))]
  await ledger.addToken({ size, name, token: toBase64(token), sha256: hash, signer: name, time, renewBy: time, created })
  await ledger.logTimestamp({ size, sha256: hash, created })
}

describe('audit by a policy that names a time-stamp authority', () => {
  const anchored = useAnchoredWorld()
  before(async () => {
    for (const size of SIZES) await vouch(anchored.world.served.ledger, size)
  })

  const policyFor = (change: Partial<Policy> = {}, { served, pinned }: AnchoredWorld = anchored.world) => ({
    ...policyOf(served.ledger, [pinned, ONE.anchor]),
    requireAnchors: 2,
    ...change,
  })
  const run = (change: Partial<AuditInput> = {}) => anchored.world.run({ policy: policyFor(), ...change })
  /** Changes the served round of a size, or all of them. */
  const tamper = (change: (round: Loose) => object, only?: number) => {
    anchored.world.proxy.tamper = (path, body) => {
      if (!path.startsWith('/v1/rounds')) return undefined
      const answer = JSON.parse(body.toString())
      const rounds = answer.rounds.map((round: Loose) =>
        only === undefined || round.size === only ? { ...round, ...change(round) } : round,
      )
      return JSON.stringify({ ...answer, rounds })
    }
  }
  const withToken = (make: (note: string) => Buffer) =>
    tamper(round => ({ timestamps: [{ name: 'One', token: toBase64(make(round.checkpoint)) }] }), 300)

  it('reads the time stamp of each round, and counts the rounds that have all that the policy requires', async () => {
    const report = await run()
    deepEqual([report.exit, codesOf(report), reasonsOf(report)], [0, [], []])
    deepEqual(report.rounds, { read: 3, final: 3, newest: 700, stamps: 3, testAuthorities: false })
    const page = formatAuditReport(report, { ledger: '', trust: 'policy', time: '2026-12-01T10:00:00Z' }, speakAudit('en'))
    match(page, /<dd>3 of 3<\/dd>[\s\S]*<dd>700 entries<\/dd>[\s\S]*Time stamps that hold<\/dt><dd>3<\/dd>/)
    match(page, /its authority vouches that the tree of that size existed/)
  })

  it('asks for no rounds if the policy asks for one chain only', async () => {
    anchored.world.proxy.requests.length = 0
    const { exit, rounds } = await run({ policy: policyOf(anchored.world.served.ledger, [anchored.world.pinned]) })
    deepEqual([exit, rounds], [0, undefined])
    deepEqual(
      anchored.world.proxy.requests.filter(path => path.startsWith('/v1/rounds')),
      [],
    )
  })

  const web = issuedBy(ONE.root, { name: 'Web', serial: 3, purposes: [CODE_SIGNING] })
  for (const [what, make] of [
    ['that cannot be read', () => Buffer.from('MAA=', 'base64')],
    ['whose signature is wrong', note => tokenOf(note, ONE.tsa, { messageDigest: new Uint8Array(32) })],
    ['by a certificate that is not for time stamps', note => tokenOf(note, web)],
    [
      'of another root',
      () => tokenOf(signNote(formatCheckpoint({ origin: ORIGIN, size: 300, root: new Uint8Array(32) }), signer), ONE.tsa),
    ],
  ] as readonly [string, (note: string) => Buffer][])
    it(`finds a token ${what}, and misses the one that the log names`, async () => {
      withToken(make)
      const report = await run()
      deepEqual(
        [report.exit, report.findings.map(({ code, values }) => [code, values.size, values.name]), report.unfinished],
        [
          5,
          [['AUDIT_STAMP_INVALID', 300, 'One']],
          [{ code: 'AUDIT_STAMP_MISSING', detail: 'stamps.missing', values: { count: 1, size: 300 } }],
        ],
      )
      deepEqual(report.rounds, { read: 3, final: 2, newest: 700, stamps: 2, testAuthorities: false })
    })

  it('calls the tokens of a foreign authority unknown, and counts none of them', async () => {
    const report = await run({ policy: policyFor({ anchors: [anchored.world.pinned, TWO.anchor] }) })
    deepEqual([report.exit, codesOf(report)], [6, []])
    deepEqual(report.unfinished, [
      { code: 'AUDIT_STAMPS_UNKNOWN', detail: 'stamps', values: { count: 3, name: 'One', size: 100 } },
      { code: 'AUDIT_ROUNDS_FEW', detail: 'rounds', values: { count: 3 } },
    ])
    // A token of another kind than the policy asks for is no contradiction either.
    const strict = { ...ONE.anchor, policies: ['1.2.3.4.2'] }
    const other = await run({ policy: policyFor({ anchors: [anchored.world.pinned, strict] }) })
    deepEqual([other.exit, reasonsOf(other)], [6, ['AUDIT_STAMPS_UNKNOWN', 'AUDIT_ROUNDS_FEW']])
  })

  it('says that no checkpoint meets a policy that asks for a time stamp, and that the log names some', async () => {
    tamper(() => ({ timestamps: [] }))
    const report = await run()
    deepEqual([report.exit, codesOf(report), reasonsOf(report)], [6, [], ['AUDIT_STAMP_MISSING', 'AUDIT_ROUNDS_FEW']])
    deepEqual(report.unfinished[0]!.values, { count: 3, size: 100 })
    const world = await openWorld(300)
    const policy = { ...policyOf(world.ledger, [ONE.anchor]), quorum: 1 }
    deepEqual((await world.run({ policy })).unfinished.at(-1), { code: 'AUDIT_ROUNDS_FEW', detail: 'rounds', values: { count: 0 } })
    await world.close()
  })

  it('counts a voucher once, an anchor only where it is final and not disowned, and no round without its witnesses', async () => {
    const { pinned, served, readerAt, chain } = anchored.world
    const three = await run({ policy: policyFor({ requireAnchors: 3 }) })
    deepEqual([three.rounds?.final, reasonsOf(three)], [0, ['AUDIT_ROUNDS_FEW']])
    const late = await run({ policy: policyFor({ anchors: [pinned, { ...ONE.anchor, fromSize: 300 }] }) })
    deepEqual([late.rounds?.final, late.rounds?.stamps, reasonsOf(late)], [2, 2, []])
    const reader = readerAt(chain.url)
    const heads = async () => ({ ...(await reader.heads()), final: undefined })
    deepEqual((await anchored.world.run({ policy: policyFor() }, { ...reader, heads })).rounds?.final, 0)
    const closed = { ...reader, stored: async (block: number) => ({ ...(await reader.stored(block)), closedAt: 300 }) }
    deepEqual((await anchored.world.run({ policy: policyFor() }, closed)).rounds?.newest, 300)

    const witness = createSigner('witness.example', new Uint8Array(32).fill(11), 4)
    const policy = { ...policyOf(served.ledger, [ONE.anchor]), witnesses: [formatVkey(witness.vkey)], quorum: 1 }
    tamper(({ checkpoint }) => ({ cosignatures: [cosign(parseNote(checkpoint).text, 1_790_000_000, witness).trimEnd()] }), 300)
    deepEqual((await run({ policy, chains: [] })).rounds, { read: 3, final: 1, newest: 300, stamps: 3, testAuthorities: false })
  })

  it('counts a time stamp once, however often it is served', async () => {
    tamper(({ timestamps }) => ({ timestamps: Array.from({ length: 64 }, () => timestamps[0]) }))
    equal((await run()).rounds?.stamps, 3)
  })

  it('finds a checkpoint that no key of the policy signed, and one that is of another history', async () => {
    const forged = (root: Uint8Array, by = signer) => signNote(formatCheckpoint({ origin: ORIGIN, size: 300, root }), by)
    const stranger = createSigner(ORIGIN, new Uint8Array(32).fill(9), 1)
    tamper(() => ({ checkpoint: forged(new Uint8Array(32), stranger) }), 300)
    deepEqual(
      (await run()).findings.map(({ code, detail, values }) => [code, detail, values.size]),
      [['AUDIT_CHECKPOINT_FORGED', 'round', 300]],
    )
    tamper(() => ({ checkpoint: forged(new Uint8Array(32)) }), 300)
    const other = await run()
    deepEqual([codesOf(other), other.rounds?.final], [['AUDIT_STAMP_INVALID', 'AUDIT_HISTORY_REWRITTEN'], 2])
    // The right checkpoint of another size.
    tamper(() => ({ size: 301 }), 300)
    deepEqual(
      (await run()).findings.map(({ code, values }) => [code, values.size]),
      [['AUDIT_CHECKPOINT_FORGED', 301]],
    )
  })

  it('reads page after page, refuses pages that do not advance, and goes on where a copy has no rounds', async () => {
    const { proxy } = anchored.world
    const one = { checkpoint: '', cosignatures: [], timestamps: [], anchors: [], final: false }
    const pages = (answer: (after: number) => object) => {
      proxy.tamper = path => (path.startsWith('/v1/rounds') ? JSON.stringify(answer(Number(/cursor=(\d+)/.exec(path)![1]))) : undefined)
    }
    const all = (await (await fetch(`${anchored.world.served.url}/v1/rounds`)).json()) as Loose
    pages(after => {
      const next = all.rounds.find(({ size }: Loose) => size > after)
      return next === undefined ? { rounds: [] } : { rounds: [next], cursor: String(next.size) }
    })
    proxy.requests.length = 0
    deepEqual((await run()).rounds?.read, 3)
    deepEqual(
      proxy.requests.filter(path => path.startsWith('/v1/rounds')).map(path => path.slice(-10)),
      ['0&cursor=0', 'cursor=100', 'cursor=300', 'cursor=700'],
    )
    for (const answer of [
      {
        rounds: [
          { ...one, size: 5 },
          { ...one, size: 5 },
        ],
      },
      { rounds: [{ ...one, size: 5 }], cursor: '4' },
      { rounds: [], cursor: '0' },
      { rounds: [{ ...one, size: '5' }] },
      { rounds: [{ ...one, size: 5, timestamps: [{ name: 'One' }] }] },
      { rounds: [{ ...one, size: 5, timestamps: Array.from({ length: 65 }, () => ({ name: 'One', token: '' })) }] },
      { rounds: [{ ...one, size: 5, cosignatures: [1] }] },
      { rounds: {} },
    ]) {
      pages(() => answer)
      const { exit, unfinished, size, rounds } = await run()
      deepEqual(
        [exit, unfinished.map(({ code }) => code), size, rounds],
        [6, ['AUDIT_LEDGER_UNREADABLE'], 703, undefined],
        JSON.stringify(answer),
      )
    }
    proxy.tamper = () => undefined
    proxy.missing = /^\/v1\/rounds/
    const bare = await run()
    proxy.missing = undefined
    deepEqual([bare.exit, reasonsOf(bare), bare.size], [6, ['AUDIT_LEDGER_MISSING'], 703])
  })

  it('remembers the roots of rounds, and leaves out those above the audited size', async () => {
    const { folder, proxy, served } = anchored.world
    const state = () => openAuditState(join(folder, 'rounds'), ORIGIN)
    const tiles = () => proxy.requests.filter(path => /^\/tile\/0\/000(?:$|\.)/.test(path)).length
    // A round that no chain anchored: its root is not known in advance.
    const more = { size: 200, checkpoint: await served.ledger.checkpointAt(200), cosignatures: [], timestamps: [] }
    proxy.tamper = (path, body) => {
      if (!path.startsWith('/v1/rounds')) return undefined
      const [first, ...others] = JSON.parse(body.toString()).rounds
      return JSON.stringify({ rounds: [first, more, ...others] })
    }
    equal((await run({ state: await state() })).exit, 0)
    proxy.requests.length = 0
    const again = await run({ state: await state() })
    deepEqual([again.rounds, tiles()], [{ read: 4, final: 3, newest: 700, stamps: 3, testAuthorities: false }, 0])
    const old = await served.ledger.checkpointAt(703)
    await grow(served.ledger, 720)
    await vouch(served.ledger, 720)
    proxy.tamper = path => (path === '/checkpoint' ? old : undefined)
    const report = await run()
    deepEqual([report.exit, report.size, report.rounds?.read], [0, 703, 3])
  })
})

/** Time-stamp authorities as vouchers of rounds: each on its own, and its tokens as entries of the log. */
import { deepEqual, equal, match } from 'node:assert/strict'
import { createAnchoring } from '../../src/anchor/anchoring.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import type { Log } from '../../src/logger.ts'
import { createMemoryStore } from '../../src/store/memory/memory.ts'
import { createTimestampClient } from '../../src/timestamps/client.ts'
import { openTestLedger, statementOf } from '../ledger/fixtures.ts'
import { CHAIN_ID, CODE_SHA256, CONTRACT, createMemoryChain, LOG_ID } from '../simulation/chain.ts'
import { createTestClock, testHost } from '../test-host.ts'
import { FROM, issuedBy, STAMPED_AT, TIME_STAMPING, UNTIL } from '../timestamp/authority.ts'
import { type AuthorityServer, listOf, serveAuthority } from '../timestamp/server.ts'

const DAY_SECONDS = 86_400
/** The longest pause between two looks of a voucher. */
const POLL_MS = 12_000

describe('anchor/authorities', () => {
  const servers: AuthorityServer[] = []
  afterEach(() => {
    for (const server of servers.splice(0)) server.close()
  })

  /** Two authorities and a chain; both authorities, or one of them and the chain, make a round final. */
  async function openWorld() {
    const clock = createTestClock()
    const nowMs = () => STAMPED_AT * 1000 + clock.steadyMs()
    const opened = [await serveAuthority({ nowMs }), await serveAuthority({ nowMs })] as const
    for (const server of opened) server.list = listOf(server.root, [], { from: FROM, until: UNTIL })
    servers.push(...opened)
    const authorities = opened.map((server, at) => {
      const shared = { name: `Authority ${at + 1}`, certificates: [server.root.der] }
      return createTimestampClient({
        ...shared,
        url: server.url,
        fetch,
        timeoutMs: 30_000,
        nowMs,
        newNonce: () => new Uint8Array(16).fill(7),
      })
    })
    const memory = createMemoryChain()
    const store = createMemoryStore()
    const shared = { production: true, fromSize: 0 }
    const place = { type: 'evm', chainId: CHAIN_ID, contract: CONTRACT, codeSha256: CODE_SHA256, logId: LOG_ID } as const
    const rule = {
      witnesses: [],
      quorum: 0,
      anchors: [
        { ...place, finality: 'finalized' as const, ...shared },
        ...opened.map(({ root }, at) => ({
          ...{ type: 'rfc3161' as const, name: `Authority ${at + 1}`, certificates: [root.der.toString('base64')] },
          ...shared,
        })),
      ],
      requireAnchors: 2,
    }
    const ledger = await openTestLedger(store, { rule })
    const events: string[] = []
    const note = (event: string, { voucher }: { voucher?: unknown } = {}) => void events.push(`${event}: ${voucher}`)
    const log: Log = { info: () => {}, warn: note, error: note }
    const open = (on: Ledger = ledger) =>
      createAnchoring({
        ...{ ledger: on, store, chains: [{ name: 'chain', chain: memory.chain }], intervalMs: 1000, minBatch: 1, log, authorities },
        host: testHost({ nowMs, steadyMs: clock.steadyMs, sleep: clock.sleep }),
      })
    const anchoring = open()
    let blockTime = STAMPED_AT
    const tick = async (on = anchoring, ms = 250) => {
      await on.tick()
      clock.advance(ms)
      blockTime += 12
      memory.mine(blockTime)
    }
    const round = async (on = anchoring) => {
      await ledger.submit(statementOf(`record ${records++}`))
      for (let step = 0; step < 4; step++) await tick(on)
    }
    return { ledger, anchoring, open, opened, clock, tick, round, events }
  }
  let records = 0

  /** The SHA-256 of each time stamp that the log has, in order. */
  async function logged({ head, statement }: Ledger): Promise<string[]> {
    const found: string[] = []
    for (let index = 0; index < head().size; index++) {
      const { type, sha256 } = JSON.parse((await statement(index))!)
      if (type === 'openseal/timestamp@v1') found.push(sha256)
    }
    return found
  }
  const said = ({ troubles }: ReturnType<typeof createAnchoring>) => troubles().map(({ code, message }) => `${code} ${message}`)
  const stampsOf = async ({ roundAt }: Ledger, size: number) => (await roundAt(size)).timestamps
  const sizesOf = async (ledger: Ledger) => (await ledger.listFinalRounds(0, 100)).map(({ size }) => size)

  it('stamp each round, and each of their tokens is an entry that the next round covers', async () => {
    const { ledger, anchoring, round } = await openWorld()
    for (let count = 0; count < 3; count++) await round()
    deepEqual(said(anchoring), [])
    const sizes = await sizesOf(ledger)
    const tokens = (await Promise.all(sizes.map(size => stampsOf(ledger, size)))).flat()
    deepEqual(tokens.map(({ name }) => name).sort(), sizes.flatMap(() => ['Authority 1', 'Authority 2']).sort())
    equal(sizes.length >= 3, true)
    const entries = await logged(ledger)
    deepEqual(entries.toSorted(), tokens.map(({ sha256 }) => sha256).sort())
    // Those of all rounds but the newest are below the newest checkpoint.
    const newest = await stampsOf(ledger, sizes.at(-1)!)
    const last = ledger.head().size - sizes.at(-1)!
    deepEqual(entries.slice(-last).sort(), newest.map(({ sha256 }) => sha256).sort())
  })

  it('fail alone: the one is named within a minute, the other and the chain go on, and it stamps the newest round when it is back', async () => {
    const { ledger, anchoring, opened, clock, round, tick, events } = await openWorld()
    await round()
    opened[1].answer = () => ({ status: 503, body: Buffer.alloc(0) })
    const begun = clock.steadyMs()
    await round()
    while (said(anchoring).length === 0) await tick(anchoring, POLL_MS)
    equal(clock.steadyMs() - begun <= 60_000, true, `${clock.steadyMs() - begun} ms`)
    match(said(anchoring).join(), /^TIMESTAMP_ANSWER Authority 2[ :]/)
    deepEqual(
      anchoring.vouchers().map(({ kind, name, trouble }) => [kind, name, trouble?.code]),
      [
        ['chain', 'chain', undefined],
        ['timestamp', 'Authority 1', undefined],
        ['timestamp', 'Authority 2', 'TIMESTAMP_ANSWER'],
      ],
    )
    deepEqual(events, ['voucher is in trouble: Authority 2'])
    await round()
    const down = (await sizesOf(ledger)).at(-1)!
    equal(down, ledger.latestRound()?.size)
    deepEqual(
      (await stampsOf(ledger, down)).map(({ name }) => name),
      ['Authority 1'],
    )
    opened[1].answer = undefined
    clock.advance(60_000)
    await round()
    deepEqual(said(anchoring), [])
    equal((await stampsOf(ledger, (await sizesOf(ledger)).at(-1)!)).length, 2)
    // One failure can be a moment's, now as before.
    const { length } = opened[1].requests
    opened[1].answer = () => ({ status: 503, body: Buffer.alloc(0) })
    while (opened[1].requests.length === length) {
      await ledger.submit(statementOf(`record ${records++}`))
      await tick()
    }
    deepEqual([said(anchoring), events.length], [[], 1])
  })

  it('say from 90 days before until a later token when a certificate behind the newest token ends, after a restart too', async () => {
    for (const [days, isTold] of [
      [91, false],
      [90, true],
    ] as const) {
      const { anchoring, opened, open, round, tick } = await openWorld()
      const until = STAMPED_AT + days * DAY_SECONDS
      const ending = issuedBy(opened[0].root, { name: 'Ending', serial: 9, purposes: [TIME_STAMPING], until })
      opened[0].change = { signer: ending, certificates: [ending] }
      await round()
      const day = new Date(until * 1000).toISOString().slice(0, 10)
      const alarm = `TIMESTAMP_ENDING Authority 1: A certificate or an algorithm behind its newest time stamp ends on ${day}. Ask the authority for its next certificate.`
      deepEqual(said(anchoring), isTold ? [alarm] : [])
      const restarted = open()
      await tick(restarted)
      deepEqual(said(restarted), isTold ? [alarm] : [])
      opened[0].change = {}
      await round(restarted)
      deepEqual(said(restarted), [])
    }
  })

  it('are not asked again for a token that was stored before a crash, and the next start logs it, once', async () => {
    const { ledger, open, opened, tick } = await openWorld()
    await ledger.submit(statementOf(`record ${records++}`))
    const crashing = open({ ...ledger, logTimestamp: () => Promise.reject(new Error('killed')) })
    for (let step = 0; step < 5; step++) await tick(crashing)
    const { size } = crashing.vouchers()[1]!
    const [stored] = await stampsOf(ledger, size)
    deepEqual([size, await logged(ledger)], [2, []])
    const asked = opened[0].requests.length
    for (const next of [open(), open()]) for (let step = 0; step < 2; step++) await tick(next)
    equal(opened[0].requests.length, asked)
    deepEqual((await logged(ledger)).filter(sha256 => sha256 === stored!.sha256).length, 1)
  })

  it('give no token by a revoked certificate, and one whose list could not be read is kept and told', async () => {
    const { ledger, anchoring, opened, round, events } = await openWorld()
    opened[0].list = listOf(opened[0].root, [2], { from: FROM, until: UNTIL })
    opened[1].list = undefined
    for (let count = 0; count < 3; count++) await round()
    match(said(anchoring).join(), /^TIMESTAMP_REVOKED Authority 1/)
    const [size] = await sizesOf(ledger)
    const tokens = await stampsOf(ledger, size!)
    deepEqual(
      tokens.map(({ name }) => name),
      ['Authority 2'],
    )
    equal((await logged(ledger)).includes(tokens[0]!.sha256), true)
    equal(events.includes('revocation of a time stamp was not checked: Authority 2'), true)
  })
})

/**
 * The audit of a ledger that is anchored on a real chain: what is anchored, what the ledger claims,
 * and the contract itself.
 */
import { deepEqual, equal, ok } from 'node:assert/strict'
import { join } from 'node:path'
import { createMemoryState, openAuditState } from '../../src/audit/state.ts'
import { anchorInterface } from '../../src/chain/artifact.ts'
import { openAuditReader } from '../../src/chain/audit-reader.ts'
import { toHex } from '../../src/core/bytes.ts'
import { ORIGIN } from '../ledger/fixtures.ts'
import { useAnchoredWorld } from './anchored-world.ts'
import { codesOf, policyOf, reasonsOf } from './world.ts'

const OTHER_ROOT = new Uint8Array(32).fill(9)

describe('audit of an anchored ledger', () => {
  const anchored = useAnchoredWorld()

  it('is clean when events, storage, tree and claims agree', async () => {
    const { run, served } = anchored.world
    const { verdict, unfinished, findings, anchors } = await run()
    deepEqual({ verdict, unfinished, findings }, { verdict: 'clean', unfinished: [], findings: [] })
    deepEqual(
      anchors.map(({ size, root }) => [size, root]),
      await Promise.all([100, 300, 700].map(async size => [size, toHex(await served.ledger.rootAt(size))])),
    )
  })

  it('checks old anchors also when the chain is asked for the first time after the tree was read', async () => {
    const { folder, proxy, run } = anchored.world
    const state = () => openAuditState(join(folder, 'late'), ORIGIN)
    const first = await run({ chains: [], state: await state() })
    equal(first.exit, 6)
    deepEqual(reasonsOf(first), ['AUDIT_CHAIN_NOT_ASKED'])
    const second = await run({ state: await state() })
    deepEqual([second.exit, second.from], [0, 512])
    proxy.requests.length = 0
    equal((await run({ state: await state() })).exit, 0)
    // Anchors, the checkpoint twice, and statements, entries and hashes of the last bundle: no old
    // tile.
    equal(proxy.requests.length, 6)
  })

  it('finds an anchor that the ledger claims and the chain does not have', async () => {
    const { proxy, run } = anchored.world
    proxy.tamper = (path, body) => {
      if (!path.startsWith('/v1/anchors')) return undefined
      const answer = JSON.parse(body.toString())
      answer.final.push({ ...answer.final[2], size: 650 })
      return JSON.stringify(answer)
    }
    const { exit, findings } = await run()
    deepEqual([exit, findings.map(({ code }) => code)], [5, ['AUDIT_ANCHOR_MISSING']])
    equal(findings[0]!.values.size, 650)
  })

  it('notices that the ledger names another block, or another time, than the chain has, and calls nothing inconsistent', async () => {
    const { proxy, run } = anchored.world
    for (const change of [{ number: 1 }, { time: '2020-01-01T00:00:00Z' }]) {
      proxy.tamper = (path, body) => {
        if (!path.startsWith('/v1/anchors')) return undefined
        const answer = JSON.parse(body.toString())
        Object.assign(answer.final[1].block, change)
        return JSON.stringify(answer)
      }
      const { verdict, exit, findings, notices } = await run()
      deepEqual([verdict, exit, findings], ['clean', 0, []])
      deepEqual(
        notices.map(({ code, values }) => [code, values.size]),
        [['AUDIT_ANCHOR_MOVED', 300]],
      )
    }
  })

  it('reads every page of the ledger’s anchors', async () => {
    const { proxy, run } = anchored.world
    proxy.tamper = (path, body) => {
      if (!path.startsWith('/v1/anchors')) return undefined
      const { final } = JSON.parse(body.toString())
      return JSON.stringify({ final: final.slice(0, 1), ...(final.length > 1 && { after: final[0].size }), pending: [] })
    }
    proxy.requests.length = 0
    equal((await run()).exit, 0)
    deepEqual(
      proxy.requests.filter(path => path.startsWith('/v1/anchors')),
      ['/v1/anchors?after=0', '/v1/anchors?after=100', '/v1/anchors?after=300'],
    )
  })

  it('finds another root on chain, at a size of this run and at one of an earlier run', async () => {
    const { chain, folder, openChain, pinned, readerAt, run, send, served } = anchored.world
    const other = openChain(await anchored.world.openLog('other'))
    await send(other, 100, OTHER_ROOT, [])
    other.close()
    const policy = policyOf(served.ledger, [{ ...pinned, logId: other.logId, fromSize: 2 }])
    for (const state of [createMemoryState(), await openAuditState(join(folder, 'late'), ORIGIN)]) {
      const { exit, findings } = await run({ policy, state }, readerAt(chain.url, other.logId))
      deepEqual([exit, findings.map(({ code }) => code)], [5, ['AUDIT_ANCHOR_MISMATCH']])
    }
    // Sizes that the policy does not give to this log say nothing of the ledger.
    const narrow = policyOf(served.ledger, [{ ...pinned, logId: other.logId, fromSize: 101 }])
    deepEqual((await run({ policy: narrow }, readerAt(chain.url, other.logId))).findings, [])
  })

  it('finds a chain that is ahead of the ledger', async () => {
    const { proxy, run, served } = anchored.world
    const note = await served.ledger.checkpointAt(650)
    proxy.tamper = path => (path === '/checkpoint' ? note : undefined)
    const { findings } = await run()
    deepEqual(
      findings.map(({ code }) => code),
      ['AUDIT_CHAIN_AHEAD'],
    )
  })

  it('finds other code at the contract’s address', async () => {
    const { pinned, run, served } = anchored.world
    const { findings } = await run({ policy: policyOf(served.ledger, [{ ...pinned, codeSha256: '0'.repeat(64) }]) })
    deepEqual(
      findings.map(({ code }) => code),
      ['AUDIT_CONTRACT_CODE'],
    )
    // Every range of the log pins its code.
    const ranges = [
      { ...pinned, toSize: 300 },
      { ...pinned, fromSize: 301, codeSha256: '0'.repeat(64) },
    ]
    deepEqual(codesOf(await run({ policy: policyOf(served.ledger, ranges) })), ['AUDIT_CONTRACT_CODE'])
  })

  it('cannot finish where a chain has no such contract, and accuses the ledger only of anchors that it claims on a production chain', async () => {
    const { chain, pinned, proxy, readerAt, run, served } = anchored.world
    const nowhere = { ...pinned, contract: `0x${'9'.repeat(40)}`, fromSize: 2 }
    const reader = openAuditReader({ url: chain.url, ...nowhere, firstBlock: 0, timeoutMs: 60_000, retries: 0 })
    const runWith = (production: boolean, ...more: readonly ReturnType<typeof readerAt>[]) =>
      run({ policy: policyOf(served.ledger, [{ ...nowhere, production }]) }, reader, ...more)
    const none = await runWith(true)
    deepEqual([none.exit, codesOf(none), reasonsOf(none)], [6, [], ['AUDIT_CONTRACT_NONE', 'AUDIT_ANCHORS_UNKNOWN']])
    const claimIn = (change: object) => (path: string, body: Buffer) => {
      if (!path.startsWith('/v1/anchors')) return undefined
      const answer = JSON.parse(body.toString())
      return JSON.stringify({ ...answer, final: [{ ...answer.final[2], contract: nowhere.contract, ...change }] })
    }
    proxy.tamper = claimIn({})
    const test = await runWith(false)
    deepEqual([test.exit, codesOf(test), reasonsOf(test)], [6, [], ['AUDIT_CONTRACT_NONE']])
    const production = await runWith(true)
    deepEqual([production.exit, codesOf(production), reasonsOf(production)], [5, ['AUDIT_ANCHOR_MISSING'], ['AUDIT_CONTRACT_NONE']])
    // An endpoint that has not reached that block yet accuses nobody.
    proxy.tamper = claimIn({ block: { number: 1_000_000 } })
    const behind = await runWith(true)
    deepEqual([behind.exit, codesOf(behind), reasonsOf(behind)], [6, [], ['AUDIT_CONTRACT_NONE', 'AUDIT_CHAIN_BEHIND']])
  })

  // The last one: the log cannot be opened again.
  it('finds a ledger that goes beyond the last good size of a closed log, unless the policy ends there', async () => {
    const { anchorChain, contract, pinned, run, rpc, served } = anchored.world
    const data = anchorInterface.encodeFunctionData('closeLog', [pinned.logId, 300, `0x${'0'.repeat(64)}`])
    await rpc('eth_sendTransaction', { from: await anchorChain.publisher(), to: contract, data })
    for (let tries = 0; !('closedAt' in (await storedNow())); tries++) ok(tries < 100, 'the log stays open')
    deepEqual(
      (await run()).findings.map(({ code }) => code),
      ['AUDIT_LOG_CLOSED'],
    )
    const { exit, findings } = await run({ policy: policyOf(served.ledger, [{ ...pinned, toSize: 300 }]) })
    deepEqual([exit, findings], [0, []])
  })
  const storedNow = async () => {
    const reader = anchored.world.readerAt(anchored.world.chain.url)
    return reader.stored((await reader.heads()).head.number)
  }
})

/**
 * The audit of a chain through endpoints that limit, hide, lag, lie or disagree, and of a chain
 * that changes its past.
 */
import { deepEqual, equal, ok } from 'node:assert/strict'
import { join } from 'node:path'
import type { AuditReport } from '../../src/audit/run.ts'
import { openAuditState } from '../../src/audit/state.ts'
import { anchorInterface } from '../../src/chain/artifact.ts'
import { openAuditReader } from '../../src/chain/audit-reader.ts'
import { ORIGIN } from '../ledger/fixtures.ts'
import { type AnchoredWorld, type Call, type CallAnswer, type Loose, openAnchoredWorld, openRpcProxy } from './anchored-world.ts'

type Change = Awaited<ReturnType<typeof openRpcProxy>>['change']

const told = ({ exit, findings, unfinished }: AuditReport) => ({
  exit,
  findings: [...new Set(findings.map(({ code }) => code))],
  unfinished: unfinished.map(({ code }) => code),
})
const refused: CallAnswer = { error: { code: -32602, message: 'query exceeds max block range' } }
const rangeOf = ({ method, params }: Call) => (method === 'eth_getLogs' ? Number(params[0].toBlock) - Number(params[0].fromBlock) + 1 : 0)
const isCallOf = (name: string, { method, params }: Call) =>
  method === 'eth_call' && params[0].data.startsWith(anchorInterface.getFunction(name)!.selector)
/** Changes the answers to one kind of question. */
const onAnswer =
  (wanted: (call: Call) => boolean, change: (answer: CallAnswer, call: Call) => CallAnswer): Change =>
  async (call, pass) =>
    wanted(call) ? change(await pass(), call) : pass()
const onLogs = (change: (logs: Loose[]) => Loose) =>
  onAnswer(
    call => call.method === 'eth_getLogs',
    ({ result }) => ({ result: change(result) }),
  )

describe('audit through endpoints of a chain', () => {
  let world: AnchoredWorld
  let rpc: Awaited<ReturnType<typeof openRpcProxy>>
  before(async () => {
    world = await openAnchoredWorld()
    rpc = await openRpcProxy(world.chain.url)
  })
  beforeEach(() => {
    rpc.calls.length = 0
    rpc.change = async (_call, pass) => pass()
  })
  after(async () => {
    rpc.close()
    await world.close()
  })
  const runThrough = (change: Change) => {
    rpc.change = change
    return world.run({}, world.readerAt(rpc.url))
  }

  it('asks for smaller ranges if it must, and never for larger ones than allowed', async () => {
    const report = await runThrough(async (call, pass) => (rangeOf(call) > 2 ? refused : pass()))
    deepEqual([told(report), report.anchors.length], [{ exit: 0, findings: [], unfinished: [] }, 3])
    ok(rpc.calls.filter(call => rangeOf(call) > 2).length < 10)
  })

  const cases: readonly (readonly [string, Change, number, readonly string[], readonly string[]])[] = [
    ['hides an event', onLogs(logs => logs.toSpliced(1, 1)), 5, ['AUDIT_ANCHOR_MISSING'], []],
    ['hides the last event', onLogs(logs => logs.slice(0, -1)), 5, ['AUDIT_ANCHOR_STORAGE', 'AUDIT_ANCHOR_MISSING'], []],
    [
      'shows events in another order',
      onLogs(logs => logs.map((log, i) => ({ ...log, logIndex: `0x${logs.length - i}`, blockNumber: logs[0].blockNumber }))),
      5,
      ['AUDIT_ANCHOR_ORDER', 'AUDIT_ANCHOR_STORAGE'],
      [],
    ],
    [
      'holds nothing in the contract’s storage',
      onAnswer(
        call => isCallOf('anchoredAt', call),
        () => ({ result: `0x${'0'.repeat(64)}` }),
      ),
      5,
      ['AUDIT_ANCHOR_STORAGE'],
      [],
    ],
    ['gives out no events', async (call, pass) => (rangeOf(call) > 0 ? refused : pass()), 6, [], ['AUDIT_CHAIN_EVENTS']],
    ['gives events in another form', onLogs(() => ({ logs: [] })), 6, [], ['AUDIT_CHAIN_UNREADABLE']],
    ['gives events of another shape', onLogs(logs => logs.map(log => ({ ...log, data: '0x00' }))), 6, [], ['AUDIT_CHAIN_UNREADABLE']],
    ['answers all with nonsense', async () => ({ result: '0xzz' }), 6, [], ['AUDIT_CHAIN_OTHER']],
    [
      'answers with an object only',
      async call => (call.method === 'eth_chainId' ? { result: '0x7a69' } : { result: {} }),
      6,
      [],
      ['AUDIT_CHAIN_UNREADABLE'],
    ],
    [
      'serves another chain',
      async (call, pass) => (call.method === 'eth_chainId' ? { result: '0x1' } : pass()),
      6,
      [],
      ['AUDIT_CHAIN_OTHER'],
    ],
    ['is always busy', async () => 429, 6, [], ['AUDIT_CHAIN_UNREACHABLE']],
    [
      'answers with too much',
      async (call, pass) => (call.method === 'eth_getCode' ? { result: `0x${'00'.repeat(5_000_000)}` } : pass()),
      6,
      [],
      ['AUDIT_CHAIN_UNREACHABLE'],
    ],
    [
      'shows another newest block each time',
      onAnswer(
        call => call.method === 'eth_getBlockByNumber',
        ({ result }) => ({ result: { ...result, hash: `0x${(++drawn).toString(16).padStart(64, '0')}` } }),
      ),
      6,
      [],
      ['AUDIT_CHAIN_UNSETTLED'],
    ],
  ]
  let drawn = 0
  for (const [what, change, exit, findings, unfinished] of cases) {
    it(`says so where an endpoint ${what}`, async () => {
      deepEqual(told(await runThrough(change)), { exit, findings, unfinished })
    })
  }

  it('asks an endpoint no more when the time of the audit ends, and says so', async () => {
    const end = new AbortController()
    rpc.change = async (call, pass) => {
      if (call.method === 'eth_getLogs') end.abort()
      return pass()
    }
    const { pinned, run } = world
    const reader = openAuditReader({ url: rpc.url, ...pinned, firstBlock: 0, timeoutMs: 60_000, retries: 0, ended: end.signal })
    deepEqual(told(await run({}, reader)), { exit: 6, findings: [], unfinished: ['AUDIT_TIME_ENDED'] })
    equal(rpc.calls.at(-1)?.method, 'eth_getLogs')
  })

  it('says so where an endpoint is gone', async () => {
    const { run, readerAt } = world
    deepEqual(told(await run({}, readerAt('http://127.0.0.1:1'))), { exit: 6, findings: [], unfinished: ['AUDIT_CHAIN_UNREACHABLE'] })
  })

  it('says so where an endpoint lags behind what the ledger says is final', async () => {
    const { number } = (await world.readerAt(world.chain.url).heads()).head
    const lagging: Change = (call, pass) => {
      if (call.method === 'eth_getBlockByNumber' && call.params[0] === 'latest') call.params[0] = `0x${(number - 1).toString(16)}`
      return pass()
    }
    deepEqual(told(await runThrough(lagging)), { exit: 6, findings: [], unfinished: ['AUDIT_CHAIN_BEHIND'] })
  })

  it('accuses nobody where two endpoints disagree', async () => {
    const { run, readerAt, chain } = world
    for (const change of [
      onLogs(logs => logs.toSpliced(1, 1)),
      onLogs(logs => logs.slice(1)),
      onAnswer(
        call => call.method === 'eth_getCode',
        () => ({ result: '0x00' }),
      ),
    ]) {
      rpc.change = change
      for (const readers of [
        [readerAt(chain.url), readerAt(rpc.url)],
        [readerAt(rpc.url), readerAt(chain.url)],
      ]) {
        deepEqual(told(await run({}, ...readers)), { exit: 6, findings: [], unfinished: ['AUDIT_ENDPOINTS_DISAGREE'] })
      }
    }
    rpc.change = async (_call, pass) => pass()
    equal((await run({}, readerAt(chain.url), readerAt(rpc.url))).exit, 0)
  })

  it('reads only the events since the last run, and each anchor’s storage once', async () => {
    const state = () => openAuditState(join(world.folder, 'incremental'), ORIGIN)
    equal((await world.run({ state: await state() }, world.readerAt(rpc.url))).exit, 0)
    equal(rpc.calls.filter(call => isCallOf('anchoredAt', call)).length, 3)
    await world.rpc('anvil_mine', '0x5')
    const { number } = (await world.readerAt(world.chain.url).heads()).head
    rpc.calls.length = 0
    const { exit, anchors } = await world.run({ state: await state() }, world.readerAt(rpc.url))
    deepEqual([exit, anchors.length], [0, 3])
    equal(rpc.calls.filter(call => isCallOf('anchoredAt', call)).length, 0)
    deepEqual(
      rpc.calls
        .filter(({ method }) => method === 'eth_getLogs')
        .map(({ params }) => [Number(params[0].fromBlock), Number(params[0].toBlock)]),
      [[number - 4, number]],
    )
  })

  it('goes on with a first scan that was interrupted', async () => {
    const state = () => openAuditState(join(world.folder, 'scan'), ORIGIN)
    await world.rpc('anvil_mine', '0x100')
    let parts = 0
    // One block at a time, and after 150 of them the endpoint is gone.
    rpc.change = async (call, pass) => {
      if (rangeOf(call) > 1) return refused
      parts += rangeOf(call)
      return parts > 150 ? 429 : pass()
    }
    deepEqual(told(await world.run({ state: await state() }, world.readerAt(rpc.url))).unfinished, ['AUDIT_CHAIN_UNREACHABLE'])
    rpc.calls.length = 0
    rpc.change = async (_call, pass) => pass()
    equal((await world.run({ state: await state() }, world.readerAt(rpc.url))).exit, 0)
    equal(Number(rpc.calls.find(({ method }) => method === 'eth_getLogs')!.params[0].fromBlock), 100)
  })

  it('finds a chain that takes back what it had called final', async () => {
    const state = () => openAuditState(join(world.folder, 'reorg'), ORIGIN)
    const { result: snapshot } = await world.rpc('evm_snapshot')
    await world.rpc('anvil_mine', '0x3')
    equal((await world.run({ state: await state() })).exit, 0)
    await world.rpc('evm_revert', snapshot)
    await world.rpc('evm_increaseTime', 1000)
    await world.rpc('anvil_mine', '0x9')
    deepEqual(told(await world.run({ state: await state() })), { exit: 5, findings: ['AUDIT_CHAIN_REORG'], unfinished: [] })
    // It was said. The next run goes by the chain as it is.
    equal((await world.run({ state: await state() })).exit, 0)
  })

  it('says so where the chain is shorter than it was', async () => {
    const state = () => openAuditState(join(world.folder, 'shorter'), ORIGIN)
    const { result: snapshot } = await world.rpc('evm_snapshot')
    await world.rpc('anvil_mine', '0x9')
    equal((await world.run({ state: await state() })).exit, 0)
    await world.rpc('evm_revert', snapshot)
    deepEqual(told(await world.run({ state: await state() })), { exit: 6, findings: [], unfinished: ['AUDIT_CHAIN_BEHIND'] })
  })

  for (const [what, wrong, expected] of [
    ['asks again where a chain that goes on answered as of the next block', 1, { exit: 0, findings: [], unfinished: [] }],
    ['finds what contradicts each time, though the chain goes on', 9, { exit: 5, findings: ['AUDIT_ANCHOR_STORAGE'], unfinished: [] }],
  ] as const)
    it(what, async () => {
      let asked = 0
      const report = await runThrough(async (call, pass) => {
        const answer = await pass()
        if (!isCallOf('latest', call) || ++asked > wrong) return answer
        await world.rpc('anvil_mine', '0x1')
        return { result: `0x${(900).toString(16).padStart(64, '0')}${String(answer.result).slice(66)}` }
      })
      deepEqual(told(report), expected)
    })
})

/** The audit of a ledger that is anchored on a real chain, and the command line around it. */
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { audit } from '../../src/audit/audit.ts'
import { formatAuditReport } from '../../src/audit/report.ts'
import type { AuditInput, AuditReport } from '../../src/audit/run.ts'
import { createHttpSource } from '../../src/audit/source.ts'
import { createMemoryState, openAuditState } from '../../src/audit/state.ts'
import { anchorInterface, checkpointAnchor } from '../../src/chain/artifact.ts'
import { openAuditReader } from '../../src/chain/audit-reader.ts'
import { deployContract, ensureLog } from '../../src/chain/deploy.ts'
import { EMBEDDED_CHAIN_ID, EMBEDDED_KEY, type EmbeddedChain, startEmbeddedChain } from '../../src/chain/embedded.ts'
import { DEFAULT_LIMITS, openAnchorChain } from '../../src/chain/ethereum.ts'
import { createKeySigner } from '../../src/chain/signer.ts'
import { toHex } from '../../src/core/bytes.ts'
import { formatPolicy, type PolicyAnchor } from '../../src/core/policy.ts'
import type { AnchorChain } from '../../src/ledger/anchor-chain.ts'
import { silentLog } from '../../src/log.ts'
import { speakAudit } from '../../src/messages/audit/speak.ts'
import { ORIGIN } from '../ledger/fixtures.ts'
import { grow, openProxy, policyOf, type Served, serveLedger } from './world.ts'

const reasonsOf = ({ unfinished }: AuditReport) => unfinished.map(({ code }) => code)
const OTHER_ROOT = new Uint8Array(32).fill(9)

const signer = createKeySigner(EMBEDDED_KEY)

describe('audit of an anchored ledger', () => {
  let folder: string
  let chain: EmbeddedChain
  let anchorChain: AnchorChain
  let served: Served
  let proxy: Awaited<ReturnType<typeof openProxy>>
  let pinned: PolicyAnchor
  let contract: string

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'openseal-audit-'))
    chain = await startEmbeddedChain({ dataDir: folder, port: 0, log: silentLog })
    const access = { rpcUrls: [chain.url], signer, log: silentLog }
    contract = (await deployContract(access)).address
    const logId = await ensureLog({ ...access, contract, origin: ORIGIN })
    const log = { chainId: EMBEDDED_CHAIN_ID, contract, logId }
    pinned = {
      type: 'evm',
      ...log,
      codeSha256: checkpointAnchor.codeSha256,
      production: false,
      finality: { confirmations: 0 },
      fromSize: 0,
    }
    anchorChain = openChain(logId)
    served = await serveLedger(300, { anchors: [{ type: 'evm', ...log }] })
    await anchorHead(100)
    await anchorHead(300)
    await grow(served.ledger, 700)
    await anchorHead(700)
    proxy = await openProxy(served.url)
  })
  beforeEach(() => {
    proxy.tamper = () => undefined
  })
  after(async () => {
    anchorChain.close()
    proxy.close()
    await served.close()
    await chain.stop()
    await rm(folder, { recursive: true })
  })

  const openChain = (logId: string) =>
    openAnchorChain({
      urls: [chain.url],
      chainId: EMBEDDED_CHAIN_ID,
      contract,
      logId,
      signer,
      finality: { confirmations: 0 },
      limits: DEFAULT_LIMITS,
    })
  /** Anchors as the anchorer does, and tells the ledger. */
  const anchorHead = async (size: number) => {
    const { ledger } = served
    const root = await ledger.rootAt(size)
    const latest = await anchorChain.latest()
    const proof = latest === null ? [] : (await ledger.consistency(latest.size, size)).proof
    const transaction = await send(anchorChain, size, root, proof)
    const { block } = (await anchorChain.txReceipt(transaction))!
    const at = { number: block.number, hash: block.hash, time: new Date(block.time * 1000).toISOString().replace('.000', '') }
    const { chainId, logId } = pinned
    await ledger.setFinal({ type: 'evm', chainId, contract, logId, size, root: toHex(root), transaction, block: at })
  }
  const send = async (to: AnchorChain, size: number, root: Uint8Array, proof: readonly Uint8Array[]) => {
    const { raw, hash } = await to.prepare({ size, root, proof, nonce: await to.nextNonce() })
    await to.broadcast(raw)
    for (let tries = 0; (await to.txReceipt(hash)) === null; tries++) {
      ok(tries < 100, 'the transaction is in no block')
      await new Promise(resolve => setTimeout(resolve, 20))
    }
    return hash
  }
  const readerAt = (url: string, logId = pinned.logId) =>
    openAuditReader({ url, ...pinned, logId, firstBlock: 0, timeoutMs: 60_000, retries: 0 })
  const run = async (changes: Partial<AuditInput> = {}, reader = readerAt(chain.url)) => {
    const source = createHttpSource({ url: proxy.url, fetch, timeoutMs: 60_000, retries: 0, parallel: 8 })
    const policy = policyOf(served.ledger, [pinned])
    const input = { source, policy, chains: [reader], state: createMemoryState(), parallel: 4, ...changes }
    return audit(input).finally(() => input.state.close())
  }

  it('is clean when events, storage, tree and claims agree', async () => {
    const { verdict, unfinished, findings, anchors } = await run()
    deepEqual({ verdict, unfinished, findings }, { verdict: 'clean', unfinished: [], findings: [] })
    deepEqual(
      anchors.map(({ size, root }) => [size, root]),
      await Promise.all([100, 300, 700].map(async size => [size, toHex(await served.ledger.rootAt(size))])),
    )
  })

  it('checks old anchors also when the chain is asked for the first time after the tree was read', async () => {
    const state = () => openAuditState(join(folder, 'late'), ORIGIN)
    const first = await run({ chains: [], state: await state() })
    equal(first.exit, 6)
    deepEqual(reasonsOf(first), ['AUDIT_CHAIN_NOT_ASKED'])
    const second = await run({ state: await state() })
    deepEqual([second.exit, second.from], [0, 512])
    proxy.requests.length = 0
    equal((await run({ state: await state() })).exit, 0)
    // Anchors, the checkpoint twice, and statements, entries and hashes of the last bundle: no old tile.
    equal(proxy.requests.length, 6)
  })

  it('finds an anchor that the ledger claims and the chain does not have', async () => {
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

  it('reads every page of the ledger’s anchors', async () => {
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
    const other = openChain(await ensureLog({ rpcUrls: [chain.url], signer, log: silentLog, contract, origin: 'other' }))
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
    const note = await served.ledger.checkpointAt(650)
    proxy.tamper = path => (path === '/checkpoint' ? note : undefined)
    const { findings } = await run()
    deepEqual(
      findings.map(({ code }) => code),
      ['AUDIT_CHAIN_AHEAD'],
    )
  })

  it('finds other code at the contract’s address, or none', async () => {
    const { findings } = await run({ policy: policyOf(served.ledger, [{ ...pinned, codeSha256: '0'.repeat(64) }]) })
    deepEqual(
      findings.map(({ code }) => code),
      ['AUDIT_CONTRACT_CODE'],
    )
    const nowhere = { ...pinned, contract: `0x${'9'.repeat(40)}`, fromSize: 2 }
    const reader = openAuditReader({ url: chain.url, ...nowhere, firstBlock: 0, timeoutMs: 60_000, retries: 0 })
    const none = await run({ policy: policyOf(served.ledger, [nowhere]) }, reader)
    deepEqual(
      none.findings.map(({ code }) => code),
      ['AUDIT_CONTRACT_CODE'],
    )
    deepEqual(reasonsOf(none), ['AUDIT_ANCHORS_UNKNOWN'])
  })

  it('finds events and storage that do not agree, and asks in smaller ranges where it must', async () => {
    let mode: 'small' | 'hide' | 'hide the last' | 'storage' = 'small'
    const ranges: number[] = []
    const rpc = createServer(async (request, response) => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk)
      const call = JSON.parse(Buffer.concat(chunks).toString())
      const range = call.method === 'eth_getLogs' ? Number(call.params[0].toBlock) - Number(call.params[0].fromBlock) + 1 : 0
      const error = { code: -32602, message: 'query exceeds max block range' }
      if (range > 2 && mode === 'small') return void response.end(JSON.stringify({ jsonrpc: '2.0', id: call.id, error }))
      ranges.push(range)
      const headers = { 'content-type': 'application/json' }
      const answer = await (await fetch(chain.url, { method: 'POST', headers, body: JSON.stringify(call) })).json()
      if (range > 0 && mode === 'hide') answer.result.splice(1, 1)
      if (range > 0 && mode === 'hide the last') answer.result.pop()
      if (mode === 'storage' && isAnchoredAt(call)) answer.result = `0x${'0'.repeat(64)}`
      response.end(JSON.stringify(answer))
    })
    await new Promise<void>(resolve => rpc.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(rpc.address() as AddressInfo).port}`
    const small = await run({}, readerAt(url))
    deepEqual([small.exit, small.anchors.length, Math.max(...ranges)], [0, 3, 2])
    mode = 'hide'
    deepEqual(
      (await run({}, readerAt(url))).findings.map(({ code }) => code),
      ['AUDIT_ANCHOR_MISSING'],
    )
    mode = 'hide the last'
    deepEqual(
      new Set((await run({}, readerAt(url))).findings.map(({ code }) => code)),
      new Set(['AUDIT_ANCHOR_STORAGE', 'AUDIT_ANCHOR_MISSING']),
    )
    mode = 'storage'
    deepEqual(
      (await run({}, readerAt(url))).findings.map(({ code }) => code),
      ['AUDIT_ANCHOR_STORAGE', 'AUDIT_ANCHOR_STORAGE', 'AUDIT_ANCHOR_STORAGE'],
    )
    rpc.close()
    rpc.closeAllConnections()
    const gone = await run({}, readerAt(url))
    deepEqual([gone.exit, gone.verdict, gone.findings], [6, 'unfinished', []])
    deepEqual(reasonsOf(gone), ['AUDIT_CHAIN_UNREACHABLE'])
  })

  it('runs from the command line, with a report that names every anchor', async () => {
    const policy = join(folder, 'policy.json')
    const html = join(folder, 'audit.html')
    await writeFile(policy, formatPolicy(policyOf(served.ledger, [pinned])))
    const args = ['--ledger', proxy.url, '--policy', policy, '--state', join(folder, 'cli')]
    const first = await openseal('audit', ...args, '--rpc', chain.url, '--report', html, '--json')
    const { verdict, size, trust } = JSON.parse(first.stdout)
    deepEqual([first.code, verdict, size, trust], [0, 'clean', 700, 'policy'])
    const page = await readFile(html, 'utf8')
    match(page, /The ledger is consistent\./)
    for (const anchored of [100, 300, 700]) ok(page.includes(toHex(await served.ledger.rootAt(anchored))))
    match(page, /<svg .*role="img" aria-label="Entries anchored/)
    ok(!/<script|https?:\/\/(?!127)/.test(page))

    proxy.tamper = (path, body) => (path.startsWith('/tile/entries') ? body.fill(1, 4, 5) : undefined)
    const second = await openseal('audit', ...args, '--rpc', chain.url)
    equal(second.code, 5)
    match(second.stdout, /The ledger is NOT consistent\. Findings: 1\.[\s\S]*AUDIT_ENTRY_CHANGED/)
    proxy.tamper = () => undefined
    const [unreachable, wrong] = await Promise.all([
      openseal('audit', ...args, '--rpc', 'http://127.0.0.1:1'),
      openseal('audit', '--ledger', proxy.url),
    ])
    deepEqual([unreachable.code, wrong.code], [6, 2])
  })

  it('writes what others say into the report as text only', async () => {
    const report = await run()
    const hostile = '<script>alert(1)</script>"&'
    const page = formatAuditReport(
      {
        ...report,
        verdict: 'inconsistent',
        findings: [{ code: 'AUDIT_ENTRY_CHANGED', detail: 'reason', values: { reason: hostile } }],
        unfinished: [{ code: 'AUDIT_LEDGER_UNREADABLE', detail: 'reason', values: { reason: hostile } }],
        evidence: [hostile],
      },
      { ledger: hostile, trust: 'ledger', time: '2026-01-01T00:00:00Z' },
      speakAudit('en'),
    )
    ok(!page.includes('<script'))
    match(page, /The ledger is NOT consistent/)
  })

  // The last one: the log cannot be opened again.
  it('finds a ledger that goes beyond the last good size of a closed log, unless the policy ends there', async () => {
    const data = anchorInterface.encodeFunctionData('closeLog', [pinned.logId, 300, `0x${'0'.repeat(64)}`])
    const params = [{ from: await anchorChain.publisher(), to: contract, data }]
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_sendTransaction', params })
    await fetch(chain.url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    for (let tries = 0; !('closedAt' in (await storedNow())); tries++) ok(tries < 100, 'the log stays open')
    deepEqual(
      (await run()).findings.map(({ code }) => code),
      ['AUDIT_LOG_CLOSED'],
    )
    const { exit, findings } = await run({ policy: policyOf(served.ledger, [{ ...pinned, toSize: 300 }]) })
    deepEqual([exit, findings], [0, []])
  })
  const storedNow = async () => {
    const reader = readerAt(chain.url)
    return reader.stored((await reader.heads()).head.number)
  }
})

function isAnchoredAt({ method, params }: { method: string; params: { data: string }[] }): boolean {
  return method === 'eth_call' && params[0]!.data.startsWith(anchorInterface.getFunction('anchoredAt')!.selector)
}

/** Runs the command line in a process of its own. */
function openseal(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const env = { ...process.env, OPENSEAL_RPC: '' }
  return new Promise(resolve => {
    const child = execFile(process.execPath, ['src/cli/main.ts', ...args], { env }, (_error, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    )
  })
}

/** The whole service with a file of vouchers: two chains, of which its own policy requires both. */
import { deepEqual, equal, match, rejects } from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import hre from 'hardhat'
import { checkpointAnchor } from '../src/chain/artifact.ts'
import { deployContract, ensureLog } from '../src/chain/deploy.ts'
import { EMBEDDED_CHAIN_ID, EMBEDDED_KEY, startEmbeddedChain } from '../src/chain/embedded.ts'
import { createKeySigner } from '../src/chain/signer.ts'
import { readConfig } from '../src/config.ts'
import { parsePolicy } from '../src/core/policy.ts'
import { isChain } from '../src/core/policy-anchors.ts'
import type { Statement } from '../src/core/statements/statement.ts'
import type { Ledger } from '../src/ledger/ledger.ts'
import { silentLog } from '../src/logger.ts'
import { openLog, openStore } from '../src/server/open-log.ts'
import { beginStart, takeDown } from '../src/server/parts.ts'
import { type Service, startServer } from '../src/server/server.ts'
import { createJsonRpcReader, verify } from '../src/verifier/index.ts'
import { ANSWERED, type Behaviour, openEndpoint, silent } from './chain/endpoint.ts'
import { statement } from './http/service.ts'
import { readJson, sendJson } from './services.ts'
import { serveAuthority } from './timestamp/server.ts'
import { serveWitness } from './witness-server.ts'

const OTHER_CHAIN_ID = 424_243
const OPERATOR = 'operator-key-of-the-vouchers-test'

describe('server with a file of vouchers', function () {
  this.timeout(60_000)
  let folder: string
  let here: Awaited<ReturnType<typeof openEndpoint>>
  let there: Awaited<ReturnType<typeof openEndpoint>>
  const closers: (() => Promise<unknown>)[] = []
  const at = (name: string) => join(folder, name)

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'openseal-vouchers-'))
    closers.push(() => rm(folder, { recursive: true, force: true }))
    const anvil = await startEmbeddedChain({ dataDir: at('anvil'), port: 0, log: silentLog })
    closers.push(() => anvil.stop())
    const hardhat = await hre.network.createServer({ override: { chainId: OTHER_CHAIN_ID } }, '127.0.0.1', 0)
    const { port } = await hardhat.listen()
    closers.push(() => hardhat.close())
    here = await openEndpoint(anvil.url)
    there = await openEndpoint(`http://127.0.0.1:${port}`)
    closers.push(
      () => here.close(),
      () => there.close(),
    )
    await writeFile(at('anchor.key'), EMBEDDED_KEY, { mode: 0o600 })
    const signer = createKeySigner(EMBEDDED_KEY)
    contracts = await Promise.all(
      [here, there].map(async ({ url }) => (await deployContract({ rpcUrls: [url], signer, log: silentLog })).address),
    )
  })
  after(async () => {
    for (const close of closers.toReversed()) await close()
  })
  let contracts: readonly string[]

  const chain = (name: string, which: 0 | 1, more = {}) => ({
    name,
    rpc: [[here, there][which]!.url],
    contract: contracts[which],
    keyFile: 'anchor.key',
    finality: { confirmations: 0 },
    ...more,
  })
  const bothChains = () => [chain('here', 0), chain('there', 1)]
  async function start(name: string, file: object, log = silentLog): Promise<Service> {
    await writeFile(at(`${name}.json`), JSON.stringify({ interval: '100ms', ...file }))
    const env = { OPENSEAL_PORT: '0', OPENSEAL_CHAIN_PORT: '0', OPENSEAL_ORIGIN: `ledger.example/${name}`, OPENSEAL_OPERATOR_KEY: OPERATOR }
    const config = readConfig({ ...env, OPENSEAL_DATA: at(name), OPENSEAL_MARK: at('mark'), OPENSEAL_VOUCHERS: at(`${name}.json`) })
    return startServer(config, { log })
  }
  /** Logs the whole list of anchors from there on and a record, on a ledger at rest. */
  async function changeAnchors(name: string, list: Parameters<Ledger['changeAnchors']>[0]): Promise<number> {
    const env = { OPENSEAL_ORIGIN: `ledger.example/${name}`, OPENSEAL_MARK: at('mark'), OPENSEAL_VOUCHERS: at(`${name}.json`) }
    const begun = beginStart(readConfig({ ...env, OPENSEAL_DATA: at(name) }), silentLog)
    try {
      const { store } = await openStore(begun)
      begun.parts.store = store
      const { ledger } = await openLog(begun, store)
      const index = await ledger.changeAnchors(list)
      // The last checkpoint under the old list is a round of its own, although the log has gone on.
      await ledger.submit(statement(9) as Statement)
      return index
    } finally {
      await takeDown(begun.parts, silentLog)
    }
  }
  async function keyOf(service: Service): Promise<string> {
    await sendJson(service, '/v1/agencies', OPERATOR, { id: 'transport.gov.example', name: 'Ministry of Transport' })
    return (await sendJson(service, '/v1/agencies/transport.gov.example/keys', OPERATOR, {})).key
  }
  async function until<T>(read: () => Promise<T>, isSo: (value: T) => boolean): Promise<T> {
    for (;;) {
      const value = await read()
      if (isSo(value)) return value
      await sleep(20)
    }
  }
  const untilState = (service: Service, index: number, state: string) =>
    until(
      () => readJson(service, `/v1/records/${index}`),
      found => found.state === state,
    )

  it('calls a record anchored when both chains hold a checkpoint that covers it, and its receipt verifies by both', async () => {
    const service = await start('both', { chains: bothChains(), requireAnchors: 2 })
    try {
      const key = await keyOf(service)
      equal((await sendJson(service, '/v1/records', key, statement(1))).index, 1)
      const { round } = await untilState(service, 1, 'anchored')
      const receipt = await (await fetch(`${service.url}/v1/records/1/receipt`)).text()
      const { anchors } = JSON.parse(receipt)
      deepEqual(anchors.map(({ chainId }: { chainId: number }) => chainId).sort(), [EMBEDDED_CHAIN_ID, OTHER_CHAIN_ID])
      deepEqual(round, { size: anchors[0].size, time: anchors.map((each: (typeof anchors)[0]) => each.block.time).sort()[1] })
      const policy = parsePolicy(await (await fetch(`${service.url}/policy.json`)).text())
      deepEqual([policy.requireAnchors, policy.anchors.length], [2, 2])
      const { statement: genesis } = JSON.parse((await (await fetch(`${service.url}/v1/statements/0/1`)).text()).trim())
      const bound = policy.anchors.filter(isChain).map(({ type, chainId, contract, codeSha256, logId }) => {
        return { type, chainId, contract, codeSha256, logId }
      })
      deepEqual(genesis.anchors, bound)
      const readers = [here, there].map(({ url }) => createJsonRpcReader({ url, fetch, timeoutMs: 5000 }))
      const result = await verify({ receipt, policy, chain: readers, trust: 'policy' })
      deepEqual([result.verdict, result.finding, result.date], ['test-network', 'anchored', round.time])
      const shown = await readJson(service, `/v1/rounds/${round.size}`)
      deepEqual([shown.size, shown.final, shown.anchors, shown.cosignatures], [round.size, true, anchors, []])
      equal(JSON.parse(receipt).proof.endsWith(shown.checkpoint), true)
      const listed = await readJson(service, '/v1/rounds?limit=1')
      deepEqual((await readJson(service, `/v1/rounds?cursor=${listed.cursor}&limit=1`)).rounds[0].size > listed.rounds[0].size, true)
      // One of the two chains alone is not enough.
      deepEqual((await verify({ receipt, policy, chain: readers.slice(0, 1), trust: 'policy' })).verdict, 'unchecked')
    } finally {
      await service.close()
    }
  })

  it('calls a record anchored when a chain and an authority vouch for it and a witness has signed, and logs the time stamp', async () => {
    const authority = await serveAuthority({ nowMs: Date.now, names: [] })
    const witness = await serveWitness()
    closers.push(async () => authority.close(), witness.close)
    await writeFile(at('root.pem'), new X509Certificate(authority.root.der).toString())
    const service = await start('stamped', {
      chains: [chain('here', 0)],
      timestamps: [{ name: 'Authority', url: authority.url, certificates: ['root.pem'] }],
      witnesses: [{ vkey: witness.vkey, url: witness.url }],
      quorum: 1,
      requireAnchors: 2,
    })
    try {
      const key = await keyOf(service)
      await sendJson(service, '/v1/records', key, statement(1))
      const { round } = await untilState(service, 1, 'anchored')
      const receipt = await (await fetch(`${service.url}/v1/records/1/receipt`)).text()
      const policy = parsePolicy(await (await fetch(`${service.url}/policy.json`)).text())
      const readers = [createJsonRpcReader({ url: here.url, fetch, timeoutMs: 5000 })]
      const result = await verify({ receipt, policy, chain: readers, trust: 'policy' })
      deepEqual([result.verdict, result.finding, result.date], ['test-network', 'anchored', round.time])
      equal(result.checks.find(({ name }) => name === 'cosignatures')?.status, 'passed')
      const shown = await readJson(service, `/v1/rounds/${round.size}`)
      deepEqual([shown.timestamps[0].name, shown.cosignatures.length, shown.final], ['Authority', 1, true])
      // The token of each round is an entry, after which nothing more comes.
      const { length } = (await readJson(service, '/v1/rounds')).rounds
      const isLogged = (text: string) => text.split('\n').filter(line => line.includes('openseal/timestamp@v1')).length === length
      await until(() => fetch(`${service.url}/v1/statements/0/100`).then(answer => answer.text()), isLogged)
      const asked = (await readJson(service, '/v1/status')).vouchers.map((voucher: { revocation?: string }) => voucher.revocation)
      deepEqual(asked, [undefined, undefined, 'unnamed'])
      const page = await (await fetch(`${service.url}/en/anchors`)).text()
      match(page, /Chains, witnesses and time-stamp authorities[\s\S]*here[\s\S]*Chain[\s\S]*Authority[\s\S]*Time-stamp authority/)
      const metrics = await (await fetch(`${service.url}/metrics`)).text()
      match(metrics, /^openseal_voucher_size\{kind="timestamp",voucher="Authority"\} [1-9]/m)
      match(metrics, /^openseal_voucher_behind\{kind="witness",voucher="witness.example\/w0"\} 0$/m)
      // A round opens for records, not for time stamps alone.
      const { size } = await readJson(service, '/v1/status')
      await sleep(500)
      deepEqual([(await readJson(service, '/v1/status')).size, (await readJson(service, '/v1/rounds')).rounds.length], [size, length])

      // Each that is behind is named, everywhere that an operator looks.
      witness.mood = 'down'
      authority.answer = () => ({ status: 503, body: Buffer.alloc(0) })
      here.behave(cut)
      await sendJson(service, '/v1/records', key, statement(2))
      const names = ['here', 'witness.example/w0', 'Authority']
      await until(
        () => readJson(service, '/readyz'),
        ({ alarms }) => names.every(name => alarms.some((alarm: string) => alarm.includes(name))),
      )
      const { vouchers } = await readJson(service, '/v1/status')
      deepEqual(
        vouchers.map(({ name, alarmCode }: { name: string; alarmCode: string }) => [name, alarmCode]),
        [
          ['here', 'CHAIN_UNREACHABLE'],
          ['witness.example/w0', 'WITNESS_UNREACHABLE'],
          ['Authority', 'TIMESTAMP_ANSWER'],
        ],
      )
      const behind = await (await fetch(`${service.url}/metrics`)).text()
      deepEqual(
        [...behind.matchAll(/^openseal_voucher_behind\{kind="\w+",voucher="([^"]+)"\} 1$/gm)].map(([, name]) => name),
        names,
      )
      here.behave(undefined)
      authority.answer = undefined
      witness.mood = 'up'
      await until(
        () => readJson(service, '/readyz'),
        ({ alarms }) => alarms.length === 0,
      )
    } finally {
      here.behave(undefined)
      await service.close()
    }
  })

  it('goes on with the other chain while one is down, says which one, and calls nothing anchored that only one holds', async () => {
    const service = await start('one-down', { chains: bothChains(), requireAnchors: 2 })
    try {
      const key = await keyOf(service)
      await sendJson(service, '/v1/records', key, statement(1))
      await untilState(service, 1, 'anchored')
      there.behave(silent)
      await until(
        () => readJson(service, '/readyz'),
        ({ alarms }) => alarms.some((alarm: string) => alarm.startsWith('there: ')),
      )
      await sendJson(service, '/v1/records', key, statement(2))
      await until(
        () => readJson(service, '/v1/anchors'),
        ({ final }) => final.at(-1).size === 3,
      )
      equal((await readJson(service, '/v1/records/2')).state, 'sealed')
      equal((await readJson(service, '/v1/records/1')).state, 'anchored')
      there.behave(undefined)
      await untilState(service, 2, 'anchored')
      await until(
        () => readJson(service, '/readyz'),
        ({ alarms }) => alarms.length === 0,
      )
    } finally {
      there.behave(undefined)
      await service.close()
    }
  })

  it('starts and accepts while one chain is down, says which one, and compares with it when it is back', async () => {
    const file = { chains: bothChains(), requireAnchors: 2 }
    let service = await start('restarted', file)
    const key = await keyOf(service)
    await sendJson(service, '/v1/records', key, statement(1))
    await untilState(service, 1, 'anchored')
    await service.close()
    there.behave(cut)
    service = await start('restarted', file)
    try {
      const { status, alarms } = await readJson(service, '/readyz')
      deepEqual([status, alarms.map((alarm: string) => alarm.slice(0, 7))], ['ok', ['there: ']])
      equal((await sendJson(service, '/v1/records', key, statement(2))).index, 2)
      there.behave(undefined)
      await untilState(service, 2, 'anchored')
    } finally {
      there.behave(undefined)
      await service.close()
    }
  })

  it('goes on with a chain that was added and one that was retired by a change of anchors, and older receipts stay anchored', async () => {
    const first = await start('changed', { chains: [chain('here', 0)] })
    const key = await keyOf(first)
    await sendJson(first, '/v1/records', key, statement(1))
    await untilState(first, 1, 'anchored')
    const { anchor } = first.chain
    await first.close()
    const signer = createKeySigner(EMBEDDED_KEY)
    const access = { rpcUrls: [there.url], signer, log: silentLog, contract: contracts[1]!, origin: 'ledger.example/changed' }
    const added = { type: 'evm', chainId: OTHER_CHAIN_ID, contract: contracts[1]!.toLowerCase(), logId: await ensureLog(access) } as const
    const { codeSha256 } = checkpointAnchor
    const index = await changeAnchors('changed', [{ ...added, codeSha256 }])
    const second = await start('changed', { chains: bothChains() })
    try {
      const { anchors } = await readJson(second, '/policy.json')
      deepEqual(
        anchors.map(({ chainId, fromSize, toSize }: { chainId: number; fromSize: number; toSize?: number }) => [chainId, fromSize, toSize]),
        [
          [anchor.chainId, 0, index + 1],
          [OTHER_CHAIN_ID, index + 2, undefined],
        ],
      )
      await sendJson(second, '/v1/records', key, statement(2))
      await untilState(second, index + 2, 'anchored')
      // The change itself, and what came before it, by the chain of their time.
      for (const each of [1, index]) {
        const { round, anchor: by } = await untilState(second, each, 'anchored')
        deepEqual([round.size <= index + 1, by.chainId], [true, anchor.chainId])
      }
      equal((await readJson(second, `/v1/records/${index + 2}`)).anchor.chainId, OTHER_CHAIN_ID)
    } finally {
      await second.close()
    }
  })

  it('keeps its local chain beside a witness, and refuses a file that names chains in its place', async () => {
    await (await start('local', {})).close()
    const witness = await serveWitness(1)
    closers.push(witness.close)
    const service = await start('local', { witnesses: [{ vkey: witness.vkey, url: witness.url }], quorum: 1 })
    try {
      await sendJson(service, '/v1/records', await keyOf(service), statement(1))
      const { round } = await untilState(service, 1, 'anchored')
      const { cosignatures, anchors } = await readJson(service, `/v1/rounds/${round.size}`)
      deepEqual([cosignatures.length, anchors.length], [1, 1])
    } finally {
      await service.close()
    }
    for (const chains of [[chain('local', 0)], bothChains()])
      await rejects(start('local', { chains }), { code: 'SERVER_VOUCHERS', message: /on its own local chain[\s\S]*Remove "chains"/ })
  })

  it('refuses a file that it cannot use, with a sentence for each mistake', async () => {
    const refusal = async (file: object) => {
      const error = await start('refused', file).then(
        service => service.close(),
        (cause: { code: string; message: string }) => cause,
      )
      equal((error as { code?: string } | undefined)?.code, 'SERVER_VOUCHERS')
      return (error as { message: string }).message
    }
    match(await refusal({ chains: [] }), /chains is empty/)
    match(await refusal({ interval: 'soon' }), /interval is not a time such as '5s'/)
    match(await refusal({ chains: [chain('a', 0, { keyFile: undefined })] }), /chains\[0\] needs one of keyFile, keystore and signer/)
    match(
      await refusal({ chains: [chain('a', 0, { rpc: ['ftp://x'] })], typo: 1 }),
      /chains\[0\].rpc\[0\] is not an http\(s\) address\.[\s\S]*not known: typo/,
    )
    match(await refusal({ chains: [chain('a', 0), chain('a', 1)] }), /named "a"/)
    match(await refusal({ chains: [chain('a', 0)], quorum: 1 }), /quorum is 1, but the file names 0 witnesses/)
    match(await refusal({ chains: [chain('a', 0)], requireAnchors: 2 }), /no record would ever be anchored/)
    // One byte more than the code that a policy would pin.
    const contract = `0x${'22'.repeat(20)}`
    const rpc = async (method: string, ...params: unknown[]) => {
      const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
      return (await fetch(here.url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })).json()
    }
    await rpc('anvil_setCode', contract, `${(await rpc('eth_getCode', contracts[0], 'latest')).result}00`)
    await rejects(start('refused', { chains: [chain('a', 0, { contract })] }), { code: 'CHAIN_OTHER_CODE' })
    await rejects(start('refused', { chains: [chain('a', 0), chain('b', 0)] }), { code: 'SERVER_CONTRACT', message: /are the same chain/ })
  })
})

/** An endpoint that ends each connection. */
const cut: Behaviour = (_call, response) => {
  response.destroy()
  return ANSWERED
}

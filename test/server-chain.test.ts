/**
 * The whole service on a chain that is not its own: signed by a keystore, over several endpoints,
 * called production by its operator only.
 */
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { encryptKeystoreJsonSync, Wallet } from 'ethers'
import hre from 'hardhat'
import { acceptLoss, restoreBackup, takeBackup } from '../src/care/backup.ts'
import { anchorInterface } from '../src/chain/artifact.ts'
import { deployContract } from '../src/chain/deploy.ts'
import { createKeySigner } from '../src/chain/signer.ts'
import { readConfig } from '../src/config.ts'
import { createLog, silentLog } from '../src/logger.ts'
import { bindPlaces, openChains } from '../src/server/chain.ts'
import { beginStart } from '../src/server/parts.ts'
import { type Service, startServer } from '../src/server/server.ts'
import { NO_VOUCHERS } from '../src/server/vouchers-file.ts'
import { createMemoryStore } from '../src/store/memory/memory.ts'
import { ANSWERED, type Behaviour, openEndpoint } from './chain/endpoint.ts'
import { statement } from './http/service.ts'
import { openTestLedger } from './ledger/fixtures.ts'
import { readJson, sendJson } from './services.ts'

/** Of no chain that is known: whether it is production is up to its operator. */
const CHAIN_ID = 424_242

describe('server on a chain of its operator', function () {
  this.timeout(30_000)
  let folder: string
  let url: string
  let env: { readonly [name: string]: string }
  let closeChain: () => Promise<void>
  const wallet = new Wallet(Wallet.createRandom().privateKey)

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'openseal-server-chain-'))
    const server = await hre.network.createServer({ override: { chainId: CHAIN_ID } }, '127.0.0.1', 0)
    const { port } = await server.listen()
    closeChain = () => server.close()
    url = `http://127.0.0.1:${port}`
    await rpc('hardhat_setBalance', [wallet.address, '0xde0b6b3a7640000'])
    const keystore = join(folder, 'keystore.json')
    const passwordFile = join(folder, 'password')
    await writeFile(keystore, encryptKeystoreJsonSync(wallet, 'open sesame', { scrypt: { N: 1024 } }))
    await writeFile(passwordFile, 'open sesame\n')
    const { address } = await deployContract({ rpcUrls: [url], signer: createKeySigner(wallet.privateKey), log: silentLog })
    env = {
      OPENSEAL_PORT: '0',
      OPENSEAL_DATA: join(folder, 'data'),
      OPENSEAL_RPC: `http://127.0.0.1:9,${url}`,
      OPENSEAL_CONTRACT: address,
      OPENSEAL_ANCHOR_KEYSTORE: keystore,
      OPENSEAL_ANCHOR_KEYSTORE_PASSWORD_FILE: passwordFile,
      OPENSEAL_ANCHOR_INTERVAL: '100ms',
      OPENSEAL_FINALITY: '1',
    }
  })
  after(async () => {
    await closeChain()
    await rm(folder, { recursive: true, force: true })
  })
  const rpc = async (method: string, params: unknown[] = []) => {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
    return (await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })).json()
  }
  const ask = async (method: string, params: unknown[]) => {
    const { result, error } = (await rpc(method, params)) as { result?: unknown; error?: { message: string } }
    assert.equal(error, undefined, error?.message)
    return result
  }

  it('anchors with the key of a keystore, though the first endpoint is dead, and is final by the rule that was set', async () => {
    const service = await startServer(readConfig({ ...env, OPENSEAL_PRODUCTION: 'true' }))
    try {
      const operator = (await readFile(service.operatorKeyFile!, 'utf8')).trim()
      await sendJson(service, '/v1/agencies', operator, { id: 'transport.gov.example', name: 'Ministry of Transport' })
      const { key } = await sendJson(service, '/v1/agencies/transport.gov.example/keys', operator, {})
      assert.equal((await sendJson(service, '/v1/records', key, statement(1))).index, 1)
      while ((await readJson(service, '/v1/records/1')).state !== 'anchored') await rpc('evm_mine')
      const [anchor] = (await readJson(service, '/policy.json')).anchors
      assert.deepEqual([anchor.chainId, anchor.production, anchor.finality], [CHAIN_ID, true, { confirmations: 1 }])
    } finally {
      await service.close()
    }
  })

  it('is a test network unless the operator says otherwise', async () => {
    const service = await startServer(readConfig(env))
    const [anchor] = (await readJson(service, '/policy.json')).anchors
    await service.close()
    assert.equal(anchor.production, false)
  })

  it('offers readers the endpoints that are public, and shows its own to nobody', async () => {
    for (const OPENSEAL_PUBLIC_RPC of ['', 'https://public.example/rpc']) {
      const service = await startServer(readConfig({ ...env, OPENSEAL_PUBLIC_RPC }))
      const texts = await Promise.all(
        ['/en/verify', '/openseal-verifier.html', '/en/about', '/v1/status'].map(async path => (await fetch(service.url + path)).text()),
      )
      await service.close()
      assert.deepEqual(
        texts.map(text => text.includes('https://public.example/rpc')),
        [OPENSEAL_PUBLIC_RPC !== '', OPENSEAL_PUBLIC_RPC !== '', false, false],
      )
      for (const url of env.OPENSEAL_RPC?.split(',') ?? []) assert.ok(!texts.some(text => text.includes(url)))
    }
  })

  it('shows no record of a restored store that is behind its chain, although its mark was lost, until the loss is accepted', async () => {
    const at = (name: string) => join(folder, name)
    const operator = 'operator-key-of-the-chain-test'
    const own = { ...env, OPENSEAL_ORIGIN: 'ledger.example/restored', OPENSEAL_OPERATOR_KEY: operator }
    const service = await startServer(readConfig({ ...own, OPENSEAL_DATA: at('restored-from') }))
    await sendJson(service, '/v1/agencies', operator, { id: 'transport.gov.example', name: 'Ministry of Transport' })
    const { key } = await sendJson(service, '/v1/agencies/transport.gov.example/keys', operator, {})
    await sendJson(service, '/v1/records', key, statement(1))
    const { body } = await fetch(`${service.url}/v1/backup`, { headers: { authorization: `Bearer ${operator}` } })
    await takeBackup(body!, at('backup'), at('restored-from'))
    await sendJson(service, '/v1/records', key, statement(2))
    while ((await readJson(service, '/v1/records/2')).state !== 'anchored') await rpc('evm_mine')
    await service.close()

    const mark = at('new-mark')
    await restoreBackup(at('backup'), at('restored'), mark)
    const start = () => startServer(readConfig({ ...own, OPENSEAL_DATA: at('restored'), OPENSEAL_MARK: mark }))
    const behind = await start()
    assert.equal((await readJson(behind, '/v1/records/1')).code, 'STORE_BEHIND')
    await behind.close()
    await acceptLoss(at('restored'), 2, mark)
    const decided = await start()
    try {
      assert.equal((await readJson(decided, '/v1/records/1')).index, 1)
      assert.equal((await sendJson(decided, '/v1/records', key, statement(3))).code, 'LEDGER_STOPPED')
    } finally {
      await decided.close()
    }
  })

  it('does not take the word of an operator who calls a development chain production', () => {
    const config = { ...readConfig({ OPENSEAL_PORT: '0', OPENSEAL_CHAIN_PORT: '0' }), dataDir: join(folder, 'dev'), production: true }
    return assert.rejects(startServer(config), { code: 'SERVER_PRODUCTION' })
  })

  const readyOf = async (service: Service) => {
    const { alarms, alarmCodes, status } = await readJson(service, '/readyz')
    const at = alarmCodes.findIndex((code: string) => code.startsWith('CHAIN_'))
    return { status, code: alarmCodes[at], alarm: alarms[at] }
  }
  const untilCode = async (service: Service, code: string | undefined) => {
    for (let tries = 0; tries < 200; tries++) {
      if ((await readyOf(service)).code === code) return
      await sleep(50)
    }
    assert.fail(`not ${code}: ${JSON.stringify(await readyOf(service))}`)
  }

  it('says the same of its chain before and after a restart, in one line of the log each, and goes on by itself', async () => {
    const endpoint = await openEndpoint(url)
    const lines: { event: string; code?: string }[] = []
    const log = createLog({ write: line => lines.push(JSON.parse(line)), nowMs: Date.now })
    const told = (code: string) => lines.filter(line => line.event === 'anchoring is in trouble' && line.code === code).length
    const start = () => startServer(readConfig({ ...env, OPENSEAL_RPC: endpoint.url }), { log })
    let service = await start()
    const code = (await ask('eth_getCode', [env.OPENSEAL_CONTRACT, 'latest'])) as string
    const troubles = [
      ['CHAIN_UNREACHABLE', () => endpoint.behave(brokenProxy)],
      ['CHAIN_NO_CONTRACT', () => rpc('hardhat_setCode', [env.OPENSEAL_CONTRACT, '0x'])],
    ] as const
    for (const [expected, begin] of troubles) {
      lines.length = 0
      await begin()
      await untilCode(service, expected)
      const running = await readyOf(service)
      await sleep(2_000)
      assert.equal(told(expected), 1, 'one line, however many rounds')
      await service.close()
      service = await start()
      const restarted = await readyOf(service)
      assert.deepEqual([restarted.code, restarted.alarm], [running.code, running.alarm])
      await sleep(2_500)
      assert.deepEqual([running.status, restarted.status, told(expected)], ['ok', 'stopped', 2])
      endpoint.behave(undefined)
      await rpc('hardhat_setCode', [env.OPENSEAL_CONTRACT, code])
      await untilCode(service, undefined)
      while ((await readJson(service, '/readyz')).status !== 'ok') await sleep(50)
    }
    await service.close()
    await endpoint.close()
  })

  it('says what is wrong with the keystore, and leaves nothing running', async () => {
    await writeFile(join(folder, 'wrong'), 'close sesame')
    const wrong = readConfig({ ...env, OPENSEAL_ANCHOR_KEYSTORE_PASSWORD_FILE: join(folder, 'wrong') })
    await assert.rejects(startServer(wrong), { code: 'CHAIN_KEY_PASSWORD', message: /does not open the keystore/ })
    await (await startServer(readConfig(env))).close()
  })

  it('takes, of several places that the genesis binds, the one on its own chain', async () => {
    const placeOn = (chainId: number) => ({ type: 'evm', chainId, contract: `0x${'1'.repeat(40)}`, logId: `0x${'2'.repeat(64)}` }) as const
    const store = createMemoryStore()
    await openTestLedger(store, { anchors: [placeOn(1), placeOn(CHAIN_ID)] })
    const { OPENSEAL_CONTRACT: _contract, ...others } = env
    const start = beginStart(readConfig(others), silentLog)
    const [chain] = await openChains(start, NO_VOUCHERS, undefined)
    const places = await bindPlaces(start, [chain!], store)
    assert.deepEqual(
      [places.all, places.chains.map(({ place }) => place)],
      [[placeOn(1), placeOn(CHAIN_ID)], [{ ...placeOn(CHAIN_ID), fromSize: 0 }]],
    )
    const elsewhere = { ...chain!, embedded: true }
    await assert.rejects(bindPlaces(start, [elsewhere], store), { code: 'SERVER_CONTRACT', message: /anchored on chain 1, 424242/ })
  })

  // The last one: a closed log stays closed.
  it('takes nothing more once its owner has closed the log, while it runs and after a restart', async () => {
    const config = readConfig({ ...env, OPENSEAL_OPERATOR_KEY: 'operator-key-of-the-closed-log' })
    let service = await startServer(config)
    const { logId } = service.chain.anchor
    const signed = await wallet.signTransaction({
      type: 2,
      chainId: CHAIN_ID,
      nonce: Number(await ask('eth_getTransactionCount', [wallet.address, 'latest'])),
      to: env.OPENSEAL_CONTRACT!,
      gasLimit: 200_000,
      maxFeePerGas: 20_000_000_000n,
      maxPriorityFeePerGas: 3_000_000_000n,
      data: anchorInterface.encodeFunctionData('closeLog', [logId, 1, `0x${'0'.repeat(64)}`]),
    })
    await ask('eth_sendRawTransaction', [signed])
    for (const restarts of [false, true]) {
      if (restarts) {
        await service.close()
        service = await startServer(config)
      }
      let ready = await readJson(service, '/readyz')
      for (; ready.alarmCodes[0] !== 'LOG_CLOSED'; ready = await readJson(service, '/readyz')) await sleep(50)
      assert.match(ready.alarms[0], /owner of this log has closed it on its chain. Its entries are good up to tree size 1/)
      assert.match(
        await (await fetch(`${service.url}/en/`)).text(),
        /The owner of this log has closed it for good.*The owner still vouches for the first entry, and has disowned all later ones/,
      )
    }
    const { key } = await sendJson(service, '/v1/agencies/transport.gov.example/keys', 'operator-key-of-the-closed-log', {})
    assert.equal((await sendJson(service, '/v1/records', key, statement(99))).code, 'LOG_CLOSED')
    await service.close()
  })
})

/** A proxy whose upstream is gone. */
const brokenProxy: Behaviour = (_call, response) => {
  response.writeHead(502).end('<html>')
  return ANSWERED
}

/** The whole service on a chain that is not its own: signed by a keystore, over several endpoints, called production by its operator only. */
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encryptKeystoreJsonSync, Wallet } from 'ethers'
import hre from 'hardhat'
import { deployContract } from '../src/chain/deploy.ts'
import { createKeySigner } from '../src/chain/signer.ts'
import { readConfig } from '../src/config.ts'
import { silentLog } from '../src/log.ts'
import { type Service, startServer } from '../src/server/server.ts'
import { statement } from './http/service.ts'

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
  const json = async (service: Service, path: string, init?: RequestInit) => (await fetch(service.url + path, init)).json()
  const send = (service: Service, path: string, key: string, body: unknown) =>
    json(service, path, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })

  it('anchors with the key of a keystore, though the first endpoint is dead, and is final by the rule that was set', async () => {
    const service = await startServer(readConfig({ ...env, OPENSEAL_PRODUCTION: 'true' }))
    try {
      const operator = (await readFile(service.operatorKeyFile!, 'utf8')).trim()
      await send(service, '/v1/agencies', operator, { id: 'transport.gov.example', name: 'Ministry of Transport' })
      const { key } = await send(service, '/v1/agencies/transport.gov.example/keys', operator, {})
      assert.equal((await send(service, '/v1/records', key, statement(1))).index, 1)
      while ((await json(service, '/v1/records/1')).state !== 'anchored') await rpc('evm_mine')
      const [anchor] = (await json(service, '/policy.json')).anchors
      assert.deepEqual([anchor.chainId, anchor.production, anchor.finality], [CHAIN_ID, true, { confirmations: 1 }])
    } finally {
      await service.close()
    }
  })

  it('is a test network unless the operator says otherwise', async () => {
    const service = await startServer(readConfig(env))
    const [anchor] = (await json(service, '/policy.json')).anchors
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

  it('does not take the word of an operator who calls a development chain production', () => {
    const config = { ...readConfig({ OPENSEAL_PORT: '0', OPENSEAL_CHAIN_PORT: '0' }), dataDir: join(folder, 'dev'), production: true }
    return assert.rejects(startServer(config), { code: 'SERVER_PRODUCTION' })
  })

  it('says what is wrong with the keystore, and leaves nothing running', async () => {
    await writeFile(join(folder, 'wrong'), 'close sesame')
    const wrong = readConfig({ ...env, OPENSEAL_ANCHOR_KEYSTORE_PASSWORD_FILE: join(folder, 'wrong') })
    await assert.rejects(startServer(wrong), { code: 'CHAIN_KEY_PASSWORD', message: /does not open the keystore/ })
    await (await startServer(readConfig(env))).close()
  })
})

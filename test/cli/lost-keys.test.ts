/**
 * What docs/run-a-ledger/lost-keys.md says of keys that a command alone cannot bring back, run as an
 * operator does it: on a real chain, with witnesses as processes.
 */
import { deepEqual, equal, match } from 'node:assert/strict'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { JsonRpcProvider, Wallet } from 'ethers'
import { deployContract } from '../../src/chain/deploy.ts'
import { EMBEDDED_KEY, startEmbeddedChain } from '../../src/chain/embedded.ts'
import { createKeySigner } from '../../src/chain/signer.ts'
import { readConfig } from '../../src/config.ts'
import { silentLog } from '../../src/logger.ts'
import { type Service, startServer } from '../../src/server/server.ts'
import { frozenAt, openEndpoint } from '../chain/endpoint.ts'
import { statement } from '../http/service.ts'
import { runWitness, type WitnessProcess } from '../witness/process.ts'
import { type Commands, openCommands } from './commands.ts'

/** The second account of every development chain: its key is public. */
const SECOND_KEY = '0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d'
/** The third. */
const THIRD_KEY = '0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a'
const OPERATOR = 'operator-key-of-this-test'

describe('keys that are lost or stolen', function () {
  this.timeout(60_000)
  let folder: string
  let commands: Commands
  const services = new Set<Service>()
  const witnesses = new Set<WitnessProcess>()

  before(() => {
    commands = openCommands()
  })
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'openseal-lost-'))
  })
  afterEach(async () => {
    for (const service of services) await service.close()
    services.clear()
    for (const { child, ended } of witnesses) {
      child.kill('SIGKILL')
      await ended
    }
    witnesses.clear()
    rmSync(folder, { recursive: true, force: true })
  })
  after(() => commands.close())

  const at = (name: string) => join(folder, name)
  const openseal = async (...args: readonly string[]) => commands.run(args, { cwd: folder })
  async function start(name: string, env: { readonly [name: string]: string } = {}): Promise<Service> {
    const place = { OPENSEAL_DATA: at(name), OPENSEAL_MARK: at(`${name}-mark`), OPENSEAL_ORIGIN: 'ledger.example/lost' }
    const quick = { OPENSEAL_PORT: '0', OPENSEAL_CHAIN_PORT: '0', OPENSEAL_ANCHOR_INTERVAL: '100ms', OPENSEAL_OPERATOR_KEY: OPERATOR }
    const service = await startServer(readConfig({ ...place, ...quick, ...env }))
    services.add(service)
    return service
  }
  async function stop(service: Service): Promise<void> {
    services.delete(service)
    await service.close()
  }
  /** A witness in a folder of this name, as a member of the file of vouchers. */
  async function startWitness(name: string, ...args: readonly string[]) {
    mkdirSync(at(`${name}-mark`))
    const witness = runWitness(['--data', at(name), '--port', '0', ...args], { marks: at(`${name}-mark`) })
    witnesses.add(witness)
    const url = (await witness.url)!
    return { witness, listed: { vkey: readFileSync(join(at(name), 'witness.vkey'), 'utf8').trim(), url } }
  }
  const send = async ({ url }: Service, path: string, key: string, body: object) => {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
    return (await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) })).json()
  }
  async function newKey(service: Service): Promise<string> {
    await send(service, '/v1/agencies', OPERATOR, { id: 'transport.gov.example', name: 'Transport' })
    return (await send(service, '/v1/agencies/transport.gov.example/keys', OPERATOR, {})).key
  }
  async function untilAnchored({ url }: Service, index: number): Promise<void> {
    while ((await (await fetch(`${url}/v1/records/${index}`)).json()).state !== 'anchored') await sleep(50)
  }

  /** The sentence of an alarm, once it is raised. */
  async function untilAlarm({ url }: Service, code: string): Promise<string> {
    for (;;) {
      const { alarms, alarmCodes } = await (await fetch(`${url}/readyz`)).json()
      if (alarmCodes.includes(code)) return alarms[alarmCodes.indexOf(code)]
      await sleep(100)
    }
  }

  it('goes on with a new witness in the place of one whose key is lost, and its old receipts can be completed', async () => {
    const first = await start('data')
    equal((await openseal('policy', '--out', 'first.json', '--ledger', first.url)).code, 0)
    await stop(first)
    const old = await startWitness('witness-1', '--policy', at('first.json'))
    const env = { OPENSEAL_VOUCHERS: at('vouchers.json') }
    writeFileSync(at('vouchers.json'), JSON.stringify({ witnesses: [old.listed], quorum: 1 }))
    const second = await start('data', env)
    const key = await newKey(second)
    await send(second, '/v1/records', key, statement(1))
    await untilAnchored(second, 1)
    const rpc = ['--rpc', second.chain.urls[0]!]
    equal((await openseal('policy', '--out', 'pinned.json', '--ledger', second.url)).code, 0)
    equal((await openseal('receipt', '1', '--out', 'one.receipt.json', '--policy', 'pinned.json', '--ledger', second.url, ...rpc)).code, 0)

    // The key is gone: a new folder, a new key, a new line in the file.
    old.witness.child.kill('SIGKILL')
    const next = await startWitness('witness-2', '--policy', at('pinned.json'))
    await stop(second)
    writeFileSync(at('vouchers.json'), JSON.stringify({ witnesses: [next.listed], quorum: 1 }))
    const third = await start('data', env)
    await send(third, '/v1/records', key, statement(2))
    await untilAnchored(third, 2)

    const told = await openseal('policy', '--extend', 'pinned.json', '--ledger', third.url)
    match(told.out, new RegExp(`witnesses, only there: ${next.listed.vkey.replaceAll('+', '\\+')}`))
    const replaced = readFileSync(at('pinned.json'), 'utf8').replace(old.listed.vkey, next.listed.vkey)
    writeFileSync(at('replaced.json'), replaced)
    const chain = ['--rpc', third.chain.urls[0]!]
    const verdict = async (policy: string) =>
      JSON.parse((await openseal('verify', 'one.receipt.json', '--policy', policy, '--ledger', third.url, '--json', ...chain)).out).entry
        .verdict
    deepEqual([await verdict('pinned.json'), await verdict('replaced.json')], ['test-network', 'invalid'])
    const upgraded = await openseal(
      'receipt',
      '--upgrade',
      'one.receipt.json',
      '--policy',
      'replaced.json',
      '--ledger',
      third.url,
      ...chain,
    )
    equal(upgraded.code, 0, upgraded.err)
    equal(await verdict('replaced.json'), 'test-network')
  })

  it('goes on without its owner’s key, which nobody else replaces, until a new log takes over', async () => {
    const env = { OPENSEAL_ANCHOR_KEY: SECOND_KEY }
    const first = await start('data')
    equal((await openseal('policy', '--out', 'pinned.json', '--ledger', first.url)).code, 0)
    const name = (to: string, key: string) => {
      const args = ['rotate', 'publisher', '--to', to, '--rpc', first.chain.urls[0]!, '--policy', 'pinned.json']
      return commands.run(args, { cwd: folder, env: { OPENSEAL_ANCHOR_KEY: key } })
    }
    equal((await name(new Wallet(SECOND_KEY).address, EMBEDDED_KEY)).code, 0)
    await stop(first)

    // From here on, nobody has the owner's key.
    const ledger = await start('data', { ...env, OPENSEAL_CHAIN_PORT: new URL(first.chain.urls[0]!).port })
    const refused = await name(new Wallet(THIRD_KEY).address, SECOND_KEY)
    deepEqual([refused.code, /Nothing was signed[\s\S]*\[CHAIN_REJECTED\]/.test(refused.err)], [1, true], refused.err)
    const key = await newKey(ledger)
    await send(ledger, '/v1/records', key, statement(1))
    await untilAnchored(ledger, 1)
    writeFileSync(at('next.key'), THIRD_KEY, { mode: 0o600 })
    const { contract } = ledger.chain.anchor
    const chain = { name: 'only', rpc: ledger.chain.urls, contract, keyFile: 'next.key', finality: { confirmations: 0 } }
    writeFileSync(at('next.json'), JSON.stringify({ chains: [chain] }))
    const next = await start('next', { OPENSEAL_VOUCHERS: at('next.json'), OPENSEAL_ORIGIN: 'ledger.example/next' })
    await send(next, '/v1/records', await newKey(next), statement(2))
    await untilAnchored(next, 1)
    // Nothing closes the old log, so only its keys can be taken away.
    const agency = ['--ledger', ledger.url, 'transport.gov.example']
    const operator = { cwd: folder, env: { OPENSEAL_OPERATOR_KEY: OPERATOR } }
    const listed = await commands.run(['agency', 'keys', ...agency, '--json'], operator)
    const [{ keyId }] = JSON.parse(listed.out).keys
    equal((await commands.run(['agency', 'revoke', ...agency, keyId], operator)).code, 0)
    equal((await send(ledger, '/v1/records', key, statement(3))).code, 'KEY_REVOKED')
  })

  it('stops when a thief has anchored another root, a watching witness refuses its size, and its owner closes it for a new log', async () => {
    const anvil = await startEmbeddedChain({ dataDir: at('chain'), port: 0, log: silentLog })
    const door = await openEndpoint(anvil.url)
    const provider = new JsonRpcProvider(anvil.url, undefined, { cacheTimeout: -1, pollingInterval: 100 })
    try {
      const { address: contract } = await deployContract({ rpcUrls: [anvil.url], signer: createKeySigner(EMBEDDED_KEY), log: silentLog })
      writeFileSync(at('anchor.key'), EMBEDDED_KEY, { mode: 0o600 })
      const vouchers = (url: string, more = {}) => {
        const file = `${url.replace(/\W/g, '-')}.json`
        const chain = { name: 'only', rpc: [url], contract, keyFile: 'anchor.key', finality: { confirmations: 0 } }
        writeFileSync(at(file), JSON.stringify({ chains: [chain], ...more }))
        return { OPENSEAL_VOUCHERS: at(file) }
      }
      const first = await start('data', vouchers(door.url))
      const key = await newKey(first)
      await send(first, '/v1/records', key, statement(1))
      await untilAnchored(first, 1)
      equal((await openseal('policy', '--out', 'pinned.json', '--ledger', first.url)).code, 0)
      await stop(first)

      // The thief has the keys and a copy of the data, and the ledger's endpoint is behind.
      door.behave(frozenAt(anvil.url, await provider.getBlockNumber()))
      cpSync(at('data'), at('copy'), { recursive: true })
      const thief = await start('copy', vouchers(anvil.url))
      await send(thief, '/v1/records', await newKey(thief), statement(2))
      await untilAnchored(thief, 2)
      const stolen = await (await fetch(`${thief.url}/v1/records/2/receipt`)).text()
      await stop(thief)

      const watching = await startWitness('witness', '--policy', at('pinned.json'), '--watch-chain', '--rpc', anvil.url)
      const ledger = await start('data', vouchers(door.url, { witnesses: [watching.listed] }))
      equal((await send(ledger, '/v1/records', key, statement(3))).index, 2)
      const refused = await untilAlarm(ledger, 'WITNESS_REFUSED')
      match(refused, /or has seen a contradiction on the chain: ask its operator/)
      watching.witness.child.kill('SIGTERM')
      match(
        (await watching.witness.ended).err,
        /"level":"error","event":"chain holds another root","origin":"ledger.example\/lost".*"size":3/,
      )
      door.behave(undefined)
      match(await untilAlarm(ledger, 'LEDGER_AT_ODDS'), /holds another root hash for 3 entries/)

      // The new log comes first, so that the old one can name it.
      writeFileSync(at('anchor.key'), SECOND_KEY, { mode: 0o600 })
      const next = await start('next', { ...vouchers(anvil.url), OPENSEAL_ORIGIN: 'ledger.example/next' })
      equal((await openseal('policy', '--out', 'next.policy.json', '--ledger', next.url)).code, 0)
      const close = ['close', '--policy', 'pinned.json', '--ledger', ledger.url, '--successor', 'next.policy.json', '--rpc', anvil.url]
      const unnamed = await openseal(...close, '--dry-run')
      deepEqual([unnamed.code, /has an anchor of size 3, and the newest final one .* is of size 2\./.test(unnamed.out)], [1, true])
      close.push('--size', '2')
      const shown = await openseal(...close, '--dry-run')
      match(shown.out, /good up to tree size 2\n {4}what is anchored above it, up to size 3, is disowned/)
      const owner = { cwd: folder, env: { OPENSEAL_ANCHOR_KEY: EMBEDDED_KEY } }
      equal((await commands.run([...close, '--yes'], owner)).code, 0)
      match(
        await untilAlarm(ledger, 'LOG_CLOSED'),
        new RegExp(`good up to tree size 2. It continues in the log ${next.chain.anchor.logId}`),
      )
      equal((await send(ledger, '/v1/records', key, statement(4))).status, 410)
      equal((await send(next, '/v1/records', await newKey(next), statement(3))).index, 1)
      await untilAnchored(next, 1)
      writeFileSync(at('stolen.receipt.json'), stolen)
      const { out } = await openseal(
        'verify',
        'stolen.receipt.json',
        '--policy',
        'pinned.json',
        '--ledger',
        ledger.url,
        '--json',
        '--rpc',
        anvil.url,
      )
      equal(JSON.parse(out).entry.finding, 'disowned')
    } finally {
      for (const service of services) await stop(service)
      provider.destroy()
      await door.close()
      await anvil.stop()
    }
  })
})

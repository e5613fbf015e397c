/**
 * The chains of a ledger changed as an operator does it, on two anvil chains: one is added, then the
 * first is retired. What was given out before stays good.
 */
import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { checkpointAnchor } from '../../src/chain/artifact.ts'
import { deployContract, ensureLog, findLog } from '../../src/chain/deploy.ts'
import { EMBEDDED_CHAIN_ID, EMBEDDED_KEY, startEmbeddedChain } from '../../src/chain/embedded.ts'
import { createKeySigner } from '../../src/chain/signer.ts'
import { readConfig } from '../../src/config.ts'
import { parsePolicy } from '../../src/core/policy.ts'
import { silentLog } from '../../src/logger.ts'
import { type Service, startServer } from '../../src/server/server.ts'
import { createJsonRpcReader, verify } from '../../src/verifier/index.ts'
import { statement } from '../http/service.ts'
import { startPostgres } from '../store/postgres/server.ts'
import { type Commands, openCommands } from './commands.ts'

const SECOND_CHAIN_ID = 424_243

describe('openseal anchors', function () {
  this.timeout(180_000)
  let folder: string
  let env: { [name: string]: string }
  let commands: Commands
  let service: Service | undefined
  const chains: { readonly url: string; readonly contract: string; stop(): Promise<void> }[] = []
  before(async () => {
    commands = openCommands()
    folder = mkdtempSync(join(tmpdir(), 'openseal-anchors-'))
    const signer = createKeySigner(EMBEDDED_KEY)
    for (const name of ['first', 'second']) {
      const { url, stop } = await startEmbeddedChain({ dataDir: join(folder, name), port: 0, log: silentLog })
      if (name === 'second') await rpc(url, 'anvil_setChainId', SECOND_CHAIN_ID)
      const { address } = await deployContract({ rpcUrls: [url], signer, log: silentLog })
      chains.push({ url, contract: address, stop })
    }
    writeFileSync(join(folder, 'anchor.key'), EMBEDDED_KEY, { mode: 0o600 })
    env = {
      OPENSEAL_PORT: '0',
      OPENSEAL_ORIGIN: 'ledger.example/anchors',
      OPENSEAL_DATA: join(folder, 'data'),
      OPENSEAL_VOUCHERS: join(folder, 'vouchers.json'),
      OPENSEAL_OPERATOR_KEY: 'operator-key-of-this-test',
    }
  })
  after(async () => {
    await service?.close()
    await commands.close()
    for (const chain of chains) await chain.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  const rpc = async (url: string, method: string, ...params: unknown[]) => {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
    await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  }
  const vouchers = (names: readonly ('first' | 'second')[], more = {}) => {
    const named = names.map(name => {
      const { url, contract } = chains[name === 'first' ? 0 : 1]!
      return { name, rpc: [url], contract, keyFile: 'anchor.key', finality: { confirmations: 0 } }
    })
    writeFileSync(join(folder, 'vouchers.json'), JSON.stringify({ interval: '100ms', chains: named, ...more }))
  }
  const openseal = (args: readonly string[], changes: { [name: string]: string } = {}) =>
    commands.run(args, { cwd: folder, env: { OPENSEAL_MARK: process.env.OPENSEAL_MARK, ...changes } })
  const start = async () => {
    service = await startServer(readConfig(env))
    return service.url
  }
  const stop = async () => {
    await service?.close()
    service = undefined
  }
  const send = async (url: string, path: string, body: unknown, bearer = env.OPENSEAL_OPERATOR_KEY) => {
    const headers = { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' }
    return (await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) })).json()
  }
  const anchored = async (url: string, index: number) => {
    for (;;) {
      if ((await (await fetch(`${url}/v1/records/${index}`)).json()).state === 'anchored')
        return (await fetch(`${url}/v1/records/${index}/receipt`)).text()
      await sleep(50)
    }
  }
  const alarmsOf = async (url: string): Promise<string[]> => (await (await fetch(`${url}/readyz`)).json()).alarmCodes
  const idsOf = (receipt: string) =>
    JSON.parse(receipt)
      .anchors.map(({ chainId }: { chainId: number }) => chainId)
      .sort()
  const verdict = async (receipt: string, file: string, changes = {}) => {
    const policy = { ...parsePolicy(readFileSync(join(folder, file))), ...changes }
    const chain = chains.map(({ url }) => createJsonRpcReader({ url, fetch, timeoutMs: 10_000 }))
    const { verdict: said, finding } = await verify({ receipt, policy, chain, trust: 'policy' })
    return [said, finding]
  }
  const GOOD = ['test-network', 'anchored']

  it('adds a chain and retires another; receipts of each time verify by the old and the extended policy, and audits say it', async () => {
    vouchers(['first'])
    let url = await start()
    await send(url, '/v1/agencies', { id: 'transport.gov.example', name: 'Transport' })
    const { key } = await send(url, '/v1/agencies/transport.gov.example/keys', {})
    await send(url, '/v1/records', statement(1), key)
    const oldReceipt = await anchored(url, 1)
    for (const file of ['old.json', 'extended.json']) equal((await openseal(['policy', '--out', file, '--ledger', url])).code, 0)
    equal((await openseal(['anchors', 'add', '--yes'], env)).code, 1, 'while the service has the folder')
    await stop()

    const none = await openseal(['anchors', 'add', '--yes'], env)
    deepEqual([none.code, none.out], [0, 'The log has, or once had, every chain of the file. Nothing was written.\n'], none.err)
    const last = await openseal(['anchors', 'retire', 'first', '--yes'], env)
    deepEqual([last.code, /only chain of the log[\s\S]*SERVER_ANCHORS/.test(last.err)], [1, true], last.err)
    vouchers(['second'])
    const alone = await openseal(['anchors', 'add', '--yes'], env)
    deepEqual([alone.code, /anchored on chain 31337: name it/.test(alone.err)], [1, true], alone.err)
    vouchers(['first', 'second'], { requireAnchors: 3 })
    const few = await openseal(['anchors', 'add', '--yes'], env)
    deepEqual([few.code, /no record would ever be anchored/.test(few.err)], [1, true], few.err)
    vouchers(['first', 'second'], { requireAnchors: 2 })
    const unasked = await openseal(['anchors', 'add'], env)
    deepEqual([unasked.code, /Added:\n {2}second: chain 424243\n/.test(unasked.err)], [2, true], unasked.err)
    ok(unasked.err.includes(checkpointAnchor.codeSha256) && unasked.err.includes('which a transaction opens first'))

    const added = JSON.parse((await openseal(['anchors', 'add', '--yes', '--json'], env)).out)
    equal(added.index, 2)
    deepEqual(
      added.anchors.map(({ chainId }: { chainId: number }) => chainId),
      [EMBEDDED_CHAIN_ID, SECOND_CHAIN_ID],
    )
    url = await start()
    await send(url, '/v1/records', statement(2), key)
    const both = await anchored(url, 3)
    deepEqual(idsOf(both), [EMBEDDED_CHAIN_ID, SECOND_CHAIN_ID])
    const urls = chains.flatMap(chain => ['--rpc', chain.url])
    const extend = ['policy', '--extend', 'extended.json', '--accept-anchors', '--finality', '0', '--ledger', url, '--json', ...urls]
    const extended = await openseal(extend)
    equal(extended.code, 0, extended.err)
    equal(JSON.parse(extended.out).accepted, true)
    for (const receipt of [oldReceipt, both])
      for (const file of ['old.json', 'extended.json']) deepEqual(await verdict(receipt, file), GOOD, file)
    deepEqual(await verdict(both, 'extended.json', { requireAnchors: 2 }), GOOD)
    const audit = async (file: string) => {
      const { out, code } = await openseal(['audit', '--policy', file, '--ledger', url, '--json', ...urls])
      const { notices, unfinished, findings } = JSON.parse(out)
      const codes = (told: readonly { code: string }[]) => told.map(each => each.code)
      return [code, codes(findings), codes(unfinished), codes(notices)]
    }
    deepEqual(await audit('old.json'), [6, [], ['AUDIT_ANCHORS_UNKNOWN'], ['AUDIT_CHAINS_CHANGED']])
    deepEqual(await audit('extended.json'), [0, [], [], ['AUDIT_CHAINS_KNOWN']])
    await stop()

    const refused = await openseal(['anchors', 'retire', 'first', '--yes'], env)
    deepEqual([refused.code, /no record would ever be anchored/.test(refused.err)], [1, true], refused.err)
    vouchers(['first', 'second'])
    const unknown = await openseal(['anchors', 'retire', 'third', '--yes'], env)
    deepEqual([unknown.code, /Its chains are "first", "second"/.test(unknown.err)], [1, true], unknown.err)
    const retired = await openseal(['anchors', 'retire', 'first', '--yes'], env)
    equal(retired.code, 0, retired.err)
    match(retired.out, /^Entry 4 changes the chains of the log\.\nfirst counts for tree sizes up to 5\./)
    const again = await openseal(['anchors', 'retire', 'first', '--yes'], env)
    deepEqual([again.code, again.out], [0, 'first was retired before. Nothing was written.\n'], again.err)
    const back = await openseal(['anchors', 'add', '--yes'], env)
    deepEqual([back.code, /Nothing was written/.test(back.out)], [0, true], back.err)

    url = await start()
    await send(url, '/v1/records', statement(3), key)
    const one = await anchored(url, 5)
    deepEqual(idsOf(one), [SECOND_CHAIN_ID])
    await anchored(url, 4)
    extend[extend.indexOf('--ledger') + 1] = url
    equal((await openseal(extend)).code, 0)
    for (const receipt of [oldReceipt, both, one]) deepEqual(await verdict(receipt, 'extended.json'), GOOD)
    deepEqual(await verdict(oldReceipt, 'old.json'), GOOD)
    // Without the change, a reader's chain does not know the newest record.
    deepEqual(await verdict(one, 'old.json'), ['test-network', 'sealed'])
    deepEqual(await audit('extended.json'), [0, [], [], ['AUDIT_CHAINS_KNOWN', 'AUDIT_CHAINS_KNOWN']])
    deepEqual(await audit('old.json'), [6, [], ['AUDIT_ANCHORS_UNKNOWN'], ['AUDIT_CHAINS_CHANGED', 'AUDIT_CHAINS_CHANGED']])
    // A log with anchors could hold another history, so nobody adds it.
    const { url: there, contract } = chains[1]!
    const access = { rpcUrls: [there], signer: createKeySigner(EMBEDDED_KEY), chainId: SECOND_CHAIN_ID, contract }
    await rejects(findLog({ ...access, origin: env.OPENSEAL_ORIGIN! }), { code: 'CHAIN_REJECTED', message: /has an anchor of size/ })
    await stop()

    const has = await openseal(['anchors', 'add', 'second', '--yes'], env)
    deepEqual([has.code, has.out], [0, 'The log has second already. Nothing was written.\n'], has.err)
    // While the chain does not answer, nobody knows whether it holds this history.
    const file = join(folder, 'vouchers.json')
    writeFileSync(file, readFileSync(file, 'utf8').replace(chains[0]!.url, 'http://127.0.0.1:1'))
    const silent = await openseal(['anchors', 'add', 'first', '--yes'], env)
    deepEqual([silent.code, /CHAIN_UNREACHABLE/.test(silent.err)], [1, true], silent.err)
    vouchers(['first', 'second'], { requireAnchors: 2 })
    const taken = JSON.parse((await openseal(['anchors', 'add', 'first', '--yes', '--json'], env)).out)
    deepEqual(
      [taken.index, taken.added.map(({ name }: { name: string }) => name), taken.anchors.length, taken.opens],
      [6, ['first'], 2, []],
    )
    url = await start()
    await send(url, '/v1/records', statement(4), key)
    const two = await anchored(url, 7)
    deepEqual(idsOf(two), [EMBEDDED_CHAIN_ID, SECOND_CHAIN_ID])
    extend[extend.indexOf('--ledger') + 1] = url
    equal((await openseal(extend)).code, 0)
    for (const receipt of [oldReceipt, both, one, two]) deepEqual(await verdict(receipt, 'extended.json'), GOOD)
    deepEqual(await verdict(two, 'extended.json', { requireAnchors: 2 }), GOOD)
    deepEqual(await audit('extended.json'), [0, [], [], Array(3).fill('AUDIT_CHAINS_KNOWN')])
    await stop()
    vouchers(['first', 'second'])
    equal((await openseal(['anchors', 'retire', 'first', '--yes'], env)).code, 0)
    const { anchors } = await (await fetch(`${await start()}/policy.json`)).json()
    deepEqual(
      anchors.map(({ chainId, fromSize, toSize }: { chainId: number; fromSize: number; toSize?: number }) => [chainId, fromSize, toSize]),
      [
        [EMBEDDED_CHAIN_ID, 0, 5],
        [EMBEDDED_CHAIN_ID, 8, 9],
        [SECOND_CHAIN_ID, 4, undefined],
      ],
    )
    await stop()
  })

  it('changes them beside a node of a database, after an interruption, and retires a chain that is dead', async () => {
    const postgres = await startPostgres()
    const before = env
    env = {
      ...env,
      OPENSEAL_ORIGIN: 'ledger.example/nodes',
      OPENSEAL_DATA: join(folder, 'node'),
      OPENSEAL_KEYS: join(folder, 'keys'),
      OPENSEAL_STORE: await postgres.newDatabase(),
    }
    const beside = () => ({ ...env, OPENSEAL_DATA: mkdtempSync(join(folder, 'beside-')) })
    try {
      vouchers(['first'])
      let url = await start()
      await send(url, '/v1/agencies', { id: 'transport.gov.example', name: 'Transport' })
      const { key } = await send(url, '/v1/agencies/transport.gov.example/keys', {})
      await send(url, '/v1/records', statement(1), key)
      await anchored(url, 1)
      // As after a command that was interrupted once the log was open.
      const { url: there, contract } = chains[1]!
      const access = { rpcUrls: [there], signer: createKeySigner(EMBEDDED_KEY), log: silentLog }
      await ensureLog({ ...access, contract, origin: env.OPENSEAL_ORIGIN! })
      vouchers(['first', 'second'])
      const added = await openseal(['anchors', 'add', '--yes'], beside())
      deepEqual([added.code, added.err.includes('opens first')], [0, false], added.err)
      match(added.out, /Restart every node/)
      while (!(await alarmsOf(url)).includes('CHAINS_OUTDATED')) await sleep(100)
      match(await (await fetch(`${url}/metrics`)).text(), /^openseal_chains_outdated 1$/m)
      equal((await send(url, '/v1/records', statement(2), key)).index, 3)
      await stop()
      // A node that is restarted before it has the new file goes on without the chain, and says so.
      vouchers(['first'])
      url = await start()
      const { alarms } = await (await fetch(`${url}/readyz`)).json()
      ok(
        alarms.some((alarm: string) =>
          alarm.startsWith(`The log is anchored on chain ${SECOND_CHAIN_ID}, which this node's settings do not`),
        ),
      )
      deepEqual((await alarmsOf(url)).includes('CHAINS_OUTDATED'), true)
      await stop()
      vouchers(['first', 'second'])
      url = await start()
      await send(url, '/v1/records', statement(3), key)
      await anchored(url, 4)
      deepEqual((await alarmsOf(url)).includes('CHAINS_OUTDATED'), false)
      await stop()

      const { url: dead } = chains[0]!
      const file = join(folder, 'vouchers.json')
      writeFileSync(file, readFileSync(file, 'utf8').replace(dead, 'http://127.0.0.1:1'))
      const retired = await openseal(['anchors', 'retire', 'first', '--yes', '--json'], beside())
      equal(retired.code, 0, retired.err)
      url = await start()
      await send(url, '/v1/records', statement(4), key)
      deepEqual(idsOf(await anchored(url, 6)), [SECOND_CHAIN_ID])
    } finally {
      await stop()
      await postgres.stop()
      env = before
    }
  })
})

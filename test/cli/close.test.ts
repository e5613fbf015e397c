/**
 * A log closed by its owner on two anvil chains, as an operator does it: one chain is behind, one is
 * down for a while, and another ledger goes on.
 */
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { anchorInterface } from '../../src/chain/artifact.ts'
import { deployContract } from '../../src/chain/deploy.ts'
import { EMBEDDED_CHAIN_ID, EMBEDDED_KEY, startEmbeddedChain } from '../../src/chain/embedded.ts'
import { createKeySigner } from '../../src/chain/signer.ts'
import { readConfig } from '../../src/config.ts'
import { parsePolicy } from '../../src/core/policy.ts'
import { isChain } from '../../src/core/policy-anchors.ts'
import { ed25519Vkey, formatVkey, parseVkey } from '../../src/core/tlog/note.ts'
import { silentLog } from '../../src/logger.ts'
import { type Service, startServer } from '../../src/server/server.ts'
import { type Endpoint, openEndpoint } from '../chain/endpoint.ts'
import { statement } from '../http/service.ts'
import { listen, stop } from '../listen.ts'
import { type Commands, openCommands } from './commands.ts'

/** The second account of every development chain: its key is public. */
const SECOND_KEY = '0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d'
const SECOND_CHAIN_ID = 424_244
const OPERATOR = 'operator-key-of-this-test'
/** Nothing listens there. */
const NOBODY = 'http://127.0.0.1:1'

describe('openseal close', function () {
  this.timeout(60_000)
  let folder: string
  let commands: Commands
  let doors: readonly Endpoint[]
  let logId: string
  const chains: { readonly url: string; readonly contract: string; stop(): Promise<void> }[] = []
  const services: Service[] = []
  before(async () => {
    commands = openCommands()
    folder = mkdtempSync(join(tmpdir(), 'openseal-close-'))
    for (const name of ['first', 'second']) {
      const { url, stop } = await startEmbeddedChain({ dataDir: join(folder, name), port: 0, log: silentLog })
      if (name === 'second') {
        const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'anvil_setChainId', params: [SECOND_CHAIN_ID] })
        await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
      }
      const { address: contract } = await deployContract({ rpcUrls: [url], signer: createKeySigner(EMBEDDED_KEY), log: silentLog })
      chains.push({ url, contract, stop })
    }
    doors = await Promise.all(chains.map(({ url }) => openEndpoint(url)))
    await fill()
  })
  after(async () => {
    for (const service of services) await service.close()
    await commands.close()
    for (const door of doors) await door.close()
    for (const { stop } of chains) await stop()
    rmSync(folder, { recursive: true, force: true })
  })

  const at = (name: string) => join(folder, name)
  const openseal = async (args: readonly string[], key?: string) =>
    commands.run(['close', '--policy', 'pinned.json', ...args], { cwd: folder, env: key === undefined ? {} : { OPENSEAL_ANCHOR_KEY: key } })
  const ledger = () => ['--ledger', services[0]!.url]
  const rpc = () => chains.flatMap(({ url }) => ['--rpc', url])
  const logsOf = ({ out }: { out: string }) =>
    JSON.parse(out).logs.map(({ chainId, state, lastGoodSize, anchored, successor, code }: { [name: string]: unknown }) =>
      [chainId, state, lastGoodSize, anchored, successor, code].filter(each => each !== undefined),
    )
  async function start(name: string, key: string, urls: readonly string[]): Promise<Service> {
    writeFileSync(at(`${name}.key`), key, { mode: 0o600 })
    const listed = urls.map((url, i) => {
      return { name: `chain ${i}`, rpc: [url], contract: chains[i]!.contract, keyFile: `${name}.key`, finality: { confirmations: 0 } }
    })
    writeFileSync(at(`${name}.json`), JSON.stringify({ interval: '100ms', chains: listed }))
    const places = { OPENSEAL_DATA: at(name), OPENSEAL_MARK: at(`${name}-mark`), OPENSEAL_VOUCHERS: at(`${name}.json`) }
    const service = await startServer(
      readConfig({ ...places, OPENSEAL_PORT: '0', OPENSEAL_ORIGIN: `${name}.example/log`, OPENSEAL_OPERATOR_KEY: OPERATOR }),
    )
    services.push(service)
    return service
  }
  const send = async (url: string, path: string, key: string, body: object) => {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
    return (await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) })).json()
  }

  /** Anchors sizes 1 to 3, the second chain only 1 and 2, and begins the ledger that goes on, on the first chain. */
  async function fill(): Promise<void> {
    const urls = doors.map(({ url }) => url)
    const { url } = await start('old', EMBEDDED_KEY, urls)
    await send(url, '/v1/agencies', OPERATOR, { id: 'transport.gov.example', name: 'Transport' })
    const { key } = await send(url, '/v1/agencies/transport.gov.example/keys', OPERATOR, {})
    const until = async (size: number, count: number) => {
      while ((await (await fetch(`${url}/v1/rounds/${size}`)).json()).anchors?.length !== count) await sleep(50)
    }
    await until(1, 2)
    await send(url, '/v1/records', key, statement(1))
    await until(2, 2)
    writeFileSync(at('two.receipt.json'), await (await fetch(`${url}/v1/records/1/receipt`)).text())
    doors[1]!.behave(() => {
      throw new Error('down for maintenance')
    })
    await send(url, '/v1/records', key, statement(2))
    await until(3, 1)
    const next = await start('next', SECOND_KEY, [chains[0]!.url])
    for (const [name, service] of [
      ['pinned.json', services[0]!],
      ['next.policy.json', next],
    ] as const)
      writeFileSync(at(name), await (await fetch(`${service.url}/policy.json`)).text())
    logId = parsePolicy(readFileSync(at('next.policy.json'))).anchors.find(isChain)!.logId
  }

  it('shows without a key what it would close: on each chain the newest checkpoint that the ledger has there', async () => {
    const all = [...ledger(), ...rpc(), '--dry-run', '--json']
    const newest = await openseal(all)
    equal(newest.code, 0, newest.err)
    deepEqual(logsOf(newest), [
      [EMBEDDED_CHAIN_ID, 'open', 3, 3],
      [SECOND_CHAIN_ID, 'open', 2, 2],
    ])
    deepEqual(logsOf(await openseal([...all, '--size', '2'])), [
      [EMBEDDED_CHAIN_ID, 'open', 2, 3],
      [SECOND_CHAIN_ID, 'open', 2, 2],
    ])
    deepEqual(logsOf(await openseal([...all, '--size', '0'])), [
      [EMBEDDED_CHAIN_ID, 'open', 0, 3],
      [SECOND_CHAIN_ID, 'open', 0, 2],
    ])
    const text = await openseal([...ledger(), ...rpc(), '--dry-run', '--size', '2', '--successor', 'next.policy.json'])
    match(text.out, /good up to tree size 2\n {4}what is anchored above it, up to size 3, is disowned\n {4}goes on in log 0x/)
    match(text.out, /no log is named as its successor/)
    // The ledger is gone, and a receipt is left.
    const receipt = await openseal(['--ledger', NOBODY, '--receipt', 'two.receipt.json', ...rpc(), '--dry-run', '--json'])
    deepEqual(logsOf(receipt), [
      [EMBEDDED_CHAIN_ID, 'open', 2, 3],
      [SECOND_CHAIN_ID, 'open', 2, 2],
    ])
  })

  it('refuses a size without an anchor, a checkpoint that the policy does not vouch for, and another successor', async () => {
    const all = [...ledger(), ...rpc(), '--dry-run']
    for (const size of ['4', '1000000']) {
      const { code, err } = await openseal([...all, '--size', size])
      deepEqual([code, /has no final anchor of size \d+ on a chain/.test(err)], [2, true], err)
    }
    match((await openseal([...all, '--size', '1000'])).err, /The next one below it is of size 3\./)
    equal((await openseal([...all, '--size', '2x'])).code, 2)
    equal((await openseal([...all, '--size', '2', '--receipt', 'two.receipt.json'])).code, 2)
    const policy = JSON.parse(readFileSync(at('pinned.json'), 'utf8'))
    const { logKeys } = parsePolicy(readFileSync(at('next.policy.json')))
    const vkey = formatVkey(ed25519Vkey(policy.origin, parseVkey(logKeys[0]!.vkey).publicKey))
    writeFileSync(at('other.json'), JSON.stringify({ ...policy, logKeys: [{ vkey }] }))
    for (const source of [ledger(), ['--receipt', 'two.receipt.json']]) {
      const { code, err } = await openseal([...source, ...rpc(), '--dry-run', '--policy', 'other.json'])
      deepEqual([code, /CHECKPOINT_UNPROVEN/.test(err)], [5, true], err)
    }
    // Nobody has opened the log 0x99… in either contract, and the log itself is no successor.
    const own = parsePolicy(readFileSync(at('pinned.json'))).anchors.find(isChain)!.logId
    for (const successor of [`0x${'99'.repeat(32)}`, own]) {
      const { code, out } = await openseal([...all, '--successor', successor, '--json'])
      deepEqual([code, JSON.parse(out).logs.map((log: { code: string }) => log.code)], [1, ['CHAIN_REJECTED', 'CHAIN_REJECTED']], out)
    }
    const anchors = JSON.parse(readFileSync(at('next.policy.json'), 'utf8')).anchors.map((anchor: object) => ({ ...anchor, chainId: 5 }))
    writeFileSync(at('far.json'), JSON.stringify({ ...policy, anchors }))
    match((await openseal([...all, '--successor', 'far.json'])).err, /names no log in a contract of this ledger/)
  })

  it('signs nothing for a stranger, without a yes, or if an endpoint or the ledger hides an anchor', async () => {
    const all = [...ledger(), '--yes', '--size', '3', '--json']
    equal((await openseal([...all, ...rpc()])).code, 2)
    const unnamed = await openseal([...ledger(), ...rpc(), '--yes'], EMBEDDED_KEY)
    deepEqual([unnamed.code, /--yes needs --size or --receipt/.test(unnamed.err)], [2, true], unnamed.err)
    const stranger = await openseal([...all, ...rpc()], SECOND_KEY)
    equal(stranger.code, 1)
    match(JSON.parse(stranger.out).logs[0].detail, /^The owner of log .* Nothing was signed\.$/)
    match((await openseal([...ledger(), ...rpc()], EMBEDDED_KEY)).err, /nobody is here to ask: give --yes/)
    const asked = anchorInterface.getFunction('anchoredAt')!.selector
    doors[0]!.behave(({ method, params }) =>
      method === 'eth_call' && (params[0] as { data: string }).data.startsWith(asked) ? `0x${'0'.repeat(64)}` : undefined,
    )
    // A lower size would disown what is good, for good.
    const lying = await openseal([...all, '--rpc', doors[0]!.url], EMBEDDED_KEY)
    equal(doors[0]!.seen.includes('eth_sendRawTransaction'), false)
    doors[0]!.behave(undefined)
    deepEqual(
      [lying.code, JSON.parse(lying.out).logs.map((log: { code: string }) => log.code)],
      [1, ['CHAIN_NO_ANCHOR', 'CHAIN_UNREACHABLE']],
    )
    // So would the list of a ledger that leaves them out, as that of another one does.
    const hiding = await openseal([...rpc(), '--json', '--ledger', services[1]!.url], EMBEDDED_KEY)
    deepEqual([hiding.code, logsOf(hiding).map((log: unknown[]) => log.at(-1))], [1, ['CHAIN_NO_ANCHOR', 'CHAIN_NO_ANCHOR']], hiding.out)
    deepEqual(logsOf(await openseal([...ledger(), ...rpc(), '--dry-run', '--json'])), [
      [EMBEDDED_CHAIN_ID, 'open', 3, 3],
      [SECOND_CHAIN_ID, 'open', 2, 2],
    ])
  })

  it('closes no chain below the named size because the ledger leaves out its anchors there', async () => {
    // The second chain has an anchor of size 2, and the ledger lists only an earlier one.
    const hiding = createServer(async (request, response) => {
      const text = await (await fetch(services[0]!.url + request.url)).text()
      const page = JSON.parse(text)
      const isShown = ({ chainId, size }: { chainId: number; size: number }) => chainId !== SECOND_CHAIN_ID || size < 2
      response.end(request.url!.startsWith('/v1/anchors') ? JSON.stringify({ ...page, final: page.final.filter(isShown) }) : text)
    })
    try {
      const { code, out } = await openseal(['--ledger', await listen(hiding), ...rpc(), '--size', '3', '--dry-run', '--json'])
      deepEqual(
        [code, logsOf({ out })],
        [
          2,
          [
            [EMBEDDED_CHAIN_ID, 'open', 3, 3],
            [SECOND_CHAIN_ID, 'open', 1, 'CHAIN_NO_ANCHOR'],
          ],
        ],
      )
    } finally {
      stop(hiding)
    }
  })

  it('stops reading a list of anchors whose pages are empty', async () => {
    let pages = 0
    const endless = createServer((_, response) => {
      pages++
      response.writeHead(pages > 9 ? 404 : 200, { 'content-type': 'application/json' }).end(JSON.stringify({ final: [], after: pages }))
    })
    try {
      const { out } = await openseal(['--ledger', await listen(endless), ...rpc(), '--dry-run', '--json'])
      deepEqual(
        [pages, logsOf({ out })],
        [
          1,
          [
            [EMBEDDED_CHAIN_ID, 'open', 0, 'CHAIN_NO_ANCHOR'],
            [SECOND_CHAIN_ID, 'open', 0, 'CHAIN_NO_ANCHOR'],
          ],
        ],
      )
    } finally {
      stop(endless)
    }
  })

  it('closes no chain on which the ledger has anchored more since it was asked', async () => {
    const asked = anchorInterface.getFunction('latest')!.selector
    let times = 0
    // Only for the owner: the ledger asks the chain too.
    const door = await openEndpoint(chains[1]!.url)
    door.behave(({ method, params }) =>
      method === 'eth_call' && (params[0] as { data: string }).data.startsWith(asked) && ++times > 1
        ? anchorInterface.encodeFunctionResult('latest', [3, `0x${'33'.repeat(32)}`, 1])
        : undefined,
    )
    const { out } = await openseal([...ledger(), '--rpc', door.url, '--size', '3', '--yes', '--json'], EMBEDDED_KEY)
    const isSent = door.seen.includes('eth_sendRawTransaction')
    await door.close()
    deepEqual(
      [isSent, logsOf({ out })],
      [
        false,
        [
          [EMBEDDED_CHAIN_ID, 'open', 3, 'CHAIN_UNREACHABLE'],
          [SECOND_CHAIN_ID, 'open', 2, 2, 'CHAIN_NO_ANCHOR'],
        ],
      ],
    )
  })

  it('closes the chain that answers, then the other one, and leaves a closed log as it is', async () => {
    const all = [...ledger(), '--successor', 'next.policy.json', '--yes', '--size', '3']
    const first = await openseal([...all, '--json', '--rpc', chains[0]!.url, '--rpc', NOBODY], EMBEDDED_KEY)
    equal(first.code, 2, first.err)
    deepEqual(logsOf(first), [
      [EMBEDDED_CHAIN_ID, 'closed', 3, 3, logId],
      [SECOND_CHAIN_ID, 'open', 2, 'CHAIN_UNREACHABLE'],
    ])
    match(JSON.parse(first.out).logs[0].transaction, /^0x[0-9a-f]{64}$/)
    const second = await openseal([...all, ...rpc(), '--size', '2'], EMBEDDED_KEY)
    equal(second.code, 0, second.err)
    match(second.out, new RegExp(`chain ${EMBEDDED_CHAIN_ID}: was closed before\\n(?:.*\\n){2} {4}good up to tree size 3\\n`))
    match(second.out, new RegExp(`chain ${SECOND_CHAIN_ID}: is closed now, by transaction 0x[0-9a-f]{64}\\n`))
    match(second.out, /Leave the ledger running for its readers/)
    const again = await openseal([...all, ...rpc(), '--json'], EMBEDDED_KEY)
    equal(again.code, 0, again.err)
    deepEqual(logsOf(again), [
      [EMBEDDED_CHAIN_ID, 'closed before', 3, 3, logId],
      [SECOND_CHAIN_ID, 'closed before', 2, 2],
    ])
    // The ledger says so by itself.
    for (;;) {
      const { alarms, alarmCodes } = await (await fetch(`${services[0]!.url}/readyz`)).json()
      if (!alarmCodes.includes('LOG_CLOSED')) {
        await sleep(100)
        continue
      }
      ok(alarms[alarmCodes.indexOf('LOG_CLOSED')].includes(`good up to tree size 3. It continues in the log ${logId}`))
      break
    }
  })
})

/**
 * Keys changed as an operator does it, on the embedded chain: the log's key, then the publisher;
 * what was given out before stays good.
 */
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { copyFileSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Contract, JsonRpcProvider, Wallet } from 'ethers'
import { EMBEDDED_KEY } from '../../src/chain/embedded.ts'
import { type Config, readConfig } from '../../src/config.ts'
import { type Policy, parsePolicy } from '../../src/core/policy.ts'
import { isChain } from '../../src/core/policy-anchors.ts'
import { parseNote, parseVkey } from '../../src/core/tlog/note.ts'
import { parseTrustList } from '../../src/core/trust.ts'
import { createLog, silentLog } from '../../src/logger.ts'
import { type Service, startServer } from '../../src/server/server.ts'
import { createJsonRpcReader, verify } from '../../src/verifier/index.ts'
import { statement } from '../http/service.ts'
import { type Commands, openCommands } from './commands.ts'

/** The second account of every development chain: its key is public. */
const SECOND_KEY = '0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d'
const SECOND_ADDRESS = '0x70997970c51812dc3a010c7d01b50e0d17dc79c8'
/** The third, which becomes the owner. */
const THIRD_KEY = '0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a'
const THIRD_ADDRESS = '0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc'
const OWNERSHIP = ['function transferOwnership(bytes32 logId, address newOwner)', 'function acceptOwnership(bytes32 logId)']

describe('openseal rotate', function () {
  this.timeout(180_000)
  let folder: string
  let env: { [name: string]: string }
  let service: Service | undefined
  let commands: Commands
  before(() => {
    commands = openCommands()
    folder = mkdtempSync(join(tmpdir(), 'openseal-rotate-'))
    env = {
      OPENSEAL_PORT: '0',
      OPENSEAL_CHAIN_PORT: '0',
      OPENSEAL_DATA: join(folder, 'data'),
      OPENSEAL_ANCHOR_INTERVAL: '200ms',
      OPENSEAL_OPERATOR_KEY: 'operator-key-of-this-test',
    }
  })
  after(async () => {
    await commands.close()
    await service?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  const openseal = (args: readonly string[], changes: { [name: string]: string } = {}) =>
    commands.run(args, { cwd: folder, env: { OPENSEAL_MARK: process.env.OPENSEAL_MARK, ...changes } })
  const start = async (overrides: Partial<Config> = {}, log = silentLog) => {
    service = await startServer({ ...readConfig(env), ...overrides }, { log })
    return service.url
  }
  const send = async (url: string, path: string, body: unknown, bearer = env.OPENSEAL_OPERATOR_KEY) => {
    const headers = { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' }
    return (await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) })).json()
  }
  const anchored = async (url: string, index: number) => {
    for (;;) {
      const text = await (await fetch(`${url}/v1/records/${index}/receipt`)).text()
      if (JSON.parse(text).anchors.length > 0) return text
      await sleep(50)
    }
  }

  /** The keys that signed what the ledger shows now. */
  const signersOf = async (url: string) => parseNote(await (await fetch(`${url}/checkpoint`)).text()).signatures.map(({ id }) => id)
  const openRound = async (url: string, size: number) => {
    for (;;) {
      const answer = await fetch(`${url}/v1/rounds/${size}`)
      if (answer.ok) return answer.json()
      await sleep(50)
    }
  }

  it('changes the log’s key and the publisher; old receipts verify, new ones by the extended policy, and anchoring goes on', async () => {
    let url = await start()
    await send(url, '/v1/agencies', { id: 'transport.gov.example', name: 'Transport' })
    const { key } = await send(url, '/v1/agencies/transport.gov.example/keys', {})
    await send(url, '/v1/records', statement(1), key)
    const oldReceipt = await anchored(url, 1)
    equal((await openseal(['policy', '--out', 'pinned.json', '--ledger', url])).code, 0)
    const pinned = parsePolicy(readFileSync(join(folder, 'pinned.json')))
    const added = await openseal(['policy', '--add', 'list.json', '--ledger', url, '--name', 'Here', '--list-name', 'Lists', '--yes'])
    equal(added.code, 0, added.err)
    const remembering = (at: string) =>
      openseal(['audit', '--policy', 'pinned.json', '--state', 'audited', '--ledger', at, '--json', '--rpc', service!.chain.urls[0]!])
    const first = await remembering(url)
    deepEqual([first.code, JSON.parse(first.out).notices], [0, []], first.out)
    const { code: running } = await openseal(['rotate', 'log-key'], env)
    equal(running, 1)
    await service?.close()

    const rotated = await openseal(['rotate', 'log-key', '--json'], { ...env, OPENSEAL_MARK: join(folder, 'lost-mark') })
    equal(rotated.code, 0, rotated.err)
    match(rotated.err, /^Warning: mark is missing \(path .*lost-mark.*, size 2\)$/m)
    const { oldKey, newKey, index, fromSize, kept } = JSON.parse(rotated.out)
    deepEqual([oldKey, index, fromSize, existsSync(kept)], [pinned.logKeys[0]!.vkey, 2, 4, true])

    url = await start()
    equal(service?.vkey, newKey)
    // In the grace both keys sign, and the old policy is enough for what is given out.
    const ids = [newKey, oldKey].map(vkey => parseVkey(vkey).id)
    deepEqual(await signersOf(url), ids)
    await send(url, '/v1/records', statement(2), key)
    const graceReceipt = await anchored(url, 3)
    while ((await signersOf(url)).length > 1) await sleep(50)
    deepEqual(await signersOf(url), ids.slice(0, 1))
    await send(url, '/v1/records', statement(20), key)
    const newReceipt = await anchored(url, 4)
    const chain = [createJsonRpcReader({ url: service!.chain.urls[0]!, fetch, timeoutMs: 10_000 })]
    const verdict = async (receipt: string, policy = pinned) => (await verify({ receipt, policy, chain, trust: 'policy' })).verdict
    const verdicts = (policy?: Policy) => Promise.all([oldReceipt, graceReceipt, newReceipt].map(receipt => verdict(receipt, policy)))
    deepEqual(await verdicts(), ['test-network', 'test-network', 'invalid'])
    const before = readFileSync(join(folder, 'pinned.json'), 'utf8')
    const extend = ['policy', '--extend', 'pinned.json', '--ledger', url, '--rpc', service!.chain.urls[0]!, '--json']
    const nobody = await openseal([...extend.slice(0, 5), '--rpc', 'http://127.0.0.1:1', '--json'])
    deepEqual([nobody.code, JSON.parse(nobody.out).code], [6, 'EXTEND_UNCHECKED'])
    match(JSON.parse(nobody.out).detail, /Name an endpoint of each chain of the policy with --rpc/)
    equal(readFileSync(join(folder, 'pinned.json'), 'utf8'), before)
    // An audit by the policy that was pinned follows the change where it can be believed, and says
    // so; where the chain cannot be asked it accuses nobody.
    const audit = ['audit', '--policy', 'pinned.json', '--ledger', url, '--json', '--rpc']
    const audited = await openseal([...audit, service!.chain.urls[0]!])
    deepEqual([audited.code, JSON.parse(audited.out).notices[0].code], [0, 'AUDIT_KEY_FOLLOWED'], audited.out)
    const alone = await openseal([...audit, 'http://127.0.0.1:1'])
    deepEqual([alone.code, JSON.parse(alone.out).unfinished[0].code], [6, 'AUDIT_KEY_UNCHECKED'], alone.out)
    equal(readFileSync(join(folder, 'pinned.json'), 'utf8'), before)
    // One that remembers goes on from where it was.
    const next = await remembering(url)
    deepEqual([next.code, JSON.parse(next.out).notices[0].code], [0, 'AUDIT_KEY_FOLLOWED'], next.out)
    const extended = await openseal(extend)
    deepEqual(JSON.parse(extended.out), { file: 'pinned.json', added: [newKey] })
    const policy = parsePolicy(readFileSync(join(folder, 'pinned.json')))
    deepEqual(await verdicts(policy), ['test-network', 'test-network', 'test-network'])
    const last = await remembering(url)
    deepEqual([last.code, JSON.parse(last.out).notices], [0, []], last.out)
    const list = () => parseTrustList(readFileSync(join(folder, 'list.json'))).entries[0]!
    equal(list().policy!.logKeys.length, 1)
    // The ledger of this test has another port after each start.
    writeFileSync(join(folder, 'list.json'), readFileSync(join(folder, 'list.json'), 'utf8').replace(list().ledger!, url))
    const ofList = await openseal(['policy', '--extend', 'list.json', '--rpc', service!.chain.urls[0]!, '--json'])
    deepEqual([ofList.code, JSON.parse(ofList.out).entries[0].added], [0, [newKey]], ofList.out + ofList.err)
    deepEqual([list().policy!.logKeys, await verdict(newReceipt, list().policy!)], [policy.logKeys, 'test-network'])
    ok((await (await fetch(`${url}/records/2`)).text()).includes('A change of the key with which this ledger signs'))

    const rpc = service!.chain.urls[0]!
    const publisher = ['rotate', 'publisher', '--to', SECOND_ADDRESS, '--rpc', rpc, '--json']
    const owner = { OPENSEAL_ANCHOR_KEY: EMBEDDED_KEY, OPENSEAL_DATA: env.OPENSEAL_DATA! }
    const stranger = await openseal(publisher, { ...owner, OPENSEAL_ANCHOR_KEY: SECOND_KEY })
    equal(stranger.code, 1)
    match(stranger.err, /Nothing was signed.*CHAIN_REJECTED/s)
    // The operator's policy or the service's settings decide what is signed. A ledger that answers
    // at some address decides nothing.
    const elsewhere = JSON.stringify({ ...policy, anchors: [{ ...policy.anchors[0], contract: `0x${'11'.repeat(20)}` }] })
    writeFileSync(join(folder, 'elsewhere.json'), elsewhere)
    const other = await openseal([...publisher, '--policy', 'elsewhere.json'], owner)
    deepEqual([other.code, JSON.parse(other.out).code], [1, 'CHAIN_OTHER_CODE'])
    const unnamed = await openseal(publisher, { ...owner, OPENSEAL_DATA: 'nowhere', OPENSEAL_LEDGER: url })
    deepEqual([unnamed.code, /OPENSEAL_CONTRACT/.test(unnamed.err)], [2, true], unnamed.err)
    equal((await openseal([...publisher, '--ledger', url], owner)).code, 2)
    const named = await openseal([...publisher, '--policy', 'pinned.json'], owner)
    deepEqual([named.code, JSON.parse(named.out).publisher], [0, SECOND_ADDRESS], named.err)
    const again = await openseal(publisher, owner)
    deepEqual([again.code, JSON.parse(again.out).logId], [0, policy.anchors.filter(isChain)[0]!.logId], again.err)
    // The old key's anchor is refused while it is open: the next publisher takes up the same round.
    await send(url, '/v1/records', statement(3), key)
    const open = await openRound(url, 6)
    deepEqual([open.size, open.anchors.length, open.final], [6, 0, false])
    await service!.close()
    url = await start({ anchorSigner: { privateKey: SECOND_KEY } })
    equal(JSON.parse(await anchored(url, 5)).anchors.length, 1)
    const taken = await openRound(url, 6)
    deepEqual([taken.anchors.length, taken.final, taken.checkpoint], [1, true, open.checkpoint])
  })

  it('with --stolen says whom to tell, makes the last tree of the old key a round of its own, and lets it sign nothing more', async () => {
    await service?.close()
    // A run that did not know of the theft, and was interrupted before the new key was in its place.
    const begun = JSON.parse((await openseal(['rotate', 'log-key', '--json'], env)).out)
    const file = join(env.OPENSEAL_DATA!, 'keys', 'log.key')
    renameSync(file, `${file}.next`)
    copyFileSync(begun.kept, file)
    const { code, out, err } = await openseal(['rotate', 'log-key', '--stolen'], env)
    match(out, new RegExp(`^new ${begun.newKey.replace(/[+/.]/g, '\\$&')}$`, 'm'))
    equal(code, 0, err)
    const size = Number(/from tree size (\d+) on/.exec(out)![1]) - 1
    match(out, /The old key was stolen\. If it signs a larger tree than size \d+, that counts for nothing/)
    match(out, new RegExp(`They can follow once the round of size ${size} is final\\. Its page is /v1/rounds/${size} `))
    const url = await start({ anchorSigner: { privateKey: SECOND_KEY } })
    const { key } = await send(url, '/v1/agencies/transport.gov.example/keys', {})
    const { index } = await send(url, '/v1/records', statement(4), key)
    await anchored(url, index)
    const round = await (await fetch(`${url}/v1/rounds/${size}`)).json()
    deepEqual([round.size, round.final], [size, true])
    deepEqual([await signersOf(url), existsSync(begun.kept)], [[parseVkey(begun.newKey).id], true])
    const above = (await (await fetch(`${url}/v1/rounds`)).json()).rounds.filter((each: { size: number }) => each.size > size)
    ok(above.length > 0)
    for (const { checkpoint } of above) equal(parseNote(checkpoint).signatures.length, 1)
  })

  it('hands the log to another owner in two steps: the old one names nobody any more', async () => {
    const { chain, url } = service!
    const rpc = chain.urls[0]!
    equal((await openseal(['policy', '--out', 'handed.json', '--ledger', url])).code, 0)
    const policy = parsePolicy(readFileSync(join(folder, 'handed.json')))
    const { contract, logId } = policy.anchors.find(isChain)!
    const provider = new JsonRpcProvider(rpc, undefined, { cacheTimeout: -1, pollingInterval: 100 })
    const as = (key: string) => new Contract(contract, OWNERSHIP, new Wallet(key, provider))
    const names = (key: string) =>
      openseal(['rotate', 'publisher', '--to', SECOND_ADDRESS, '--rpc', rpc, '--policy', 'handed.json'], { OPENSEAL_ANCHOR_KEY: key })
    try {
      await (await as(EMBEDDED_KEY).transferOwnership!(logId, THIRD_ADDRESS)).wait()
      // Offered, and not accepted yet: the old owner still decides.
      deepEqual([(await names(THIRD_KEY)).code, (await names(EMBEDDED_KEY)).code], [1, 0])
      await (await as(THIRD_KEY).acceptOwnership!(logId)).wait()
    } finally {
      provider.destroy()
    }
    deepEqual([(await names(EMBEDDED_KEY)).code, (await names(THIRD_KEY)).code], [1, 0])
    deepEqual(parsePolicy(await (await fetch(`${url}/policy.json`)).text()), policy)
  })

  it('ends a stolen API key, and keeps what was submitted with it', async () => {
    const { url } = service!
    const { key, keyId } = await send(url, '/v1/agencies/transport.gov.example/keys', {})
    const { index } = await send(url, '/v1/records', statement(5), key)
    const headers = { authorization: `Bearer ${env.OPENSEAL_OPERATOR_KEY}` }
    equal((await fetch(`${url}/v1/agencies/transport.gov.example/keys/${keyId}`, { method: 'DELETE', headers })).ok, true)
    equal((await send(url, '/v1/records', statement(6), key)).code, 'KEY_REVOKED')
    const kept = JSON.parse(await anchored(url, index))
    equal(kept.statement.record, 'local-5')
  })

  it('changes the operator key at a start: the old one opens nothing, and agencies and keys stay', async () => {
    const { key } = await send(service!.url, '/v1/agencies/transport.gov.example/keys', {})
    await service!.close()
    const url = await start({ operatorKey: 'another-operator-key-of-this-test', anchorSigner: { privateKey: SECOND_KEY } })
    const keys = '/v1/agencies/transport.gov.example/keys'
    equal((await send(url, keys, {})).code, 'OPERATOR_KEY_WRONG')
    match((await send(url, keys, {}, 'another-operator-key-of-this-test')).key, /^osk_/)
    const { index } = await send(url, '/v1/records', statement(7), key)
    equal(JSON.parse(await anchored(url, index)).anchors.length, 1)
  })

  it('signs with the new key alone while the old one’s file is missing, says so, and says when it may be removed', async () => {
    await service?.close()
    const own = { ...env, OPENSEAL_DATA: join(folder, 'own') }
    await start(readConfig(own))
    await service!.close()
    const { kept, newKey, oldKey } = JSON.parse((await openseal(['rotate', 'log-key', '--json'], own)).out)
    const secret = readFileSync(kept)
    rmSync(kept)
    const told: string[] = []
    const log = createLog({ write: line => void told.push(line), nowMs: Date.now })
    const saysOf = (message: string) => told.map(line => JSON.parse(line)).filter(({ event }) => event === message)
    // An empty file says that the old key shall not sign, as after a theft.
    writeFileSync(kept, '', { mode: 0o600 })
    let url = await start(readConfig(own), log)
    const isAlarm = async () => (await (await fetch(`${url}/readyz`)).json()).alarmCodes.includes('OLD_KEY_MISSING')
    deepEqual([await signersOf(url), await isAlarm(), saysOf('old log key is missing')], [[parseVkey(newKey).id], false, []])
    await service!.close()
    rmSync(kept)
    url = await start(readConfig(own), log)
    deepEqual([await signersOf(url), await isAlarm()], [[parseVkey(newKey).id], true])
    const { alarms } = await (await fetch(`${url}/v1/status`)).json()
    ok(alarms.some((alarm: string) => alarm.startsWith(`This node has no file ${basename(kept)}, so it signs`)))
    match(await (await fetch(`${url}/metrics`)).text(), /^openseal_old_key_missing 1$/m)
    writeFileSync(kept, secret, { mode: 0o600 })
    while (await isAlarm()) await sleep(50)
    deepEqual(
      await signersOf(url),
      [newKey, oldKey].map(vkey => parseVkey(vkey).id),
    )
    equal(saysOf('old log key is missing')[0].path, kept)
    await send(url, '/v1/agencies', { id: 'transport.gov.example', name: 'Transport' })
    const { key } = await send(url, '/v1/agencies/transport.gov.example/keys', {})
    await send(url, '/v1/records', statement(8), key)
    while (saysOf('old log key signs no more').length === 0) await sleep(50)
    deepEqual([saysOf('old log key signs no more')[0].path, existsSync(kept), await signersOf(url)], [kept, true, [parseVkey(newKey).id]])
  })
})

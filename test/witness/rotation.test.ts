/**
 * A witness with the policy from before a change of the log's key, on a real ledger whose own policy
 * requires it: it loses no round while both keys sign, and goes on after its operator has followed.
 */
import { deepEqual, equal, match } from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { readConfig } from '../../src/config.ts'
import { parsePolicy } from '../../src/core/policy.ts'
import { parseNote } from '../../src/core/tlog/note.ts'
import { rotateLogKey } from '../../src/server/rotate.ts'
import { type Service, startServer } from '../../src/server/server.ts'
import { type Commands, openCommands } from '../cli/commands.ts'
import { statement } from '../http/service.ts'
import { runWitness, type WitnessProcess } from './process.ts'

const OPERATOR = 'operator-key-of-this-test'

describe('openseal witness across a change of a log’s key', function () {
  this.timeout(120_000)
  const folder = mkdtempSync(join(tmpdir(), 'openseal-rotation-'))
  const at = (name: string) => join(folder, name)
  const config = (more: { [name: string]: string } = {}) =>
    readConfig({
      ...{ OPENSEAL_PORT: '0', OPENSEAL_CHAIN_PORT: '0', OPENSEAL_ORIGIN: 'ledger.example/rotation', OPENSEAL_OPERATOR_KEY: OPERATOR },
      ...{ OPENSEAL_DATA: at('data'), OPENSEAL_MARK: at('mark'), OPENSEAL_ANCHOR_INTERVAL: '200ms', ...more },
    })
  const vouched = () => config({ OPENSEAL_VOUCHERS: at('vouchers.json') })
  let commands: Commands
  let service: Service
  let witness: WitnessProcess
  before(() => {
    commands = openCommands()
  })
  after(async () => {
    await commands.close()
    await service?.close()
    witness?.child.kill('SIGTERM')
    await witness?.ended
    rmSync(folder, { recursive: true, force: true })
  })

  const startWitness = async (port: string) => {
    witness = runWitness(['--data', at('witness'), '--policy', at('pinned.json'), '--port', port], { marks: at('witness-mark') })
    return (await witness.url)!
  }
  const send = async (path: string, body: unknown, bearer = OPERATOR) => {
    const headers = { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' }
    return (await fetch(service.url + path, { method: 'POST', headers, body: JSON.stringify(body) })).json()
  }
  const read = async (path: string) => (await fetch(service.url + path)).json()
  /** The round that has made a record final. */
  const roundOf = async (index: number) => {
    for (;;) {
      const { round } = await read(`/v1/records/${index}`)
      if (round !== undefined) return read(`/v1/rounds/${round.size}`)
      await sleep(50)
    }
  }
  const count = ({ checkpoint, cosignatures }: { checkpoint: string; cosignatures: readonly string[] }) => [
    parseNote(checkpoint).signatures.length,
    cosignatures.length,
  ]
  const pinPolicy = (name: string) => commands.run(['policy', '--out', name, '--ledger', service.url], { cwd: folder, env: {} })

  it('cosigns every round of the grace by the old policy, answers 403 after it, and goes on once its operator has extended it', async () => {
    service = await startServer(config())
    equal((await pinPolicy('pinned.json')).code, 0)
    await send('/v1/agencies', { id: 'transport.gov.example', name: 'Transport' })
    const { key } = await send('/v1/agencies/transport.gov.example/keys', {})
    await service.close()
    const url = await startWitness('0')
    const vkey = readFileSync(at('witness/witness.vkey'), 'utf8').trim()
    writeFileSync(at('vouchers.json'), JSON.stringify({ interval: '200ms', witnesses: [{ vkey, url }], quorum: 1 }))
    service = await startServer(vouched())
    const submit = async (n: number) => (await send('/v1/records', statement(n), key)).index as number
    deepEqual(count(await roundOf(await submit(1))), [1, 1])
    await service.close()

    const { fromSize, newKey } = await rotateLogKey(vouched())
    service = await startServer(vouched())
    equal(service.vkey, newKey)
    const inGrace = await submit(2)
    const round = await roundOf(inGrace)
    deepEqual([round.size >= fromSize, ...count(round)], [true, 2, 1])
    // Its receipt counts by a policy that asks for this witness, although that does not know the new key.
    equal((await pinPolicy('served.json')).code, 0)
    const served = parsePolicy(readFileSync(at('served.json')))
    deepEqual(
      served.logKeys.map(({ toSize }) => toSize),
      [fromSize - 1, undefined],
    )

    while (parseNote(await (await fetch(`${service.url}/checkpoint`)).text()).signatures.length > 1) await sleep(50)
    const after = await submit(3)
    const alarms = async (): Promise<readonly string[]> => (await read('/readyz')).alarms
    while ((await alarms()).length === 0) await sleep(50)
    match((await alarms()).join(), /^Witness \S+ does not accept this log or its key/)
    equal((await read(`/v1/records/${after}`)).state, 'sealed')

    const rpc = service.chain.urls[0]!
    const extended = await commands.run(['policy', '--extend', 'pinned.json', '--ledger', service.url, '--rpc', rpc, '--json'], {
      cwd: folder,
      env: {},
    })
    deepEqual([extended.code, JSON.parse(extended.out).added], [0, [newKey]], extended.err)
    witness.child.kill('SIGTERM')
    await witness.ended
    equal(await startWitness(new URL(url).port), url)
    deepEqual(count(await roundOf(after)), [1, 1])
  })
})

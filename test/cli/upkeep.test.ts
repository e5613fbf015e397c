/**
 * `openseal doctor`, `backup` and `restore` as an operator types them: what they print, and their
 * exit codes.
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readConfig } from '../../src/config.ts'
import { startServer } from '../../src/server/server.ts'
import { flipBit, indexBytes, layToRest } from '../care/world.ts'
import { statement } from '../http/service.ts'
import { type Commands, openCommands } from './commands.ts'

const OPERATOR_KEY = 'operator-key-of-the-upkeep-test'

describe('upkeep on the command line', function () {
  this.timeout(60_000)
  let commands: Commands
  before(() => {
    commands = openCommands()
  })
  after(() => commands.close())

  const openseal = async (...args: string[]) => {
    const env = { OPENSEAL_MARK: process.env.OPENSEAL_MARK, OPENSEAL_OPERATOR_KEY: OPERATOR_KEY }
    const { code, out, err } = await commands.run(args, { env })
    return { code, out: out + err, json: () => JSON.parse(out) }
  }

  it('doctor exits with 0 if sound or repaired, 5 if damaged, 6 if there is nothing to examine', async () => {
    const rest = await layToRest(300)
    const doctor = (...more: string[]) => openseal('doctor', '--data', rest.dataDir, ...more)
    const sound = await doctor()
    assert.equal(sound.code, 0, sound.out)
    assert.match(sound.out, /The ledger is sound: all of its 300 entries match the tree/)
    await rest.change('b', indexBytes(0), flipBit)
    const damaged = await doctor()
    assert.equal(damaged.code, 5)
    assert.match(damaged.out, /DAMAGED[\s\S]*entry bundle 0 does not match the tree \[DOCTOR_BUNDLE\] Run openseal doctor --repair/)
    const repaired = await doctor('--repair', '--json')
    assert.deepEqual([repaired.code, repaired.json().verdict, repaired.json().complaints.length], [0, 'repaired', 1])
    const nothing = await openseal('doctor', '--data', join(rest.dataDir, 'no'), '--json')
    assert.deepEqual([nothing.code, nothing.json().code], [6, 'DOCTOR_NO_LEDGER'])
    await rest.remove()
  })

  it('says of a ledger in a database that its own tools care for it', async () => {
    const env = { OPENSEAL_STORE: 'postgres://ledger:geheim@127.0.0.1:1/ledger' }
    for (const [args, exit] of [
      [['doctor'], 6],
      [['restore', '/nowhere'], 6],
    ] as const) {
      const { code, out, err } = await commands.run([...args], { env })
      assert.equal(code, exit)
      assert.match(out + err, /OPENSEAL_STORE keeps this ledger in a database: .*database's own tools/)
      assert.doesNotMatch(out + err, /geheim/)
    }
    const accepted = await commands.run(['restore', '--accept-loss', '1'], { env })
    assert.equal(accepted.code, 1)
    assert.match(accepted.err, /127\.0\.0\.1:1 cannot be reached/)
  })

  it("backs up a running ledger, restores it, and asks for the operator's decision", async () => {
    const folder = await mkdtemp(join(tmpdir(), 'openseal-upkeep-'))
    const [data, backup, restored] = ['data', 'backup', 'restored'].map(name => join(folder, name)) as [string, string, string]
    const config = readConfig({ OPENSEAL_PORT: '0', OPENSEAL_CHAIN_PORT: '0', OPENSEAL_OPERATOR_KEY: OPERATOR_KEY })
    const service = await startServer({ ...config, dataDir: data })
    await writeFile(join(folder, 'a-file'), '')
    const unwritable = await openseal('backup', join(folder, 'a-file', 'backup'), '--ledger', service.url, '--data', data)
    assert.deepEqual([unwritable.code, /\[(\w+)\]/.exec(unwritable.out)?.[1]], [1, 'FOLDER_UNWRITABLE'])
    const taken = await openseal('backup', backup, '--ledger', service.url, '--data', data)
    assert.equal(taken.code, 0, taken.out)
    assert.match(taken.out, /read back and whole[\s\S]*The private keys are in it/)
    const locked = await openseal('doctor', '--data', data)
    assert.equal(locked.code, 6)
    assert.match(locked.out, /in use by another OpenSeal service[\s\S]*STORE_LOCKED/)
    // Two entries that the backup lacks: what every restore of last night's backup meets.
    const send = async (path: string, bearer: string, body: object) => {
      const headers = { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' }
      return (await (await fetch(service.url + path, { method: 'POST', headers, body: JSON.stringify(body) })).json()) as { key: string }
    }
    await send('/v1/agencies', OPERATOR_KEY, { id: 'transport.gov.example', name: 'Transport' })
    const { key } = await send('/v1/agencies/transport.gov.example/keys', OPERATOR_KEY, {})
    for (const n of [1, 2]) await send('/v1/records', key, statement(n))
    await service.close()

    const made = await openseal('restore', backup, '--data', restored)
    assert.equal(made.code, 0, made.out)
    assert.match(
      made.out,
      /All of it was read again and matches its tree[\s\S]*has signed 3 entries[\s\S]*openseal restore --accept-loss 1/,
    )
    assert.equal((await openseal('doctor', '--data', restored)).code, 0)
    assert.equal((await openseal('restore', backup, '--data', restored)).code, 1)
    assert.equal((await openseal('restore', '--data', restored)).code, 2)
    const accepted = await openseal('restore', '--data', restored, '--accept-loss', '1', '--json')
    assert.deepEqual([accepted.code, accepted.json()], [0, { data: restored, size: 1, accepted: true }])
    await rm(folder, { recursive: true, force: true })
  })
})

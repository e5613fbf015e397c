/**
 * Backup and restore with the real service: a copy while it runs, the same ledger elsewhere, and no
 * unnoticed sealing on an old copy.
 */
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { acceptLoss, restoreBackup, takeBackup } from '../../src/care/backup.ts'
import { examine } from '../../src/care/doctor.ts'
import { openCopy } from '../../src/cli/copy.ts'
import { readConfig } from '../../src/config.ts'
import { type Service, startServer } from '../../src/server/server.ts'
import { type AnyJson, statement } from '../http/service.ts'
import { testHost } from '../test-host.ts'

describe('backup and restore', function () {
  this.timeout(60_000)
  let folder: string
  let service: Service
  let key: string
  const operatorKey = 'operator-key-of-the-backup-test'
  const at = (name: string) => join(folder, name)
  const start = (name: string) =>
    startServer({
      ...readConfig({ OPENSEAL_PORT: '0', OPENSEAL_CHAIN_PORT: '0', OPENSEAL_ANCHOR_INTERVAL: '1h', OPENSEAL_OPERATOR_KEY: operatorKey }),
      dataDir: at(name),
    })
  const send = async ({ url }: Service, path: string, bearer: string, body: unknown): Promise<{ status: number; json: AnyJson }> => {
    const headers = { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' }
    const response = await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) })
    return { status: response.status, json: await response.json() }
  }
  const submit = (n: number, to = service) => send(to, '/v1/records', key, statement(n))
  const stream = async () => {
    const response = await fetch(`${service.url}/v1/backup`, { headers: { authorization: `Bearer ${operatorKey}` } })
    assert.equal(response.status, 200)
    return response.body!
  }
  const statementOf = async ({ url }: Service, index: number) => (await fetch(`${url}/v1/statements/${index}/${index + 1}`)).text()
  const receipt = async ({ url }: Service, index: number) => (await fetch(`${url}/v1/records/${index}/receipt`)).text()

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'openseal-backup-'))
    service = await start('data')
    await send(service, '/v1/agencies', operatorKey, { id: 'transport.gov.example', name: 'Ministry' })
    key = (await send(service, '/v1/agencies/transport.gov.example/keys', operatorKey, {})).json.key
    for (let n = 0; n < 5; n++) await submit(n)
  })
  after(async () => {
    await service.close()
    await rm(folder, { recursive: true, force: true })
  })

  it('is the operator’s alone', async () => {
    assert.equal((await fetch(`${service.url}/v1/backup`)).status, 401)
    assert.equal((await fetch(`${service.url}/v1/backup`, { headers: { authorization: `Bearer ${key}` } })).status, 401)
  })

  it('has no private key, and no key that opens the ledger', async () => {
    const taken = Buffer.from(await new Response(await stream()).arrayBuffer())
    const files = await readdir(at('data/keys'))
    const texts = await Promise.all(files.map(async file => (await readFile(join(at('data/keys'), file), 'utf8')).trim()))
    assert.ok(files.includes('log.key') && texts.every(text => text.length > 0))
    const secrets = [
      key,
      operatorKey,
      ...texts,
      ...texts.map(text => Buffer.from(text.replace(/^0x/, ''), 'hex')).filter(bytes => bytes.length >= 32),
    ]
    assert.ok(secrets.length > 3)
    assert.deepEqual(
      secrets.map(secret => taken.includes(secret)),
      secrets.map(() => false),
    )
  })

  it('copies a ledger that is written to meanwhile, as of one moment', async () => {
    await writeFile(at('data/chain/half.json.new'), 'half')
    const [taken] = await Promise.all([
      takeBackup(await stream(), at('backup'), at('data')),
      ...Array.from({ length: 30 }, (_, i) => submit(100 + i)),
    ])
    assert.deepEqual([taken.withKeys, taken.header.vkey], [true, service.vkey])
    assert.equal((await stat(at('backup/store.backup'))).mode % 0o1000, 0o600)
    assert.equal((await stat(at('backup/keys/log.key'))).mode % 0o1000, 0o600)
    assert.ok(!(await readdir(at('backup/chain'))).includes('half.json.new'))
    await assert.rejects(takeBackup(await stream(), at('backup'), undefined), { code: 'BACKUP_EXISTS' })
  })

  it('refuses a backup that was cut off or changed, wherever', async () => {
    const sound = await readFile(at('backup/store.backup'))
    await mkdir(at('bad'))
    const restored = async () => {
      await rm(at('bad-data'), { recursive: true, force: true })
      await assert.rejects(restoreBackup(at('bad'), at('bad-data')), (error: { code?: string }) =>
        /^BACKUP_(MALFORMED|CUT_OFF|CHANGED)$/.test(error.code ?? ''),
      )
    }
    for (const share of [0, 0.1, 0.5, 0.999]) {
      await writeFile(at('bad/store.backup'), sound)
      await truncate(at('bad/store.backup'), Math.floor(sound.length * share))
      await restored()
      await writeFile(at('bad/store.backup'), flip(sound, Math.floor(sound.length * share)))
      await restored()
    }
    await writeFile(at('bad/store.backup'), Buffer.concat([sound, Buffer.of(0)]))
    await restored()
  })

  it('shows no record of a restored ledger that is behind, and accepts nothing, until it was filled up and the operator has decided', async () => {
    await submit(200)
    await untilMarked((await status(service)).head.size)
    const { diagnosis } = await restoreBackup(at('backup'), at('restored'))
    assert.deepEqual([diagnosis.verdict, diagnosis.restored?.size], ['sound', diagnosis.size])
    await assert.rejects(restoreBackup(at('backup'), at('restored')), { code: 'RESTORE_EXISTS' })

    const waiting = await start('restored')
    assert.match(await statementOf(waiting, 3), /STORE_BEHIND/)
    const refused = await submit(300, waiting)
    assert.deepEqual([refused.status, refused.json.code], [503, 'LEDGER_STOPPED'])
    assert.match(refused.json.detail, /restored from a backup/)
    await waiting.close()

    const { head } = await status(service)
    const filled = await examine({ dataDir: at('restored'), repair: true, refill: { copy: openCopy(service.url), host: testHost() } })
    assert.deepEqual([filled.verdict, filled.size, filled.complaints.map(({ code }) => code)], ['repaired', head.size, ['DOCTOR_BEHIND']])
    const full = await start('restored')
    assert.equal(await statementOf(full, 3), await statementOf(service, 3))
    await full.close()
    await assert.rejects(acceptLoss(at('restored'), head.size - 1, at('mark')), { code: 'RESTORE_SIZE' })
    // A decision that cannot be marked does not count: the ledger still waits for it.
    await writeFile(at('no-folder'), '')
    await assert.rejects(acceptLoss(at('restored'), head.size, at('no-folder')), { code: 'EEXIST' })
    await acceptLoss(at('restored'), head.size, at('mark'))
    await assert.rejects(acceptLoss(at('restored'), head.size, at('mark')), { code: 'RESTORE_NOT_MARKED' })

    const restored = await start('restored')
    assert.deepEqual((await status(restored)).head, head)
    assert.equal(await receipt(restored, head.size - 1), await receipt(service, head.size - 1))
    assert.deepEqual((await submit(200, restored)).json.index, head.size - 1)
    assert.deepEqual((await submit(301, restored)).json.index, head.size)
    await restored.close()
  })

  it('fills up from no copy with another history', async () => {
    await restoreBackup(at('backup'), at('fork'))
    const copy = openCopy(service.url)
    const lying = {
      ...copy,
      bundle: async (index: number, width: number) => flip(await copy.bundle(index, width), Number.MAX_SAFE_INTEGER),
    }
    await assert.rejects(examine({ dataDir: at('fork'), repair: true, refill: { copy: lying, host: testHost() } }), { code: 'REFILL_FORK' })
    const unsigned = { ...copy, checkpoint: async () => (await copy.checkpoint()).replace(/\n\d+\n/, '\n999\n') }
    await assert.rejects(examine({ dataDir: at('fork'), repair: true, refill: { copy: unsigned, host: testHost() } }), /./)
    const missing = { ...copy, statements: async (from: number, to: number) => (await copy.statements(from, to)).map(() => undefined) }
    await assert.rejects(examine({ dataDir: at('fork'), repair: true, refill: { copy: missing, host: testHost() } }), {
      code: 'REFILL_MISSING',
    })
    assert.equal((await examine({ dataDir: at('fork'), repair: false })).verdict, 'sound')
  })

  const untilMarked = async (size: number) => {
    const folder = process.env.OPENSEAL_MARK!
    const marked = async () => {
      const files = (await readdir(folder)).filter(name => name.endsWith('.json'))
      const marks = await Promise.all(files.map(async name => JSON.parse(await readFile(join(folder, name), 'utf8'))))
      return marks.some(mark => mark.vkey === service.vkey && mark.size >= size)
    }
    while (!(await marked())) await sleep(20)
  }
  const status = async ({ url }: Service) => {
    const { size, root, checkpoint } = await (await fetch(`${url}/v1/status`)).json()
    return { head: { size, root, checkpoint } }
  }
})

function flip(bytes: Uint8Array, at: number): Uint8Array {
  const changed = Uint8Array.from(bytes)
  changed[Math.min(at, changed.length - 1)]! ^= 1
  return changed
}

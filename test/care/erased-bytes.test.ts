/**
 * That no byte of an erased statement is left, with the real service: in its data folder with keys
 * and search index, in a backup made afterwards, and in an old backup once it was filled up.
 */
import { deepEqual, equal, ok } from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { restoreBackup, takeBackup } from '../../src/care/backup.ts'
import { examine } from '../../src/care/doctor.ts'
import { openCopy } from '../../src/cli/copy.ts'
import { readConfig } from '../../src/config.ts'
import { identityOf, type Statement, statementBody } from '../../src/core/statements/statement.ts'
import { type Service, startServer } from '../../src/server/server.ts'
import { type AnyJson, statement } from '../http/service.ts'
import { testHost } from '../test-host.ts'

const OPERATOR_KEY = 'operator-key-of-the-erasure-test'
const hash = (text: string) => createHash('sha256').update(text).digest('hex')
/** A word that people could search for. */
const wordOf = (name: string) => hash(`title ${name}`).slice(0, 20)

/** A statement with words, a record and a digest that nothing else has. */
const secret = (name: string) => ({
  ...statement(1),
  title: `Permit for ${wordOf(name)}`,
  record: `person/${hash(`record ${name}`)}`,
  documents: [{ ...statement(1).documents[0]!, sha256: hash(`document ${name}`) }],
})

/** Bytes that must not be found: the ends of digests, because two rows share the beginning. */
function tracesOf(sealed: Statement): Buffer[] {
  const { title, salt, record, documents } = sealed
  const identity = identityOf(statementBody(sealed))
  const digest = documents[0]!.sha256
  const words = [title!.slice(-20), salt!, record.slice(-40), identity, digest]
  const binary = [identity, digest].map(each => Buffer.from(each, 'hex').subarray(12))
  return [...words.map(word => Buffer.from(word)), Buffer.from(salt!, 'base64url'), ...binary]
}

describe('erasing, by the bytes of every file', function () {
  this.timeout(60_000)
  let folder: string
  let service: Service
  const at = (name: string) => join(folder, name)
  const send = async (path: string, bearer: string, body: unknown): Promise<AnyJson> => {
    const headers = { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' }
    return (await fetch(service.url + path, { method: 'POST', headers, body: JSON.stringify(body) })).json()
  }
  const backUp = async (name: string) => {
    const { body } = await fetch(`${service.url}/v1/backup`, { headers: { authorization: `Bearer ${OPERATOR_KEY}` } })
    await takeBackup(body!, at(name), at('data'))
  }
  const filesWith = async (name: string, sealed: Statement) => {
    const found: string[] = []
    for (const file of await readdir(at(name), { recursive: true })) {
      const path = join(at(name), file)
      // Folders, and files that are gone by now.
      const bytes = await readFile(path).catch(() => Buffer.alloc(0))
      if (tracesOf(sealed).some(trace => bytes.includes(trace))) found.push(file)
    }
    return found
  }
  const alarmCodes = async () => (await (await fetch(`${service.url}/readyz`)).json()).alarmCodes as string[]
  const found = async (words: string) => (await fetch(`${service.url}/en/records?q=${words}`)).text()

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'openseal-erased-'))
    const env = { OPENSEAL_PORT: '0', OPENSEAL_CHAIN_PORT: '0', OPENSEAL_ANCHOR_INTERVAL: '1h', OPENSEAL_ERASURE_DELAY: '0' }
    service = await startServer({ ...readConfig({ ...env, OPENSEAL_OPERATOR_KEY: OPERATOR_KEY }), dataDir: at('data') })
  })
  after(async () => {
    await service.close()
    await rm(folder, { recursive: true, force: true })
  })

  it('leaves nothing in the data folder, in later backups, and in an old backup that was filled up', async () => {
    await send('/v1/agencies', OPERATOR_KEY, { id: 'transport.gov.example', name: 'Ministry' })
    const { key } = await send('/v1/agencies/transport.gov.example/keys', OPERATOR_KEY, {})
    const submit = async (body: unknown): Promise<{ index: number; sealed: Statement }> => {
      const { index, receipt } = await send('/v1/records', key, body)
      return { index, sealed: receipt.statement }
    }
    await submit(statement(10))
    const old = await submit(secret('old'))
    await backUp('backup-before')
    const young = await submit(secret('young'))
    const kept = await submit(secret('kept'))
    // Found by words, so the search index holds it.
    while (!(await found(wordOf('young'))).includes(`/records/${young.index}`)) await sleep(50)
    for (const { sealed } of [old, young, kept]) ok((await filesWith('data', sealed)).length > 0)

    for (const { index } of [old, young]) await send(`/v1/records/${index}/erasure`, OPERATOR_KEY, { reason: { code: 'personal-data' } })
    // The search index forgets them within seconds.
    for (const { sealed } of [old, young]) while ((await filesWith('data', sealed)).length > 0) await sleep(50)
    while ((await alarmCodes()).includes('ERASURE_UNFINISHED')) await sleep(50)
    while (!(await found(wordOf('kept'))).includes(`/records/${kept.index}`)) await sleep(50)
    await submit(statement(11))
    await backUp('backup-after')
    for (const name of ['data', 'backup-after']) for (const { sealed } of [old, young]) deepEqual(await filesWith(name, sealed), [], name)
    ok((await filesWith('data', kept.sealed)).length > 0)

    ok((await filesWith('backup-before', old.sealed)).length > 0)
    await restoreBackup(at('backup-before'), at('restored'))
    const filled = await examine({ dataDir: at('restored'), repair: true, refill: { copy: openCopy(service.url), host: testHost() } })
    equal(filled.verdict, 'repaired')
    for (const { sealed } of [old, young]) deepEqual(await filesWith('restored', sealed), [])
    ok((await filesWith('restored', kept.sealed)).length > 0)
    equal((await examine({ dataDir: at('restored'), repair: false })).verdict, 'sound')
  })
})

/** The secret files of a data folder, which several nodes of one ledger may share. */
import { deepEqual, equal, rejects } from 'node:assert/strict'
import { link, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { toHex } from '../src/core/bytes.ts'
import { ensureLogKey, ensureOperatorKey, readLogKey, replaceLogKey } from '../src/keys.ts'
import { silentLog } from '../src/logger.ts'
import { testHost } from './test-host.ts'

describe('keys in a folder, which nodes may share', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'openseal-keys-'))
  })
  afterEach(() => rm(folder, { recursive: true }))

  it('are made once where they start at the same time, and nothing is left beside them', async () => {
    const deps = { host: testHost(), log: silentLog }
    const [logKey, operatorKey] = [join(folder, 'keys', 'log.key'), join(folder, 'keys', 'operator.key')]
    const seeds = await Promise.all(Array.from({ length: 8 }, () => ensureLogKey(logKey, deps)))
    const kept = toHex(await readLogKey(logKey, silentLog))
    deepEqual(new Set(seeds.map(toHex)), new Set([kept]))
    equal(new Set(await Promise.all(Array.from({ length: 8 }, () => ensureOperatorKey(operatorKey, deps)))).size, 1)
    deepEqual((await readdir(join(folder, 'keys'))).sort(), ['log.key', 'operator.key'])
  })

  it('are never lost by a change: a file of another key is not taken for the old one', async () => {
    const [path, next] = [join(folder, 'log.key'), join(folder, 'log.key.next')]
    const read = async (name: string) => (await readFile(name, 'utf8')).trim()
    for (const [name, text] of [
      [path, 'ending'],
      [next, 'new'],
      [`${path}.until-1`, 'of a ledger before'],
    ] as const)
      await writeFile(name, `${text}\n`)
    await rejects(replaceLogKey(path, next, 1), { code: 'KEY_FILE_OTHER' })
    deepEqual([await read(path), await read(next)], ['ending', 'new'])
    // As an interrupted run leaves it.
    await rename(`${path}.until-1`, join(folder, 'elsewhere'))
    await link(path, `${path}.until-1`)
    deepEqual([await read(await replaceLogKey(path, next, 1)), await read(path)], ['ending', 'new'])
  })
})

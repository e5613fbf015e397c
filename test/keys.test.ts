/** The secret files of a data folder, which several nodes of one ledger may share. */
import { deepEqual, equal } from 'node:assert/strict'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { toHex } from '../src/core/bytes.ts'
import { ensureLogKey, ensureOperatorKey, readLogKey } from '../src/keys.ts'
import { silentLog } from '../src/logger.ts'
import { testHost } from './test-host.ts'

describe('keys of nodes that share a folder', () => {
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
})

/** Files that are on disk whole or not at all. */
import { deepEqual, equal, rejects } from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PRIVATE, SHARED, syncFolder, writeWhole } from '../src/whole-file.ts'

describe('whole-file', () => {
  let folder: string
  const at = (name: string) => join(folder, name)
  const modeOf = async (name: string) => (await stat(at(name))).mode % 0o1000

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'openseal-whole-'))
  })
  afterEach(() => rm(folder, { recursive: true }))

  it('replaces a file and its mode, and leaves nothing beside it', async () => {
    await writeFile(at('key'), 'an older and longer text', { mode: 0o644 })
    await writeWhole(at('key'), 'new', PRIVATE)
    deepEqual([await readFile(at('key'), 'utf8'), await modeOf('key'), await readdir(folder)], ['new', 0o600, ['key']])
    await writeWhole(at('list'), new Uint8Array([1, 2]), SHARED)
    deepEqual([await readFile(at('list')), await modeOf('list')], [Buffer.from([1, 2]), 0o666 & ~process.umask()])
  })

  it('writes in spite of leftovers of a crash, whatever their mode, and never through a link', async () => {
    await writeFile(at('other'), 'another file')
    await writeFile(at('key.new'), 'half', { mode: 0o644 })
    await writeWhole(at('key'), 'first', PRIVATE)
    equal(await modeOf('key'), 0o600)
    await symlink(at('other'), at('key.new'))
    await writeWhole(at('key'), 'second', PRIVATE)
    deepEqual([await readFile(at('key'), 'utf8'), await readFile(at('other'), 'utf8')], ['second', 'another file'])
  })

  it('keeps the old file where the new one cannot be written', async () => {
    await writeFile(at('key'), 'old')
    const wrong = (async function* () {
      yield 'half'
      throw new Error('no more')
    })()
    await rejects(writeWhole(at('key'), wrong as unknown as string, PRIVATE), /no more/)
    equal(await readFile(at('key'), 'utf8'), 'old')
    await rejects(syncFolder(at('none')), { code: 'ENOENT' })
  })
})

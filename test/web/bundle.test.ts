/** The bundle of the browser's code that is kept between starts. */
import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliDecompressSync } from 'node:zlib'
import { bundleBrowserCode, bundleOnce, type PackedCode } from '../../src/web/bundle.ts'

describe('web/bundle', () => {
  let folder: string
  let place: string
  let made: PackedCode
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'openseal-bundle-'))
    place = join(folder, 'cache', 'kept.json')
    made = await bundleOnce(place)
  })
  after(() => rm(folder, { recursive: true }))
  const readKept = async () => JSON.parse(await readFile(place, 'utf8'))

  it('is what the sources give, served in Brotli as it is, and kept for the next start', async () => {
    const { packed, ...code } = made
    assert.deepEqual(code, await bundleBrowserCode())
    const unpacked = Object.entries(packed).map(([name, text]) => [name, brotliDecompressSync(Buffer.from(text, 'base64')).toString()])
    assert.deepEqual(Object.fromEntries(unpacked), code.served)
    assert.deepEqual(await readdir(join(folder, 'cache')), ['kept.json'])
    const kept = await readKept()
    assert.deepEqual(kept.code, made)
    for (const path of ['src/web/browser/served.ts', 'src/core/sha256-pure.ts', 'package-lock.json', 'src/web/bundle.ts'])
      assert.match(kept.sources[path], /^[0-9a-f]{64}$/, path)
    await writeFile(place, JSON.stringify({ ...kept, code: { ...made, offline: 'kept' } }))
    assert.equal((await bundleOnce(place)).offline, 'kept')
    await writeFile(place, JSON.stringify(kept))
  })

  it('is made anew when a source has changed, and when what was kept is half there', async () => {
    const kept = await readKept()
    const changed = { ...kept.sources, 'src/web/browser/served.ts': '00'.repeat(32) }
    for (const text of [JSON.stringify({ sources: changed, code: { ...made, offline: 'old' } }), JSON.stringify(kept).slice(0, -1)]) {
      await writeFile(place, text)
      assert.deepEqual(await bundleOnce(place), made)
      assert.deepEqual(await readKept(), kept)
    }
  })

  it('is made where it cannot be kept', async () => {
    await writeFile(join(folder, 'file'), '')
    assert.deepEqual(await bundleOnce(join(folder, 'file', 'kept.json')), made)
  })
})

/** The operator on pages: legal notice, privacy, logo, and a warning. */
import { deepEqual, doesNotMatch, equal, match, rejects } from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LANGUAGE_TAGS } from '../../src/messages/language.ts'
import { readLogo } from '../../src/web/logo.ts'
import { openWorld, type World } from './world.ts'

const UNNAMED = /Nobody has said yet who runs this ledger: do not rely on it\./
const UNREACHABLE = /Nobody has said yet how to reach those who run this ledger/
const PNG = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII=', 'base64')
const SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>'

describe('web/responsible', () => {
  let folder: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'openseal-logo-'))
  })
  after(() => rm(folder, { recursive: true }))

  const withWorld = async (operator: Parameters<typeof openWorld>[0], use: (world: World) => Promise<void>) => {
    const world = await openWorld(operator)
    try {
      await use(world)
    } finally {
      await world.close()
    }
  }
  const save = async (name: string, content: string | Buffer) => {
    const file = join(folder, name)
    await writeFile(file, content)
    return file
  }

  it('warns on every page, those of failures too, in one box, until name and contact are set', async () => {
    const read = async ({ url }: World, path: string) => (await fetch(url + path, { headers: { accept: 'text/html' } })).text()
    const paths = ['/', '/records', '/records/0', '/verify', '/legal', '/desk', '/nothing']
    await withWorld({ production: false, operator: {} }, async world => {
      for (const path of paths) match(await read(world, path), UNNAMED, path)
      equal((await read(world, '/records')).match(/class="banner"/g)?.length, 1)
      match(await read(world, '/'), /<div class="banner">[^\n]*nothing here is evidence\. Nobody has said yet/)
    })
    await withWorld({ operator: { name: 'City' } }, async world => {
      for (const path of paths) match(await read(world, path), UNREACHABLE, path)
    })
    await withWorld({ operator: { name: 'City', contact: 'a@city.example' } }, async world => {
      for (const path of paths) doesNotMatch(await read(world, path), /Nobody has said yet|class="banner"[^\n]*City/, path)
    })
  })

  it('links its own legal notice and privacy page from every page, which name the operator', async () => {
    await withWorld({ operator: { name: 'City <b>', contact: 'a@city.example' } }, async ({ url }) => {
      for (const tag of LANGUAGE_TAGS) {
        const text = await (await fetch(`${url}/${tag}/anchors`)).text()
        match(text, new RegExp(`<footer[\\s\\S]*href="/${tag}/legal"[\\s\\S]*href="/${tag}/privacy"`))
        for (const path of ['/legal', '/privacy'])
          match(await (await fetch(`${url}/${tag}${path}`)).text(), /<main[\s\S]*City &lt;b&gt;[\s\S]*<\/main>/)
      }
    })
  })

  it('leads to the operator’s own pages where there are some', async () => {
    const operator = { name: 'City', contact: '1', legalUrl: 'https://city.example/l?a=1&b=2', privacyUrl: 'https://city.example/p' }
    await withWorld({ operator }, async ({ url }) => {
      const text = await (await fetch(`${url}/de/anchors`)).text()
      match(text, /<a href="https:\/\/city\.example\/l\?a=1&amp;b=2" rel="external">/)
      match(text, /<a href="https:\/\/city\.example\/p" rel="external">/)
      for (const [path, target] of [
        ['/legal', operator.legalUrl],
        ['/fr/legal', operator.legalUrl],
        ['/de/privacy', operator.privacyUrl],
      ] as const) {
        const { status, headers } = await fetch(url + path, { redirect: 'manual' })
        deepEqual([status, headers.get('location')], [302, target])
      }
      equal((await fetch(`${url}/xx/legal`, { redirect: 'manual' })).status, 404)
    })
  })

  it('serves the logo from its own address, never sniffed and able to run or load nothing', async () => {
    const logo = await readLogo(await save('logo.svg', SVG))
    match(logo.path, /^\/assets\/logo-[0-9a-f]{16}\.svg$/)
    await withWorld({ operator: { name: 'City', contact: '1', logo } }, async ({ url }) => {
      match(await (await fetch(url)).text(), new RegExp(`<footer[\\s\\S]*<img class="logo" src="${logo.path}" alt="">`))
      const answer = await fetch(url + logo.path)
      deepEqual(
        ['content-type', 'content-security-policy', 'x-content-type-options'].map(name => answer.headers.get(name)),
        ['image/svg+xml', "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'", 'nosniff'],
      )
      equal(await answer.text(), SVG)
    })
  })

  it('takes a picture by what it contains, and refuses everything else with one sentence', async () => {
    const kinds = {
      'a.txt': PNG,
      b: Buffer.from([0xff, 0xd8, 0xff, 0xe0]),
      c: Buffer.concat([Buffer.from('RIFF0000WEBP')]),
      d: `\ufeff<?xml version="1.0"?>\n<!-- <svg> --><!DOCTYPE svg>\n${SVG}`,
    }
    const types: string[] = []
    for (const [name, content] of Object.entries(kinds)) types.push((await readLogo(await save(name, content))).type)
    deepEqual(types, ['image/png', 'image/jpeg', 'image/webp', 'image/svg+xml'])

    await mkdir(join(folder, 'folder'))
    execFileSync('mkfifo', [join(folder, 'pipe')])
    const refused: readonly (readonly [string, string, RegExp])[] = [
      [join(folder, 'missing.svg'), 'LOGO_UNREADABLE', /missing\.svg" cannot be read \(ENOENT\)\.$/],
      [join(folder, 'folder'), 'LOGO_UNREADABLE', /is not a file\.$/],
      [join(folder, 'pipe'), 'LOGO_UNREADABLE', /is not a file\.$/],
      ['/dev/zero', 'LOGO_UNREADABLE', /is not a file\.$/],
      [await save('large.png', Buffer.concat([PNG, Buffer.alloc(100 * 1024)])), 'LOGO_TOO_LARGE', /is larger than 100 KiB\.$/],
      [await save('page.svg', `<html><body>${SVG}</body></html>`), 'LOGO_TYPE', /is not an SVG, PNG, JPEG or WebP picture\.$/],
      [await save('plain.svg', '<svg width="1"/>'), 'LOGO_TYPE', /is not an SVG/],
      [await save('long.svg', '<!---->'.repeat(10_000)), 'LOGO_TYPE', /is not an SVG/],
      [await save('empty.png', ''), 'LOGO_TYPE', /is not an SVG/],
    ]
    for (const [file, code, message] of refused)
      await rejects(readLogo(file), (error: { code: string; message: string }) => {
        match(error.message, message)
        match(error.message, /^OPENSEAL_OPERATOR_LOGO "/)
        return error.code === code
      })
  })
})

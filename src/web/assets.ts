/**
 * The site's static files: the style sheet and the browser's code. In a clone they are bundled from
 * the sources; a package contains what `npm pack` bundled.
 */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { gzipSync } from 'node:zlib'
import { bundleOnce, compress, type PackedCode, sourceOf } from './bundle.ts'
import { STYLE } from './style.ts'

/**
 * A file, and its path, which contains its hash. An image has no compressed form, because it is
 * compressed itself.
 */
export type Asset = {
  readonly path: string
  readonly type: string
  readonly body: Buffer
  readonly packed?: { readonly gzip: Buffer; readonly br: Buffer }
}

/**
 * The files that pages link, and the script of the offline file. The verify page loads the first of
 * `scripts`, which loads others once there is something to check.
 */
export type Assets = {
  readonly style: Asset
  readonly scripts: readonly Asset[]
  /** Two of `scripts`: the desk's, and the one that adds the reader's own time on every page. */
  readonly deskScript: Asset
  readonly timesScript: Asset
  /** The record's page's. */
  readonly recordScript: Asset
  readonly offlineScript: string
  /** The preview that social networks show of a link, and the icon of a home screen. */
  readonly images: { readonly social: Asset; readonly touchIcon: Asset }
}

const FIRST = 'verify-'
const PACKED = new URL('../../dist/web/', import.meta.url)

let loading: Promise<Assets> | undefined

/**
 * Loads them, once in a process, because it takes a moment. In a clone they are bundled from the
 * sources as these are now.
 */
export function loadAssets(): Promise<Assets> {
  loading ??= load()
  return loading
}

async function load(): Promise<Assets> {
  const { served, offline, packed } = existsSync(sourceOf('served')) ? await bundleOnce() : await readPacked()
  const names = Object.keys(served).sort((a, b) => Number(b.startsWith(FIRST)) - Number(a.startsWith(FIRST)))
  const scripts = names.map(name => asset(`/assets/${name}`, 'text/javascript', served[name] ?? '', packed[name]))
  const scriptOf = (name: string) => {
    const script = scripts.find(({ path }) => path.startsWith(`/assets/${name}-`))
    if (script === undefined) throw new Error(`bug: the script ${name} was not bundled`)
    return script
  }
  const images = { social: await readImage('social'), touchIcon: await readImage('touch-icon') }
  const style = asset(`/assets/site-${hashOf(STYLE)}.css`, 'text/css', STYLE)
  const own = { deskScript: scriptOf('desk'), timesScript: scriptOf('times'), recordScript: scriptOf('record') }
  return { images, style, scripts, ...own, offlineScript: offline }
}

async function readPacked(): Promise<PackedCode> {
  const names = await readdir(new URL('served/', PACKED))
  const texts = await Promise.all(names.map(async name => [name, await readFile(new URL(`served/${name}`, PACKED), 'utf8')]))
  return { served: Object.fromEntries(texts), offline: await readFile(new URL('offline.js', PACKED), 'utf8'), packed: {} }
}

/** `packed` is the text in Brotli and Base64, if that is known. */
function asset(path: string, type: string, text: string, packed?: string): Asset {
  const body = Buffer.from(text)
  const br = packed === undefined ? compress(body) : Buffer.from(packed, 'base64')
  return { path, type, body, packed: { gzip: gzipSync(body), br } }
}

/** An image that `npm run images` has drawn. */
async function readImage(name: string): Promise<Asset> {
  const body = await readFile(new URL(`./images/${name}.png`, existsSync(sourceOf('served')) ? import.meta.url : PACKED))
  return { path: `/assets/${name}-${hashOf(body)}.png`, type: 'image/png', body }
}

function hashOf(text: string | Buffer): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}

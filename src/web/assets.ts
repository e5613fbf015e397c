/**
 * The site's static files: the style sheet and the browser's code. In a clone they are bundled from
 * the sources; a package contains what `npm pack` bundled.
 */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, gzipSync, constants as zlib } from 'node:zlib'
import type { BuildOptions } from 'esbuild'
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

/**
 * The browser's code. `served` is the verify page's and the desk's, in files named by their
 * content. The rest is the offline verifier's.
 */
export type BrowserCode = { readonly served: { readonly [name: string]: string }; readonly offline: string }

const FIRST = 'verify-'
const PACKED = new URL('../../dist/web/', import.meta.url)

let loading: Promise<Assets> | undefined

/**
 * Loads them, once in a process, because it takes a second. In a clone, bundles the sources, so
 * that what is served is built from them.
 */
export function loadAssets(): Promise<Assets> {
  loading ??= load()
  return loading
}

async function load(): Promise<Assets> {
  const { served, offline } = existsSync(sourceOf('served')) ? await bundleBrowserCode() : await readPacked()
  const names = Object.keys(served).sort((a, b) => Number(b.startsWith(FIRST)) - Number(a.startsWith(FIRST)))
  const scripts = names.map(name => asset(`/assets/${name}`, 'text/javascript', served[name] ?? ''))
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

/** Bundles the browser's code from the sources. */
export async function bundleBrowserCode(): Promise<BrowserCode> {
  const esbuild = await import('esbuild')
  const { outputFiles } = await esbuild.build({
    ...COMMON,
    entryPoints: { verify: sourceOf('served'), desk: sourceOf('desk'), times: sourceOf('times'), record: sourceOf('record') },
    outdir: 'assets',
    splitting: true,
    format: 'esm',
    entryNames: '[name]-[hash]',
    chunkNames: 'part-[hash]',
  })
  return { served: Object.fromEntries(outputFiles.map(({ path, text }) => [basename(path), text])), offline: await bundleOffline() }
}

/**
 * Bundles the offline verifier's script into one file, because offline no other file can be loaded.
 */
export async function bundleOffline(): Promise<string> {
  const esbuild = await import('esbuild')
  const { outputFiles } = await esbuild.build({ ...COMMON, entryPoints: [sourceOf('offline')], format: 'iife' })
  return outputFiles[0]?.text ?? ''
}

const COMMON = {
  bundle: true,
  write: false,
  minify: true,
  platform: 'browser',
  conditions: ['browser'],
  target: ['es2022'],
  legalComments: 'none',
  charset: 'utf8',
} as const satisfies BuildOptions

async function readPacked(): Promise<BrowserCode> {
  const names = await readdir(new URL('served/', PACKED))
  const texts = await Promise.all(names.map(async name => [name, await readFile(new URL(`served/${name}`, PACKED), 'utf8')]))
  return { served: Object.fromEntries(texts), offline: await readFile(new URL('offline.js', PACKED), 'utf8') }
}

function sourceOf(script: 'served' | 'offline' | 'desk' | 'times' | 'record'): string {
  return fileURLToPath(new URL(`./browser/${script}.ts`, import.meta.url))
}

function asset(path: string, type: string, text: string): Asset {
  const body = Buffer.from(text)
  const br = brotliCompressSync(body, { params: { [zlib.BROTLI_PARAM_QUALITY]: zlib.BROTLI_MAX_QUALITY } })
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

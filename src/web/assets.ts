/** The site's static files: the style sheet and the browser's code, bundled from the sources in a clone, taken as `npm pack` bundled it in a package. */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, gzipSync, constants as zlib } from 'node:zlib'
import type { BuildOptions } from 'esbuild'
import { STYLE } from './style.ts'

/** A file with its compressed forms, and the path that it is served at: its hash stands in it. */
export type Asset = { readonly path: string; readonly type: string; readonly body: Buffer; readonly gzip: Buffer; readonly brotli: Buffer }

/**
 * What pages link, and the script that is set into the offline file. The first of `scripts` is the one that the verify page begins with; it loads the others once there is
 * something to check.
 */
export type Assets = { readonly style: Asset; readonly scripts: readonly Asset[]; readonly offlineScript: string }

/** The browser's code: that of the verify page as a ledger serves it, in files whose names tell their content, the first before the others; and that of the offline verifier. */
export type BrowserCode = { readonly served: { readonly [name: string]: string }; readonly offline: string }

const FIRST = 'verify-'
const PACKED = new URL('../../dist/web/', import.meta.url)

/** Loads them. In a clone the sources are there, and what is served is of these very sources. */
export async function loadAssets(): Promise<Assets> {
  const { served, offline } = existsSync(sourceOf('served')) ? await bundleBrowserCode() : await readPacked()
  const names = Object.keys(served).sort((a, b) => Number(b.startsWith(FIRST)) - Number(a.startsWith(FIRST)))
  const scripts = names.map(name => asset(`/assets/${name}`, 'text/javascript', served[name] ?? ''))
  return { style: asset(`/assets/site-${hashOf(STYLE)}.css`, 'text/css', STYLE), scripts, offlineScript: offline }
}

/** Bundles the browser's code from the sources. */
export async function bundleBrowserCode(): Promise<BrowserCode> {
  const esbuild = await import('esbuild')
  const { outputFiles } = await esbuild.build({
    ...COMMON,
    entryPoints: { verify: sourceOf('served') },
    outdir: 'assets',
    splitting: true,
    format: 'esm',
    entryNames: '[name]-[hash]',
    chunkNames: 'part-[hash]',
  })
  return { served: Object.fromEntries(outputFiles.map(({ path, text }) => [basename(path), text])), offline: await bundleOffline() }
}

/** Bundles the script of the offline verifier: one file, for there is nowhere to load another from. */
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

function sourceOf(script: 'served' | 'offline'): string {
  return fileURLToPath(new URL(`./browser/${script}.ts`, import.meta.url))
}

function asset(path: string, type: string, text: string): Asset {
  const body = Buffer.from(text)
  const brotli = brotliCompressSync(body, { params: { [zlib.BROTLI_PARAM_QUALITY]: zlib.BROTLI_MAX_QUALITY } })
  return { path, type, body, gzip: gzipSync(body), brotli }
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}

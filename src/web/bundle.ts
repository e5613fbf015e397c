/**
 * The browser's code, bundled from the sources of a clone. Bundling and compressing it takes longer
 * than the rest of a start, so the last bundle is kept until one of its sources changes.
 */
import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, constants as zlib } from 'node:zlib'
import type { BuildOptions } from 'esbuild'

/**
 * The browser's code. `served` is the verify page's and the desk's, in files named by their
 * content. The rest is the offline verifier's.
 */
export type BrowserCode = { readonly served: { readonly [name: string]: string }; readonly offline: string }

/** The same, with the served files in Brotli and Base64 once they have been compressed. */
export type PackedCode = BrowserCode & { readonly packed: { readonly [name: string]: string } }

type Bundled = { readonly code: BrowserCode; readonly sources: readonly string[] }
/** `sources` are the SHA-256 of each source, in hex, by its path in the clone. */
type Kept = { readonly sources: { readonly [path: string]: string }; readonly code: PackedCode }

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const KEPT = join(ROOT, 'node_modules', '.cache', 'openseal-web.json')
/** What a bundle depends on besides its sources: versions, and how it is made. */
const ALSO = ['package.json', 'package-lock.json', 'src/web/bundle.ts']

const COMMON = {
  absWorkingDir: ROOT,
  bundle: true,
  write: false,
  metafile: true,
  minify: true,
  platform: 'browser',
  conditions: ['browser'],
  target: ['es2022'],
  legalComments: 'none',
  charset: 'utf8',
} as const satisfies BuildOptions

/** Returns the bundle that is kept at `place`, or bundles the sources and keeps that. */
export async function bundleOnce(place = KEPT): Promise<PackedCode> {
  const kept = await readKept(place)
  if (kept !== undefined) return kept
  const startMs = Date.now()
  const { code, sources } = await bundle()
  const packed = Object.entries(code.served).map(([name, text]) => [name, compress(Buffer.from(text)).toString('base64')])
  const made: PackedCode = { ...code, packed: Object.fromEntries(packed) }
  // Where nothing can be kept, such as in somebody else's clone, each start bundles anew.
  await keep(place, made, sources, startMs).catch(() => {})
  return made
}

/** Bundles the browser's code from the sources. */
export async function bundleBrowserCode(): Promise<BrowserCode> {
  return (await bundle()).code
}

/**
 * Bundles the offline verifier's script into one file, because offline no other file can be loaded.
 */
export async function bundleOffline(): Promise<string> {
  return (await runOffline()).outputFiles[0]?.text ?? ''
}

/** Compresses as small as Brotli can. */
export function compress(body: Uint8Array): Buffer {
  return brotliCompressSync(body, { params: { [zlib.BROTLI_PARAM_QUALITY]: zlib.BROTLI_MAX_QUALITY } })
}

/** The path of a script of the browser. */
export function sourceOf(script: 'served' | 'offline' | 'desk' | 'times' | 'record'): string {
  return fileURLToPath(new URL(`./browser/${script}.ts`, import.meta.url))
}

async function bundle(): Promise<Bundled> {
  const esbuild = await import('esbuild')
  const served = await esbuild.build({
    ...COMMON,
    entryPoints: { verify: sourceOf('served'), desk: sourceOf('desk'), times: sourceOf('times'), record: sourceOf('record') },
    outdir: 'assets',
    splitting: true,
    format: 'esm',
    entryNames: '[name]-[hash]',
    chunkNames: 'part-[hash]',
  })
  const offline = await runOffline()
  return {
    code: {
      served: Object.fromEntries(served.outputFiles.map(({ path, text }) => [basename(path), text])),
      offline: offline.outputFiles[0]?.text ?? '',
    },
    sources: [served, offline].flatMap(({ metafile }) => Object.keys(metafile.inputs)),
  }
}

async function runOffline() {
  const esbuild = await import('esbuild')
  return esbuild.build({ ...COMMON, entryPoints: [sourceOf('offline')], format: 'iife' })
}

/** The code that is kept there, if each of its sources is still the same. */
async function readKept(place: string): Promise<PackedCode | undefined> {
  try {
    const { sources, code }: Kept = JSON.parse(await readFile(place, 'utf8'))
    const now = await hashAll(Object.keys(sources))
    return Object.entries(sources).every(([path, hash]) => now[path] === hash) ? code : undefined
  } catch {
    // No bundle was kept, only half of it was written, or one of its sources is gone.
    return undefined
  }
}

/** Writes it elsewhere and renames it, because several processes may start at once. */
async function keep(place: string, code: PackedCode, paths: readonly string[], startMs: number): Promise<void> {
  const sources = await hashAll(paths)
  // A source that was edited while it was bundled may not be the one in the bundle.
  const changes = await Promise.all(paths.map(async path => (await stat(join(ROOT, path))).mtimeMs))
  if (Math.max(...changes) >= startMs) return
  await mkdir(dirname(place), { recursive: true })
  const beside = `${place}.${process.pid}`
  await writeFile(beside, JSON.stringify({ sources, code } satisfies Kept))
  await rename(beside, place)
}

async function hashAll(paths: readonly string[]): Promise<{ readonly [path: string]: string }> {
  const hashed = [...paths, ...ALSO].map(async path => {
    const hash = createHash('sha256').update(await readFile(join(ROOT, path)))
    return [path, hash.digest('hex')]
  })
  return Object.fromEntries(await Promise.all(hashed))
}

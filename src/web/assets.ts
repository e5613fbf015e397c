/** The site's static files: the style sheet and the browser's code, bundled from the sources, or taken from `build/web` when that is of the same sources. */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, gzipSync, constants as zlib } from 'node:zlib'
import { STYLE } from './style.ts'

/** A file with its compressed forms, and the path that it is served at: its hash stands in it. */
export type Asset = { readonly path: string; readonly type: string; readonly body: Buffer; readonly gzip: Buffer; readonly brotli: Buffer }

/** What pages link. `script` is also set into the offline file. */
export type Assets = { readonly style: Asset; readonly script: Asset; readonly scriptText: string }

const SOURCE = fileURLToPath(new URL('../', import.meta.url))
const BUILT = fileURLToPath(new URL('../../build/web/', import.meta.url))
const ENTRY = fileURLToPath(new URL('./browser/verify-page.ts', import.meta.url))

/** Loads them; bundles only when the sources are newer than what was built. */
export async function loadAssets(): Promise<Assets> {
  const stamp = await stampOfSources()
  const file = join(BUILT, `verify-${stamp}.js`)
  const scriptText = existsSync(file) ? await readFile(file, 'utf8') : await bundleScript()
  return { style: asset('site', 'css', 'text/css', STYLE), script: asset('verify', 'js', 'text/javascript', scriptText), scriptText }
}

/** Bundles and keeps the result in `build/web`, for later starts and for packages without the bundler. */
export async function buildAssets(): Promise<string> {
  const file = join(BUILT, `verify-${await stampOfSources()}.js`)
  await mkdir(BUILT, { recursive: true })
  await writeFile(file, await bundleScript())
  return file
}

async function bundleScript(): Promise<string> {
  const esbuild = await import('esbuild')
  const { outputFiles } = await esbuild.build({
    entryPoints: [ENTRY],
    bundle: true,
    write: false,
    minify: true,
    format: 'iife',
    platform: 'browser',
    conditions: ['browser'],
    target: ['es2022'],
    legalComments: 'none',
    charset: 'utf8',
  })
  return outputFiles[0]?.text ?? ''
}

/** A short hash over the sources that the bundle is made of. */
async function stampOfSources(): Promise<string> {
  const hash = createHash('sha256')
  for (const folder of ['core', 'verifier', 'messages', 'web', 'web/browser']) {
    for (const name of (await readdir(join(SOURCE, folder))).filter(name => name.endsWith('.ts')).sort()) {
      hash.update(`${folder}/${name}\n`).update(await readFile(join(SOURCE, folder, name)))
    }
  }
  return hash.digest('hex').slice(0, 16)
}

function asset(name: string, extension: string, type: string, text: string): Asset {
  const body = Buffer.from(text)
  const hash = createHash('sha256').update(body).digest('hex').slice(0, 16)
  const brotli = brotliCompressSync(body, { params: { [zlib.BROTLI_PARAM_QUALITY]: 9 } })
  return { path: `/assets/${name}-${hash}.${extension}`, type, body, gzip: gzipSync(body), brotli }
}

/** The site's static files: the style sheet and the browser's code, bundled from the sources in a clone, taken as `npm pack` bundled it in a package. */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, gzipSync, constants as zlib } from 'node:zlib'
import { STYLE } from './style.ts'

/** A file with its compressed forms, and the path that it is served at: its hash stands in it. */
export type Asset = { readonly path: string; readonly type: string; readonly body: Buffer; readonly gzip: Buffer; readonly brotli: Buffer }

/** What pages link. `script` is also set into the offline file. */
export type Assets = { readonly style: Asset; readonly script: Asset; readonly scriptText: string }

const PACKED = fileURLToPath(new URL('../../dist/web/verify.js', import.meta.url))
const ENTRY = fileURLToPath(new URL('./browser/verify-page.ts', import.meta.url))

/** Loads them. In a clone the sources are there, and what is served is of these very sources. */
export async function loadAssets(): Promise<Assets> {
  const scriptText = existsSync(ENTRY) ? await bundleScript() : await readFile(PACKED, 'utf8')
  return { style: asset('site', 'css', 'text/css', STYLE), script: asset('verify', 'js', 'text/javascript', scriptText), scriptText }
}

/** Bundles the browser's code. */
export async function bundleScript(): Promise<string> {
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

function asset(name: string, extension: string, type: string, text: string): Asset {
  const body = Buffer.from(text)
  const hash = createHash('sha256').update(body).digest('hex').slice(0, 16)
  const brotli = brotliCompressSync(body, { params: { [zlib.BROTLI_PARAM_QUALITY]: zlib.BROTLI_MAX_QUALITY } })
  return { path: `/assets/${name}-${hash}.${extension}`, type, body, gzip: gzipSync(body), brotli }
}

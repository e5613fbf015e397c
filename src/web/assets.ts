/** The site's static files: the style sheet and the browser's code, bundled from the sources in a clone, taken as `npm pack` bundled it in a package. */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, gzipSync, constants as zlib } from 'node:zlib'
import { STYLE } from './style.ts'

/** A file with its compressed forms, and the path that it is served at: its hash stands in it. */
export type Asset = { readonly path: string; readonly type: string; readonly body: Buffer; readonly gzip: Buffer; readonly brotli: Buffer }

/** What pages link, and the script that is set into the offline file. */
export type Assets = { readonly style: Asset; readonly script: Asset; readonly offlineScript: string }

/** The browser's code: that of the page which a ledger serves, and that of the offline verifier. */
export const SCRIPTS = ['served', 'offline'] as const
type Script = (typeof SCRIPTS)[number]

/** Loads them. In a clone the sources are there, and what is served is of these very sources. */
export async function loadAssets(): Promise<Assets> {
  const script = asset('verify', 'js', 'text/javascript', await loadScript('served'))
  return { style: asset('site', 'css', 'text/css', STYLE), script, offlineScript: await loadScript('offline') }
}

async function loadScript(script: Script): Promise<string> {
  return existsSync(sourceOf(script)) ? bundleScript(script) : readFile(new URL(`../../dist/web/${script}.js`, import.meta.url), 'utf8')
}

function sourceOf(script: Script): string {
  return fileURLToPath(new URL(`./browser/${script}.ts`, import.meta.url))
}

/** Bundles one of the scripts. */
export async function bundleScript(script: Script): Promise<string> {
  const esbuild = await import('esbuild')
  const { outputFiles } = await esbuild.build({
    entryPoints: [sourceOf(script)],
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

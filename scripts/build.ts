/**
 * Builds what an installed package needs, into dist/: the command line (Node reads no TypeScript under node_modules), the browser's code of the pages, and
 * the verifier as a library for browsers and Node, with its types. Run by `npm pack`.
 */

import { spawnSync } from 'node:child_process'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type BuildOptions, build, type Plugin } from 'esbuild'
import { bundleBrowserCode } from '../src/web/assets.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const common: BuildOptions = { absWorkingDir: root, outdir: 'dist', bundle: true, format: 'esm', logLevel: 'warning' }

/** In the bundle a source file's own place still counts from the source, so that `new URL('../../contracts/…', import.meta.url)` finds its file. */
const keepPlaces: Plugin = {
  name: 'keep-places',
  setup: ({ onLoad }) =>
    onLoad({ filter: /[/\\]src[/\\].*\.ts$/ }, async ({ path }) => {
      const place = `new URL(${JSON.stringify(`../${relative(root, path).replaceAll('\\', '/')}`)}, import.meta.url).href`
      return { contents: (await readFile(path, 'utf8')).replaceAll(/\bimport\.meta\.url\b/g, place), loader: 'ts' }
    }),
}

await rm(`${root}dist`, { recursive: true, force: true })
// Split, so that a command loads what it needs and no more; all in one folder, so that places count from there. Dependencies are installed beside
// it: native parts and data files stay where they belong.
const node: BuildOptions = { platform: 'node', target: 'node20', packages: 'external', splitting: true, plugins: [keepPlaces] }
await build({ ...common, ...node, entryPoints: { main: 'scripts/packed.ts', check: 'scripts/packed-check.ts' } })
await build({ ...common, platform: 'browser', target: 'es2022', entryPoints: { verifier: 'src/verifier/index.ts' } })
await mkdir(`${root}dist/web/served`, { recursive: true })
const { served, offline } = await bundleBrowserCode()
await writeFile(`${root}dist/web/offline.js`, offline)
for (const [name, text] of Object.entries(served)) await writeFile(`${root}dist/web/served/${name}`, text)
await buildTypes()

/** The verifier's types: what it exports, and what that names. */
async function buildTypes(): Promise<void> {
  const types = join(root, 'dist/types')
  const compiler = join(root, 'node_modules/typescript/bin/tsc')
  const { status } = spawnSync(process.execPath, [compiler, '-p', join(root, 'tsconfig.package.json')], { stdio: 'inherit' })
  if (status !== 0) process.exit(1)
  for (const file of await readdir(types, { recursive: true })) {
    if (!file.endsWith('.d.ts')) continue
    const text = await readFile(join(types, file), 'utf8')
    const sha256 = relative(dirname(file), 'core/sha256-node.js').replaceAll('\\', '/')
    const named = text.replaceAll("'#sha256'", `'${sha256.startsWith('.') ? sha256 : `./${sha256}`}'`)
    await writeFile(join(types, file), named.replaceAll(/(from |import\()(['"])(\.[^'"]+)\.ts\2/g, '$1$2$3.js$2'))
  }
}

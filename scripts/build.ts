/**
 * Builds what an installed package needs, into dist/: the command line (Node reads no TypeScript
 * under node_modules), the browser's code of the pages, and the verifier as a library for browsers
 * and Node, with its types. Run by `npm pack`. The verifier is also put into packages/verifier, as
 * a package of its own.
 */

import { spawnSync } from 'node:child_process'
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type BuildOptions, build, type Plugin } from 'esbuild'
import { bundleBrowserCode } from '../src/web/bundle.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const common: BuildOptions = { absWorkingDir: root, outdir: 'dist', bundle: true, format: 'esm', logLevel: 'warning' }

/**
 * In the bundle a source file's own place still counts from the source, so that `new
 * URL('../../contracts/…', import.meta.url)` finds its file.
 */
const keepPlaces: Plugin = {
  name: 'keep-places',
  setup: ({ onLoad }) =>
    onLoad({ filter: /[/\\]src[/\\].*\.ts$/ }, async ({ path }) => {
      const place = `new URL(${JSON.stringify(`../${relative(root, path).replaceAll('\\', '/')}`)}, import.meta.url).href`
      return { contents: (await readFile(path, 'utf8')).replaceAll(/\bimport\.meta\.url\b/g, place), loader: 'ts' }
    }),
}

await rm(`${root}dist`, { recursive: true, force: true })
// Split, so that a command loads only what it needs; all in one folder, so that places count
// from there. Dependencies are installed beside it: native parts and data files stay where they
// belong.
const node: BuildOptions = { platform: 'node', target: 'node20', packages: 'external', splitting: true, plugins: [keepPlaces] }
await build({ ...common, ...node, entryPoints: { main: 'scripts/packed.ts', check: 'scripts/packed-check.ts' } })
await build({ ...common, platform: 'browser', target: 'es2022', entryPoints: { verifier: 'src/verifier/index.ts' } })
await mkdir(`${root}dist/web/served`, { recursive: true })
const { served, offline } = await bundleBrowserCode()
await writeFile(`${root}dist/web/offline.js`, offline)
for (const [name, text] of Object.entries(served)) await writeFile(`${root}dist/web/served/${name}`, text)
await cp(`${root}src/web/images`, `${root}dist/web/images`, { recursive: true })
await buildTypes()
await buildAbi()
await buildVerifierPackage()

/** The verifier's types: those of its exports, and those that they name. */
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

/** The contract's ABI as a constant, for viem and ethers: its type is the ABI itself. */
async function buildAbi(): Promise<void> {
  const { abi } = JSON.parse(await readFile(join(root, 'contracts/CheckpointAnchor.json'), 'utf8'))
  const about = '/** The ABI of CheckpointAnchor, the contract that a ledger is anchored in. */\n'
  await writeFile(join(root, 'dist/abi.js'), `${about}export const checkpointAnchorAbi = ${JSON.stringify(abi, null, 2)}\n`)
  await writeFile(join(root, 'dist/types/abi.d.ts'), `${about}export declare const checkpointAnchorAbi: ${typeOf(abi)}\n`)
}

/** The type of a JSON value that holds this value alone, as `as const` gives it. */
function typeOf(value: unknown): string {
  if (Array.isArray(value)) return `readonly [${value.map(typeOf).join(', ')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).map(([name, member]) => `readonly ${JSON.stringify(name)}: ${typeOf(member)}`)
  return `{ ${members.join('; ')} }`
}

/**
 * The verifier alone. Its dependencies are the packages that its code imports, in the versions of
 * this project.
 */
async function buildVerifierPackage(): Promise<void> {
  const folder = join(root, 'packages/verifier')
  await rm(folder, { recursive: true, force: true })
  const { metafile } = await build({
    ...common,
    platform: 'browser',
    target: 'es2022',
    packages: 'external',
    entryPoints: { index: 'src/verifier/index.ts' },
    outdir: folder,
    metafile: true,
  })
  const imported = Object.values(metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => packageOf(path)))
  const { version, license, engines, dependencies } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  const own = {
    name: '@openseal/verifier',
    version,
    description: 'Checks a file, its receipt and a policy against the chain, in Node and in browsers',
    license,
    type: 'module',
    private: true,
    engines,
    sideEffects: false,
    exports: {
      '.': { types: './types/verifier/index.d.ts', default: './index.js' },
      './abi': { types: './types/abi.d.ts', default: './abi.js' },
    },
    dependencies: Object.fromEntries([...new Set(imported)].sort().map(name => [name, dependencies[name]])),
  }
  await writeFile(join(folder, 'package.json'), `${JSON.stringify(own, null, 2)}\n`)
  const copies = { 'dist/types': 'types', 'dist/abi.js': 'abi.js', 'src/verifier/README.md': 'README.md', LICENSE: 'LICENSE' }
  for (const [from, to] of Object.entries(copies)) await cp(join(root, from), join(folder, to), { recursive: true })
}

function packageOf(path: string): string {
  return path
    .split('/')
    .slice(0, path.startsWith('@') ? 2 : 1)
    .join('/')
}

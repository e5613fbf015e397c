/**
 * Builds what an installed package needs, into dist/: the command line as one file (Node reads no TypeScript under node_modules), and the
 * verifier as a library for browsers and Node. Run by `npm pack`.
 */

import { readFile, rm } from 'node:fs/promises'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Plugin } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
await rm(`${root}dist`, { recursive: true, force: true })

/** In the bundle a source file's own place still counts from the source, so that `new URL('../../contracts/…', import.meta.url)` finds its file. */
const keepPlaces: Plugin = {
  name: 'keep-places',
  setup: ({ onLoad }) =>
    onLoad({ filter: /[/\\]src[/\\].*\.ts$/ }, async ({ path }) => {
      const place = `new URL(${JSON.stringify(`../${relative(root, path).replaceAll('\\', '/')}`)}, import.meta.url).href`
      return { contents: (await readFile(path, 'utf8')).replaceAll(/\bimport\.meta\.url\b/g, place), loader: 'ts' }
    }),
}

await build({
  absWorkingDir: root,
  entryPoints: { cli: 'src/cli/main.ts' },
  plugins: [keepPlaces],
  outdir: 'dist',
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  // Dependencies are installed beside it: native parts and data files stay where they belong.
  packages: 'external',
  sourcemap: true,
  logLevel: 'warning',
})

await build({
  absWorkingDir: root,
  entryPoints: { verifier: 'src/verifier/index.ts' },
  outdir: 'dist',
  bundle: true,
  platform: 'browser',
  format: 'esm',
  target: 'es2022',
  sourcemap: true,
  logLevel: 'warning',
})

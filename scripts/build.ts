/**
 * Builds what an installed package needs, into dist/: the command line as one file (Node reads no TypeScript under node_modules), and the
 * verifier as a library for browsers and Node. Run by `npm pack`.
 */
import { rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
await rm(`${root}dist`, { recursive: true, force: true })

await build({
  absWorkingDir: root,
  entryPoints: { cli: 'src/cli/bundle.ts' },
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


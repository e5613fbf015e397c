#!/usr/bin/env node
/**
 * The command `openseal`. Plain JavaScript, because a host's own Node may be as old as 20. In a clone the sources run as they are; in an
 * installed package, where Node does not read TypeScript (it lies under node_modules), the bundle that `npm pack` made runs.
 */

import { existsSync } from 'node:fs'
import { sep } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const bundle = fileURLToPath(new URL('../dist/cli.js', import.meta.url))
const isInstalled = root.split(sep).includes('node_modules') || !existsSync(new URL('../src/cli/main.ts', import.meta.url))

if (isInstalled) {
  const { runCommandLine } = await import(new URL('../dist/cli.js', import.meta.url).href).catch(error => {
    process.stderr.write(
      `openseal: ${existsSync(bundle) ? error.message : 'this package was packed without its bundle: npm pack makes it'}\n`,
    )
    process.exit(1)
  })
  await runCommandLine(process.argv.slice(2))
} else {
  const { run } = await import('./run.js')
  run('src/cli/main.ts', process.argv.slice(2))
}

#!/usr/bin/env node
/**
 * The command `openseal`. Plain JavaScript, because a host's own Node may be as old as 20. In a
 * clone, it runs the sources. In an installed package, it runs the bundle that `npm pack` made,
 * because Node reads no TypeScript under node_modules.
 */

import { existsSync } from 'node:fs'
import { run, start } from './run.js'

const args = process.argv.slice(2)
const hasSources = existsSync(new URL('../src/cli/main.ts', import.meta.url))

if (hasSources) await run('src/cli/main.ts', args)
else if (args[0] === 'serve') start(process.execPath, process.env, 'dist/main.js', args)
else await import(new URL('../dist/main.js', import.meta.url).href)

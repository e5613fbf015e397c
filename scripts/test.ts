/**
 * The whole suite: lint and types side by side, then the tests, then a summary that ends with
 * "N passed, N failed", where lint and types count as one each. Arguments go to mocha:
 * `npm test -- --grep tiles`.
 */

import { spawn } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Counts } from './mocha-counts.ts'

type Outcome = { readonly name: string; readonly passed: number; readonly failed: number; readonly seconds: number; readonly note: string }

const root = dirname(import.meta.dirname)

/**
 * These take longest, and begin first, so that no process works on alone at the end. Those that
 * mostly wait for other processes alternate with those that compute.
 */
const LONGEST = [
  'test/http/stretches.test.ts',
  'test/cluster/cluster.test.ts',
  'test/web/four-ways.test.ts',
  'test/operate.test.ts',
  'test/web/accessibility.test.ts',
  'test/store/postgres/fail-over.test.ts',
  'test/web/desk-accessibility.test.ts',
  'test/server-vouchers.test.ts',
  'test/web/desk-browser.test.ts',
  'test/store/postgres/commit.test.ts',
  'test/web/verify-inside.test.ts',
  'test/server-chain.test.ts',
  'test/crash/crash.test.ts',
  'test/cli/serve.test.ts',
  'test/web/verify-page.test.ts',
  'test/web/checker.test.ts',
  'test/witness/crash.test.ts',
  'test/package.test.ts',
  'test/care/head.test.ts',
  'test/web/verify-keep.test.ts',
]

const outcomes = [
  ...(await Promise.all([
    check('lint', 'node_modules/@biomejs/biome/bin/biome', ['check', '--error-on-warnings']),
    check('types', 'node_modules/typescript/bin/tsc', ['-p', '.']),
  ])),
  await mocha(process.argv.slice(2)),
]

const passed = outcomes.reduce((sum, o) => sum + o.passed, 0)
const failed = outcomes.reduce((sum, o) => sum + o.failed, 0)
for (const o of outcomes)
  console.log(`${o.failed === 0 ? 'ok  ' : 'FAIL'}  ${o.name.padEnd(6)} ${o.seconds.toFixed(1).padStart(6)} s  ${o.note}`)
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1

/** Runs a checker and shows what it prints only when it finds something. */
async function check(name: string, script: string, args: readonly string[]): Promise<Outcome> {
  const startMs = performance.now()
  const { code, output } = await runNode([script, ...args], 'pipe')
  if (code !== 0) process.stdout.write(output)
  const failed = code === 0 ? 0 : 1
  return { name, passed: 1 - failed, failed, seconds: secondsSince(startMs), note: '' }
}

async function mocha(args: readonly string[]): Promise<Outcome> {
  const startMs = performance.now()
  const folder = mkdtempSync(join(tmpdir(), 'openseal-test-'))
  const countsFile = join(folder, 'counts.json')
  const { code } = await runNode(
    ['node_modules/mocha/bin/mocha.js', '--reporter', './scripts/mocha-counts.ts', ...args, ...testFiles()],
    'inherit',
    {
      OPENSEAL_TEST_COUNTS: countsFile,
    },
  )
  const counts = readCounts(countsFile)
  rmSync(folder, { recursive: true })
  const seconds = secondsSince(startMs)
  if (counts === undefined) return { name: 'tests', passed: 0, failed: 1, seconds, note: 'the run broke off before its end' }
  const brokeOff = code !== 0 && counts.failures === 0 ? 1 : 0
  return {
    name: 'tests',
    passed: counts.passes,
    failed: counts.failures + brokeOff,
    seconds,
    note: counts.pending ? `${counts.pending} skipped` : '',
  }
}

function testFiles(): readonly string[] {
  const all = globSync('test/**/*.test.ts', { cwd: root }).sort()
  const gone = LONGEST.filter(file => !all.includes(file))
  if (gone.length > 0) throw new Error(`bug: there is no ${gone.join(', ')}`)
  return [...LONGEST, ...all.filter(file => !LONGEST.includes(file))]
}

function readCounts(file: string): Counts | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return undefined
  }
}

async function runNode(
  args: readonly string[],
  stdout: 'pipe' | 'inherit',
  env: NodeJS.ProcessEnv = {},
): Promise<{ code: number; output: string }> {
  const child = spawn(process.execPath, args, { cwd: root, env: { ...process.env, ...env }, stdio: ['ignore', stdout, stdout] })
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => child.kill(signal))
  let output = ''
  child.stdout?.on('data', data => (output += data))
  child.stderr?.on('data', data => (output += data))
  return new Promise(resolve => child.on('close', code => resolve({ code: code ?? 1, output })))
}

function secondsSince(startMs: number): number {
  return (performance.now() - startMs) / 1000
}

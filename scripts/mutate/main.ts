/**
 * Mutation testing: changes one thing in the code and asks whether a test notices.
 *
 *     npm run mutate -- core verifier contract [--sample N] [--seed S] [--minutes M]
 *       [--only FILE] [--workers N] [--results FILE] [--write]
 *
 * Tries N mutants of each part in the seed's order, as many as M minutes allow; by default all. With
 * a results file, a stopped run continues, and surviving mutants are tried again only with new or
 * changed tests. Prints the mutants that no test noticed, and the share of the others. `--write`
 * writes the shares into docs/results/mutation.md.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { readOptions } from '../options.ts'
import { writeResults } from '../results.ts'
import { PARTS, type Part, root } from './parts.ts'
import { createProcess, type TestProcess } from './process.ts'
import { digest, type Outcome, openResults, type Result, type Results } from './results.ts'
import type { Mutant } from './typescript.ts'

/**
 * A test file, the files that it reads, the digest of its own text and of the helpers among them,
 * and how long it takes without a mutant.
 */
type Asked = { readonly test: string; readonly files: ReadonlySet<string>; readonly digest: string; ms: number }

/**
 * A test file with a mutant has ten times its own time and this: far more than any test needs that
 * ends at all.
 */
const PATIENCE_MS = 5000
const PATIENCE = 10
const FIRST_MS = 300_000

const { values, positionals } = readOptions('mutate', {
  allowPositionals: true,
  options: {
    sample: { type: 'string' },
    seed: { type: 'string', default: '1' },
    minutes: { type: 'string' },
    only: { type: 'string' },
    workers: { type: 'string', default: '1' },
    results: { type: 'string' },
    write: { type: 'boolean' },
  },
})
let generation = 0
const rows: string[] = []
const parts = positionals.length > 0 ? positionals : Object.keys(PARTS)
for (const name of parts) await runPart(name)
if (values.write)
  writeResults('mutation', {
    title: 'Mutation testing',
    command: `npm run mutate -- ${[...parts, ...(values.sample ? [`--sample ${values.sample}`] : [])].join(' ')} --write`,
    about:
      'The run changed the code in one place at a time, and asked the tests. A test that runs far past its own time has noticed the change, too. Mutants that did not compile, or compiled to the same code, were not judged.',
    body: ['| part | changes in all | judged | noticed | by running on | minutes |', '| --- | --- | --- | --- | --- | --- |', ...rows].join(
      '\n',
    ),
  })

async function runPart(name: string): Promise<void> {
  const part = PARTS[name]
  if (part === undefined) throw new Error(`no such part: ${name}; there are ${Object.keys(PARTS).join(', ')}`)
  const all = part.mutants().filter(({ file }) => values.only === undefined || file.endsWith(values.only))
  const chosen = shuffled(all, Number(values.seed)).slice(0, Number(values.sample ?? all.length))
  const results = openResults(values.results)
  const processes = Array.from({ length: Number(values.workers) }, createProcess)
  const start = performance.now()
  const endMs = start + Number(values.minutes ?? Number.POSITIVE_INFINITY) * 60_000
  const tests = await askWithout(part, processes[0] ?? createProcess())
  const outcomes: Outcome[] = []
  let next = 0
  await Promise.all(
    processes.map(async process => {
      for (let mutant = chosen[next++]; mutant !== undefined && performance.now() < endMs; mutant = chosen[next++]) {
        const outcome = await outcomeOf(mutant, part, tests, process, results)
        outcomes.push(outcome)
        if (outcome === 'survived')
          console.log(`${mutant.file}:${mutant.line}  ${short(mutant.before)}  ->  ${short(mutant.after) || 'nothing'}`)
      }
      process.end()
    }),
  )
  report(name, outcomes, all.length, performance.now() - start)
}

/** Every test file without a mutant: how long it takes, and what it reads. */
async function askWithout(part: Part, process: TestProcess): Promise<Asked[]> {
  const asked: Asked[] = []
  for (const test of part.tests) {
    const reply = await process.ask({ generation: ++generation, file: '', text: '', test }, FIRST_MS)
    if (typeof reply === 'string' || !reply.passed) throw new Error(`${test} fails without a mutant`)
    const files = new Set(reply.read)
    const texts = [...files].filter(file => file.startsWith(join(root, 'test'))).sort()
    asked.push({ test, files, digest: digest(texts.map(file => readFileSync(file, 'utf8')).join('\0')), ms: reply.ms })
  }
  return asked
}

async function outcomeOf(mutant: Mutant, part: Part, tests: readonly Asked[], process: TestProcess, results: Results): Promise<Outcome> {
  const known = results.get(mutant)
  if (known !== undefined && known.outcome !== 'survived') return known.outcome
  const mutated = part.text(mutant)
  const result: Result =
    mutated === undefined
      ? { outcome: 'invalid' }
      : await tryMutant(mutated, inOrder(tests, mutant, mutated.file, part.slow), known?.passed ?? [], process)
  results.add(mutant, result)
  return result.outcome
}

async function tryMutant(
  mutated: { file: string; text: string },
  tests: readonly Asked[],
  passed: readonly string[],
  process: TestProcess,
): Promise<Result> {
  const own = ++generation
  for (const asked of tests.filter(test => !passed.includes(test.digest))) {
    const reply = await askPatiently({ ...mutated, generation: own, test: asked.test }, asked, process)
    if (reply === 'endless') return { outcome: 'endless' }
    if (reply === 'died' || !reply.passed) return { outcome: 'killed' }
  }
  return { outcome: 'survived', passed: tests.map(test => test.digest) }
}

/**
 * Asks. A test that exceeds its time counts only if the same test without the mutant is still
 * quick.
 */
async function askPatiently(job: Parameters<TestProcess['ask']>[0], asked: Asked, process: TestProcess) {
  for (;;) {
    const reply = await process.ask(job, PATIENCE_MS + PATIENCE * asked.ms)
    if (reply !== 'endless') return reply
    const without = await process.ask({ generation: ++generation, file: '', text: '', test: asked.test }, FIRST_MS)
    const nowMs = typeof without === 'string' ? FIRST_MS : without.ms
    if (nowMs <= 3 * asked.ms + 1000) return reply
    asked.ms = nowMs
  }
}

/** The tests that read the file, likeliest first: the file's own, then the quickest. */
function inOrder(tests: readonly Asked[], mutant: Mutant, file: string, slow: Part['slow']): Asked[] {
  const own = mutant.file.replace(/^src\/(.*)\.ts$/, 'test/$1.test.ts')
  const rank = ({ test, ms }: Asked) => (test === own ? 0 : ms)
  const concerned = tests.filter(({ test, files }) => files.has(file) && (slow[test]?.test(mutant.file) ?? true))
  return concerned.sort((a, b) => rank(a) - rank(b))
}

function report(name: string, outcomes: readonly Outcome[], all: number, ms: number): void {
  const count = (outcome: Outcome) => outcomes.filter(other => other === outcome).length
  const noticed = count('killed') + count('endless')
  const judged = noticed + count('survived')
  const share = ((100 * noticed) / Math.max(1, judged)).toFixed(1)
  const minutes = (ms / 60_000).toFixed(1)
  rows.push(`| ${name} | ${all} | ${judged} | ${noticed} (${share} %) | ${count('endless')} | ${minutes} |`)
  const rest = `${count('endless')} of them because they ran on; ${count('invalid')} did not compile, or to the same; there are ${all} in all`
  console.log(`${name}: ${noticed} of ${judged} noticed (${share} %), ${rest}; seed ${values.seed}, ${minutes} minutes`)
}

/** The same order for the same seed: mulberry32. */
function shuffled<T>(items: readonly T[], seed: number): T[] {
  let state = seed
  const random = () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return items
    .map(item => ({ item, key: random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item)
}

function short(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ')
  return line.length > 70 ? `${line.slice(0, 67)}...` : line
}

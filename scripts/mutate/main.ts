/**
 * Mutation testing: changes one thing in the code and asks whether a test notices. `npm run mutate -- core verifier contract [--sample N] [--seed S] [--minutes M] [--only FILE]`:
 * N mutants of each part in the seed's order, as many as M minutes allow; all without these. Prints those that no test noticed, and the share of those that were.
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import { compileSource } from '../compile.ts'
import { contractMutants } from './solidity.ts'
import { type Mutant, mutantsOf } from './typescript.ts'

type Outcome = 'killed' | 'timeout' | 'survived' | 'invalid'
type Part = {
  mutants(): Mutant[]
  /** The tests that are asked, one group after the other until one notices. */
  tests(mutant: Mutant): readonly (readonly string[])[]
  /** The file that the tests read, and its text with the mutant in it; undefined when it does not compile. */
  text(mutant: Mutant): { readonly file: string; readonly text: string } | undefined
}

const root = join(import.meta.dirname, '../..')
const CONTRACT = 'contracts/CheckpointAnchor.sol'
/** Far more than any test needs: a mutant that runs for so long has no end. */
const ENDLESS_MS = 120_000

const read = (file: string) => readFileSync(join(root, file), 'utf8')
const filesIn = (folder: string, end: string) =>
  readdirSync(join(root, folder))
    .filter(name => name.endsWith(end))
    .map(name => `${folder}/${name}`)
const changed = ({ from, to, after }: Mutant, text: string) => text.slice(0, from) + after + text.slice(to)

const PARTS: { readonly [name: string]: Part } = {
  core: sources('core', ['core', 'verifier']),
  verifier: sources('verifier', ['verifier']),
  contract: {
    mutants: () => contractMutants(CONTRACT, read(CONTRACT)),
    tests: () => [['rules'], ['consistency', 'inclusion', 'model']].map(names => names.map(name => `test/contracts/${name}.test.ts`)),
    text(mutant) {
      try {
        const { artifact } = compileSource(changed(mutant, read(CONTRACT)))
        const isOther = artifact.deployedBytecode !== JSON.parse(read('contracts/CheckpointAnchor.json')).deployedBytecode
        return isOther ? { file: join(root, 'contracts/CheckpointAnchor.json'), text: JSON.stringify(artifact) } : undefined
      } catch {
        return undefined
      }
    },
  },
}

/** A folder of sources, its own test first, then all of these folders. */
function sources(folder: string, testFolders: readonly string[]): Part {
  return {
    mutants: () =>
      mutantsOf(
        root,
        filesIn(`src/${folder}`, '.ts').filter(file => !file.endsWith('index.ts')),
        read,
      ),
    tests({ file }) {
      const own = `test/${folder}/${basename(file, '.ts')}.test.ts`
      const all = testFolders.flatMap(name => filesIn(`test/${name}`, '.test.ts')).filter(test => test !== own)
      return existsSync(join(root, own)) ? [[own], all] : [all]
    },
    text: mutant => ({ file: join(root, mutant.file), text: changed(mutant, read(mutant.file)) }),
  }
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { sample: { type: 'string' }, seed: { type: 'string', default: '1' }, minutes: { type: 'string' }, only: { type: 'string' } },
})
const scratch = mkdtempSync(join(tmpdir(), 'openseal-mutate-'))
for (const name of positionals.length > 0 ? positionals : Object.keys(PARTS)) await runPart(name)
rmSync(scratch, { recursive: true })

async function runPart(name: string): Promise<void> {
  const part = PARTS[name]
  if (part === undefined) throw new Error(`no such part: ${name}; there are ${Object.keys(PARTS).join(', ')}`)
  const all = part.mutants().filter(({ file }) => values.only === undefined || file.endsWith(values.only))
  const chosen = shuffled(all, Number(values.seed)).slice(0, Number(values.sample ?? all.length))
  const whole = [...new Set(all.flatMap(mutant => part.tests(mutant)).flat())]
  if ((await runTests(whole, { MUTANT_FILE: '', MUTANT_TEXT: '' })) !== 'survived')
    throw new Error(`the tests of ${name} fail without a mutant`)
  const counts: { [outcome in Outcome]: number } = { killed: 0, timeout: 0, survived: 0, invalid: 0 }
  let next = 0
  const endMs = performance.now() + Number(values.minutes ?? Number.POSITIVE_INFINITY) * 60_000
  const worker = async () => {
    for (let mutant = chosen[next++]; mutant !== undefined && performance.now() < endMs; mutant = chosen[next++]) {
      const outcome = await tryMutant(part, mutant)
      counts[outcome]++
      if (outcome === 'survived')
        console.log(`${mutant.file}:${mutant.line}  ${short(mutant.before)}  ->  ${short(mutant.after) || 'nothing'}`)
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, worker))
  const noticed = counts.killed + counts.timeout
  const share = ((100 * noticed) / Math.max(1, noticed + counts.survived)).toFixed(1)
  console.log(
    `${name}: ${noticed} of ${noticed + counts.survived} noticed (${share} %), ${counts.timeout} of them by running for ever; ${JSON.stringify({ all: all.length, ...counts })}`,
  )
}

async function tryMutant(part: Part, mutant: Mutant): Promise<Outcome> {
  const mutated = part.text(mutant)
  if (mutated === undefined) return 'invalid'
  const text = join(scratch, `${mutant.line}-${mutant.from}-${Math.random()}`)
  writeFileSync(text, mutated.text)
  for (const tests of part.tests(mutant)) {
    const outcome = await runTests(tests, { MUTANT_FILE: mutated.file, MUTANT_TEXT: text })
    if (outcome !== 'survived') return outcome
  }
  return 'survived'
}

function runTests(tests: readonly string[], env: { readonly [name: string]: string }): Promise<Outcome> {
  const flags = ['--import', join(import.meta.dirname, 'loader.js'), join(root, 'node_modules/mocha/bin/mocha.js')]
  const mocha = ['--no-config', '--bail', '--exit', '--timeout', '60000', '--reporter', 'dot', '--require', './test/setup.ts']
  const child = spawn(process.execPath, [...flags, ...mocha, ...tests], { cwd: root, env: { ...process.env, ...env }, stdio: 'ignore' })
  return new Promise(done => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      done('timeout')
    }, ENDLESS_MS)
    child.once('exit', code => {
      clearTimeout(timer)
      done(code === 0 ? 'survived' : 'killed')
    })
  })
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

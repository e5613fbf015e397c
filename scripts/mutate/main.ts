/**
 * Mutation testing: changes one thing in the code and asks whether a test notices. `npm run mutate -- core verifier contract [--sample N] [--seed S] [--minutes M] [--only FILE]`:
 * N mutants of each part in the seed's order, as many as M minutes allow; all without these. Prints those that no test noticed, and the share of those that were.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import { compileSource } from '../compile.ts'
import { contractMutants } from './solidity.ts'
import { type Mutant, mutantsOf } from './typescript.ts'
import type { Job, Outcome } from './worker.ts'

type Count = Outcome | 'endless' | 'invalid'
type Part = {
  mutants(): Mutant[]
  /** The tests that are asked, one group after the other until one notices. */
  tests(mutant: Mutant): readonly (readonly string[])[]
  /** The file that the tests read, and its text with the mutant in it; undefined when it does not compile. */
  text(mutant: Mutant): { readonly file: string; readonly text: string } | undefined
}

const root = join(import.meta.dirname, '../..')
const CONTRACT = 'contracts/CheckpointAnchor.sol'
/** Files that name things, or hold sentences for people. */
const WORDS_ONLY = /\/(index|notes)\.ts$/
/** Far more than any test needs: a mutant that runs for so long has no end. */
const ENDLESS_MS = 180_000
/** Modules of past mutants stay in memory: after so many a process is replaced. */
const JOBS_A_PROCESS = 60

const read = (file: string) => readFileSync(join(root, file), 'utf8')
const filesIn = (folder: string, end: string) =>
  readdirSync(join(root, folder))
    .filter(name => name.endsWith(end))
    .map(name => `${folder}/${name}`)
const changed = ({ from, to, after }: Mutant, text: string) => text.slice(0, from) + after + text.slice(to)

const PARTS: { readonly [name: string]: Part } = {
  core: sources('core', ['core', 'verifier']),
  verifier: sources('verifier', ['verifier'], ['test/ledger/log-keys.test.ts']),
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

/** A folder of sources, its own test first, then all of these folders and those tests that need more than the folder. */
function sources(folder: string, testFolders: readonly string[], others: readonly string[] = []): Part {
  return {
    mutants: () =>
      mutantsOf(
        root,
        filesIn(`src/${folder}`, '.ts').filter(file => !WORDS_ONLY.test(file)),
        read,
      ),
    tests({ file }) {
      const own = `test/${folder}/${basename(file, '.ts')}.test.ts`
      const all = [...testFolders.flatMap(name => filesIn(`test/${name}`, '.test.ts')), ...others].filter(test => test !== own)
      return existsSync(join(root, own)) ? [[own], all] : [all]
    },
    text: mutant => ({ file: join(root, mutant.file), text: changed(mutant, read(mutant.file)) }),
  }
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { sample: { type: 'string' }, seed: { type: 'string', default: '1' }, minutes: { type: 'string' }, only: { type: 'string' } },
})
for (const name of positionals.length > 0 ? positionals : Object.keys(PARTS)) await runPart(name)

async function runPart(name: string): Promise<void> {
  const part = PARTS[name]
  if (part === undefined) throw new Error(`no such part: ${name}; there are ${Object.keys(PARTS).join(', ')}`)
  const all = part.mutants().filter(({ file }) => values.only === undefined || file.endsWith(values.only))
  const chosen = shuffled(all, Number(values.seed)).slice(0, Number(values.sample ?? all.length))
  const whole = [...new Set(all.flatMap(mutant => part.tests(mutant)).flat())]
  const workers = Array.from({ length: availableParallelism() }, createWorker)
  if ((await workers[0]?.run({ file: '', text: '', groups: [whole] })) !== 'survived')
    throw new Error(`the tests of ${name} fail without a mutant`)
  const counts: { [count in Count]: number } = { killed: 0, endless: 0, survived: 0, invalid: 0 }
  let next = 0
  const endMs = performance.now() + Number(values.minutes ?? Number.POSITIVE_INFINITY) * 60_000
  await Promise.all(
    workers.map(async worker => {
      for (let mutant = chosen[next++]; mutant !== undefined && performance.now() < endMs; mutant = chosen[next++]) {
        const mutated = part.text(mutant)
        const outcome = mutated === undefined ? 'invalid' : await worker.run({ ...mutated, groups: part.tests(mutant) })
        counts[outcome]++
        if (outcome === 'survived')
          console.log(`${mutant.file}:${mutant.line}  ${short(mutant.before)}  ->  ${short(mutant.after) || 'nothing'}`)
      }
      worker.end()
    }),
  )
  const noticed = counts.killed + counts.endless
  const share = ((100 * noticed) / Math.max(1, noticed + counts.survived)).toFixed(1)
  const rest = `${counts.endless} of them because they ran for ever; ${counts.invalid} did not compile; there are ${all.length} in all`
  console.log(`${name}: ${noticed} of ${noticed + counts.survived} noticed (${share} %), ${rest}`)
}

/** A process that tries mutants; replaced when one of them runs for ever, kills it, or it has become large. */
function createWorker() {
  let child: ChildProcess | undefined
  let jobs = 0
  const end = () => {
    child?.kill('SIGKILL')
    child = undefined
    jobs = 0
  }
  return {
    end,
    async run(job: Job): Promise<Outcome | 'endless'> {
      if (++jobs > JOBS_A_PROCESS) end()
      child ??= fork(join(import.meta.dirname, 'worker.ts'), { cwd: root, stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
      const running = child
      running.send(job)
      const outcome = await new Promise<Outcome | 'endless' | 'died'>(done => {
        const timer = setTimeout(() => done('endless'), ENDLESS_MS)
        const finish = (result: Outcome | 'died') => {
          clearTimeout(timer)
          done(result)
        }
        running.removeAllListeners()
        running.once('message', message => finish(message as Outcome))
        running.once('exit', () => finish('died'))
      })
      if (outcome === 'endless' || outcome === 'died') end()
      return outcome === 'died' ? 'killed' : outcome
    },
  }
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

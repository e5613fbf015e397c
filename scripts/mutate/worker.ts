/**
 * Runs tests against mutants, one after the other in one process: each mutant gets modules of its own, by a number in their addresses, while what is under
 * node_modules stays loaded. The sources themselves are never touched.
 */
import fs from 'node:fs'
import { registerHooks, syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import Mocha from 'mocha'

/** A mutant's text, in place of that of `file`, and groups of test files, asked one after the other until one notices. */
export type Job = { readonly file: string; readonly text: string; readonly groups: readonly (readonly string[])[] }
export type Outcome = 'killed' | 'survived'

const root = join(import.meta.dirname, '../..')
const rootUrl = pathToFileURL(`${root}/`).href
const TEST_MS = 60_000
const { readFileSync } = fs
let current: Job = { file: '', text: '', groups: [] }
let generation = 0

const pathOf = (url: string) => fileURLToPath(url.split('?')[0] ?? url)
const isOurs = (url: string) => url.startsWith(rootUrl) && !url.includes('/node_modules/') && /\.ts$/.test(url)

registerHooks({
  resolve(specifier, context, next) {
    const resolved = next(specifier, context)
    const from = context.parentURL?.split('?mutant=')[1]
    return from !== undefined && isOurs(resolved.url) ? { ...resolved, url: `${resolved.url}?mutant=${from}` } : resolved
  },
  load(url, context, next) {
    const isMutant = url.includes('?mutant=') && pathOf(url) === current.file
    return isMutant ? { format: 'module-typescript', source: current.text, shortCircuit: true } : next(url, context)
  },
})
// The contract's artifact is read as a file.
fs.readFileSync = ((path: fs.PathOrFileDescriptor, ...rest: []) => {
  const name = path instanceof URL ? fileURLToPath(path) : path
  return name === current.file ? current.text : readFileSync(path, ...rest)
}) as typeof readFileSync
syncBuiltinESMExports()

process.on('message', async (job: Job) => {
  current = job
  process.send?.(await outcomeOf(job))
})

async function outcomeOf({ groups }: Job): Promise<Outcome> {
  generation++
  for (const tests of groups) if (!(await pass(tests))) return 'killed'
  return 'survived'
}

async function pass(tests: readonly string[]): Promise<boolean> {
  const mocha = new Mocha({ bail: true, timeout: TEST_MS, reporter: class {} as never })
  let strayed = false
  const stray = () => {
    strayed = true
  }
  process.on('unhandledRejection', stray)
  try {
    mocha.suite.emit('pre-require', globalThis, '', mocha)
    for (const test of tests) await import(`${pathToFileURL(join(root, test)).href}?mutant=${generation}`)
    const failures = await new Promise<number>(done => mocha.run(done))
    return failures === 0 && !strayed
  } catch {
    return false
  } finally {
    process.off('unhandledRejection', stray)
  }
}

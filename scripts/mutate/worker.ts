/**
 * Runs test files against mutants, one after the other in one process. Each mutant gets modules of
 * its own, by a number in their addresses; modules under node_modules stay loaded. The source files
 * are never touched.
 */
import fs from 'node:fs'
import { registerHooks, syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { fileURLToPath, pathToFileURL } from 'node:url'
import Mocha from 'mocha'

/**
 * One test file to ask about a mutant: `text` takes the place of that of `file`. Modules are shared
 * by jobs of one `generation`.
 */
export type Job = { readonly generation: number; readonly file: string; readonly text: string; readonly test: string }
/**
 * The test's result, its duration, and the project's files that it read for the first time in its
 * generation.
 */
export type Answer = { readonly passed: boolean; readonly ms: number; readonly read: readonly string[] }

const root = join(import.meta.dirname, '../..')
const rootUrl = pathToFileURL(`${root}/`).href
const { readFileSync } = fs
let current: Job = { generation: 0, file: '', text: '', test: '' }
let files: string[] = []

const pathOf = (url: string) => fileURLToPath(url.split('?')[0] ?? url)
const isOurs = (url: string) => url.startsWith(rootUrl) && !url.includes('/node_modules/') && /\.ts$/.test(url)

registerHooks({
  resolve(specifier, context, next) {
    const resolved = next(specifier, context)
    const from = context.parentURL?.split('?mutant=')[1]
    return from !== undefined && isOurs(resolved.url) ? { ...resolved, url: `${resolved.url}?mutant=${from}` } : resolved
  },
  load(url, context, next) {
    if (!url.includes('?mutant=')) return next(url, context)
    const path = pathOf(url)
    files.push(path)
    return path === current.file ? { format: 'module-typescript', source: current.text, shortCircuit: true } : next(url, context)
  },
})
// The contract's artifact is read as a file.
fs.readFileSync = ((path: fs.PathOrFileDescriptor, ...rest: []) => {
  const name = path instanceof URL ? fileURLToPath(path) : path
  if (typeof name === 'string') files.push(name)
  return name === current.file ? current.text : readFileSync(path, ...rest)
}) as typeof readFileSync
syncBuiltinESMExports()

process.on('disconnect', () => process.exit())
process.on('message', async (job: Job) => {
  current = job
  files = []
  const start = performance.now()
  const passed = await pass(job)
  process.send?.({ passed, ms: performance.now() - start, read: files } satisfies Answer)
})

async function pass({ test, generation }: Job): Promise<boolean> {
  // No time-out of mocha's: one clock decides, that of the process that waits for the answer.
  const mocha = new Mocha({ bail: true, timeout: 0, reporter: class {} as never })
  let strayed = false
  const stray = () => {
    strayed = true
  }
  process.on('unhandledRejection', stray)
  try {
    mocha.suite.emit('pre-require', globalThis, '', mocha)
    await import(`${pathToFileURL(join(root, test)).href}?mutant=${generation}`)
    const failures = await new Promise<number>(done => mocha.run(done))
    return failures === 0 && !strayed
  } catch {
    return false
  } finally {
    process.off('unhandledRejection', stray)
    mocha.dispose()
  }
}

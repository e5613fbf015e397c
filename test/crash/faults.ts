/**
 * Loaded into the service (`node --import`): counts its writes (Level batches, files that are
 * written or renamed) and kills the process or refuses a write where the plan says so. It needs
 * nothing but Node; `disk.c` does the same below the system's library, write by write.
 */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import promises from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { Level } from 'level'
import { MODES, type Mode } from './plan.ts'

const PLAN = process.env.CRASH_PLAN ?? ''
let plan: { at: number; mode: Mode; count: number } | undefined
let count = 0
/** Writes that were refused and are to land before the files are closed. */
const late: (() => Promise<unknown>)[] = []

function readPlan() {
  try {
    const [at, mode, times] = readFileSync(PLAN, 'utf8').trim().split(' ')
    const known = MODES.find(name => name === mode)
    if (known !== undefined) plan = { at: Number(at), mode: known, count: Number(times) }
  } catch {
    // Not armed yet.
  }
}

/** One write: done as it is, or as the plan has it. */
async function write<T>(name: string, folder: string | undefined, act: () => Promise<T>): Promise<T> {
  if (plan === undefined) readPlan()
  if (plan === undefined) return act()
  count++
  if (count < plan.at || count >= plan.at + plan.count) return act()
  const { mode } = plan
  const journals = folder === undefined ? [] : readdirSync(folder).filter(file => file.endsWith('.log'))
  const sizes = journals.map(file => [join(folder!, file), statSync(join(folder!, file)).size])
  writeFileSync(`${PLAN}.fired`, `${name}\n${JSON.stringify(sizes)}\n`)
  if (mode === 'kill-before') kill()
  if (mode === 'eio-before' || mode === 'enospc-before' || mode === 'enospc-half') throw refusal(mode)
  if (mode === 'late') {
    late.push(act)
    throw refusal(mode)
  }
  const result = await act()
  if (mode === 'kill-after' || mode === 'torn') kill()
  if (mode === 'eio-after' || mode === 'enospc-after') throw refusal(mode)
  return result
}

function kill(): void {
  process.kill(process.pid, 'SIGKILL')
}

function refusal(mode: Mode): Error {
  const code = mode.startsWith('enospc') ? 'ENOSPC' : 'EIO'
  return Object.assign(new Error(`${code}: refused by the crash test`), { code })
}

type AnyFunction = (...args: never[]) => unknown
/** Puts `wrap(original)` in the place of a method. */
function replace(target: object, name: string, wrap: (original: AnyFunction) => (this: unknown, ...args: never[]) => unknown): void {
  const methods = target as { [name: string]: AnyFunction }
  methods[name] = wrap(methods[name]!)
}

const level = Level.prototype as unknown as { batch: AnyFunction; location: string }
replace(
  level,
  'batch',
  original =>
    function (this: unknown, ...args) {
      const { location } = this as { location: string }
      if (!location.endsWith('store')) return original.apply(this as never, args)
      if (args.length > 0) return write('batch', location, () => Promise.resolve(original.apply(this as never, args)))
      const chained = original.apply(this as never, args) as { write: AnyFunction }
      const writeAll = chained.write.bind(chained)
      chained.write = (...options) => write('batch', location, () => Promise.resolve(writeAll(...options)))
      return chained
    },
)
replace(
  level,
  'close',
  original =>
    async function (this: unknown, ...args) {
      for (const act of late.splice(0)) await act().catch(() => {})
      return original.apply(this as never, args)
    },
)
for (const name of ['writeFile', 'rename', 'mkdir'] as const)
  replace(
    promises,
    name,
    original =>
      (...args) =>
        write(`${name} ${String(args[0])}`, undefined, () => Promise.resolve(original(...args))),
  )
syncBuiltinESMExports()

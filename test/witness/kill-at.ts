/**
 * Loaded into a witness (`node --import`): kills the process at one of the steps that it takes on
 * files, once the file KILL_PLAN names one: "3 rename|write" at the third of these. It dies before
 * the step, or with half of what it writes on disk.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import promises, { type FileHandle } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'

const PLAN = process.env.KILL_PLAN ?? ''
let step = 0

/** Counts a step. Returns whether it is the one. */
function isIt(name: string): boolean {
  let plan: string
  try {
    plan = readFileSync(PLAN, 'utf8')
  } catch {
    return false
  }
  const [at, kinds = ''] = plan.split(' ')
  if (!kinds.split('|').includes(name.split(' ')[0]!)) return false
  step++
  if (step !== Number(at)) return false
  writeFileSync(`${PLAN}.fired`, name)
  return true
}

function killAt(name: string): void {
  if (isIt(name)) process.kill(process.pid, 'SIGKILL')
}

type AnyFunction = (...args: never[]) => Promise<unknown>
const methods = promises as unknown as { [name: string]: AnyFunction }
for (const name of ['rename', 'rm', 'link']) {
  const original = methods[name]!
  methods[name] = async (...args) => {
    killAt(`${name} ${args[0]}`)
    return original(...args)
  }
}
const open = promises.open
methods.open = (async (path: string, ...args: []) => {
  killAt(`open ${path}`)
  const handle: FileHandle = await open(path, ...args)
  const { writeFile, sync } = handle
  handle.sync = async () => {
    killAt(`sync ${path}`)
    await sync.call(handle)
  }
  handle.writeFile = async data => {
    if (!isIt(`write ${path}`)) return writeFile.call(handle, data)
    await writeFile.call(handle, String(data).slice(0, Math.floor(String(data).length / 2)))
    process.kill(process.pid, 'SIGKILL')
  }
  return handle
}) as AnyFunction
syncBuiltinESMExports()

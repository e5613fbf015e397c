/** The command line as tests run it. */
import { type ChildProcess, fork, spawn } from 'node:child_process'
import { join } from 'node:path'
import { BARE_ENV } from '../bare-env.ts'
import type { Answered, Asked } from './commands-process.ts'

/** The output of a command, and its exit code. */
export type Ran = { readonly code: number; readonly out: string; readonly err: string }

/**
 * Where a command runs, what its environment has beside `BARE_ENV`, and what it reads from stdin.
 */
export type Place = { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv; readonly input?: string }

const MAIN = 'src/cli/main.ts'

export type Commands = {
  /** Runs `openseal` with these arguments, when the commands before it have ended. */
  run(args: readonly string[], place?: Place): Promise<Ran>
  close(): Promise<void>
}

/**
 * Opens one process for many commands, because most of a command's time goes into starting Node and
 * loading the sources. `runAlone` is for tests of the process itself.
 */
export function openCommands(): Commands {
  const child = fork(join(import.meta.dirname, 'commands-process.ts'), { env: BARE_ENV, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const waiting = new Map<number, { resolve(ran: Ran): void; reject(error: Error): void }>()
  let asked = 0
  child.on('message', ({ id, ...ran }: Answered) => {
    waiting.get(id)?.resolve(ran)
    waiting.delete(id)
  })
  child.on('exit', (code, signal) => {
    for (const { reject } of waiting.values()) reject(new Error(`the process of the commands has ended: ${signal ?? code}`))
  })
  return {
    run: (args, { cwd = process.cwd(), env = {}, input = '' } = {}) =>
      new Promise((resolve, reject) => {
        const id = asked++
        waiting.set(id, { resolve, reject })
        child.send({ id, args, cwd, env: { ...BARE_ENV, ...env }, input } satisfies Asked)
      }),
    close: () =>
      new Promise(resolve => {
        child.once('exit', () => resolve())
        child.disconnect()
      }),
  }
}

/** Runs `openseal`, or another program of this project, in a process of its own. */
export async function runAlone(args: readonly string[], { input = '', ...place }: Place = {}, program = MAIN): Promise<Ran> {
  const child = startAlone(args, place, program)
  child.stdin?.end(input)
  let [out, err] = ['', '']
  child.stdout?.setEncoding('utf8').on('data', chunk => (out += chunk))
  child.stderr?.setEncoding('utf8').on('data', chunk => (err += chunk))
  const code = await new Promise<number>(resolve => child.on('close', code => resolve(code ?? -1)))
  return { code, out, err }
}

/** The same for tests that end it. */
export function startAlone(args: readonly string[], { cwd, env }: Omit<Place, 'input'> = {}, program = MAIN): ChildProcess {
  const path = join(import.meta.dirname, '../..', program)
  return spawn(process.execPath, [path, ...args], { ...(cwd !== undefined && { cwd }), env: { ...BARE_ENV, ...env } })
}

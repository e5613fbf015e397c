/** `openseal witness` as a process. */
import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { BARE_ENV } from '../bare-env.ts'

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const KILL_AT = new URL('./kill-at.ts', import.meta.url).href

export type WitnessEnd = {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly out: string
  readonly err: string
}
export type WitnessProcess = {
  readonly child: ChildProcess
  /** The address, once it listens. Undefined if the process has ended before. */
  readonly url: Promise<string | undefined>
  readonly ended: Promise<WitnessEnd>
}

/** Starts a witness. With `killPlan`, it kills itself as that file says. */
export function runWitness(
  args: readonly string[],
  { marks, killPlan }: { readonly marks: string; readonly killPlan?: string },
): WitnessProcess {
  const env = { ...BARE_ENV, OPENSEAL_MARK: marks, ...(killPlan && { KILL_PLAN: killPlan }) }
  const loads = killPlan === undefined ? [] : ['--import', KILL_AT]
  const child = spawn(process.execPath, [...loads, MAIN, 'witness', ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  let err = ''
  child.stderr.on('data', chunk => {
    err += chunk
  })
  const ended = new Promise<WitnessEnd>(resolve => {
    child.on('close', (code, signal) => resolve({ code, signal, out, err }))
  })
  const listening = new Promise<string>(resolve => {
    child.stdout.on('data', chunk => {
      out += chunk
      const [, found] = /(http:\/\/127\.0\.0\.1:\d+)/.exec(out) ?? []
      if (found !== undefined) resolve(found)
    })
  })
  return { child, url: Promise.race([listening, ended.then(() => undefined)]), ended }
}

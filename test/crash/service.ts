/**
 * The service as a process that may be killed at any moment: `openseal serve` on a folder, with its
 * own chain and the bounds of `npm start`, faults loaded into it.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createWriteStream, existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import service from '../../scripts/service.json' with { type: 'json' }
import { BARE_ENV } from '../bare-env.ts'

/** A folder with a ledger in it, and how its service is started. */
export type Place = {
  /** Holds `data`, the plan, and what the service says on stderr. */
  readonly folder: string
  /** The place of the data: `folder`, or a disk of its own. */
  readonly data: string
  /**
   * The library that `disk.c` became, or undefined: then `faults.ts` is loaded, if faults are
   * wanted at all.
   */
  readonly disk?: string | undefined
  readonly faults?: boolean
  readonly env?: { readonly [name: string]: string }
}

export type Running = {
  readonly child: ChildProcess
  readonly url: string
  readonly chainUrl: string
  /** Resolves when the process is gone. */
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  isAlive(): boolean
  kill(): Promise<void>
  /** Ends it in order, and its chain with it; the exit code. */
  stop(): Promise<number | null>
}

export const OPERATOR_KEY = 'operator-key-of-the-crash-test'
const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const FAULTS = new URL('./faults.ts', import.meta.url).href

/** The file that arms the process; see plan.ts. */
export function planFile({ folder }: Place): string {
  return join(folder, 'plan')
}

/** Starts the service; undefined when it ended before it was ready. */
export async function startService(place: Place): Promise<Running | undefined> {
  const env = {
    ...BARE_ENV,
    OPENSEAL_PORT: '0',
    OPENSEAL_CHAIN_PORT: '0',
    OPENSEAL_ANCHOR_INTERVAL: '200ms',
    OPENSEAL_ORIGIN: 'ledger.example/crash',
    OPENSEAL_OPERATOR_KEY: OPERATOR_KEY,
    OPENSEAL_DATA: place.data,
    OPENSEAL_MARK: join(place.folder, 'mark'),
    CRASH_PLAN: planFile(place),
    ...service.env,
    ...(place.disk && { LD_PRELOAD: place.disk, CRASH_FOLDER: place.data }),
    ...place.env,
  }
  const faults = place.disk || place.faults === false ? [] : ['--import', FAULTS]
  const command = [...service.flags, ...faults, MAIN, 'serve', '--json']
  const child = spawn(process.execPath, command, { cwd: place.folder, env, stdio: ['ignore', 'pipe', 'pipe'] })
  child.stderr!.pipe(createWriteStream(join(place.folder, 'service.log'), { flags: 'a' }))
  let isAlive = true
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>(resolve =>
    child.once('close', (code, signal) => {
      isAlive = false
      resolve({ code, signal })
    }),
  )
  const said = await Promise.race([readReady(child), ended.then(() => undefined)])
  if (said === undefined) return undefined
  return {
    child,
    url: said.url.replace('localhost', '127.0.0.1'),
    chainUrl: said.chain.urls[0]!,
    ended,
    isAlive: () => isAlive,
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
    async stop() {
      child.kill('SIGTERM')
      return (await ended).code
    },
  }
}

/**
 * Ends the chains that killed services left behind: one that was killed while it started its chain
 * has not even written down which.
 */
export function endChain({ data }: Place): void {
  const processes = existsSync('/proc') ? readdirSync('/proc') : []
  for (const pid of processes.filter(name => /^\d+$/.test(name))) {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      if (command.includes('anvil') && command.includes(join(data, 'chain'))) process.kill(Number(pid), 'SIGKILL')
    } catch {
      // It is gone already, or not ours to look at.
    }
  }
}

function readReady(child: ChildProcess): Promise<{ url: string; chain: { urls: string[] } }> {
  return new Promise(resolve => {
    let out = ''
    child.stdout!.on('data', chunk => {
      out += chunk
      try {
        const said = JSON.parse(out)
        if (said.url !== undefined) resolve(said) // else it says why it ends
      } catch {
        // Not all of it yet.
      }
    })
  })
}

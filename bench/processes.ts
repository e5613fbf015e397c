/**
 * The processes of a measurement: servers and the load generator each run in one of their own, and
 * speak with this one by messages.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import service from '../scripts/service.json' with { type: 'json' }
import type { Load } from './load.ts'

/** A running helper. `ask` sends one message and resolves with the answer. */
export type Helper = {
  readonly pid: number
  readonly hello: Record<string, unknown>
  ask(message: object): Promise<never>
  stop(): Promise<void>
}

/** The options with which scripts/run.js starts the service. */
const SERVICE = { execArgv: service.flags, env: { ...process.env, ...service.env } }

const running = new Set<ChildProcess>()
// However this process ends, no helper is left behind.
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** Starts a file of bench/ and waits for its first message. */
export async function startHelper(file: string, args: readonly string[] = []): Promise<Helper> {
  const options = file === 'ledger-server.ts' ? SERVICE : {}
  const child = fork(join(import.meta.dirname, file), args, { ...options, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  running.add(child)
  child.once('exit', () => running.delete(child))
  const hello = await nextMessage(child, file)
  return {
    pid: child.pid ?? 0,
    hello: hello as Record<string, unknown>,
    async ask(message) {
      child.send(message)
      return nextMessage(child, file)
    },
    async stop() {
      const gone = once(child, 'exit')
      child.kill('SIGTERM')
      await gone
    },
  }
}

/** The result of a measurement: requests a second, and the times that half and 99 of 100 are within. */
export type Rate = { readonly perSecond: number; readonly p50Ms: number; readonly p99Ms: number }

/** Asks the load generator for a measurement. */
export async function ask<T = object>(load: Helper, message: Load): Promise<T> {
  return load.ask(message)
}

/**
 * The memory of a process now, the part of it that are the store's mapped files, and its peak, in
 * MiB. Linux only.
 */
export function memoryOf(pid: number): { readonly nowMiB: number; readonly fileMiB: number; readonly peakMiB: number } | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    const kib = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1])
    return { nowMiB: Math.round(kib('VmRSS') / 1024), fileMiB: Math.round(kib('RssFile') / 1024), peakMiB: Math.round(kib('VmHWM') / 1024) }
  } catch {
    return undefined
  }
}

async function nextMessage(child: ChildProcess, file: string): Promise<never> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null) => reject(new Error(`${file} ended with ${code} before it answered`))
    child.once('exit', onExit)
    child.once('message', message => {
      child.off('exit', onExit)
      const { error } = message as { error?: string }
      if (error === undefined) resolve(message as never)
      else reject(new Error(`${file}: ${error}`))
    })
  })
}

/** The process of the embedded chain: anvil, its files, and how it is asked. */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, existsSync, openSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { OpenSealError } from '../core/errors.ts'
import type { Log } from '../logger.ts'
import { PRIVATE, writeWhole } from '../whole-file.ts'
import { findCommand } from './processes.ts'

/** Chain id of the embedded chain. Every anvil has it, so the hash of block 0 identifies ours. */
export const EMBEDDED_CHAIN_ID = 31337

/** Where a chain is on the disk, and the origin whose pages may use it. */
export type Files = {
  readonly folder: string
  readonly state: string
  readonly process: string
  readonly output: string
  readonly cache: string
  readonly pages: string | undefined
}
export type Process = { readonly pid: number; readonly port: number }

const REQUEST_MS = 5_000
const START_MS = 20_000
const HISTORY_BLOCKS = 256

/** The environment variables that anvil needs. The others may hold the service's secrets. */
const INHERITED = ['PATH', 'HOME', 'TMPDIR', 'TEMP', 'SystemRoot']

/** The files of the chain in a data folder. */
export function filesOf(dataDir: string, pages: string | undefined): Files {
  const folder = join(resolve(dataDir), 'chain')
  const at = (name: string) => join(folder, name)
  return { folder, state: at('state.json'), process: at('process.json'), output: at('anvil.log'), cache: at('cache'), pages }
}

/**
 * Starts anvil with the state on the disk.
 * @param wanted the port; 0 for any free one
 * @throws ChainProcessError CHAIN_PORT_BUSY, CHAIN_STATE_MALFORMED, CHAIN_START_FAILED
 */
export async function startProcess(files: Files, wanted: number, log: Log): Promise<Process> {
  const port = wanted === 0 ? await freePort() : wanted
  await requireFree(port)
  await requireState(files)
  await rm(files.cache, { recursive: true, force: true })
  const child = spawnAnvil(files, port)
  let ended: Error | undefined
  child.once('error', cause => {
    ended = cause
  })
  child.once('exit', (code, signal) => {
    ended ??= new Error(`anvil ended with ${signal ?? code}`)
  })
  const url = `http://127.0.0.1:${port}`
  for (const end = performance.now() + START_MS; ; await sleep(50)) {
    const id = await rpc(url, 'eth_chainId').catch(() => undefined)
    if (id !== undefined && ended === undefined && child.pid !== undefined) break
    if (ended === undefined && performance.now() < end) continue
    child.kill('SIGKILL')
    throw new ChainProcessError('CHAIN_START_FAILED', `The embedded chain did not start: see ${files.output}.`, { cause: ended })
  }
  const started = { pid: child.pid, port }
  await writeWhole(files.process, JSON.stringify(started), PRIVATE)
  log.info('embedded chain started', started)
  return started
}

/**
 * In its own process group, so that the terminal's Ctrl-C reaches only the service, which ends the
 * chain last.
 */
function spawnAnvil(files: Files, port: number): ChildProcess {
  const flags = ['--port', String(port), '--host', '127.0.0.1', '--chain-id', String(EMBEDDED_CHAIN_ID), '--silent']
  const history = ['--prune-history', String(HISTORY_BLOCKS), '--cache-path', files.cache]
  const state = existsSync(files.state) ? ['--load-state', files.state] : []
  // By default, anvil lets any web page read and write it.
  const readers = files.pages === undefined ? ['--no-cors'] : ['--allow-origin', files.pages]
  const env = Object.fromEntries(INHERITED.flatMap(name => (process.env[name] === undefined ? [] : [[name, process.env[name]]])))
  const output = openSync(files.output, 'w', 0o600)
  const child = spawn(anvilBinary(), [...flags, ...history, ...readers, ...state], {
    env,
    detached: true,
    stdio: ['ignore', output, output],
  })
  closeSync(output)
  child.unref()
  return child
}

/**
 * The platform package's binary. The main package's script would be another process, which can die
 * on its own.
 */
function anvilBinary(): string {
  const require = createRequire(import.meta.url)
  const arch = process.arch === 'x64' ? 'amd64' : process.arch
  const name = process.platform === 'win32' ? 'anvil.exe' : 'anvil'
  try {
    return require.resolve(`@foundry-rs/anvil-${process.platform}-${arch}/bin/${name}`)
  } catch (cause) {
    const bundled = join(dirname(require.resolve('@foundry-rs/anvil/package.json')), 'dist', name)
    if (existsSync(bundled)) return bundled
    throw new ChainProcessError(
      'CHAIN_START_FAILED',
      `There is no anvil for ${process.platform} ${process.arch}: set OPENSEAL_RPC to your own chain.`,
      {
        cause,
      },
    )
  }
}

/**
 * Half a state is never written. If it is damaged anyway, starting without it would silently create
 * another chain.
 */
async function requireState(files: Files): Promise<void> {
  const text = await readFile(files.state, 'utf8').catch(() => undefined)
  if (text === undefined) return
  try {
    JSON.parse(text)
  } catch (cause) {
    throw new ChainProcessError('CHAIN_STATE_MALFORMED', `The embedded chain's state is damaged: restore ${files.state} from a backup.`, {
      cause,
    })
  }
}

function requireFree(port: number): Promise<void> {
  return new Promise((done, fail) => {
    const busy = `Port ${port} is in use: stop the program that uses it, or set OPENSEAL_CHAIN_PORT.`
    const server = createServer()
    server.once('error', cause => fail(new ChainProcessError('CHAIN_PORT_BUSY', busy, { cause })))
    server.listen(port, '127.0.0.1', () => server.close(() => done()))
  })
}

function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const server = createServer()
    server.once('error', fail)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => (address !== null && typeof address === 'object' ? done(address.port) : fail(new Error('bug: no port'))))
    })
  })
}

/** The process in the file; undefined if there is none. */
export async function readProcess(files: Files): Promise<Process | undefined> {
  const text = await readFile(files.process, 'utf8').catch(() => '')
  const match = /^\{"pid":(\d+),"port":(\d+)\}$/.exec(text)
  return match ? { pid: Number(match[1]), port: Number(match[2]) } : undefined
}

/**
 * The chain of a service that was killed before it had recorded the process: found by its command
 * line.
 */
export function findProcess({ cache }: Files): Process | undefined {
  const [, pid, port] = /^\s*(\d+) .*--port (\d+) /.exec(findCommand(` --cache-path ${cache}`) ?? '') ?? []
  return pid === undefined ? undefined : { pid: Number(pid), port: Number(port) }
}

/** Asks the chain at an address. */
export async function rpc(url: string, method: string, params: readonly unknown[] = [], timeoutMs = REQUEST_MS): Promise<unknown> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
  const request = { method: 'POST', headers: { 'content-type': 'application/json' }, body, signal: AbortSignal.timeout(timeoutMs) }
  const response = (await (await fetch(url, request)).json()) as { result?: unknown; error?: { message: string } }
  if (response.error !== undefined) throw new Error(`${method}: ${response.error.message}`)
  return response.result
}

/** CHAIN_PORT_BUSY, CHAIN_STATE_MALFORMED, CHAIN_START_FAILED. */
export class ChainProcessError extends OpenSealError {}

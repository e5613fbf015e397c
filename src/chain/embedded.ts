/**
 * The embedded chain: anvil as a separate process, restarted when it dies, with its state in the
 * data folder.
 *
 * Anvil's own `--state FILE --state-interval` rewrites the file in place every second, so a kill at
 * the wrong moment leaves half a file. We take the state by RPC after each new block instead, and
 * rename it into place. Blocks mined just before a `kill -9` of everything are still lost; the
 * anchorer sends their transactions again.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, existsSync, openSync } from 'node:fs'
import { chmod, mkdir, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { OpenSealError } from '../core/errors.ts'
import type { Log } from '../logger.ts'
import { PRIVATE, writeWhole } from '../whole-file.ts'
import { commandOf, endProcess, findCommand } from './processes.ts'

/** Chain id of the embedded chain. Every anvil has it, so the hash of block 0 identifies ours. */
export const EMBEDDED_CHAIN_ID = 31337

/**
 * Private key of the embedded chain's first account. Anvil publishes it, and it is worth nothing
 * elsewhere.
 */
export const EMBEDDED_KEY = '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80'

/** A running chain. */
export type EmbeddedChain = {
  readonly url: string
  /** The id of the current process, which changes after a crash. */
  pid(): number
  /** Writes the chain's state to disk (fsync) now. It also happens shortly after each new block. */
  save(): Promise<void>
  /** Saves and ends the process. */
  stop(): Promise<void>
}

type Files = {
  readonly folder: string
  readonly state: string
  readonly process: string
  readonly output: string
  readonly cache: string
  readonly pages: string | undefined
}
type Process = { readonly pid: number; readonly port: number }

const WATCH_MS = 250
const REQUEST_MS = 5_000
/** Generous, because the state grows by some kilobytes a block. */
const DUMP_MS = 60_000
const START_MS = 20_000
const RESPAWN_MS = { first: 200, most: 5_000 }
const HISTORY_BLOCKS = 256

type Start = {
  readonly dataDir: string
  /** 0: any free port. */
  readonly port: number
  readonly log: Log
  /** The origin of the web pages that may use the chain; missing: none. */
  readonly pages?: string
}

/** The environment variables that anvil needs. The others may hold the service's secrets. */
const INHERITED = ['PATH', 'HOME', 'TMPDIR', 'TEMP', 'SystemRoot']

/**
 * Starts the chain of `dataDir`, or takes over the one that a killed service left running.
 * @throws ChainProcessError CHAIN_PORT_BUSY, CHAIN_STATE_MALFORMED, CHAIN_START_FAILED
 */
export async function startEmbeddedChain({ dataDir, port, log, pages }: Start): Promise<EmbeddedChain> {
  const files = filesOf(dataDir, pages)
  await mkdir(files.folder, { recursive: true, mode: 0o700 })
  await chmod(files.folder, 0o700).catch(() => {})
  let running = (await adopt(files, port, log)) ?? (await startProcess(files, port === 0 ? await freePort() : port, log))
  const url = `http://127.0.0.1:${running.port}`
  let saved = await currentState(url)
  let stopping = false
  let answers = true
  let timer: NodeJS.Timeout | undefined
  let saving: Promise<void> = Promise.resolve()
  let round: Promise<void> = Promise.resolve()

  /**
   * One save at a time. A second one waits, because its block may be newer than the first one's
   * state.
   */
  function save(): Promise<void> {
    saving = saving
      .catch(() => {})
      .then(async () => {
        const now = await currentState(url)
        await keepState(files, url)
        saved = now
      })
    return saving
  }

  async function watch(): Promise<void> {
    try {
      if ((await currentState(url)) !== saved) await save()
      if (!answers) log.info('embedded chain answers again', { url })
      answers = true
    } catch (cause) {
      if (stopping) return
      // A broken connection does not mean that the process died: it is restarted only if it is
      // gone.
      if (commandOf(running.pid).includes(files.cache)) {
        if (answers) log.warn('embedded chain does not answer', { url, cause })
        answers = false
        return
      }
      log.error('embedded chain has died, restarting it', { pid: running.pid })
      await respawn()
    }
  }

  async function respawn(): Promise<void> {
    for (let wait = RESPAWN_MS.first; !stopping; wait = Math.min(wait * 2, RESPAWN_MS.most)) {
      try {
        running = await startProcess(files, running.port, log)
        saved = await currentState(url)
        return
      } catch (cause) {
        log.error('embedded chain did not start', { cause, nextTryMs: wait })
        await sleep(wait)
      }
    }
  }

  function schedule(): void {
    timer = setTimeout(() => {
      round = watch()
        .catch(cause => log.error('embedded chain could not be saved', { cause }))
        .then(() => {
          if (!stopping) schedule()
        })
    }, WATCH_MS)
  }

  await save()
  schedule()
  return {
    url,
    pid: () => running.pid,
    save,
    async stop() {
      if (stopping) return
      stopping = true
      clearTimeout(timer)
      await round
      await save().catch(cause => log.warn('embedded chain could not be saved before it stopped', { cause }))
      await endProcess(running.pid)
      await rm(files.process, { force: true })
    },
  }
}

function filesOf(dataDir: string, pages: string | undefined): Files {
  const folder = join(resolve(dataDir), 'chain')
  const at = (name: string) => join(folder, name)
  return { folder, state: at('state.json'), process: at('process.json'), output: at('anvil.log'), cache: at('cache'), pages }
}

/**
 * The chain that a killed service left behind: the process in our file, if it runs with our folder
 * and answers on its port.
 */
async function adopt(files: Files, port: number, log: Log): Promise<Process | undefined> {
  const left = (await readProcess(files)) ?? findProcess(files)
  if (left === undefined || !commandOf(left.pid).includes(files.cache)) return undefined
  const usable = port === 0 || port === left.port
  const answers = await rpc(`http://127.0.0.1:${left.port}`, 'eth_chainId').then(
    id => Number(id) === EMBEDDED_CHAIN_ID,
    () => false,
  )
  if (usable && answers) {
    log.info('embedded chain was still running', left)
    return left
  }
  if (answers) await keepState(files, `http://127.0.0.1:${left.port}`)
  log.info('embedded chain of an earlier run was ended', left)
  await endProcess(left.pid)
  return undefined
}

async function keepState(files: Files, url: string): Promise<void> {
  const dump = String(await rpc(url, 'anvil_dumpState', [], DUMP_MS))
  await writeWhole(files.state, await promisify(gunzip)(Buffer.from(dump.slice(2), 'hex')), PRIVATE)
}

async function startProcess(files: Files, port: number, log: Log): Promise<Process> {
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

async function readProcess(files: Files): Promise<Process | undefined> {
  const text = await readFile(files.process, 'utf8').catch(() => '')
  const match = /^\{"pid":(\d+),"port":(\d+)\}$/.exec(text)
  return match ? { pid: Number(match[1]), port: Number(match[2]) } : undefined
}

/**
 * The chain of a service that was killed before it had recorded the process: found by its command
 * line.
 */
function findProcess({ cache }: Files): Process | undefined {
  const [, pid, port] = /^\s*(\d+) .*--port (\d+) /.exec(findCommand(` --cache-path ${cache}`) ?? '') ?? []
  return pid === undefined ? undefined : { pid: Number(pid), port: Number(port) }
}

/** The chain's identity and height: block 0's hash and the newest block's. */
async function currentState(url: string): Promise<string> {
  const block = (await rpc(url, 'eth_getBlockByNumber', ['latest', false])) as { hash: string }
  return block.hash
}

async function rpc(url: string, method: string, params: readonly unknown[] = [], timeoutMs = REQUEST_MS): Promise<unknown> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
  const request = { method: 'POST', headers: { 'content-type': 'application/json' }, body, signal: AbortSignal.timeout(timeoutMs) }
  const response = (await (await fetch(url, request)).json()) as { result?: unknown; error?: { message: string } }
  if (response.error !== undefined) throw new Error(`${method}: ${response.error.message}`)
  return response.result
}

function sleep(ms: number): Promise<void> {
  return new Promise(done => setTimeout(done, ms))
}

/** CHAIN_PORT_BUSY, CHAIN_STATE_MALFORMED, CHAIN_START_FAILED. */
export class ChainProcessError extends OpenSealError {}

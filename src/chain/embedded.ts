/**
 * The embedded chain: anvil as a separate process, restarted when it dies, with its state in the
 * data folder.
 *
 * Anvil's own `--state FILE --state-interval` rewrites the file in place every second, so a kill at
 * the wrong moment leaves half a file. We take the state by RPC after each new block instead, and
 * rename it into place. Blocks mined just before a `kill -9` of everything are still lost; the
 * anchorer sends their transactions again.
 */
import { chmod, mkdir, rm } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import type { Log } from '../logger.ts'
import { PRIVATE, writeWhole } from '../whole-file.ts'
import { EMBEDDED_CHAIN_ID, type Files, filesOf, findProcess, type Process, readProcess, rpc, startProcess } from './anvil.ts'
import { commandOf, endProcess } from './processes.ts'

export { EMBEDDED_CHAIN_ID }

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

const WATCH_MS = 250
const RESPAWN_MS = { first: 200, most: 5_000 }
/** Generous, because the state grows by some kilobytes a block. */
const DUMP_MS = 60_000

type Start = {
  readonly dataDir: string
  /** 0: any free port. */
  readonly port: number
  readonly log: Log
  /** The origin of the web pages that may use the chain; missing: none. */
  readonly pages?: string
}

/**
 * Starts the chain of `dataDir`, or takes over the one that a killed service left running.
 * @throws ChainProcessError CHAIN_PORT_BUSY, CHAIN_STATE_MALFORMED, CHAIN_START_FAILED
 */
export async function startEmbeddedChain({ dataDir, port, log, pages }: Start): Promise<EmbeddedChain> {
  const files = filesOf(dataDir, pages)
  await mkdir(files.folder, { recursive: true, mode: 0o700 })
  await chmod(files.folder, 0o700).catch(() => {})
  let running = (await adopt(files, port, log)) ?? (await startProcess(files, port, log))
  const url = `http://127.0.0.1:${running.port}`
  const { save, saveNew } = createSaver(files, url)
  let stopping = false
  let answers = true
  let timer: NodeJS.Timeout | undefined
  let round: Promise<void> = Promise.resolve()

  async function watch(): Promise<void> {
    try {
      await saveNew()
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

/** Writes the state of a chain to its file. */
function createSaver(files: Files, url: string) {
  /** The newest block in the file. */
  let saved: string | undefined
  let saving: Promise<void> = Promise.resolve()

  /**
   * One save at a time. A second one waits, because its block may be newer than the first one's
   * state.
   */
  function save(): Promise<void> {
    saving = saving
      .catch(() => {})
      .then(async () => {
        const now = await newestBlock(url)
        await keepState(files, url)
        saved = now
      })
    return saving
  }

  return {
    save,
    /** Saves if there is a block that the file does not have. */
    async saveNew() {
      if ((await newestBlock(url)) !== saved) await save()
    },
  }
}

async function newestBlock(url: string): Promise<string> {
  const block = (await rpc(url, 'eth_getBlockByNumber', ['latest', false])) as { hash: string }
  return block.hash
}

async function keepState(files: Files, url: string): Promise<void> {
  const dump = String(await rpc(url, 'anvil_dumpState', [], DUMP_MS))
  await writeWhole(files.state, await promisify(gunzip)(Buffer.from(dump.slice(2), 'hex')), PRIVATE)
}

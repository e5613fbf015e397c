/** The nodes of a cluster: processes of the service, each started again if it ends. */
import { type ChildProcess, spawn } from 'node:child_process'
import { appendFileSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import service from '../../scripts/service.json' with { type: 'json' }
import { BARE_ENV } from '../bare-env.ts'

/** `folder` holds its data, its mark and its log. */
export type ClusterNode = { readonly url: string; readonly folder: string; pid(): number; stop(): Promise<void> }

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const AGAIN_MS = 1000

/** Starts a node, and resolves when it serves. Rejects if it ends before, and starts it again if it ends later. */
export async function startNode(
  { folder, port, env }: { readonly folder: string; readonly port: number; readonly env: { readonly [name: string]: string } },
  told: (what: string) => void,
): Promise<ClusterNode> {
  mkdirSync(folder, { recursive: true })
  let child: ChildProcess | undefined
  let isOver = false
  const url = `http://127.0.0.1:${port}`

  const run = () => {
    const own = { OPENSEAL_PORT: String(port), OPENSEAL_DATA: join(folder, 'data'), OPENSEAL_MARK: join(folder, 'mark') }
    const started = spawn(process.execPath, [...service.flags, MAIN, 'serve', '--json'], {
      env: { ...BARE_ENV, ...service.env, ...env, ...own },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    started.stderr!.on('data', chunk => appendFileSync(join(folder, 'service.log'), chunk))
    started.once('exit', async () => {
      if (isOver) return
      await sleep(AGAIN_MS)
      if (isOver) return
      run()
      told(`node ${url} was started again: process ${child!.pid}`)
    })
    child = started
  }

  run()
  const first = child!
  while (!(await isReady(url))) {
    if (first.exitCode !== null || first.signalCode !== null) {
      isOver = true
      throw new Error(`The node at ${url} has ended: ${readFileSync(join(folder, 'service.log'), 'utf8').trim().split('\n').at(-1)}`)
    }
    await sleep(100)
  }
  return {
    url,
    folder,
    pid: () => child!.pid!,
    async stop() {
      isOver = true
      if (child!.exitCode !== null || child!.signalCode !== null) return
      const gone = new Promise(resolve => child!.once('exit', resolve))
      // One that was paused hears nothing else.
      child!.kill('SIGCONT')
      child!.kill('SIGTERM')
      const late = setTimeout(() => child!.kill('SIGKILL'), 10_000)
      await gone
      clearTimeout(late)
    },
  }
}

function isReady(url: string): Promise<boolean> {
  return fetch(`${url}/healthz`).then(
    answer => answer.ok,
    () => false,
  )
}

/** `npm run cluster` as an operator uses it: what it prints works, and Ctrl-C leaves nothing. */
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { type ChildProcess, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { startAlone } from '../cli/commands.ts'
import { bareEnvironment } from '../followed-page.ts'
import { freePort, isFree } from '../listen.ts'
import { isServing } from './load.ts'

const MAIN = 'test/cluster/main.ts'

type Printed = {
  readonly nodes: readonly { readonly url: string; readonly pid: number }[]
  readonly proxy: string
  readonly primary: { readonly pid: number }
  readonly standby: { readonly pid: number }
  readonly data: string
}

describe('npm run cluster', function () {
  this.timeout(120_000)
  const running: ChildProcess[] = []
  afterEach(() => {
    for (const child of running.splice(0)) child.kill('SIGTERM')
  })

  /** Starts the command. `until` resolves when it has printed something. */
  function cluster(port: number | string, ...args: string[]) {
    const child = startAlone(args, { env: { OPENSEAL_PORT: String(port) } }, MAIN)
    running.push(child)
    let [out, err] = ['', '']
    child.stdout!.setEncoding('utf8').on('data', chunk => (out += chunk))
    child.stderr!.setEncoding('utf8').on('data', chunk => (err += chunk))
    const ended = new Promise<number | null>(resolve => child.once('close', resolve))
    return {
      child,
      ended,
      said: () => out + err,
      async until(found: RegExp) {
        while (!found.test(out + err)) {
          ok(child.exitCode === null, out + err)
          await sleep(50)
        }
        return { printed: JSON.parse(out) as Printed, told: err }
      },
    }
  }
  const freePorts = async () => {
    for (;;) {
      const port = await freePort()
      if ((await isFree(port + 1)) && (await isFree(port + 9))) return port
    }
  }
  const isAlive = (pid: number) => {
    try {
      return process.kill(pid, 0)
    } catch {
      return false
    }
  }

  it('prints commands that work, also after a node and the primary have died, and Ctrl-C ends everything', async () => {
    const port = await freePorts()
    const { child, ended, until } = cluster(port, '--nodes', '2')
    const { printed, told } = await until(/Ctrl-C ends everything/)
    const { nodes, proxy, primary, standby, data } = printed
    deepEqual(
      [nodes.map(({ url }) => url), proxy],
      [[`http://127.0.0.1:${port}`, `http://127.0.0.1:${port + 1}`], `http://127.0.0.1:${port + 9}`],
    )
    const typed = told.split('\n').filter(line => /^(export|\.\/openseal) /.test(line))
    const type = (lines: readonly string[]) => {
      const { status, stdout, stderr } = spawnSync('bash', ['-e', '-c', lines.join('\n')], { encoding: 'utf8', env: bareEnvironment() })
      equal(status, 0, stdout + stderr)
      return stdout
    }
    match(type(typed), /Registered demo\.gov\.example[\s\S]*Sealed at index 1\.[\s\S]*The ledger is consistent/)

    process.kill(nodes[0]!.pid, 'SIGKILL')
    process.kill(primary.pid, 'SIGKILL')
    await until(/was started again: process \d+/)
    const { told: after } = await until(/a new standby follows it: process \d+/)
    match(after, /the standby was promoted/)
    for (const url of [...nodes.map(({ url }) => url), proxy]) while (!(await isServing(url))) await sleep(50)
    const again = typed.filter(line => !line.includes('agency add')).map(line => line.replace('r-1', 'r-2'))
    // The audit may ask the other node, which follows within a second.
    match(type(again), /Sealed at index 2\.[\s\S]*The ledger is consistent\. Its entries \([23]\)/)

    child.kill('SIGINT')
    equal(await ended, 0)
    const all = [...nodes.map(({ pid }) => pid), standby.pid, ...[...after.matchAll(/process (\d+)/g)].map(([, pid]) => Number(pid))]
    equal(all.length, 6)
    deepEqual([all.filter(isAlive), existsSync(data)], [[], false])
  })

  it('says in one line why it does not start', async () => {
    const port = await freePorts()
    const { child, ended, until } = cluster(port, '--nodes', '1')
    await until(/Ctrl-C ends everything/)
    for (const [asked, args, code, sentence] of [
      [
        port,
        [],
        1,
        `cluster: port ${port} is in use. Set OPENSEAL_PORT to another one: the first node gets it, the proxy one that is 9 more.`,
      ],
      [
        port + 9,
        [],
        1,
        `cluster: port ${port + 9} is in use. Set OPENSEAL_PORT to another one: the first node gets it, the proxy one that is 9 more.`,
      ],
      ['many', [], 2, 'cluster: OPENSEAL_PORT must be a number from 1 to 65526.'],
      [port, ['--nodes', '10'], 2, 'cluster: --nodes must be a number from 1 to 9.'],
    ] as const) {
      const refused = cluster(asked, ...args)
      deepEqual([await refused.ended, refused.said()], [code, `${sentence}\n`])
    }
    child.kill('SIGTERM')
    equal(await ended, 0)
  })
})

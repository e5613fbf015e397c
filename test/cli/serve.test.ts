/** `openseal serve` as a process: what it prints, how it ends, and what it refuses in one sentence. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

type Served = { child: ChildProcess; ended: Promise<{ code: number | null; out: string; err: string }>; ready: Promise<string> }

describe('openseal serve', function () {
  this.timeout(60_000)
  let folder: string
  const running = new Set<ChildProcess>()

  function serve(env: { readonly [name: string]: string } = {}): Served {
    const ports = { OPENSEAL_PORT: '0', OPENSEAL_CHAIN_PORT: '0' }
    const child = spawn(process.execPath, [MAIN, 'serve'], { cwd: folder, env: { PATH: process.env.PATH, ...ports, ...env } })
    running.add(child)
    let out = ''
    let err = ''
    child.stderr.on('data', chunk => {
      err += chunk
    })
    const ready = new Promise<string>(resolve => {
      child.stdout.on('data', chunk => {
        out += chunk
        if (out.includes('Ctrl-C stops it.')) resolve(out)
      })
    })
    const ended = new Promise<{ code: number | null; out: string; err: string }>(resolve => {
      child.on('close', code => {
        running.delete(child)
        resolve({ code, out, err })
      })
    })
    return { child, ended, ready }
  }

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'openseal-test-'))
  })
  after(async () => {
    for (const child of running) child.kill('SIGTERM')
    rmSync(folder, { recursive: true, force: true })
  })

  it('prints what to do next, stops in order on a signal, and finds its ledger again', async () => {
    const keys: string[] = []
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      const first = serve()
      const out = await first.ready
      const url = /at (http:\S+)/.exec(out)![1]
      for (const step of ['agency add', 'submit decision.txt', 'receipt --upgrade', 'policy --out', 'verify decision.txt']) {
        assert.match(out, new RegExp(`npx openseal ${step}.* --ledger ${url}`))
      }
      assert.match(out, /OPENSEAL_OPERATOR_KEY_FILE=data\/keys\/operator\.key/)
      keys.push(((await (await fetch(`${url}/v1/status`)).json()) as { vkey: string }).vkey)
      first.child.kill(signal)
      const { code, err } = await first.ended
      assert.equal(code, 0, err)
    }
    assert.equal(keys[0], keys[1])
  })

  it('refuses a wrong setting, a busy port and a folder in use: one sentence, exit 1', async () => {
    const first = serve({ OPENSEAL_DATA: 'busy' })
    const port = /localhost:(\d+)/.exec(await first.ready)![1]!
    const cases = [
      [{ OPENSEAL_PORT: 'many' }, 'CONFIG_MALFORMED'],
      [{ OPENSEAL_DATA: 'busy' }, 'STORE_LOCKED'],
      [{ OPENSEAL_DATA: 'other', OPENSEAL_PORT: port }, 'SERVER_LISTEN'],
    ] as const
    for (const [env, expected] of cases) {
      const { code, err } = await serve(env).ended
      assert.equal(code, 1, err)
      assert.match(err.trim().split('\n').at(-1)!, new RegExp(`^openseal: .*\\[${expected}\\]$`))
    }
    first.child.kill('SIGTERM')
    assert.equal((await first.ended).code, 0)
  })
})

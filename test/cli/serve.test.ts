/**
 * `openseal serve` as a process: what it prints, how it ends, and what it refuses in one sentence.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createJsonRpcReader, parsePolicy, verify } from '../../src/verifier/index.ts'
import { BARE_ENV } from '../bare-env.ts'
import { statement } from '../http/service.ts'

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

type Served = { child: ChildProcess; ended: Promise<{ code: number | null; out: string; err: string }>; ready: Promise<string> }

describe('openseal serve', function () {
  this.timeout(60_000)
  let folder: string
  const running = new Set<ChildProcess>()

  function serve(env: { readonly [name: string]: string } = {}): Served {
    const ports = { OPENSEAL_PORT: '0', OPENSEAL_CHAIN_PORT: '0' }
    const child = spawn(process.execPath, [MAIN, 'serve'], {
      cwd: folder,
      env: { ...BARE_ENV, OPENSEAL_MARK: process.env.OPENSEAL_MARK, ...ports, ...env },
    })
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
        assert.match(out, new RegExp(`\\./openseal ${step}.* --ledger ${url}`))
      }
      assert.match(out, /OPENSEAL_OPERATOR_KEY_FILE=data\/keys\/operator\.key/)
      keys.push(((await (await fetch(`${url}/v1/status`)).json()) as { vkey: string }).vkey)
      first.child.kill(signal)
      const { code, err } = await first.ended
      assert.equal(code, 0, err)
    }
    assert.equal(keys[0], keys[1])
  })

  it('says at its start what is wrong with a store behind its mark, and names no steps that would fail', async () => {
    const env = { OPENSEAL_DATA: 'older', OPENSEAL_MARK: join(folder, 'mark-of-older') }
    const first = serve(env)
    await first.ready
    first.child.kill('SIGTERM')
    await first.ended
    for (const name of readdirSync(env.OPENSEAL_MARK).filter(name => name.endsWith('.json'))) {
      const path = join(env.OPENSEAL_MARK, name)
      const mark = JSON.parse(readFileSync(path, 'utf8'))
      writeFileSync(path, JSON.stringify({ ...mark, size: mark.size + 5 }))
    }
    const second = serve(env)
    const out = await second.ready
    assert.match(out, /^ALARM: .*this key has signed 6 entries/m)
    assert.doesNotMatch(out, /agency add/)
    second.child.kill('SIGTERM')
    assert.equal((await second.ended).code, 0)
  })

  it('makes nothing in its data folder that others on the machine may read', async () => {
    const data = 'private'
    const served = serve({ OPENSEAL_DATA: data })
    await served.ready
    const open = readdirSync(join(folder, data), { recursive: true, encoding: 'utf8' }).filter(
      name => statSync(join(folder, data, name)).mode % 0o100 !== 0,
    )
    served.child.kill('SIGTERM')
    assert.equal((await served.ended).code, 0)
    assert.deepEqual([open, statSync(join(folder, data)).mode % 0o1000], [[], 0o700])
  })

  it('has its anchors on chain again after it and its chain were killed at the moment of an anchor, and ends the chain last', async () => {
    const data = 'killed'
    const first = serve({ OPENSEAL_DATA: data, OPENSEAL_ANCHOR_INTERVAL: '100ms' })
    const url = /at (http:\S+)/.exec(await first.ready)![1]!
    const operator = readFileSync(join(folder, data, 'keys/operator.key'), 'utf8').trim()
    const send = (to: string, path: string, key: string, body: unknown) =>
      fetch(to + path, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
    await send(url, '/v1/agencies', operator, { id: 'transport.gov.example', name: 'Ministry of Transport' })
    const { key } = (await (await send(url, '/v1/agencies/transport.gov.example/keys', operator, {})).json()) as { key: string }
    for (const number of [1, 2, 3]) {
      assert.equal((await send(url, '/v1/records', key, statement(number))).status, 201)
      // The chain keeps a block within a quarter of a second: what is killed now has lost the last
      // ones.
      await untilAnchored(url, number)
    }
    const chainPid = chainOf(data)
    process.kill(chainPid, 'SIGKILL')
    first.child.kill('SIGKILL')
    await first.ended

    const second = serve({ OPENSEAL_DATA: data, OPENSEAL_ANCHOR_INTERVAL: '100ms' })
    const out = await second.ready
    const again = /at (http:\S+)/.exec(out)![1]!
    const rpc = /--rpc (http:\S+)/.exec(out)![1]!
    await untilAnchored(again, 3)
    for (const index of [1, 2, 3]) assert.equal(await verdictOf(again, rpc, index), 'test-network')
    const pid = chainOf(data)
    second.child.kill('SIGINT')
    const { code, err } = await second.ended
    assert.equal(code, 0, err)
    assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' })
    // That anchors were lost is told, and once more if they are not final again at once.
    assert.deepEqual(
      err
        .split('\n')
        .filter(line => line.includes('"level":"error"'))
        .filter(line => !/the chain has lost final anchors|"code":"ANCHOR_LOST"/.test(line)),
      [],
    )
  })

  it('accepts records while its chain is dead, starts the chain again, and anchors them', async () => {
    const service = serve({ OPENSEAL_DATA: 'killed', OPENSEAL_ANCHOR_INTERVAL: '100ms' })
    const url = /at (http:\S+)/.exec(await service.ready)![1]!
    const operator = readFileSync(join(folder, 'killed/keys/operator.key'), 'utf8').trim()
    const headers = { authorization: `Bearer ${operator}`, 'content-type': 'application/json' }
    const made = await fetch(`${url}/v1/agencies/transport.gov.example/keys`, { method: 'POST', headers, body: '{}' })
    const { key } = (await made.json()) as { key: string }
    process.kill(chainOf('killed'), 'SIGKILL')
    const body = JSON.stringify(statement(4))
    const answer = await fetch(`${url}/v1/records`, { method: 'POST', headers: { ...headers, authorization: `Bearer ${key}` }, body })
    assert.equal(answer.status, 201)
    await untilAnchored(url, 4)
    service.child.kill('SIGTERM')
    assert.equal((await service.ended).code, 0)
  })

  /** Process id of the embedded chain of a data folder. */
  function chainOf(data: string): number {
    return JSON.parse(readFileSync(join(folder, data, 'chain/process.json'), 'utf8')).pid
  }

  async function untilAnchored(url: string, index: number): Promise<void> {
    for (;;) {
      const { state } = (await (await fetch(`${url}/v1/records/${index}`)).json()) as { state: string }
      if (state === 'anchored') return
      await new Promise(done => setTimeout(done, 10))
    }
  }

  /** By the ledger's own policy and receipt, asked of the chain. */
  async function verdictOf(url: string, rpc: string, index: number): Promise<string> {
    const bytes = async (path: string) => new Uint8Array(await (await fetch(url + path)).arrayBuffer())
    const policy = parsePolicy(await bytes('/policy.json'))
    const receipt = await bytes(`/v1/records/${index}/receipt`)
    const chain = [createJsonRpcReader({ url: rpc, fetch, timeoutMs: 5_000 })]
    for (;;) {
      const { verdict } = await verify({ receipt, policy, chain, trust: 'policy' })
      // The anchors that were lost are sent again within a moment.
      if (verdict !== 'sealed') return verdict
      await new Promise(done => setTimeout(done, 20))
    }
  }

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

/** The embedded chain as real processes: its blocks over stops, kills and starts, and its end. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer as createPages } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type EmbeddedChain, startEmbeddedChain } from '../../src/chain/embedded.ts'
import { silentLog } from '../../src/logger.ts'
import { launchBrowser } from '../web/browser.ts'

const FIRST = '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266'

describe('chain/embedded', () => {
  let dataDir: string
  let chain: EmbeddedChain | undefined

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'openseal-chain-'))
    chain = undefined
  })
  afterEach(async () => {
    await chain?.stop()
    await rm(dataDir, { recursive: true, force: true })
  })
  const start = async (port = 0) => {
    chain = await startEmbeddedChain({ dataDir, port, log: silentLog })
    return chain
  }

  it('keeps blocks and transactions over a stop and a start', async () => {
    const first = await start()
    const hash = await mine(first.url)
    const genesis = await block(first.url, '0x0')
    const pid = first.pid()
    await first.stop()
    assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' }, 'gone, and not only about to go')
    const second = await start()
    assert.equal((await receipt(second.url, hash))?.blockNumber, '0x1')
    assert.deepEqual(await block(second.url, '0x0'), genesis)
  })

  it('starts again by itself after kill -9 of the chain, on the same port with the same blocks', async () => {
    const { url, pid, save } = await start()
    const hash = await mine(url)
    await save()
    const killed = pid()
    process.kill(killed, 'SIGKILL')
    await until(async () => pid() !== killed && (await receipt(url, hash)) !== null)
    assert.equal((await receipt(url, hash))?.blockNumber, '0x1')
  })

  it('brings a new block to disk without being asked', async () => {
    const first = await start()
    const hash = await mine(first.url)
    await new Promise(done => setTimeout(done, 1_500))
    process.kill(first.pid(), 'SIGKILL')
    await until(async () => (await receipt(first.url, hash)) !== null)
  })

  it('takes over a chain that is still running, and stops it in the end', async () => {
    const first = await start()
    const hash = await mine(first.url)
    const second = await startEmbeddedChain({ dataDir, port: 0, log: silentLog })
    assert.equal(second.pid(), first.pid())
    assert.equal(second.url, first.url)
    assert.notEqual(await receipt(second.url, hash), null)
    await first.stop()
    await second.stop()
    await assert.rejects(block(second.url, 'latest'))
  })

  it('takes over a chain whose service was killed before it had written down which one it is', async () => {
    const first = await start()
    await rm(join(dataDir, 'chain', 'process.json'))
    const second = await startEmbeddedChain({ dataDir, port: Number(new URL(first.url).port), log: silentLog })
    assert.equal(second.pid(), first.pid())
    await second.stop()
  })

  it('outlives a service that is killed, keeps out of its process group, and is taken over by the next', async () => {
    const source = new URL('../../src/chain/embedded.ts', import.meta.url)
    const script = `import { startEmbeddedChain } from ${JSON.stringify(source.href)}
      const quiet = () => {}
      const chain = await startEmbeddedChain({ dataDir: process.argv[1], port: 0, log: { info: quiet, warn: quiet, error: quiet } })
      console.log(chain.pid())`
    const service = spawn(process.execPath, ['--input-type=module', '-e', script, dataDir], {
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [said] = (await once(service.stdout, 'data')) as [Buffer]
    // Like Ctrl-C in a terminal, but harder: kills the whole group of the service.
    process.kill(-service.pid!, 'SIGKILL')
    await once(service, 'exit')
    const next = await start()
    assert.equal(next.pid(), Number(said))
    await mine(next.url)
    process.kill(next.pid(), 'SIGKILL')
    await until(async () => next.pid() !== Number(said) && (await block(next.url, 'latest')).number !== undefined)
  })

  it('gives blocks the time of the wall clock, even after a restart', async () => {
    const first = await start()
    await mine(first.url)
    await first.stop()
    await new Promise(done => setTimeout(done, 2_500))
    const second = await start()
    await mine(second.url)
    const { timestamp } = await block(second.url, 'latest')
    assert.ok(Math.abs(Number(timestamp) - Date.now() / 1000) < 2, `${Number(timestamp)} against ${Date.now() / 1000}`)
  })

  it('says in one sentence that the port is in use', async () => {
    const server = createServer()
    const port = await new Promise<number>(done => server.listen(0, '127.0.0.1', () => done((server.address() as { port: number }).port)))
    const message = `Port ${port} is in use: stop the program that uses it, or set OPENSEAL_CHAIN_PORT.`
    await assert.rejects(startEmbeddedChain({ dataDir, port, log: silentLog }), { code: 'CHAIN_PORT_BUSY', message })
    await new Promise(done => server.close(done))
  })

  it('inherits no secret of the service’s environment', async () => {
    // Elsewhere no process may be asked for its environment.
    if (process.platform !== 'linux') return
    process.env.OPENSEAL_ANCHOR_KEY = '0xsecret'
    try {
      const { pid } = await start()
      const names = (await readFile(`/proc/${pid()}/environ`, 'utf8')).split('\0').map(line => line.split('=')[0])
      assert.deepEqual(
        names.filter(name => !['', 'PATH', 'HOME', 'TMPDIR'].includes(name ?? '')),
        [],
      )
    } finally {
      delete process.env.OPENSEAL_ANCHOR_KEY
    }
  })

  it('answers requests of the pages of its ledger in a browser, and of no other web page', async function () {
    this.timeout(60_000)
    const pages = createPages((_request, response) =>
      response.setHeader('content-type', 'text/html').end('<!doctype html><title>x</title>'),
    )
    const port = await new Promise<number>(done => pages.listen(0, '127.0.0.1', () => done((pages.address() as { port: number }).port)))
    chain = await startEmbeddedChain({ dataDir, port: 0, log: silentLog, pages: `http://localhost:${port}` })
    const browser = await launchBrowser()
    try {
      const page = await browser.newPage()
      const ask = async (from: string, type: string) => {
        await page.goto(from)
        return page.evaluate(
          ([url, contentType]) =>
            fetch(url!, {
              method: 'POST',
              headers: { 'content-type': contentType! },
              body: '{"jsonrpc":"2.0","id":1,"method":"anvil_mine","params":["0x1"]}',
            }).then(
              answer => answer.status,
              () => 'refused',
            ),
          [chain!.url, type],
        )
      }
      const height = async () => Number((await block(chain!.url, 'latest')).number)
      assert.equal(await ask(`http://localhost:${port}/`, 'application/json'), 200)
      assert.equal(await height(), 1)
      // The same server under another name: another site to the browser. Neither read nor written,
      // with a preflight or without one.
      for (const type of ['application/json', 'text/plain']) assert.equal(await ask(`http://127.0.0.1:${port}/`, type), 'refused')
      assert.equal(await height(), 1)
      // The threat model says so: anvil takes a WebSocket from any page. When this fails, the
      // threat model can say more.
      const opened = await page.evaluate(
        url =>
          new Promise(resolve => {
            const socket = new WebSocket(url)
            socket.onopen = () => resolve(true)
            socket.onerror = () => resolve(false)
          }),
        chain.url.replace('http', 'ws'),
      )
      assert.equal(opened, true)
    } finally {
      await browser.close()
      pages.close()
    }
  })

  it('refuses a damaged state instead of starting another chain', async () => {
    await (await start()).stop()
    await writeFile(join(dataDir, 'chain', 'state.json'), '{"block":{')
    await assert.rejects(startEmbeddedChain({ dataDir, port: 0, log: silentLog }), { code: 'CHAIN_STATE_MALFORMED' })
  })
})

async function rpc(url: string, method: string, params: unknown[]): Promise<unknown> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
  const answer = (await (await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })).json()) as {
    result?: unknown
    error?: unknown
  }
  assert.equal(answer.error, undefined)
  return answer.result
}
async function mine(url: string): Promise<string> {
  const hash = (await rpc(url, 'eth_sendTransaction', [{ from: FIRST, to: FIRST, value: '0x1' }])) as string
  await until(async () => (await receipt(url, hash)) !== null)
  return hash
}
const block = (url: string, tag: string) =>
  rpc(url, 'eth_getBlockByNumber', [tag, false]) as Promise<{ number: string; hash: string; timestamp: string }>
const receipt = (url: string, hash: string) => rpc(url, 'eth_getTransactionReceipt', [hash]) as Promise<{ blockNumber: string } | null>

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 10_000; Date.now() < end; await new Promise(done => setTimeout(done, 50)))
    if (await condition().catch(() => false)) return
  assert.fail('waited in vain')
}

/** docs/run-a-ledger/witness-each-other.md, followed word by word by the operators of two ledgers. */
import { deepEqual, equal, match } from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parsePolicy } from '../../src/core/policy.ts'
import { parseVkey } from '../../src/core/tlog/note.ts'
import { bareEnvironment, linkClone, readBlocks, runBlock } from '../followed-page.ts'
import { statement } from '../http/service.ts'
import { freePort } from '../listen.ts'

const page = readFileSync(join(import.meta.dirname, '../../docs/run-a-ledger/witness-each-other.md'), 'utf8')
const [exchange, witness, look] = readBlocks(page).map(({ script }) => script)
const vouchers = /```json\n([^`]+)```/.exec(page)![1]!
const OPERATOR = 'oso_operator-key-of-this-test'

describe('docs/run-a-ledger/witness-each-other.md', function () {
  this.timeout(180_000)
  let folder: string
  const running = new Set<ChildProcess>()
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'openseal-each-other-'))
  })
  after(async () => {
    for (const child of running) await stop(child)
    rmSync(folder, { recursive: true, force: true })
  })

  /** Starts what does not end by itself, and waits until it answers. Returns it and what it printed. */
  async function start(script: string, cwd: string, env: NodeJS.ProcessEnv, url: string) {
    const child = spawn('bash', ['-c', script], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
    running.add(child)
    const said = { out: '', err: '' }
    child.stdout.on('data', data => (said.out += data))
    child.stderr.on('data', data => (said.err += data))
    while (!(await fetch(`${url}/healthz`).catch(() => undefined))?.ok) {
      if (child.exitCode !== null) throw new Error(`it ended: ${said.err}`)
      await sleep(50)
    }
    return { child, said }
  }

  async function stop(child: ChildProcess): Promise<void> {
    running.delete(child)
    if (child.exitCode !== null || child.signalCode !== null) return
    process.kill(-child.pid!, 'SIGINT')
    await once(child, 'exit')
  }

  /** An operator with a clone, and a ledger with its own chain that is started twice. */
  async function openOperator(letter: 'a' | 'b') {
    const clone = join(folder, letter)
    mkdirSync(clone)
    linkClone(clone)
    const [url, witnessUrl] = [`http://localhost:${await freePort()}`, `http://127.0.0.1:${await freePort()}`]
    const env = {
      ...bareEnvironment(),
      XDG_STATE_HOME: join(clone, 'state'),
      OPENSEAL_PORT: new URL(url).port,
      OPENSEAL_CHAIN_PORT: String(await freePort()),
      OPENSEAL_ORIGIN: `ledger-${letter}.example`,
      OPENSEAL_OPERATOR_KEY: OPERATOR,
      OPENSEAL_ANCHOR_INTERVAL: '1s',
    }
    let ledger = await start('./openseal serve', clone, env, url)
    return {
      ...{ letter, clone, url, witnessUrl, env },
      /** The page's text, which speaks of A, for this operator on this machine. */
      place: (text: string, other: { readonly url: string; readonly witnessUrl: string }) =>
        text
          .replaceAll('https://ledger-b.example', other.url)
          .replaceAll('https://ledger-a.example', url)
          .replaceAll('https://witness.ledger-b.example', other.witnessUrl)
          .replaceAll('ledger-a.example/witness', `ledger-${letter}.example/witness`),
      async restart() {
        await stop(ledger.child)
        ledger = await start('./openseal serve', clone, { ...env, OPENSEAL_VOUCHERS: 'vouchers.json' }, url)
      },
      async send(path: string, key: string, body: object) {
        const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
        return (await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) })).json()
      },
      read: async (path: string) => (await fetch(url + path)).json(),
    }
  }
  const run = ({ clone, env }: Awaited<ReturnType<typeof openOperator>>, script: string) =>
    runBlock({ kind: 'run', script, exit: 0, contains: '' }, clone, env)

  it('leads two operators to records that are anchored only with the other’s signature', async () => {
    const [a, b] = await Promise.all([openOperator('a'), openOperator('b')])
    const both = [
      [a, b],
      [b, a],
    ] as const

    for (const [own, other] of both) {
      run(own, own.place(exchange!, other))
      // A copy of its own ledger's policy, as a reader may have pinned it before.
      run(own, `./openseal policy --ledger ${own.url} --out before.json`)
    }
    const keys = new Map<string, string>()
    const startWitness = async ([own, other]: (typeof both)[number]) => {
      const script = `${own.place(witness!, other).trim()} --port ${new URL(own.witnessUrl).port}`
      const { said } = await start(script, own.clone, own.env, own.witnessUrl)
      while (!said.out.includes('Ctrl-C')) await sleep(20)
      keys.set(own.letter, said.out.split('\n')[0]!)
    }
    await Promise.all(both.map(startWitness))
    const nameWitness = async ([own, other]: (typeof both)[number]) => {
      const placed = own.place(vouchers, other).replace('ledger-b.example/witness+…', keys.get(other.letter)!)
      writeFileSync(join(own.clone, 'vouchers.json'), placed)
      await own.restart()
    }
    await Promise.all(both.map(nameWitness))

    for (const [own, other] of both) {
      await own.send('/v1/agencies', OPERATOR, { id: 'transport.gov.example', name: 'Transport' })
      const { key } = await own.send('/v1/agencies/transport.gov.example/keys', OPERATOR, {})
      const { index } = await own.send('/v1/records', key, statement(1))
      while ((await own.read(`/v1/records/${index}`)).state !== 'anchored') await sleep(50)
      const shown = run(own, own.place(look!, other))
      match(shown, new RegExp(`"cosignatures":\\["— ledger-${other.letter}\\.example/witness `))
      match(shown, new RegExp(`^openseal_witness_size\\{log="ledger-${own.letter}\\.example"\\} ${index + 1}$`, 'm'))

      // What the page says to readers.
      const told = run(own, `./openseal policy --extend before.json --ledger ${own.url}`)
      match(told, new RegExp(`witnesses, only there: ledger-${other.letter}\\.example/witness`))
      const pinned = parsePolicy(readFileSync(join(own.clone, 'before.json')))
      const served = parsePolicy(await (await fetch(`${own.url}/policy.json`)).text())
      deepEqual([pinned.witnesses, served.witnesses, served.quorum], [[], [keys.get(other.letter)], 1])
      equal(parseVkey(served.witnesses[0]!).name, `ledger-${other.letter}.example/witness`)
    }
  })
})

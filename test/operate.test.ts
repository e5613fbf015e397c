/**
 * The pages for operators, followed word by word: the first hour in a folder that looks like a
 * clone, and the commands of a server under the files of ops/, with a stand-in for systemd.
 */
import { deepEqual, equal, match } from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type Block, bareEnvironment, linkClone, readBlocks, runBlock } from './followed-page.ts'
import { freePort } from './listen.ts'
import { createDeskClient, type DeskAnswer, fieldsOf } from './web/desk-client.ts'

const root = dirname(import.meta.dirname)
const readPage = (name: string) => readFileSync(join(root, 'docs/run-a-ledger', name), 'utf8')
const BOUNDARY = 'boundary-of-the-first-hour'

describe('docs/run-a-ledger', function () {
  this.timeout(300_000)
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'openseal-operate-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  it('leads through the first hour: a name, an agency, a record, its check, a backup and an alarm', async () => {
    linkClone(folder)
    const page = readPage('first-hour.md')
    const blocks = readBlocks(page)
    const runs = blocks.filter(({ kind }) => kind === 'run')
    const [first, again] = blocks.filter(({ kind }) => kind === 'serve')
    const port = await freePort()
    const url = `http://localhost:${port}`
    const env = {
      ...bareEnvironment(),
      XDG_STATE_HOME: join(folder, 'state'),
      OPENSEAL_PORT: String(port),
      OPENSEAL_CHAIN_PORT: String(await freePort()),
      OPENSEAL_LEDGER: url,
    }
    const follow = (block: Block | undefined) =>
      runBlock(block!, folder, { ...env, OPENSEAL_RPC: `http://127.0.0.1:${env.OPENSEAL_CHAIN_PORT}` })
    const shown: string[] = []
    const seen = (answer: DeskAnswer) => {
      shown.push(answer.text)
      return answer
    }

    let service = await serve(first!, folder, env, url)
    try {
      const operatorKey = /^oso_\S+$/m.exec(follow(runs[0]))![0]
      const operator = createDeskClient(url)
      seen(await operator.get('/operator'))
      equal((await operator.signIn(operatorKey, '/operator')).status, 303)
      match(seen(await operator.get('/operator')).text, /City of Example/)
      const agencies = seen(await operator.get('/operator/agencies'))
      const added = await operator.submit(agencies, '/operator/agencies', { id: 'transport.gov.example', name: 'Ministry of Transport' })
      const keysPath = String(added.headers.location)
      const keys = seen(await operator.get(keysPath))
      const made = seen(await operator.submit(keys, keysPath, { role: 'admin', key: operatorKey }))
      const key = /osk_[0-9a-f]{16}_[\w-]{43}/.exec(made.text)![0]

      follow(runs[1])
      const clerk = createDeskClient(url)
      equal((await clerk.signIn(key)).status, 303)
      seen(await clerk.get('/desk'))
      const choose = seen(await clerk.get('/desk/new'))
      const form = seen(await upload(clerk, fieldsOf(choose, '/desk/new'), join(folder, 'decision.txt')))
      const preview = seen(await clerk.submit(form, '/desk/preview', { record: 'permit-2026-17', kind: 'decision' }))
      const done = seen(await clerk.get(String((await clerk.submit(preview, '/desk/submit')).headers.location)))
      const receipt = await anchoredReceipt(`${url}/v1/records/1`)
      const [saved = ''] = /decision\.txt\.receipt\.json/.exec(done.text) ?? []
      writeFileSync(join(folder, saved), receipt)

      follow(runs[2])
      follow(runs[3])
      const steps = seen(await operator.get('/operator')).text.match(/<li class="(?:passed|not-run)"/g)
      equal(steps?.join(), ['passed', 'not-run', 'passed', 'passed', 'not-run', 'passed'].map(state => `<li class="${state}"`).join())

      await stop(service)
      service = await serve(again!, folder, env, url)
      follow(runs[4])
      seen(await operator.get('/operator'))
    } finally {
      await stop(service)
    }
    equal(runs.length, 5)
    const text = shown
      .join('\n')
      .replaceAll(/<\/?bdi>|[\u2066-\u2069]/g, '')
      .toLowerCase()
    deepEqual(
      [...page.matchAll(/\*\*([^*]+)\*\*/g)].map(([, name = '']) => name).filter(name => !text.includes(name.toLowerCase())),
      [],
      'the page names buttons and fields that are not there',
    )
  })

  it('keeps a server: a backup, a restore and the decision after it, its keys, and an upgrade', async () => {
    const [port, admin, chain] = [await freePort(), await freePort(), await freePort()]
    const place = (text: string) =>
      text
        .replaceAll(/\/(opt|etc|var\/lib|var\/backups)\/openseal/g, `${folder}/$1/openseal`)
        .replaceAll('/usr/bin/node', process.execPath)
        .replaceAll('127.0.0.1:8080', `127.0.0.1:${port}`)
        .replaceAll('127.0.0.1:9090', `127.0.0.1:${admin}`)
        .replaceAll('OPENSEAL_PORT=8080', `OPENSEAL_PORT=${port}`)
    const put = (path: string, text: string, mode = 0o644) => {
      mkdirSync(dirname(join(folder, path)), { recursive: true })
      writeFileSync(join(folder, path), place(text))
      chmodSync(join(folder, path), mode)
    }
    const ops = (name: string) => readFileSync(join(root, 'ops', name), 'utf8')
    // The chain of this machine in place of endpoints elsewhere.
    const environment = ops('environment').replaceAll(/^OPENSEAL_(PUBLIC_RPC|RPC|ANCHOR_KEY_FILE|ANCHOR_INTERVAL)=.*\n/gm, '')
    put('etc/openseal/environment', `${environment}OPENSEAL_CHAIN_PORT=${chain}\nOPENSEAL_ANCHOR_INTERVAL=1s\n`)
    for (const unit of ['openseal.service', 'openseal-backup.service']) put(`units/${unit}`, ops(unit))
    put('bin/openseal', ops('openseal.sh'), 0o755)
    put('bin/systemctl', readFileSync(join(root, 'test/systemctl.sh'), 'utf8'), 0o755)
    // There is one user here.
    put('bin/runuser', '#!/bin/sh\nshift 3\nexec "$@"\n', 0o755)
    put('bin/install', '#!/bin/sh\nfor last; do :; done\nmkdir -p "$last"\n', 0o755)
    mkdirSync(join(folder, 'var/lib/openseal'), { recursive: true })
    for (const version of ['opt/openseal', 'opt/openseal.new']) {
      mkdirSync(join(folder, version), { recursive: true })
      linkClone(join(folder, version))
    }
    const env: NodeJS.ProcessEnv = { ...bareEnvironment(), UNITS: join(folder, 'units') }
    const path = `${join(folder, 'bin')}:${env.PATH}`
    const untilUp = async () => {
      const pidFile = join(folder, 'units/openseal.pid')
      while (existsSync(pidFile) && !(await fetch(`http://127.0.0.1:${port}/healthz`).catch(() => undefined))?.ok) {
        if (!isRunning(Number(readFileSync(pidFile, 'utf8')))) throw new Error('the service ended')
        await new Promise(resolve => setTimeout(resolve, 100))
      }
    }
    const state = async () => ((await (await fetch(`http://127.0.0.1:${port}/readyz`)).json()) as { status: string }).status
    const follow = async (block: Block) => {
      const output = runBlock({ ...block, script: place(block.script) }, folder, { ...env, PATH: path })
      await untilUp()
      return output
    }
    const start = { kind: 'run', script: 'systemctl enable --now openseal', exit: 0, contains: '' }
    try {
      await follow(start)
      const pages = ['back-up.md', 'keys.md', 'upgrade.md'].map(name => readBlocks(readPage(name)))
      deepEqual(
        pages.map(blocks => blocks.length),
        [3, 3, 1],
      )
      const [backUp, restore, ...decideAndGoOn] = pages.flat()
      await follow(backUp!)
      await follow(restore!)
      equal(await state(), 'stopped')
      for (const block of decideAndGoOn) await follow(block)
      // Through a tunnel, as docs/run-a-ledger/install.md says.
      const operator = createDeskClient(`http://127.0.0.1:${admin}`)
      await operator.signIn(readFileSync(join(folder, 'var/lib/openseal/keys/operator.key'), 'utf8').trim(), '/operator')
      match((await operator.get('/operator')).text, /First steps/)
      deepEqual(
        ['var/lib/openseal.before', 'opt/openseal.before'].filter(name => !existsSync(join(folder, name))),
        [],
      )
    } catch (error) {
      const log = join(folder, 'units/openseal.log')
      throw new Error(`${error}\n${existsSync(log) ? readFileSync(log, 'utf8').slice(-3000) : ''}`, { cause: error })
    } finally {
      runBlock({ ...start, script: 'systemctl stop openseal' }, folder, { ...env, PATH: path })
    }
  })
})

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

async function serve({ script }: Block, folder: string, env: NodeJS.ProcessEnv, url: string): Promise<ChildProcess> {
  const service = spawn('bash', ['-c', script], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  let printed = ''
  for (const stream of [service.stdout, service.stderr]) stream.on('data', data => (printed += data))
  while (!(await fetch(`${url}/readyz`).catch(() => undefined))?.ok) {
    if (service.exitCode !== null) throw new Error(`the service ended: ${printed}`)
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  return service
}

/** A Ctrl-C, which a terminal sends to the whole group. */
async function stop(service: ChildProcess): Promise<void> {
  if (service.exitCode !== null || service.signalCode !== null) return
  process.kill(-service.pid!, 'SIGINT')
  await once(service, 'exit')
}

function upload(client: ReturnType<typeof createDeskClient>, fields: { readonly [name: string]: string }, file: string) {
  const part = (head: string, body: string) => `--${BOUNDARY}\r\nContent-Disposition: form-data; ${head}\r\n\r\n${body}\r\n`
  const parts = Object.entries(fields).map(([name, value]) => part(`name="${name}"`, value))
  const body = [...parts, part('name="files"; filename="decision.txt"', readFileSync(file, 'utf8')), `--${BOUNDARY}--\r\n`].join('')
  return client.send('POST', '/desk/new', { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` }, body)
}

async function anchoredReceipt(record: string): Promise<string> {
  while (((await (await fetch(record)).json()) as { state: string }).state !== 'anchored')
    await new Promise(resolve => setTimeout(resolve, 200))
  return (await fetch(`${record}/receipt`)).text()
}

/**
 * The npm package, packed and put into an empty folder with what it depends on: the command and the
 * library run there, on every Node of this machine.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { endProcess } from '../src/chain/processes.ts'
import { formatPolicy } from '../src/core/policy.ts'
import { freePort } from './listen.ts'
import { openWorld } from './web/world.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '..')

/**
 * Of the verifier's package as it is downloaded: code, types and the ABI. docs/check-a-file.md
 * tells what it has today.
 */
const MAX_VERIFIER_BYTES = 115_000

/**
 * Verifies a file with nothing but the verifier's package, and the same receipt for another file.
 */
const CHECK = `import { readFile } from 'node:fs/promises'
  import { createFileReader, createJsonRpcReader, parsePolicy, verify } from '@openseal/verifier'
  import { checkpointAnchorAbi } from '@openseal/verifier/abi'
  const policy = parsePolicy(await readFile('policy.json'))
  const receipt = await readFile('receipt.json')
  const chain = [createJsonRpcReader({ url: process.argv[2], fetch, timeoutMs: 15_000 })]
  for (const bytes of [await readFile('file.txt'), Buffer.from('another bridge')]) {
    const reader = createFileReader()
    reader.update(bytes)
    console.log((await verify({ file: reader.finish().digest, receipt, policy, chain, trust: 'policy' })).verdict)
  }
  console.log('CheckpointAnchor:', checkpointAnchorAbi.filter(({ type }) => type === 'function').length)`

/**
 * Checked by the ABI's own type: the names of the contract's functions, and the types of their
 * arguments.
 */
const TYPED = `import { Interface } from 'ethers'
  import { type Result, verify } from '@openseal/verifier'
  import { checkpointAnchorAbi } from '@openseal/verifier/abi'
  type Item = (typeof checkpointAnchorAbi)[number]
  type Function = Extract<Item, { type: 'function' }>
  type Inputs<Name extends Function['name']> = Extract<Function, { name: Name }>['inputs']
  export const name: Function['name'] = 'anchoredAt'
  export const first: Inputs<'anchoredAt'>[0]['type'] = 'bytes32'
  // @ts-expect-error: no function of the contract
  export const none: Function['name'] = 'withdraw'
  export const forEthers = new Interface(checkpointAnchorAbi)
  export const run = (input: Parameters<typeof verify>[0]): Promise<Result> => verify(input)`

describe('npm package', function () {
  this.timeout(60_000)
  let folder: string
  let nodes: readonly string[]

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'openseal-package-'))
    nodes = await findNodes()
    await install(folder)
  })
  /** Services that run, by their data folders, which tell which chain is theirs. */
  const services = new Map<string, ChildProcess>()
  after(async () => {
    for (const [data, service] of services) {
      service.kill('SIGKILL')
      const chain = await readFile(join(folder, data, 'chain/process.json'), 'utf8').catch(() => undefined)
      if (chain !== undefined) await endProcess(JSON.parse(chain).pid)
    }
    await rm(folder, { recursive: true, force: true })
  })

  it('holds the files to run and to read, and neither sources nor tests', async () => {
    const files = await readdir(join(folder, 'node_modules/openseal'), { recursive: true })
    assert.deepEqual(
      [
        'README.md',
        'LICENSE',
        'CHANGELOG.md',
        'contracts/CheckpointAnchor.sol',
        'dist/verifier.js',
        'dist/abi.js',
        'dist/types/verifier/index.d.ts',
      ].filter(file => !files.includes(file)),
      [],
    )
    assert.deepEqual(
      files.filter(file => /^(src|test|bench|\.ci)\b|\.tgz$|deployments\/31337/.test(file)),
      [],
    )
  })

  it('shows its help, on every Node', async () => {
    const shown = await Promise.all(nodes.map(node => openseal(node, ['--help'])))
    for (const { text } of shown) assert.match(text, /^Usage: openseal/)
  })

  it('gives its verifier to programs, on every Node, and its types to their compiler', async () => {
    const text = `import { createJsonRpcReader, parsePolicy, verify, VERDICTS } from 'openseal/verifier'
      const kinds = [createJsonRpcReader, parsePolicy, verify].map(value => typeof value)
      console.log(kinds.join(), VERDICTS.length)`
    await writeFile(join(folder, 'use.mjs'), text)
    for (const node of nodes) assert.equal((await run(node, ['use.mjs'], { cwd: folder })).stdout, 'function,function,function 11\n')
    const typed = `import { type Policy, type Result, parsePolicy, verify } from 'openseal/verifier'
      export const read: (bytes: Uint8Array) => Policy = parsePolicy
      export const run = (input: Parameters<typeof verify>[0]): Promise<Result> => verify(input)
      // @ts-expect-error: a result has no such member, which only real types can tell
      export const wrong = (result: Result) => result.nothing`
    await writeFile(join(folder, 'use.mts'), typed)
    const flags = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2023', '--types', '']
    const compiled = run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), ...flags, 'use.mts'], { cwd: folder })
    assert.equal(
      await compiled.then(
        ({ stdout }) => stdout,
        error => error.stdout,
      ),
      '',
    )
  })

  it('is built as the verifier alone too: three small packages under it, the contract typed, a receipt verified on every Node', async () => {
    const alone = join(folder, 'alone')
    await mkdir(alone)
    await writeFile(join(alone, 'package.json'), '{ "type": "module" }')
    const needed = ['@noble/curves', '@noble/hashes', 'canonicalize']
    const packed = [join(root, 'packages/verifier'), ...needed.map(name => join(root, 'node_modules', name))]
    const env = { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}` }
    await run('npm', ['pack', '--ignore-scripts', '--pack-destination', alone, ...packed], { cwd: alone, env })
    const tarballs = (await readdir(alone)).filter(name => name.endsWith('.tgz'))
    const own = await stat(join(alone, tarballs.find(name => name.startsWith('openseal-verifier-'))!))
    assert.ok(own.size < MAX_VERIFIER_BYTES, `the package has ${own.size} bytes`)
    const quiet = ['--offline', '--no-audit', '--no-fund', '--loglevel=error']
    await run('npm', ['install', ...quiet, ...tarballs.map(name => `./${name}`)], { cwd: alone, env })
    const { packages } = JSON.parse(await readFile(join(alone, 'node_modules/.package-lock.json'), 'utf8'))
    const places = ['@noble/curves', '@noble/hashes', '@openseal/verifier', 'canonicalize'].map(name => `node_modules/${name}`)
    assert.deepEqual(Object.keys(packages), places)

    const world = await openWorld()
    try {
      await world.submit('bridge', 'the bridge')
      await world.anchor()
      const files = { 'file.txt': 'the bridge', 'receipt.json': await world.ledger.receipt(1), 'policy.json': formatPolicy(world.policy()) }
      for (const [name, text] of Object.entries(files)) await writeFile(join(alone, name), text)
      await writeFile(join(alone, 'check.js'), CHECK)
      for (const node of nodes) {
        const { stdout } = await run(node, ['check.js', world.chain.url], { cwd: alone })
        assert.equal(stdout, 'anchored\ninvalid\nCheckpointAnchor: 11\n')
      }
    } finally {
      await world.close()
    }

    await writeFile(join(alone, 'typed.ts'), TYPED)
    await symlink(join(root, 'node_modules/ethers'), join(alone, 'node_modules/ethers'))
    const flags = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--target', 'es2023', '--types', '']
    const compiled = run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), ...flags, 'typed.ts'], { cwd: alone })
    assert.equal(
      await compiled.then(
        ({ stdout }) => stdout,
        error => error.stdout,
      ),
      '',
    )
  }).timeout(120_000)

  it('serves, with its pages, takes a file and verifies it, on every Node', async () => {
    await Promise.all(nodes.map(live))
  })

  async function openseal(node: string, args: readonly string[], env: { readonly [name: string]: string } = {}) {
    const command = join(folder, 'node_modules/openseal/scripts/openseal.js')
    const path = `${dirname(node)}${delimiter}${process.env.PATH}`
    return run(node, [command, ...args], { cwd: folder, env: { PATH: path, ...env } }).then(
      ({ stdout, stderr }) => ({ code: 0, text: stdout, err: stderr }),
      ({ code, stdout, stderr }) => ({ code, text: stdout as string, err: stderr as string }),
    )
  }

  /** The life of a record with nothing but the package. */
  async function live(node: string): Promise<void> {
    const [port, chainPort] = [await freePort(), await freePort()]
    const url = `http://127.0.0.1:${port}`
    const rpc = `http://127.0.0.1:${chainPort}`
    const data = `data-${port}`
    const settings = {
      OPENSEAL_PORT: String(port),
      OPENSEAL_CHAIN_PORT: String(chainPort),
      OPENSEAL_DATA: data,
      OPENSEAL_ANCHOR_INTERVAL: '200ms',
    }
    const service = spawn(node, [join(folder, 'node_modules/openseal/scripts/openseal.js'), 'serve'], {
      cwd: folder,
      env: { PATH: process.env.PATH, OPENSEAL_MARK: process.env.OPENSEAL_MARK, ...settings },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    services.set(data, service)
    let printed = ''
    service.stderr.on('data', chunk => (printed += chunk))
    const ended = new Promise<number | null>(done => service.once('exit', done))
    void ended.then(() => services.delete(data))
    try {
      await new Promise<void>((done, fail) => {
        service.stdout.on('data', chunk => String(chunk).includes('Ctrl-C stops it.') && done())
        void ended.then(() => fail(new Error(`it ended: ${printed}`)))
      })
      const env = {
        OPENSEAL_LEDGER: url,
        OPENSEAL_RPC: rpc,
        OPENSEAL_OPERATOR_KEY_FILE: `${data}/keys/operator.key`,
        OPENSEAL_API_KEY_FILE: `${data}/agency.key`,
      }
      assert.match((await openseal(node, ['--help'])).text, /^Usage: openseal /)
      const steps: readonly (readonly [readonly string[], number])[] = [
        [['agency', 'add', 'demo.gov.example', '--name', 'Demo', '--key-file', `${data}/agency.key`], 0],
        [['submit', `${data}.txt`, '--agency', 'demo.gov.example', '--kind', 'decision', '--record', '1', '--wait', '30'], 0],
        [['policy', '--out', `${data}.policy.json`], 0],
        [['verify', `${data}.txt`, '--policy', `${data}.policy.json`, '--rpc', rpc], 3],
      ]
      await writeFile(join(folder, `${data}.txt`), 'The bridge is to be built.')
      for (const [args, expected] of steps) {
        const { code, text, err } = await openseal(node, args, env)
        assert.equal(code, expected, `${args.join(' ')}: ${text}${err}`)
        if (args[0] === 'verify') assert.match(text, /test-network/)
      }
      const { alarmCodes } = (await (await fetch(`${url}/readyz`)).json()) as { alarmCodes: unknown }
      assert.deepEqual(alarmCodes, [], node)
      assert.equal((await fetch(`${url}/verify`)).status, 200)
      assert.match(await (await fetch(`${url}/openseal-verifier.html`)).text(), /OpenSeal offline verifier/)
    } finally {
      service.kill('SIGINT')
    }
    assert.equal(await ended, 0, printed)
  }
})

/**
 * Packs, unpacks, and links what the package depends on: its own packages only, so that one of the
 * development's is missing when it is used.
 */
async function install(folder: string): Promise<void> {
  const path = `${dirname(process.execPath)}${delimiter}${process.env.PATH}`
  await run('npm', ['pack', '--pack-destination', folder, '--loglevel=error'], { cwd: root, env: { ...process.env, PATH: path } })
  const [tarball = ''] = (await readdir(folder)).filter(name => name.endsWith('.tgz'))
  const home = join(folder, 'node_modules/openseal')
  await mkdir(home, { recursive: true })
  await run('tar', ['xzf', join(folder, tarball), '-C', home, '--strip-components=1'])
  const { dependencies } = JSON.parse(await readFile(join(home, 'package.json'), 'utf8')) as { dependencies: { [name: string]: string } }
  for (const name of Object.keys(dependencies)) {
    await mkdir(dirname(join(folder, 'node_modules', name)), { recursive: true })
    await symlink(join(root, 'node_modules', name), join(folder, 'node_modules', name))
  }
  // Of the chain's package of this platform: npm puts it beside.
  for (const name of await readdir(join(root, 'node_modules/@foundry-rs')))
    if (name !== 'anvil') await symlink(join(root, 'node_modules/@foundry-rs', name), join(folder, 'node_modules/@foundry-rs', name))
}

/** One of each version that is found: the one that runs this, and those of the search path. */
async function findNodes(): Promise<readonly string[]> {
  const paths = [process.execPath, ...(process.env.PATH ?? '').split(delimiter).map(path => join(path, 'node'))]
  const found = new Map<string, string>()
  for (const path of paths) {
    const version = await run(path, ['--version']).then(
      ({ stdout }) => stdout.trim(),
      () => undefined,
    )
    if (version !== undefined && !found.has(version)) found.set(version, path)
  }
  return [...found.values()]
}

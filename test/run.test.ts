/** scripts/run.js: when it installs, and when it leaves a sound installation alone. */
import { deepEqual, equal, match } from 'node:assert/strict'
import { type SpawnOptions, spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import {
  constants,
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'

const ROOT = dirname(import.meta.dirname)

describe('scripts/run.js', () => {
  let clone: string
  const stampFile = () => join(clone, 'node_modules', '.openseal-stamp')
  const stamp = () => readFileSync(stampFile(), 'utf8')
  const run = (...args: string[]) => spawnSync(process.execPath, ['scripts/run.js', ...args], { cwd: clone, encoding: 'utf8' })

  beforeEach(() => {
    clone = mkdtempSync(join(tmpdir(), 'openseal-run-'))
    mkdirSync(join(clone, 'node_modules'))
    for (const file of ['scripts/run.js', 'scripts/service.json', 'package-lock.json', 'package.json'])
      cpSync(join(ROOT, file), join(clone, file))
    writeFileSync(join(clone, 'node_modules/.package-lock.json'), readFileSync(join(ROOT, 'package-lock.json')))
    writeFileSync(
      join(clone, 'hello.ts'),
      "const who: string = 'there'\nconsole.log('hello', who, String(process.argv.slice(2)))\nprocess.exitCode = 7\n",
    )
    equal(run('--stamp').status, 0)
  })
  afterEach(() => rmSync(clone, { recursive: true }))

  it('runs a program with its arguments, passes on its exit code, and installs nothing where nothing has changed', () => {
    const done = run('hello.ts', 'a', 'b')
    equal(done.stdout, 'hello there a,b\n')
    equal(done.status, 7)
    equal(done.stderr, '')
  })

  it('keeps the stamp of an installation when npm prepares the clone again under another Node', () => {
    const other = stamp().replace(/^\d+$/m, '20')
    writeFileSync(stampFile(), other)
    equal(run('--stamp').status, 0)
    equal(stamp(), other)
  })

  it('stamps anew when the lock file has changed', () => {
    const before = stamp()
    writeFileSync(join(clone, 'package-lock.json'), '{}')
    equal(run('--stamp').status, 0)
    equal(stamp() === before, false)
  })

  it('installs nothing where node_modules holds what a changed lock file names', () => {
    const start = withNpm('process.stderr.write(process.argv.slice(2).join(" "))')
    const lock = (packages: object) => writeFileSync(join(clone, 'package-lock.json'), JSON.stringify({ packages }))
    const a = { version: '1.0.0' }
    const [other, here] = [{ version: '1.0.0', optional: true }, { 'node_modules/a': a }]
    installed(here)
    lock({ ...here, 'node_modules/b': other })
    equal(start('hello.ts').stderr, '')
    lock({ 'node_modules/a': { ...a, integrity: 'sha512-x' }, 'node_modules/b': other })
    equal(start('hello.ts').stderr, '')
    for (const packages of [{ 'node_modules/a': { version: '1.0.1' } }, { ...here, 'node_modules/c': a }, {}]) {
      lock(packages)
      match(start('hello.ts').stderr, /package-lock\.json has changed: installing/)
    }
  })

  it('installs for the command line what run time needs, and adds the rest under it for anything else', () => {
    const packages = { 'node_modules/a': { version: '1.0.0' }, 'node_modules/b': { version: '1.0.0', dev: true } }
    // Puts there what it was asked for, as npm does, and says how it was called.
    const start = withNpm(`import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
      const packages = Object.entries(JSON.parse(readFileSync('package-lock.json')).packages)
      const wanted = packages.filter(([, { dev }]) => !dev || process.argv.includes('--include=dev'))
      writeFileSync('node_modules/.package-lock.json', JSON.stringify({ packages: Object.fromEntries(wanted) }))
      appendFileSync('calls', process.argv.slice(2, -3).join(' ') + '\\n')`)
    const calls = () => readFileSync(join(clone, 'calls'), 'utf8').trim().split('\n')
    writeFileSync(join(clone, 'package-lock.json'), JSON.stringify({ packages }))
    mkdirSync(join(clone, 'src/cli'), { recursive: true })
    writeFileSync(join(clone, 'src/cli/main.ts'), "console.log('served')\n")
    rmSync(join(clone, 'node_modules'), { recursive: true })
    mkdirSync(join(clone, 'node_modules'))

    const first = start('src/cli/main.ts', 'serve')
    equal(first.stdout, 'served\n')
    match(first.stderr, /^openseal: first start: installing the run-time packages …\nopenseal: done in \d+ s\n$/)
    equal(start('src/cli/main.ts').stderr, '')
    deepEqual(calls(), ['ci --omit=dev'])

    match(start('hello.ts').stderr, /^openseal: installing all packages, for development too …\n/)
    for (const file of ['hello.ts', 'src/cli/main.ts']) equal(start(file).stderr, '')
    deepEqual(calls(), ['ci --omit=dev', 'install --no-save --include=dev'])
  })

  it('installs nothing through a link, where npm would empty the folder of another clone', () => {
    const start = withNpm("process.stderr.write('npm was called')")
    const other = join(clone, 'packages-of-another-clone')
    renameSync(join(clone, 'node_modules'), other)
    symlinkSync(other, join(clone, 'node_modules'))
    equal(start('hello.ts').stdout, 'hello there \n')
    writeFileSync(join(other, '.package-lock.json'), '{}')
    writeFileSync(join(clone, 'package-lock.json'), '{ "packages": { "node_modules/a": { "version": "1.0.0" } } }')
    const { status, stderr } = start('hello.ts')
    deepEqual([status, stderr.includes('npm was called')], [1, false])
    match(stderr, /node_modules is a link to \S+packages-of-another-clone, .* Remove the link/)
  })

  it('shows the output of npm if npm fails, and runs nothing', () => {
    const start = withNpm("process.stderr.write('no route to the registry'); process.exitCode = 3")
    installed({})
    const { status, stdout, stderr } = start('hello.ts')
    deepEqual([status, stdout], [1, ''])
    match(stderr, /no route to the registry\S*openseal: npm could not install them/)
  })

  /** Puts a program in the place of npm; returns what starts a file of the clone with it. */
  function withNpm(code: string): (...args: string[]) => { status: number | null; stdout: string; stderr: string } {
    mkdirSync(join(clone, 'bin'))
    writeFileSync(join(clone, 'bin/npm.mjs'), code)
    writeFileSync(join(clone, 'bin/npm'), `#!/bin/sh\nexec node ${join(clone, 'bin/npm.mjs')} "$@"\n`, { mode: 0o755 })
    const env = { ...process.env, PATH: `${join(clone, 'bin')}${delimiter}${NODE_PATH}` }
    // npm is looked for beside Node first.
    const node = join(clone, 'bin/node')
    copyFileSync(process.execPath, node, constants.COPYFILE_FICLONE)
    return (...args) => spawnSync(node, ['scripts/run.js', ...args], { cwd: clone, encoding: 'utf8', env })
  }

  function installed(packages: object): void {
    writeFileSync(join(clone, 'node_modules/.package-lock.json'), JSON.stringify({ packages }))
  }

  it('ends its program when it is killed outright, but not the processes that the program started', async () => {
    writeFileSync(
      join(clone, 'lives.ts'),
      "import { fork } from 'node:child_process'\nif (process.send && process.argv[2] === 'forked') setTimeout(() => process.send!('alive', () => process.exit()), 100)\n" +
        "else fork('lives.ts', ['forked']).on('message', said => console.log(said, process.pid))\nsetInterval(() => {}, 1000)\n",
    )
    const child = spawn(process.execPath, ['scripts/run.js', 'lives.ts'], { cwd: clone, stdio: ['ignore', 'pipe', 'inherit'] })
    const [said] = await once(child.stdout, 'data')
    const [, word, pid] = /^(\w+) (\d+)\n$/.exec(String(said)) ?? []
    equal(word, 'alive')
    child.kill('SIGKILL')
    while (isAlive(Number(pid))) await new Promise(resolve => setTimeout(resolve, 10))
  })

  it('takes the pinned Node from npm only with the SHA-512 of the lock file, and runs no other', async () => {
    const name = `node-${process.platform}-${process.arch}`
    const [good, other] = [await packNode('#!/bin/sh\necho pinned\n'), await packNode('#!/bin/sh\necho stolen\n')]
    const entry = { version: '24.9.9', integrity: good.integrity, optional: true, os: process.platform, cpu: process.arch }
    const home = join(clone, 'scripts/node')
    mkdirSync(home)
    const optionalDependencies = { [name]: '24.9.9' }
    writeFileSync(join(home, 'package.json'), JSON.stringify({ name: 'openseal-node', optionalDependencies }))
    const packages = { '': { name: 'openseal-node', optionalDependencies }, [`node_modules/${name}`]: entry }
    writeFileSync(join(home, 'package-lock.json'), JSON.stringify({ name: 'openseal-node', lockfileVersion: 3, requires: true, packages }))
    const fetchNode = (registry: string) => {
      const npm = { npm_config_registry: registry, npm_config_cache: join(clone, 'cache'), npm_config_fetch_retries: '0' }
      return runAsync(process.execPath, ['fetch.mjs'], { cwd: clone, env: { ...process.env, PATH: NODE_PATH, ...npm } })
    }
    writeFileSync(join(clone, 'fetch.mjs'), "import { fetchNode } from './scripts/run.js'\nconsole.log((await fetchNode()).path)\n")
    const attacked = await serveRegistry(name, other)
    const refused = await fetchNode(attacked.url)
    attacked.close()
    equal(refused.status, 1)
    match(refused.stderr, /SHA-512 that scripts\/node\/package-lock\.json pins/)
    deepEqual(readdirSync(home).sort(), ['package-lock.json', 'package.json'])

    const registry = await serveRegistry(name, good)
    const found = await fetchNode(registry.url)
    registry.close()
    equal(found.stdout.trim(), join(realpathSync(home), 'node_modules', name, 'bin/node'), found.stderr)
    equal(spawnSync(found.stdout.trim(), { encoding: 'utf8' }).stdout, 'pinned\n')
    // Once it is here, nobody is asked again.
    equal((await fetchNode('http://127.0.0.1:1')).stdout, found.stdout)
  }).timeout(60_000)

  it('is started by a launcher that works from any folder and through a link', () => {
    const link = join(clone, 'linked')
    symlinkSync(join(ROOT, 'openseal'), link)
    const help = (...args: string[]) =>
      spawnSync(link, [...args, '--help'], { cwd: tmpdir(), encoding: 'utf8', env: { ...process.env, PATH: NODE_PATH } })
    equal(help().status, 0, help().stderr)
    match(help().stdout, /^Usage: \.\/openseal /)
    match(help('submit').stdout, / {2}\.\/openseal submit decision\.pdf/)
  }).timeout(30_000)

  it('says how it is used when it is given nothing to run', () => {
    const done = run()
    equal(done.status, 1)
    match(done.stderr, /usage/)
  })
})

/** With the Node that runs this in front, as on a host whose own one can run OpenSeal. */
const NODE_PATH = `${dirname(process.execPath)}${delimiter}${process.env.PATH}`

/** A package that has a program `bin/node`, as npm would publish it. */
async function packNode(program: string): Promise<{ tarball: Buffer; integrity: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'openseal-pack-'))
  mkdirSync(join(folder, 'package/bin'), { recursive: true })
  writeFileSync(
    join(folder, 'package/package.json'),
    JSON.stringify({ name: `node-${process.platform}-${process.arch}`, version: '24.9.9' }),
  )
  writeFileSync(join(folder, 'package/bin/node'), program, { mode: 0o755 })
  equal((await runAsync('tar', ['czf', 'node.tgz', 'package'], { cwd: folder })).status, 0)
  const tarball = readFileSync(join(folder, 'node.tgz'))
  rmSync(folder, { recursive: true })
  return { tarball, integrity: `sha512-${createHash('sha512').update(tarball).digest('base64')}` }
}

/** A registry of one package. It claims the hash of what it serves, as a thief would. */
async function serveRegistry(name: string, { tarball, integrity }: { tarball: Buffer; integrity: string }) {
  const server = createServer(({ url, headers }, response) => {
    if (url?.endsWith('.tgz')) return response.end(tarball)
    const dist = { tarball: `http://${headers.host}/${name}.tgz`, integrity }
    return response.end(
      JSON.stringify({ name, 'dist-tags': { latest: '24.9.9' }, versions: { '24.9.9': { name, version: '24.9.9', dist } } }),
    )
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = () => {
    server.closeAllConnections()
    server.close()
  }
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close }
}

/** Not blocking: the registry answers from this process. */
async function runAsync(program: string, args: readonly string[], options: SpawnOptions) {
  const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
  let [stdout, stderr] = ['', '']
  child.stdout?.on('data', chunk => (stdout += chunk))
  child.stderr?.on('data', chunk => (stderr += chunk))
  const [status] = await once(child, 'close')
  return { status, stdout, stderr }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

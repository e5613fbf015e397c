/** scripts/run.js: when it installs, and when it leaves a sound installation alone. */
import { equal, match } from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

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
    const other = stamp().replace(/^node \d+$/m, 'node 20')
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

  it('takes its program along when it is killed outright, and leaves alone what the program forks', async () => {
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

  it('says how it is used when it is given nothing to run', () => {
    const done = run()
    equal(done.status, 1)
    match(done.stderr, /usage/)
  })
})

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

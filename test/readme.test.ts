/**
 * Runs the commands of the README and of docs/submit.md, in order, against a real service with its
 * own chain, in an empty folder.
 */
import { deepEqual, equal, ok } from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { bareEnvironment, linkClone, readBlocks } from './followed-page.ts'
import { freePort } from './listen.ts'

const root = dirname(import.meta.dirname)
const readme = readFileSync(join(root, 'README.md'), 'utf8')
const quickStart = readBlocks(readme)
const blocks = [...quickStart, ...readBlocks(readFileSync(join(root, 'docs/submit.md'), 'utf8'))]

describe('README', () => {
  it('marks every command of the quick start as one that runs here', () => {
    const section = readme.split('\n## ').find(part => part.startsWith('Quick start')) ?? ''
    equal(section.split('```bash').length - 1, quickStart.length)
    ok(quickStart.length > 0 && blocks.length > quickStart.length)
  })

  it('names files and folders that exist', () => {
    const named = [...readme.matchAll(/\]\(([^)#:]+)\)|`((?:src|docs|scripts|bench|test|contracts)\/[a-z/.-]*)`/g)].map(
      match => match[1] ?? match[2] ?? '',
    )
    deepEqual(
      named.filter(path => !existsSync(join(root, path))),
      [],
    )
  })

  it('shows commands that do what it says', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'openseal-readme-'))
    linkClone(folder)
    const [port, chainPort] = [await freePort(), await freePort()]
    const env = bareEnvironment()
    const service = spawn(process.execPath, [join(root, 'scripts/run.js'), 'src/cli/main.ts', 'serve'], {
      cwd: folder,
      env: { ...env, OPENSEAL_PORT: String(port), OPENSEAL_CHAIN_PORT: String(chainPort), OPENSEAL_ANCHOR_INTERVAL: '1s' },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const printed = collect(service)
    try {
      const url = `http://localhost:${port}`
      await untilReady(`${url}/readyz`, service, printed)
      const outputs = await runBlocks(folder, { ...env, OPENSEAL_LEDGER: url, OPENSEAL_RPC: `http://127.0.0.1:${chainPort}` })
      deepEqual(
        outputs.map(({ exit }) => exit),
        blocks.map(({ exit }) => exit),
        outputs.map(({ text }) => text).join('\n'),
      )
      for (const [i, { contains }] of blocks.entries())
        ok(outputs[i]?.text.includes(contains), `${contains} is not in: ${outputs[i]?.text}`)
      service.kill('SIGINT')
      const [code] = await once(service, 'exit')
      equal(code, 0, printed())
    } finally {
      service.kill('SIGKILL')
      rmSync(folder, { recursive: true, force: true })
    }
  }).timeout(240_000)
})

/**
 * All blocks in one shell, so that what one exports the next one has. A block ends at its first
 * failure, as a reader would.
 */
async function runBlocks(folder: string, env: NodeJS.ProcessEnv): Promise<readonly { readonly exit: number; readonly text: string }[]> {
  const mark = '=== end of block, exit'
  // A block's last command may end in an exit code; every command before it must succeed.
  const script = blocks.map(block => `{ ${guarded(block.script)}\n} 2>&1; echo "${mark} $?"`).join('\n')
  const shell = spawn('bash', ['-c', script], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const printed = collect(shell)
  await once(shell, 'close')
  return printed()
    .split(new RegExp(`(?<=${mark} \\d+)\\n`))
    .filter(part => part.includes(mark))
    .map(part => ({ exit: Number(part.slice(part.lastIndexOf(mark) + mark.length)), text: part }))
}

function guarded(script: string): string {
  return script.trim().split('\n').join(' &&\n')
}

async function untilReady(url: string, service: ChildProcess, printed: () => string): Promise<void> {
  while (service.exitCode === null) {
    const answer = await fetch(url).catch(() => undefined)
    if (answer?.ok) return
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  throw new Error(`the service ended: ${printed()}`)
}

function collect(child: ChildProcess): () => string {
  let text = ''
  child.stdout?.on('data', data => (text += data))
  child.stderr?.on('data', data => (text += data))
  return () => text
}

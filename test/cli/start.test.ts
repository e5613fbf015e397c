/**
 * How the command line starts: with what it needs and no more, with its version, in a terminal's
 * colours, and with a shell's completion.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { paint, takesColour } from '../../src/cli/output.ts'
import { COMMANDS } from '../../src/cli/program.ts'

const MAIN = 'src/cli/main.ts'
/**
 * Processor time that a command may take before it does anything: a person waits for it at every
 * call.
 */
const MAX_START_MS = 400

/**
 * Loaded into a command: reports on stderr which of our files and which packages it loaded, and its
 * processor time.
 */
const WATCH = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from 'node:module'
  const files = new Set(), packages = new Set()
  registerHooks({ resolve: (name, context, next) => {
    const found = next(name, context)
    if (found.url.includes('/node_modules/')) packages.add(found.url.split('/node_modules/').at(-1).match(/^(@[^/]+\\/)?[^/]+/)[0])
    else if (found.url.includes('/src/')) files.add(found.url.slice(found.url.lastIndexOf('/src/') + 5))
    return found
  } })
  process.on('exit', () => {
    const { user, system } = process.cpuUsage()
    process.stderr.write('\\n' + JSON.stringify({ files: [...files].sort(), packages: [...packages].sort(), ms: (user + system) / 1000 }))
  })`)}`

describe('cli/main', () => {
  let cache: string
  before(() => {
    cache = mkdtempSync(join(tmpdir(), 'openseal-start-'))
  })
  after(() => rmSync(cache, { recursive: true }))

  const run = (...args: string[]) =>
    spawnSync(process.execPath, args, { encoding: 'utf8', env: { PATH: process.env.PATH, LC_ALL: 'C.UTF-8', NODE_COMPILE_CACHE: cache } })
  const watch = (...args: string[]): { files: string[]; packages: string[]; ms: number } =>
    JSON.parse(
      run('--import', WATCH, MAIN, ...args)
        .stderr.split('\n')
        .at(-1)!,
    )

  it('prints the version of the package', () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
    assert.equal(run(MAIN, '--version').stdout, `openseal ${version}\n`)
  })

  it('shows the help of every command within 80 columns', () => {
    const inner = [
      'agency add',
      'agency list',
      'agency key',
      'agency revoke',
      'rotate log-key',
      'rotate publisher',
      'anchors add',
      'anchors retire',
    ]
    const commands = ['', ...Object.keys(COMMANDS), ...inner].map(name => [...name.split(' ').filter(Boolean), '--help'])
    const code = `import { main } from './src/cli/main.ts'
      for (const args of ${JSON.stringify(commands)}) await main(args)`
    const lines = run('--input-type=module', '-e', code).stdout.split('\n')
    assert.equal(lines.filter(line => line.startsWith('Usage: ')).length, commands.length)
    assert.deepEqual(
      lines.filter(line => [...line].length > 80),
      [],
    )
  })

  it('loads no command for --version and --help, and only what its own command needs', () => {
    const bare = ['cli/command.ts', 'cli/main.ts', 'cli/output.ts', 'cli/program.ts', 'core/errors.ts', 'core/time.ts', 'core/visible.ts']
    for (const option of ['--version', '--help']) {
      const { files, packages } = watch(option)
      assert.deepEqual([files, packages], [bare, ['commander']])
    }
    const { files, packages } = watch('status', '--help')
    assert.deepEqual(
      files.filter(file => /^cli\/(submit|verify|audit|serve)\b/.test(file)),
      [],
    )
    assert.deepEqual(packages, ['commander'])
    assert.deepEqual(watch('verify', 'none.txt', '--policy', 'none.json').packages, [
      '@noble/curves',
      '@noble/hashes',
      'canonicalize',
      'commander',
    ])
  })

  it('starts each command within 400 ms of processor time', () => {
    for (const args of [['--version'], ['--help'], ['status', '--help'], ['verify', 'none.txt', '--policy', 'none.json']]) {
      // Not the first time: as with scripts/run.js, which keeps what Node made of the sources.
      watch(...args)
      // A busy machine takes processor time from caches, and more for the same work.
      const ms = Math.min(...Array.from({ length: 4 }, () => watch(...args).ms))
      assert.ok(ms < MAX_START_MS, `${args.join(' ')}: ${ms} ms`)
    }
  })

  it('colours the marks of a terminal that takes colours, nothing that is piped, and nothing where NO_COLOR is set', () => {
    assert.deepEqual(['✓ document', '   ✗ proof', '– chain', 'ALARM: behind', '+ document', 'a ✓ b', '✓'].map(paint), [
      '\x1b[32m✓\x1b[0m document',
      '\x1b[31m   ✗\x1b[0m proof',
      '\x1b[33m–\x1b[0m chain',
      '\x1b[31mALARM:\x1b[0m behind',
      '+ document',
      'a ✓ b',
      '✓',
    ])
    const terminal = { isTTY: true }
    assert.deepEqual(
      [takesColour(terminal, {}), takesColour({}, {}), takesColour(terminal, { NO_COLOR: '1' }), takesColour(terminal, { TERM: 'dumb' })],
      [true, false, false, false],
    )
    assert.equal(takesColour(terminal, { NO_COLOR: '' }), true)
  })

  it('completes commands, their groups and their options in bash, and leaves files to the shell', () => {
    const script = run(MAIN, 'completion').stdout
    const complete = (...words: string[]) => {
      const line = words.map(word => `'${word}'`).join(' ')
      const code = `${script}\nCOMP_WORDS=(openseal ${line}) COMP_CWORD=${words.length}; _openseal; echo "\${COMPREPLY[@]}"`
      return spawnSync('bash', ['-euc', code], { encoding: 'utf8' }).stdout.trim().split(' ')
    }
    assert.deepEqual(complete(''), [...Object.keys(COMMANDS), '--version', '--help'])
    assert.deepEqual(complete('ver'), ['verify'])
    assert.deepEqual(complete('agency', ''), ['add', 'list', 'keys', 'key', 'revoke', '--help'])
    assert.deepEqual(complete('agency', 'add', '--n'), ['--name'])
    assert.deepEqual(complete('verify', 'a.pdf', '--r'), ['--receipt', '--rpc', '--require-current', '--report'])
    assert.deepEqual(complete('verify', ''), [''])
    for (const name of Object.keys(COMMANDS)) assert.ok(complete(name, '--h').includes('--help'), name)
  })
})

/** `openseal witness` as a process: what it prints, how it ends, and what others make of what it keeps. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { formatPolicy } from '../../src/core/policy.ts'
import { parseVkey, verifyCosignatures } from '../../src/core/tlog/note.ts'
import { BARE_ENV } from '../bare-env.ts'
import { runWitness, type WitnessProcess } from '../witness/process.ts'
import { createTestLog } from '../witness/world.ts'

const log = createTestLog('log.example/1')
const fork = createTestLog('log.example/1', 3)
const other = createTestLog('other.example')

describe('openseal witness', function () {
  this.timeout(120_000)
  let folder: string
  let policies: string[]
  const running = new Set<WitnessProcess>()

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'openseal-witness-cli-'))
    policies = [log, other].flatMap((each, at) => {
      const file = join(folder, `${at}.policy.json`)
      writeFileSync(file, formatPolicy(each.policy()))
      return ['--policy', file]
    })
  })
  after(() => rmSync(folder, { recursive: true, force: true }))
  afterEach(async () => {
    for (const { child, ended } of running) {
      child.kill('SIGKILL')
      await ended
    }
    running.clear()
  })

  function run(args: readonly string[]): WitnessProcess {
    const witness = runWitness(args, { marks: join(folder, 'marks') })
    running.add(witness)
    return witness
  }
  const post = async (url: string, body: string) => (await fetch(`${url}/add-checkpoint`, { method: 'POST', body })).text()

  it('prints its key first, cosigns, and ends in order on a signal', async () => {
    const data = join(folder, 'data')
    const keys: string[] = []
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const witness = run(['--data', data, ...policies, '--port', '0'])
      const url = (await witness.url)!
      const line = await post(url, log.request(keys.length === 0 ? 0 : 5, 5))
      witness.child.kill(signal)
      const { code, out, err } = await witness.ended
      assert.equal(code, 0, err)
      const [first = ''] = out.split('\n')
      assert.equal(verifyCosignatures(log.note(5) + line, [parseVkey(first)]).length, 1)
      assert.match(out, keys.length === 0 ? /log\.example\/1 \(nothing cosigned yet\)/ : /log\.example\/1 \(5 entries cosigned\)/)
      assert.match(out, /other\.example \(nothing/)
      assert.match(err, /"event":"cosigned","origin":"log.example\/1","size":5/)
      keys.push(first)
    }
    assert.equal(keys[0], keys[1])
  })

  it('prints one JSON object with --json, and takes the ledgers of a trust list', async () => {
    const list = join(folder, 'list.json')
    const entries = [log, other].map(each => ({ name: each.origin, policy: each.policy() }))
    writeFileSync(list, JSON.stringify({ type: 'openseal/trust@v1', name: 'Ours', entries }))
    const witness = run(['--data', join(folder, 'json'), '--policy', list, '--port', '0', '--name', 'w.example', '--json'])
    const url = await witness.url
    witness.child.kill('SIGTERM')
    const { out } = await witness.ended
    const { vkey, ...rest } = JSON.parse(out)
    assert.equal(parseVkey(vkey).name, 'w.example')
    assert.deepEqual(rest, {
      url,
      logs: [
        { origin: 'log.example/1', size: 0 },
        { origin: 'other.example', size: 0 },
      ],
    })
  })

  it('refuses wrong usage with exit 2, and a folder in use with exit 1, in one sentence', async () => {
    const data = join(folder, 'busy')
    const first = run(['--data', data, ...policies, '--port', '0'])
    await first.url
    const newer = join(folder, 'newer.json')
    const policy = { ...log.policy(), anchors: [{ type: 'of-tomorrow' }] }
    writeFileSync(newer, JSON.stringify({ type: 'openseal/trust@v1', name: 'Newer', entries: [{ name: 'Newer', policy }] }))
    const cases: [number, string, string[]][] = [
      [1, 'WITNESS_FOLDER_LOCKED', ['--data', data, ...policies, '--port', '0']],
      [1, 'WITNESS_POLICY_TWICE', ['--data', join(folder, 'twice'), ...policies, ...policies, '--port', '0']],
      [2, 'USAGE_WRONG', policies],
      [2, 'USAGE_WRONG', ['--data', data]],
      [2, 'USAGE_WRONG', ['--data', data, '--policy', join(folder, 'none.json')]],
      [7, 'POLICY_UNSUPPORTED', ['--data', data, '--policy', newer]],
      [2, 'USAGE_WRONG', ['--data', data, ...policies, '--watch-chain']],
      [2, 'USAGE_WRONG', ['--data', data, ...policies, '--rpc', 'http://127.0.0.1:1']],
    ]
    const ends = cases.map(([, , args]) => run(args).ended)
    for (const [at, [exit, code]] of cases.entries()) {
      const { code: found, err } = await ends[at]!
      assert.equal(found, exit, err)
      assert.match(err.trim().split('\n').at(-1)!, new RegExp(`^openseal: .*\\[${code}\\]$`))
    }
  })

  it('keeps a fork that it was shown as evidence that openseal evidence proves without it', async () => {
    const data = join(folder, 'forked')
    const witness = run(['--data', data, ...policies, '--port', '0'])
    const url = (await witness.url)!
    await post(url, log.request(0, 5))
    await post(url, fork.request(5, 5))
    await post(url, fork.request(5, 9))
    witness.child.kill('SIGTERM')
    const { err } = await witness.ended
    assert.equal(err.split('\n').filter(line => line.includes('"event":"log contradicts itself"')).length, 2)
    const [ofLog = ''] = readdirSync(join(data, 'evidence'))
    const kept = readdirSync(join(data, 'evidence', ofLog)).map(name => join(data, 'evidence', ofLog, name, 'evidence.json'))
    const check = (file: string, policy: string) =>
      spawnSync(process.execPath, ['src/cli/main.ts', 'evidence', file, '--policy', policy, '--json'], { env: BARE_ENV, encoding: 'utf8' })
    const answers = kept.map(file => check(file, policies[1]!))
    assert.deepEqual(answers.map(({ status, stdout }) => [status, JSON.parse(stdout).proven]).sort(), [
      [5, 'rewritten'],
      [5, 'two-checkpoints'],
    ])
    // With the keys of another ledger it proves nothing.
    assert.equal(check(kept[0]!, policies[3]!).status, 1)
  })
})

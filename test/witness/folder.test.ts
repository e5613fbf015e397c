/** The folder of a witness: its key, its lock, its mark, and copies of it. */
import assert from 'node:assert/strict'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Log, LogFields } from '../../src/logger.ts'
import { createTestLog, useWitnesses } from './world.ts'

const log = createTestLog('log.example/1')
const policies = [log.policy()]

describe('witness: folder', () => {
  const { start, newFolder } = useWitnesses()
  const markOf = (marks: string) => join(marks, readdirSync(marks).find(name => name.endsWith('.json'))!)
  const refuses = (code: string) => (error: Error & { code?: string }) => {
    assert.equal(error.code, code, error.stack)
    assert.match(error.message, /^[A-Z/].*\.$/)
    return true
  }

  it('keeps its key and its state, in files that nobody else can read', async () => {
    const data = newFolder()
    const first = await start({ policies, data })
    await first.add(log.request(0, 5))
    await first.stop()
    const again = await start({ policies, data })
    assert.equal(again.vkey, first.vkey)
    assert.equal(readFileSync(join(data, 'witness.vkey'), 'utf8'), `${again.vkey}\n`)
    assert.equal((await again.add(log.request(0, 6))).text, '5\n')
    assert.equal(statSync(join(data, 'witness.key')).mode % 0o100, 0)
    assert.equal(statSync(data).mode % 0o100, 0)
    assert.equal(statSync(markOf(`${data}-marks`)).mode % 0o100, 0)
  })

  it('has the name that its first start was given, and refuses another one later', async () => {
    const data = newFolder()
    const first = await start({ policies, data, name: 'witness.example/1' })
    assert.match(first.vkey, /^witness\.example\/1\+[0-9a-f]{8}\+B/)
    await first.stop()
    await assert.rejects(start({ policies, data, name: 'witness.example/2' }), refuses('WITNESS_KEY_NAME'))
    await (await start({ policies, data, name: 'witness.example/1' })).stop()
    assert.equal((await start({ policies, data })).vkey, first.vkey)
    for (const name of ['', 'a b', 'a+b', 'a\nb', '\u202f'])
      await assert.rejects(start({ policies, data: newFolder(), name }), refuses('WITNESS_KEY_NAME'))
  })

  it('begins with another key in another folder', async () => {
    const [one, two] = [await start({ policies }), await start({ policies })]
    assert.notEqual(one.vkey, two.vkey)
  })

  it('runs in one process a folder', async () => {
    const data = newFolder()
    await start({ policies, data })
    await assert.rejects(start({ policies, data }), refuses('WITNESS_FOLDER_LOCKED'))
    await assert.rejects(start({ policies, data, marks: newFolder() }), refuses('WITNESS_FOLDER_LOCKED'))
  })

  it('does not run from two copies of one folder at once', async () => {
    const [data, copy, marks] = [newFolder(), newFolder(), newFolder()]
    const first = await start({ policies, data, marks })
    await first.add(log.request(0, 5))
    cpSync(data, copy, { recursive: true, filter: path => !path.includes('lock.level') })
    await assert.rejects(start({ policies, data: copy, marks }), refuses('WITNESS_KEY_LOCKED'))
    assert.equal((await first.add(log.request(5, 6))).status, 200)
  })

  it('cosigns nothing from a copy that is older than the mark, and nothing once a copy has cosigned more', async () => {
    const [data, copy, marks] = [newFolder(), newFolder(), newFolder()]
    const first = await start({ policies, data, marks })
    await first.add(log.request(0, 5))
    await first.stop()
    cpSync(data, copy, { recursive: true })
    const second = await start({ policies, data: copy, marks })
    await second.add(log.request(5, 6))
    await second.stop()
    await assert.rejects(start({ policies, data, marks }), refuses('WITNESS_MARK_AHEAD'))
    const third = await start({ policies, data: copy, marks })
    assert.equal((await third.add(log.request(6, 7))).status, 200)
    await third.stop()
    // Also if the state of one log alone is put back, and if its policy is no longer given.
    const logs = join(copy, 'logs')
    const [name = ''] = readdirSync(logs)
    writeFileSync(join(logs, name), readFileSync(join(data, 'logs', name)))
    await assert.rejects(start({ policies: [createTestLog('other.example').policy()], data: copy, marks }), refuses('WITNESS_MARK_AHEAD'))
    rmSync(join(logs, name))
    await assert.rejects(start({ policies, data: copy, marks }), refuses('WITNESS_MARK_AHEAD'))
  })

  it('cosigns nothing if its mark is gone, of another tree, of something else, or cut off', async () => {
    const [data, marks] = [newFolder(), newFolder()]
    const first = await start({ policies, data, marks })
    await first.add(log.request(0, 5))
    await first.stop()
    await assert.rejects(start({ policies, data, marks: newFolder() }), refuses('WITNESS_MARK_GONE'))
    const path = markOf(marks)
    const text = readFileSync(path, 'utf8')
    const mark = JSON.parse(text)
    const [entry] = mark.logs
    const damaged: [string, string][] = [
      ['WITNESS_MARK_AHEAD', JSON.stringify({ ...mark, logs: [{ ...entry, root: 'ab'.repeat(32) }] })],
      ['WITNESS_MARK_AHEAD', JSON.stringify({ ...mark, logs: [{ ...entry, size: 6 }] })],
      ['WITNESS_MARK_AHEAD', JSON.stringify({ ...mark, logs: [{ ...entry, size: 4 }] })],
      ['WITNESS_MARK_AHEAD', JSON.stringify({ ...mark, logs: [entry, { ...entry, origin: 'other.example' }] })],
      ['WITNESS_MARK_UNREADABLE', JSON.stringify({ ...mark, logs: [{ ...entry, size: 4.5 }] })],
      ['WITNESS_MARK_UNREADABLE', JSON.stringify({ ...mark, logs: [{ ...entry, root: 'ab' }] })],
      ['WITNESS_MARK_UNREADABLE', JSON.stringify({ ...mark, vkey: 'other' })],
      ['WITNESS_MARK_UNREADABLE', JSON.stringify({ ...mark, type: 'openseal/mark@v1' })],
      ['WITNESS_MARK_UNREADABLE', text.slice(0, 60)],
      ['WITNESS_MARK_UNREADABLE', ''],
      ['WITNESS_MARK_UNREADABLE', 'null'],
    ]
    for (const [code, content] of damaged) {
      writeFileSync(path, content)
      await assert.rejects(start({ policies, data, marks }), refuses(code), content)
    }
    rmSync(path)
    await assert.rejects(start({ policies, data, marks }), refuses('WITNESS_MARK_GONE'))
    assert.equal(existsSync(path), false)
    mkdirSync(path)
    await assert.rejects(start({ policies, data, marks }), refuses('WITNESS_MARK_UNREADABLE'))
    rmdirSync(path)
    writeFileSync(path, text)
    assert.equal((await (await start({ policies, data, marks })).add(log.request(5, 6))).status, 200)
  })

  it('stops while it runs once its mark is gone, and says so', async () => {
    const [data, marks] = [newFolder(), newFolder()]
    const events: [string, LogFields][] = []
    const note = (event: string, fields: LogFields = {}) => void events.push([event, fields])
    const kept: Log = { info: () => {}, warn: () => {}, error: note }
    const witness = await start({ policies, data, marks, log: kept })
    await witness.add(log.request(0, 5))
    const path = markOf(marks)
    const text = readFileSync(path, 'utf8')
    rmSync(path)
    for (const body of [log.request(5, 6), log.request(5, 5)]) {
      const { status, text: said } = await witness.add(body)
      assert.deepEqual([status, JSON.parse(said).code, said.includes(marks)], [503, 'WITNESS_MARK_GONE', false])
    }
    assert.deepEqual(
      events.map(([event, { error }]) => [event, (error as { code: string }).code]),
      [['witness stopped', 'WITNESS_MARK_GONE']],
    )
    assert.equal((await witness.get('/healthz')).status, 503)
    assert.match((await witness.get('/metrics')).text, /^openseal_witness_stopped 1$/m)
    await assert.rejects(
      witness.client.cosign({ note: log.note(6), size: 6 }, 5, async (from, to) => log.proof(from, to)),
      {
        code: 'WITNESS_UNREACHABLE',
      },
    )
    // Not even if it is there again: somebody has touched it.
    writeFileSync(path, text)
    assert.equal((await witness.add(log.request(5, 6))).status, 503)
  })

  it('stops while it runs once its mark shows what it has not cosigned', async () => {
    const [data, marks] = [newFolder(), newFolder()]
    const witness = await start({ policies, data, marks })
    await witness.add(log.request(0, 5))
    const mark = JSON.parse(readFileSync(markOf(marks), 'utf8'))
    writeFileSync(markOf(marks), JSON.stringify({ ...mark, logs: [{ ...mark.logs[0], size: 6 }] }))
    const { status, text } = await witness.add(log.request(5, 5))
    assert.deepEqual([status, JSON.parse(text).code], [503, 'WITNESS_MARK_AHEAD'])
  })

  it('answers 503 while its disk refuses a write, signs nothing meanwhile, and goes on', async () => {
    const [data, marks] = [newFolder(), newFolder()]
    const witness = await start({ policies, data, marks })
    await witness.add(log.request(0, 5))
    const logs = join(data, 'logs')
    const kept = `${logs}.kept`
    renameSync(logs, kept)
    const { status, text } = await witness.add(log.request(5, 6))
    assert.deepEqual([status, JSON.parse(text).code, text.includes(data)], [503, 'WITNESS_FAILED', false])
    assert.equal((await witness.get('/healthz')).status, 200)
    renameSync(kept, logs)
    assert.equal((await witness.add(log.request(0, 7))).text, '5\n')
    assert.equal((await witness.add(log.request(5, 7))).status, 200)
  })

  it('refuses a folder of marks in its own folder', async () => {
    const data = newFolder()
    for (const marks of [data, join(data, 'marks')]) await assert.rejects(start({ policies, data, marks }), refuses('WITNESS_FOLDER_MARK'))
  })

  it('refuses a damaged state, and one that it has not cosigned', async () => {
    const [data, other] = [newFolder(), newFolder()]
    const first = await start({ policies, data })
    await first.add(log.request(0, 5))
    await first.stop()
    const second = await start({ policies, data: other })
    await second.add(log.request(0, 5))
    await second.stop()
    const [name = ''] = readdirSync(join(data, 'logs'))
    const path = join(data, 'logs', name)
    const text = readFileSync(path, 'utf8')
    const foreign = readFileSync(join(other, 'logs', name), 'utf8')
    for (const content of [
      '',
      '{}',
      'null',
      text.slice(0, -20),
      text.replace('log.example/1', 'log.example/2'),
      text.replace('"notes": [', '"notes": [] , "x": ['),
      foreign,
    ]) {
      writeFileSync(path, content)
      await assert.rejects(start({ policies, data }), refuses('WITNESS_STATE_DAMAGED'))
    }
    writeFileSync(path, text)
    writeFileSync(
      join(
        data,
        'logs',
        name.replace(/./g, digit => (digit === 'a' ? 'b' : digit)),
      ),
      text,
    )
    await assert.rejects(start({ policies, data }), refuses('WITNESS_STATE_DAMAGED'))
  })

  it('refuses a key without its name, and one of another witness', async () => {
    const [data, other] = [newFolder(), newFolder()]
    for (const folder of [data, other]) await (await start({ policies, data: folder })).stop()
    const vkey = readFileSync(join(data, 'witness.vkey'))
    for (const content of ['', 'witness', readFileSync(join(other, 'witness.vkey'))]) {
      writeFileSync(join(data, 'witness.vkey'), content)
      await assert.rejects(start({ policies, data }), refuses('WITNESS_KEY_NAME'))
    }
    rmSync(join(data, 'witness.vkey'))
    await assert.rejects(start({ policies, data }), refuses('WITNESS_KEY_NAME'))
    writeFileSync(join(data, 'witness.vkey'), vkey)
    await start({ policies, data })
  })

  it('refuses two policies of one ledger', async () => {
    await assert.rejects(start({ policies: [log.policy(), log.policy()] }), refuses('WITNESS_POLICY_TWICE'))
  })

  it('says in one sentence that a port is in use, and lets go of its folder', async () => {
    const data = newFolder()
    mkdirSync(data, { recursive: true })
    const first = await start({ policies })
    const port = Number(new URL(first.url).port)
    await assert.rejects(start({ policies, data, port }), refuses('WITNESS_LISTEN'))
    await start({ policies, data })
  })
})

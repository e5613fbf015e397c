/** A witness that is killed at each of its writes, and started again. */
import assert from 'node:assert/strict'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { formatPolicy } from '../../src/core/policy.ts'
import { parseVkey, verifyCosignatures } from '../../src/core/tlog/note.ts'
import { runWitness } from './process.ts'
import { createTestLog, useWitnesses } from './world.ts'

const log = createTestLog('log.example/1')
const fork = createTestLog('log.example/1', 3)

describe('witness: crashes', function () {
  this.timeout(300_000)
  const { start } = useWitnesses()
  const policies = [log.policy()]
  let folder: string
  let policy: string

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'openseal-witness-crash-'))
    policy = join(folder, 'policy.json')
    writeFileSync(policy, formatPolicy(log.policy()))
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  const post = (url: string, body: string) =>
    fetch(`${url}/add-checkpoint`, { method: 'POST', body }).then(
      async response => ({ status: response.status, text: await response.text() }),
      () => undefined,
    )

  /**
   * Runs a witness with a plan until no step is left, and hands each folder that a crash left to
   * `look`. Returns the steps at which it was killed.
   */
  async function killEach(
    prepare: (data: string, marks: string) => Promise<void>,
    act: (url: string, plan: () => void) => Promise<unknown>,
    look: (data: string, marks: string) => Promise<void>,
    kinds: string,
    isFirst = false,
  ): Promise<string[]> {
    const fired: string[] = []
    for (let at = 1; ; at++) {
      const own = mkdtempSync(join(folder, 'run-'))
      const [data, marks, killPlan] = ['data', 'marks', 'plan'].map(name => join(own, name)) as [string, string, string]
      await prepare(data, marks)
      const plan = () => writeFileSync(killPlan, `${at} ${kinds}`)
      if (isFirst) plan()
      const witness = runWitness(['--data', data, '--policy', policy, '--port', '0'], { marks, killPlan })
      const url = await witness.url
      if (url !== undefined) await act(url, plan)
      const isFired = existsSync(`${killPlan}.fired`)
      if (!isFired || witness.child.exitCode === null) witness.child.kill('SIGKILL')
      await witness.ended
      if (!isFired) return fired
      fired.push(
        readFileSync(`${killPlan}.fired`, 'utf8')
          .replaceAll(own, '')
          .replace(/[0-9a-f]{32,64}/g, 'HASH'),
      )
      await look(data, marks)
    }
  }

  it('starts again after it was killed at each write of a cosignature, and never contradicts itself', async () => {
    const before = join(folder, 'before')
    const copied = join(folder, 'copied')
    const first = await start({ policies, data: before, marks: copied })
    assert.equal((await first.add(log.request(0, 3))).status, 200)
    await first.stop()
    let answered: { status: number; text: string } | undefined

    const fired = await killEach(
      async (data, marks) => {
        cpSync(before, data, { recursive: true })
        cpSync(copied, marks, { recursive: true })
      },
      async (url, plan) => {
        plan()
        answered = await post(url, log.request(3, 6))
      },
      async (data, marks) => {
        assert.equal(answered, undefined, 'nothing is answered before everything is written')
        const again = await start({ policies, data, marks })
        const { text } = await again.add(log.request(0, 1))
        assert.ok(['3\n', '6\n'].includes(text))
        // A fork of what it may have signed is refused, if the crash came after the first file.
        if (text === '6\n') assert.equal((await again.add(fork.request(6, 6))).status, 422)
        const line = await again.add(log.request(Number(text), 6))
        assert.equal(verifyCosignatures(log.note(6) + line.text, [parseVkey(again.vkey)]).length, 1)
        assert.equal((await again.add(log.request(6, 7))).status, 200)
        await again.stop()
        // From here on, the copy from before the crash cosigns nothing.
        await assert.rejects(start({ policies, data: before, marks }), { code: 'WITNESS_MARK_AHEAD' })
      },
      'rm|open|write|sync|rename',
    )
    const file = (path: string) => [`rm ${path}.new`, `open ${path}.new`, `write ${path}.new`, `sync ${path}.new`, `rename ${path}.new`]
    const folderOf = (path: string) => [`open ${path}`, `sync ${path}`]
    assert.deepEqual(fired, [
      ...file('/data/logs/HASH.json'),
      ...folderOf('/data/logs'),
      ...file('/marks/HASH.json'),
      ...folderOf('/marks'),
    ])
    assert.equal(answered?.status, 200)
  })

  it('starts again also after two crashes, each of which left the mark behind', async () => {
    const [data6, marks3] = [join(folder, 'six'), join(folder, 'three')]
    const first = await start({ policies, data: data6 })
    assert.equal((await first.add(log.request(0, 3))).status, 200)
    cpSync(`${data6}-marks`, marks3, { recursive: true })
    assert.equal((await first.add(log.request(3, 6))).status, 200)
    await first.stop()
    const fired = await killEach(
      async (data, marks) => {
        cpSync(data6, data, { recursive: true })
        cpSync(marks3, marks, { recursive: true })
      },
      async (url, plan) => {
        plan()
        await post(url, log.request(6, 9))
      },
      async (data, marks) => {
        const again = await start({ policies, data, marks })
        const { text } = await again.add(log.request(0, 1))
        assert.ok(['6\n', '9\n'].includes(text))
        assert.equal((await again.add(log.request(Number(text), 10))).status, 200)
        await again.stop()
        await assert.rejects(start({ policies, data: data6, marks }), { code: 'WITNESS_MARK_AHEAD' })
      },
      'rename',
    )
    assert.equal(fired.length, 3)
  })

  it('becomes a witness at its next start, if it was killed at any write of its first one', async () => {
    const fired = await killEach(
      async () => {},
      async () => {},
      async (data, marks) => {
        const again = await start({ policies, data, marks })
        assert.equal((await again.add(log.request(0, 3))).status, 200)
        await again.stop()
      },
      'write|rename|link',
      true,
    )
    assert.ok(fired.includes('rename /data/witness.key.new'), fired.join('\n'))
    assert.ok(fired.some(step => step.startsWith('rename /marks/')))
  })
})

/** The audit's memory: whole or refused, and one audit's at a time. */
import { deepEqual, equal } from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openAuditState } from '../../src/audit/state.ts'
import { ORIGIN } from '../ledger/fixtures.ts'
import { openWorld } from './world.ts'

const HOLDER = join(import.meta.dirname, 'hold-state.ts')

describe('audit/state', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'openseal-audit-'))
  })
  afterEach(() => rm(folder, { recursive: true }))

  const codeOf = (opening: ReturnType<typeof openAuditState>) =>
    opening.then(
      async state => {
        await state.close()
        return 'opened'
      },
      error => error.code,
    )

  it('refuses a folder of another ledger, and one that cannot be made', async () => {
    const state = await openAuditState(folder, ORIGIN)
    await state.addSeen('note')
    await state.close()
    equal(await codeOf(openAuditState(folder, ORIGIN)), 'opened')
    equal(await codeOf(openAuditState(folder, 'ledger.example/other')), 'AUDIT_STATE_OTHER')
    equal(await codeOf(openAuditState(join(folder, 'checkpoints.json', 'inside'), ORIGIN)), 'AUDIT_STATE_UNWRITABLE')
  })

  it('refuses a folder with any byte of any file changed, or cut off', async () => {
    const world = await openWorld(300)
    equal((await world.run({ state: await openAuditState(folder, ORIGIN) })).exit, 0)
    await world.close()
    const files = (await readdir(folder)).filter(file => file.endsWith('.json'))
    deepEqual(files.toSorted(), ['checkpoints.json', 'confirmed.json', 'roots.json'])
    for (const file of files.map(name => join(folder, name))) {
      const whole = await readFile(file)
      for (let at = 0; at < whole.length - 1; at += 7) {
        const damaged = Buffer.from(whole)
        damaged[at] = damaged[at]! ^ 1
        await writeFile(file, damaged)
        const code = await codeOf(openAuditState(folder, ORIGIN))
        equal(['AUDIT_STATE_DAMAGED', 'AUDIT_STATE_OTHER'].includes(code), true, `${file} at ${at}: ${code}`)
      }
      await writeFile(file, whole.subarray(0, whole.length / 2))
      equal(await codeOf(openAuditState(folder, ORIGIN)), 'AUDIT_STATE_DAMAGED')
      await writeFile(file, whole)
    }
    equal(await codeOf(openAuditState(folder, ORIGIN)), 'opened')
  })

  it('belongs to one audit at a time, in any process, until that audit ends, however it ends', async () => {
    const state = await openAuditState(folder, ORIGIN)
    equal(await codeOf(openAuditState(folder, ORIGIN)), 'AUDIT_STATE_LOCKED')
    await state.close()
    const holder = fork(HOLDER, [folder, ORIGIN])
    await once(holder, 'message')
    equal(await codeOf(openAuditState(folder, ORIGIN)), 'AUDIT_STATE_LOCKED')
    holder.kill('SIGKILL')
    await once(holder, 'exit')
    equal(await codeOf(openAuditState(folder, ORIGIN)), 'opened')
  })
})

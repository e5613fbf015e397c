/** `openseal erase` against a running service. */
import { deepEqual, equal, match } from 'node:assert/strict'
import { AGENCY, OPERATOR_KEY, openService, type Service } from '../http/service.ts'
import { statementOf } from '../ledger/fixtures.ts'
import { type Commands, openCommands } from './commands.ts'

describe('openseal erase', function () {
  this.timeout(120_000)
  let service: Service
  let url: string
  let commands: Commands
  before(async () => {
    commands = openCommands()
    service = await openService({}, { delayMs: 86_400_000 })
    url = `http://127.0.0.1:${service.port}`
    await service.ledger.submit(statementOf('a', 1, { agency: AGENCY }))
  })
  after(async () => {
    await commands.close()
    await service.close()
  })

  const erase = (args: readonly string[], env: NodeJS.ProcessEnv) => commands.run(['erase', ...args, '--ledger', url], { env })

  it('asks with an admin key, takes it back, and asks as the operator', async () => {
    const { key } = await service.agencies.addKey(AGENCY, { role: 'admin' })
    const asked = await erase(['1', '--reason', 'personal-data'], { OPENSEAL_API_KEY: key })
    match(asked.out, /^The statement of record 1 is hidden now, and will be erased after 2026-02-01T00:00:00Z\. Until then, --undo /)
    equal((await erase(['1', '--undo'], { OPENSEAL_API_KEY: key })).out, 'The statement of record 1 is shown again.\n')
    const byOperator = await erase(['1', '--reason', 'court-order', '--operator', '--json'], { OPENSEAL_OPERATOR_KEY: OPERATOR_KEY })
    deepEqual(JSON.parse(byOperator.out), { index: 1, due: '2026-02-01T00:00:00Z' })
  })

  it('is refused with a submit key, and where it was called wrongly', async () => {
    const submit = await erase(['1', '--reason', 'other'], { OPENSEAL_API_KEY: service.key })
    deepEqual([submit.code, /\[KEY_ROLE\]/.test(submit.err)], [1, true])
    for (const args of [['1'], ['1', '--undo', '--reason', 'other'], ['0', '--undo'], ['x', '--undo'], ['1', '--reason', 'correction']])
      equal((await erase(args, { OPENSEAL_API_KEY: service.key })).code, 2, args.join(' '))
  })
})

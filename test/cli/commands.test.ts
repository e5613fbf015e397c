/** Many commands in one process answer as each does in a process of its own. */
import { deepEqual } from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Commands, openCommands, type Place, runAlone } from './commands.ts'

describe('the command line in one process', function () {
  this.timeout(60_000)
  let folder: string
  let commands: Commands
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'openseal-commands-'))
    writeFileSync(join(folder, 'é.txt'), 'é')
    commands = openCommands()
  })
  after(async () => {
    await commands.close()
    rmSync(folder, { recursive: true })
  })

  const cases: [string, readonly string[], Place?][] = [
    ['help', ['--help']],
    ['a wrong command', ['nonsense']],
    ['a file that is not there, by the folder and the language', ['verify', 'ü.txt', '--policy', 'é.txt'], { env: { LC_ALL: 'de' } }],
    ['what its input holds', ['verify', '-', '--policy', 'é.txt', '--json'], { input: 'é'.repeat(20) }],
    ['a ledger that its environment names', ['status'], { env: { OPENSEAL_LEDGER: 'http://127.0.0.1:9' } }],
    ['nothing of the environment of the command before it', ['status', '--help']],
  ]
  for (const [what, args, place] of cases)
    it(`answers as a process of its own does: ${what}`, async () => {
      const here = { ...place, cwd: folder }
      deepEqual(await commands.run(args, here), await runAlone(args, here))
    })
})

import assert from 'node:assert/strict'
import { COMMAND } from '../../src/cli/program.ts'
import { formatStatus } from '../../src/cli/status.ts'

describe('cli/status', () => {
  it('names the command of an alarm as it is typed here', () => {
    const status = { origin: 'a.example/log', vkey: 'k', size: 1, root: 'ab', accepting: false, behind: 0, behindSeconds: 0 }
    const lines = formatStatus({ ...status, alarms: ['Stop it, and fetch the rest (openseal doctor --repair --refill URL).'] })
    assert.equal(lines.at(-1), `ALARM: Stop it, and fetch the rest (${COMMAND} doctor --repair --refill URL).`)
  })
})

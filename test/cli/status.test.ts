import assert from 'node:assert/strict'
import { COMMAND } from '../../src/cli/program.ts'
import { formatStatus } from '../../src/cli/status.ts'

describe('cli/status', () => {
  it('names the command of an alarm as it is typed here', () => {
    const status = { origin: 'a.example/log', vkey: 'k', size: 1, root: 'ab', accepting: false, behind: 0, behindSeconds: 0 }
    const lines = formatStatus({ ...status, alarms: ['Stop it, and fetch the rest (openseal doctor --repair --refill URL).'] })
    assert.equal(lines.at(-1), `ALARM: Stop it, and fetch the rest (${COMMAND} doctor --repair --refill URL).`)
  })

  it('says who is responsible, and which settings are missing', () => {
    const status = { origin: 'a', vkey: 'k', size: 1, root: 'ab', accepting: true, alarms: [], behind: 0, behindSeconds: 0 }
    const told = (operator?: { name?: string; contact?: string }) =>
      formatStatus({ ...status, ...(operator && { operator }) }).filter(line => line.startsWith('responsible'))
    const set = 'set OPENSEAL_OPERATOR_NAME and OPENSEAL_OPERATOR_CONTACT'
    assert.deepEqual(
      [told(), told({}), told({ name: 'City' }), told({ name: 'City', contact: 'a@city.example' })],
      [
        [],
        [`responsible   nobody is named: ${set}`],
        [`responsible   City, and readers are not told all: ${set}`],
        ['responsible   City, a@city.example'],
      ],
    )
  })

  it('says how much is vouched for, whoever vouches, and how much waits', () => {
    const status = { origin: 'a', vkey: 'k', size: 3, root: 'ab', accepting: true, alarms: [], behindSeconds: 60 }
    const told = (change: { behind: number; anchored?: { size: number; time: string } }) =>
      formatStatus({ ...status, ...change }).filter(line => line.startsWith('vouched for'))
    const anchored = { size: 2, time: '2026-11-20T10:00:00Z' }
    assert.deepEqual(
      [told({ behind: 3 }), told({ behind: 1, anchored })],
      [['vouched for   nothing yet'], ['vouched for   the first 2, since 2026-11-20T10:00:00Z; 1 waiting, the longest for 60 s']],
    )
  })
})

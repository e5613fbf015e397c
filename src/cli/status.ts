/** `openseal status`: the state of the ledger, in words. */
import type { Command } from 'commander'
import { createClient } from './client.ts'
import { requireMembers } from './client-error.ts'
import { withExample, withLedger } from './command.ts'
import { print, printJson } from './output.ts'
import { withCommand } from './program.ts'

const MEMBERS = {
  origin: 'string',
  vkey: 'string',
  size: 'number',
  root: 'string',
  accepting: 'boolean',
  alarms: 'strings',
  behind: 'number',
  behindSeconds: 'number',
} as const

/** The part of `GET /v1/status` that is shown here. */
type Status = {
  readonly origin: string
  readonly vkey: string
  readonly size: number
  readonly root: string
  readonly accepting: boolean
  readonly alarms: readonly string[]
  readonly anchored?: { readonly size: number; readonly time: string }
  readonly behind: number
  readonly behindSeconds: number
  /** Missing in versions before 0.2. */
  readonly operator?: { readonly name?: string; readonly contact?: string }
}

/** Fills the command. */
export function addStatus(command: Command): void {
  withLedger(withExample(command, 'openseal status --ledger http://localhost:8080')).action(
    async (options: { ledger: string; json?: boolean }) => {
      const client = createClient(options.ledger)
      const status = requireMembers<Status>(client.url, await client.readJson('/v1/status'), MEMBERS)
      if (status.anchored !== undefined) requireMembers(client.url, status.anchored, { size: 'number', time: 'string' })
      if (options.json) printJson(status)
      else print(...formatStatus(status))
    },
  )
}

/**
 * The printed status. Alarms keep their words, except that commands are named as they are typed
 * here.
 */
export function formatStatus({ origin, vkey, size, root, accepting, alarms, anchored, behind, behindSeconds, operator }: Status): string[] {
  const waiting = behind === 0 ? 'none are waiting' : `${count(behind)} waiting, the longest for ${duration(behindSeconds)}`
  const facts: [string, string][] = [
    ['ledger', origin],
    ['entries', count(size)],
    ['root', root],
    ['log key', vkey],
    ['vouched for', anchored === undefined ? 'nothing yet' : `the first ${count(anchored.size)}, since ${anchored.time}; ${waiting}`],
    ...(operator === undefined ? [] : [['responsible', responsible(operator)] as [string, string]]),
    ['records', accepting ? 'are accepted' : 'are NOT accepted at the moment'],
  ]
  return [
    ...facts.map(([name, value]) => `${name.padEnd(14)}${value}`),
    ...(alarms.length === 0 ? ['alarms        none'] : ['', ...alarms.map(alarm => `ALARM: ${withCommand(alarm)}`)]),
  ]
}

function responsible({ name, contact }: NonNullable<Status['operator']>): string {
  const known = [name, contact].filter(each => typeof each === 'string')
  if (known.length === 2) return known.join(', ')
  const missing = known.length === 0 ? 'nobody is named' : `${known[0]}, and readers are not told all`
  return `${missing}: set OPENSEAL_OPERATOR_NAME and OPENSEAL_OPERATOR_CONTACT`
}

function count(n: number): string {
  return n.toLocaleString('en')
}

function duration(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`
}

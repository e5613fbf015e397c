/**
 * A service under load: the client in a process of its own, and the look at what was acknowledged.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { AGENCY, statementLine } from '../../bench/statements.ts'
import { OPERATOR_KEY } from '../crash/service.ts'
import type { Order, Report } from './load.ts'

const LOAD = fileURLToPath(new URL('./load.ts', import.meta.url))

/** The client, ready for orders. */
export async function openClient(): Promise<ChildProcess> {
  const client = fork(LOAD, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  await once(client, 'message')
  return client
}

/** Has it submit, and tells what came of it. */
export async function ask(client: ChildProcess, order: Order): Promise<Report> {
  client.send(order)
  return (await once(client, 'message'))[0] as Report
}

/** Every acknowledged record is at its index, and nothing is there twice. */
export async function check(url: string, rows: readonly Pick<Report & Order, 'acknowledged' | 'run'>[]): Promise<number> {
  const { size } = await json(url, '/v1/status')
  const found = new Map<string, number>()
  for (let from = 0; from < size; from += 10_000) {
    const text = await (await fetch(`${url}/v1/statements/${from}/${Math.min(size, from + 10_000)}`)).text()
    for (const line of text.trimEnd().split('\n')) {
      const { index, statement } = JSON.parse(line)
      if (statement?.record === undefined) continue
      if (found.has(statement.record)) throw new Error(`${statement.record} is there twice`)
      found.set(statement.record, index)
    }
  }
  let checked = 0
  for (const { acknowledged, run } of rows) {
    for (const [n, index] of acknowledged) {
      const { record } = JSON.parse(statementLine(run, n))
      if (found.get(record) !== index) throw new Error(`${record} was acknowledged at ${index} and is at ${found.get(record)}`)
      checked++
    }
  }
  return checked
}

/** Registers the agency of the load; its key. */
export async function registerAgency(url: string): Promise<string> {
  const send = (path: string, body: object) =>
    json(url, path, {
      method: 'POST',
      headers: { authorization: `Bearer ${OPERATOR_KEY}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  await send('/v1/agencies', { id: AGENCY, name: 'Overload' })
  return (await send(`/v1/agencies/${AGENCY}/keys`, {})).key
}

/** The size of the newest final anchor, 0 where there is none. */
export async function anchoredSize(url: string): Promise<number> {
  return (await json(url, '/v1/status')).anchored?.size ?? 0
}

// biome-ignore lint/suspicious/noExplicitAny: answers of several shapes
async function json(url: string, path: string, init?: RequestInit): Promise<any> {
  return (await fetch(url + path, init)).json()
}

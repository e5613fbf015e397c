/** Submitters of a cluster, which send each record until it is acknowledged. */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { AGENCY, statement } from '../http/service.ts'

/** The index of an acknowledged record, and the address that acknowledged it. */
type Acknowledged = { readonly index: number; readonly by: string }

const ANSWER_MS = 5_000
const AGAIN_MS = 50
/** How many statements are read at once. */
const RANGE = 1000

/** The records that a cluster has acknowledged, by their numbers. `key`: an API key. */
export function createLoad(key: string) {
  const acknowledged = new Map<number, Acknowledged>()
  const refused: string[] = []
  let next = 0
  let running = new AbortController()

  async function submitOne(n: number, by: string): Promise<boolean> {
    const answer = await send(by, '/v1/records', key, statement(n))
    if (answer.status !== 200 && answer.status !== 201) {
      if (answer.status !== 0) refused.push(`${answer.status} ${answer.json.code}`)
      return false
    }
    acknowledged.set(n, { index: answer.json.index as number, by })
    return true
  }

  return {
    acknowledged,
    /** How many of them this address has acknowledged. */
    acknowledgedBy: (url: string) => [...acknowledged.values()].filter(({ by }) => by === url).length,
    /** Status and code of each answer that was a refusal. */
    refused,
    submitOne,
    /** Submits from now on to each of these addresses, with several submitters at each. */
    begin(targets: readonly string[], each: number) {
      const { signal } = running
      let isOver = false
      const submitters = targets.flatMap(target =>
        Array.from({ length: each }, async () => {
          while (!isOver && !signal.aborted) {
            const n = next++
            while (!signal.aborted && !(await submitOne(n, target))) await sleep(AGAIN_MS)
          }
        }),
      )
      return {
        /** Resolves when this many more were acknowledged. Rejects once this is abandoned. */
        async more(count: number) {
          const wanted = acknowledged.size + count
          while (acknowledged.size < wanted) await sleep(AGAIN_MS, undefined, { signal })
        },
        /** Resolves when everything that was sent is acknowledged. */
        async end() {
          isOver = true
          await Promise.all(submitters)
        },
      }
    },
    /** Stops all submitters that run, whatever waits for them: their test has failed. */
    abandon() {
      running.abort()
      running = new AbortController()
    },
    /**
     * The log has every record that was acknowledged before this call at its index, and none twice,
     * where each of these nodes shows it.
     */
    async check(nodes: readonly string[]) {
      const promised = [...acknowledged]
      const end = Math.max(...promised.map(([, { index }]) => index)) + 1
      for (const url of nodes) {
        const found = await recordsAt(url, end)
        assert.equal(new Set(found.values()).size, found.size, `a record is twice in the log of ${url}`)
        for (const [n, { index }] of promised) assert.equal(found.get(index), statement(n).record, `record ${n} at ${index} of ${url}`)
      }
    },
  }
}

/** The agency's records in the log of a node, by their indexes. The log has at least `least` entries. */
async function recordsAt(url: string, least: number): Promise<Map<number, string>> {
  const found = new Map<number, string>()
  const known = (await send(url, '/v1/status', '')).json as { size: number }
  // The node may not know all of them yet. It asks the database if it is asked for more.
  const size = Math.max(least, known.size)
  for (let from = 0; from < size; from += RANGE) {
    const lines = await (await fetch(`${url}/v1/statements/${from}/${Math.min(size, from + RANGE)}`)).text()
    for (const line of lines.split('\n').filter(line => line !== '')) {
      const { index, statement: stated } = JSON.parse(line) as { index: number; statement?: { agency?: string; record?: string } }
      if (stated?.agency === AGENCY && stated.record !== undefined) found.set(index, stated.record)
    }
  }
  return found
}

/** One request; status 0 if it was not answered. */
export async function send(url: string, path: string, key: string, body?: object, method = body === undefined ? 'GET' : 'POST') {
  try {
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(ANSWER_MS),
    })
    return { status: answer.status, json: (await answer.json().catch(() => ({}))) as { readonly [name: string]: unknown } }
  } catch {
    return { status: 0, json: {} }
  }
}

/** Whether a node accepts records. */
export async function isServing(url: string): Promise<boolean> {
  return (await send(url, '/readyz', '')).status === 200
}

/**
 * A ledger of two real nodes on a real PostgreSQL with a standby: a node is killed, the other is
 * paused, and the primary is killed, while records are submitted through the proxy.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { statement } from '../http/service.ts'
import { startCluster } from './cluster.ts'

const SUBMITTERS = 4
const ANSWER_MS = 5_000

describe('cluster', function () {
  this.timeout(180_000)
  let cluster: Awaited<ReturnType<typeof startCluster>>
  const told: string[] = []
  before(async () => {
    cluster = await startCluster({
      nodes: 2,
      port: 0,
      told: what => told.push(what),
      env: { OPENSEAL_RATE_ADDRESS: '0', OPENSEAL_RATE_KEY: '0' },
    })
  })
  after(() => cluster?.stop())

  it('loses nothing acknowledged and logs nothing twice while nodes and the primary die', async () => {
    const [first, second] = cluster.nodes as [(typeof cluster.nodes)[0], (typeof cluster.nodes)[0]]
    const operator = readFileSync(join(cluster.data, 'keys', 'operator.key'), 'utf8').trim()
    const post = async (url: string, key: string, body: object) => {
      const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
      const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body), signal: AbortSignal.timeout(ANSWER_MS) })
      return { status: answer.status, json: (await answer.json()) as { key: string; index: number } }
    }
    await post(`${first.url}/v1/agencies`, operator, { id: 'transport.gov.example', name: 'Transport' })
    const { key } = (await post(`${second.url}/v1/agencies/transport.gov.example/keys`, operator, {})).json

    /** What was acknowledged: the record's number, and its index. */
    const acknowledged = new Map<number, number>()
    let [next, isOver] = [0, false]
    const submitters = Array.from({ length: SUBMITTERS }, async () => {
      while (!isOver) {
        const n = next++
        while (!acknowledged.has(n)) {
          const { status, json } = await post(`${cluster.proxy}/v1/records`, key, statement(n)).catch(() => ({
            status: 0,
            json: { index: -1 },
          }))
          if (status === 200 || status === 201) acknowledged.set(n, json.index)
          else await sleep(100)
        }
      }
    })
    const more = async (count: number) => {
      const wanted = acknowledged.size + count
      while (acknowledged.size < wanted) await sleep(20)
    }
    await more(10)
    const killed = first.pid()
    process.kill(killed, 'SIGKILL')
    await more(10)
    // Started again, it takes the work of the one that is paused.
    while (first.pid() === killed || !(await isServing(first.url))) await sleep(50)
    process.kill(second.pid(), 'SIGSTOP')
    await more(10)
    process.kill(cluster.database.primary().pid(), 'SIGKILL')
    await more(10)
    process.kill(second.pid(), 'SIGCONT')
    await more(10)
    isOver = true
    await Promise.all(submitters)

    assert.equal(new Set(acknowledged.values()).size, acknowledged.size)
    for (const node of cluster.nodes) {
      while (!(await isServing(node.url))) await sleep(50)
      for (const [n, index] of acknowledged) {
        const answer = await fetch(`${node.url}/v1/records/${index}`)
        const { statement: found } = (await answer.json()) as { statement?: { record: string } }
        assert.equal(found?.record, statement(n).record, `record ${n} at ${index} of ${node.url}`)
      }
    }
    const heads = await Promise.all(cluster.nodes.map(async ({ url }) => (await fetch(`${url}/checkpoint`)).text()))
    assert.equal(heads[0]!.split('\n')[2], heads[1]!.split('\n')[2])
    assert.match(told.join('\n'), /was started again[\s\S]*the standby was promoted/)
  })
})

function isServing(url: string): Promise<boolean> {
  return fetch(`${url}/readyz`, { signal: AbortSignal.timeout(ANSWER_MS) }).then(
    answer => answer.ok,
    () => false,
  )
}

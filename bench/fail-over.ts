/** How long a ledger of three nodes seals nothing after its primary was killed. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startCluster } from '../test/cluster/cluster.ts'
import { delayRow, type Row } from './rows.ts'
import { AGENCY, statementLine } from './statements.ts'

const ROUNDS = 3
/** A submission is sent each so often, because one that met the dead primary waits for long. */
const SEND_EVERY_MS = 20
const ANSWER_MS = 30_000
const MOST_S = 5

type Cluster = Awaited<ReturnType<typeof startCluster>>

/** The time from the kill to the next acknowledged record, against the promotion alone. */
export async function measureFailOver(say: (what: string) => void): Promise<Row> {
  say('starting three nodes, and PostgreSQL with a standby')
  const cluster = await startCluster({ nodes: 3, port: 0, told: say, env: { OPENSEAL_RATE_ADDRESS: '0', OPENSEAL_RATE_KEY: '0' } })
  try {
    const key = await newKey(cluster)
    const delays: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      say(`fail-over, round ${round + 1} of ${ROUNDS}`)
      await nextAcknowledged(cluster, key, `before${round}`)
      while (cluster.database.standby() === undefined) await sleep(50)
      const killed = cluster.database.primary().kill()
      delays.push(await nextAcknowledged(cluster, key, `after${round}`))
      await killed
    }
    return delayRow(
      'fail-over of three nodes, from the kill to the next acknowledged record : the promotion itself',
      delays,
      cluster.database.promotionsMs(),
      MOST_S,
    )
  } finally {
    await cluster.stop()
  }
}

/** Milliseconds until the first of the records that are sent from now on is acknowledged. */
async function nextAcknowledged({ nodes }: Cluster, key: string, run: string): Promise<number> {
  const began = performance.now()
  let endedMs: number | undefined
  for (let n = 0; endedMs === undefined; n++) {
    const { url } = nodes[n % nodes.length]!
    send(`${url}/v1/records`, key, statementLine(run, n)).then(
      ({ status }) => {
        if (status === 201) endedMs ??= performance.now() - began
      },
      () => {},
    )
    await sleep(SEND_EVERY_MS)
  }
  return endedMs
}

async function newKey({ data, nodes: [first] }: Cluster): Promise<string> {
  const operator = readFileSync(join(data, 'keys', 'operator.key'), 'utf8').trim()
  await send(`${first!.url}/v1/agencies`, operator, JSON.stringify({ id: AGENCY, name: 'Bench' }))
  const answer = await send(`${first!.url}/v1/agencies/${AGENCY}/keys`, operator, '{}')
  return ((await answer.json()) as { key: string }).key
}

function send(url: string, key: string, body: string): Promise<Response> {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  return fetch(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(ANSWER_MS) })
}

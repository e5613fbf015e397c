/**
 * Two nodes of one database with everyone who can vouch: three witnesses, two authorities and two
 * chains. The node that tends the rounds dies in the middle of one.
 */
import { deepEqual, equal, ok } from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { EMBEDDED_KEY } from '../src/chain/embedded.ts'
import { createKeySigner } from '../src/chain/signer.ts'
import { toHex } from '../src/core/bytes.ts'
import { type Policy, parsePolicy } from '../src/core/policy.ts'
import { isAuthority, isChain } from '../src/core/policy-anchors.ts'
import { parseNote } from '../src/core/tlog/note.ts'
import { createJsonRpcReader, verify } from '../src/verifier/index.ts'
import { type ClusterNode, startNode } from './cluster/nodes.ts'
import { statement } from './http/service.ts'
import { freePort } from './listen.ts'
import { startPostgres, type TestServer } from './store/postgres/server.ts'
import { type AuthorityServer, sha256Of } from './timestamp/server.ts'
import { openVouchedWorld, type VouchedWorld } from './vouched-world.ts'

const OPERATOR = 'operator-key-of-this-test'
const WITNESSES = 3

type Round = {
  readonly size: number
  readonly checkpoint: string
  readonly cosignatures: readonly string[]
  readonly timestamps: readonly { readonly name: string }[]
  readonly anchors: readonly { readonly chainId: number }[]
  readonly final: boolean
}

describe('two nodes of a database with everyone who can vouch', function () {
  this.timeout(180_000)
  let folder: string
  let postgres: TestServer
  let world: VouchedWorld
  let env: { [name: string]: string }
  let witnesses: readonly { readonly url: string }[]
  const running = new Set<ClusterNode>()

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'openseal-vouched-'))
    postgres = await startPostgres()
    world = await openVouchedWorld(folder)
    // Without witnesses, a time stamp alone must not make a round final.
    const file = { interval: '1s', requireAnchors: 4, ...world.members }
    env = {
      OPENSEAL_STORE: await postgres.newDatabase(),
      OPENSEAL_KEYS: join(folder, 'keys'),
      OPENSEAL_ORIGIN: 'ledger.example/vouched',
      OPENSEAL_OPERATOR_KEY: OPERATOR,
      OPENSEAL_VOUCHERS: world.write('vouchers.json', file),
    }
    const first = await start('a')
    const added = await world.addWitnesses(WITNESSES, first.url)
    witnesses = added.witnesses
    await stop(first)
    world.write('vouchers.json', { ...file, ...added, quorum: WITNESSES })
  })
  after(async () => {
    for (const node of running) await node.stop()
    await world?.stop()
    await postgres?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  async function start(name: string): Promise<ClusterNode> {
    const node = await startNode({ folder: join(folder, name), port: await freePort(), env }, what => {
      throw new Error(what)
    })
    running.add(node)
    return node
  }
  async function stop(node: ClusterNode): Promise<void> {
    running.delete(node)
    await node.stop()
  }
  const read = async <T>({ url }: { readonly url: string }, path: string) => (await fetch(url + path)).json() as Promise<T>
  async function send({ url }: ClusterNode, path: string, key: string, body: object) {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
    return (await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) })).json()
  }
  async function until<T>(ask: () => Promise<T>, isSo: (value: T) => boolean): Promise<T> {
    for (;;) {
      const value = await ask()
      if (isSo(value)) return value
      await sleep(100)
    }
  }
  /** How far a node has come with the newest round. */
  const newestRound = async (node: ClusterNode) => (await read<{ rounds: Round[] }>(node, '/v1/rounds')).rounds.at(-1)!
  const roundOf = (node: ClusterNode, size: number) => read<Round>(node, `/v1/rounds/${size}`)
  const has = ({ cosignatures, timestamps, anchors }: Round) => [cosignatures.length, timestamps.length, anchors.length]
  /** How many checkpoints each witness has signed. */
  const signed = () =>
    Promise.all(
      witnesses.map(async ({ url }) => {
        const text = await (await fetch(`${url}/metrics`)).text()
        return Number(/openseal_witness_requests_total\{outcome="COSIGNED"\} (\d+)/.exec(text)![1])
      }),
    )
  /** How often an authority was asked for a time stamp of this checkpoint. */
  const asked = ({ requests }: AuthorityServer, { checkpoint }: Round) => {
    const imprint = toHex(sha256Of(Buffer.from(parseNote(checkpoint).text)))
    return requests.filter(request => request.toString('hex').includes(imprint)).length
  }
  /** How many transactions the ledger has sent on each chain. */
  const sent = () =>
    Promise.all(
      world.chains.map(async ({ url }) => {
        const { address } = await createKeySigner(EMBEDDED_KEY)
        const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_getTransactionCount', params: [address, 'pending'] })
        const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
        return Number(((await answer.json()) as { result: string }).result)
      }),
    )
  const receiptOf = async ({ url }: ClusterNode, index: number) => (await fetch(`${url}/v1/records/${index}/receipt`)).text()
  const opens = (name: string) => readFileSync(join(folder, name, 'service.log'), 'utf8').includes('"event":"round opened"')

  it('ends a round that a dead node began, asks nobody again who has vouched, and both give out the same receipt', async () => {
    const [a, b] = [await start('a'), await start('b')]
    await send(a, '/v1/agencies', OPERATOR, { id: 'transport.gov.example', name: 'Transport' })
    const { key } = await send(b, '/v1/agencies/transport.gov.example/keys', OPERATOR, {})
    await until(
      () => newestRound(b),
      round => has(round).join() === '3,2,2',
    )
    const [holder, other] = opens('b') ? [b, a] : [a, b]

    const [one, two] = world.authorities as readonly [AuthorityServer, AuthorityServer]
    two.answer = () => ({ status: 503, body: Buffer.alloc(0) })
    const { index } = await send(other, '/v1/records', key, statement(1))
    const half = await until(
      () => newestRound(other),
      round => round.size > index && has(round).join() === '3,1,2',
    )
    equal(half.final, false)
    const before = [await signed(), await sent()]
    process.kill(holder.pid(), 'SIGKILL')
    await stop(holder)
    two.answer = undefined
    const refused = asked(two, half)
    ok(refused >= 1)
    // As after a minute: the dead node gives its lease up no more.
    const database = new URL(env.OPENSEAL_STORE!).pathname.slice(1)
    await postgres.sql(`UPDATE openseal.document SET value = '0' WHERE key = 'rounds-until'`, database)
    const whole = await until(
      () => roundOf(other, half.size),
      round => has(round).join() === '3,2,2',
    )
    deepEqual([whole.final, asked(one, whole), asked(two, whole)], [true, 1, refused + 1])
    deepEqual([await signed(), await sent()], before)
    deepEqual({ ...whole, timestamps: whole.timestamps.slice(0, 1), final: false }, half)

    const again = await start(holder === a ? 'a' : 'b')
    const receipt = await until(
      () => receiptOf(other, index),
      text => JSON.parse(text).anchors.length === 4,
    )
    equal(await receiptOf(again, index), receipt)
    deepEqual(await roundOf(again, half.size), whole)
    equal(JSON.parse(receipt).proof.endsWith(`${whole.checkpoint}${whole.cosignatures.map(line => `${line}\n`).join('')}`), true)

    const served = parsePolicy(await (await fetch(`${again.url}/policy.json`)).text())
    const chain = world.chains.map(({ url }) => createJsonRpcReader({ url, fetch, timeoutMs: 5000 }))
    const verdictBy = async (policy: Policy, readers = chain) => {
      const { verdict, finding, checks } = await verify({ receipt, policy, chain: readers, trust: 'policy' })
      return [verdict, finding, checks.find(({ name }) => name === 'cosignatures')?.status]
    }
    deepEqual(await verdictBy(served), ['test-network', 'anchored', 'passed'])
    // Nobody is asked: three witnesses and two time stamps are enough for a reader who trusts them.
    const anchors = served.anchors.filter(isAuthority).map(anchor => ({ ...anchor, production: true }))
    deepEqual([served.anchors.filter(isChain).length, anchors.length], [2, 2])
    deepEqual(await verdictBy({ ...served, anchors, requireAnchors: 2 }, []), ['anchored', 'anchored', 'passed'])
  })
})

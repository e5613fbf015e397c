/**
 * The form without JavaScript under attack: what it takes of the service stays bounded, and the
 * service answers all others meanwhile.
 */
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { createServer, request } from 'node:http'
import { connect } from 'node:net'
import { OpenSealError } from '../../src/core/errors.ts'
import type { ChainReader } from '../../src/verifier/index.ts'
import { CHECK_LIMITS, type CheckLimits, createChecker } from '../../src/web/checker.ts'
import { createAnswerer } from '../../src/web/questions.ts'
import { shareChain } from '../../src/web/shared-chain.ts'
import { sendRaw } from '../http/socket.ts'
import { listen, stop } from '../listen.ts'
import { longestRoundMs } from '../thread-time.ts'
import { openWorld, type World } from './world.ts'

const MOST_MS = 50
const BOUNDARY = 'b'
const TYPE = `multipart/form-data; boundary=${BOUNDARY}`

describe('web/checker', function () {
  this.timeout(60_000)
  let world: World
  const opened: { close: () => void }[] = []
  before(async () => {
    world = await openWorld()
    await world.submit('r-1', 'first')
    await world.anchor()
  })
  after(async () => {
    for (const each of opened) each.close()
    await world.close()
  })

  beforeEach(() => processes())

  /** A server that answers each request by the checker alone: `status code` and the page. */
  const open = async (changes: Partial<CheckLimits> = {}, chain: readonly ChainReader[] = []) => {
    const { ledger, policy } = world
    const checker = createChecker({ ledger, chain, policy }, { ...CHECK_LIMITS, ...changes })
    const banners = { testNetwork: false, stopped: false, notAccepting: false }
    const frame = { base: '', path: '/verify', origin: ledger.origin, styleHref: '', banners }
    const outcomes: string[] = []
    const server = createServer(async (asked, answer) => {
      const { status, page } = await checker.check(asked, { lang: 'en', frame }).catch(error => {
        if (!(error instanceof OpenSealError)) throw error
        return { status: 503, page: error.code }
      })
      outcomes.push(status === 503 ? page : String(status))
      answer.writeHead(status, { connection: 'close' }).end(page)
    })
    const port = Number(new URL(await listen(server)).port)
    opened.push({ close: () => stop(server) })
    return { port, outcomes, send: (parts: readonly Part[]) => post(port, parts) }
  }

  it('answers 503 where a check exhausts its memory, and goes on with the next', async () => {
    const { send } = await open({ heapMb: 48 })
    const [first, second] = await Promise.all([send([manyReceipts(7_900_000)]), send([{ name: 'a.txt', body: 'first' }])])
    deepEqual([first.status, first.text], [503, 'CHECK_FAILED'])
    equal(second.status, 200)
    deepEqual(await processes(), 0)
  })

  it('ends a check at its deadline', async () => {
    const { send } = await open({ checkMs: 600 })
    const receipt = JSON.parse(await world.ledger.receipt(1))
    const copies = Array.from({ length: 1500 }, () => JSON.stringify(receipt)).join('\n')
    const { text } = await send([{ name: 'a.receipts.ndjson', body: copies }])
    equal(text, 'CHECK_DEADLINE')
    deepEqual(await processes(), 0)
  })

  it('cuts off a body that arrives too slowly', async () => {
    const { port } = await open({ pace: { bytes: 1000, awaitedBytes: 1000, everyMs: 300 } })
    const answer = await sendRaw(port, [headOf(10_000), ...Array<string>(40).fill('x')], 50)
    match(answer.body, /UPLOAD_SLOW/)
    deepEqual(await processes(), 0)
  })

  it('cuts off a body that keeps its pace but takes too long in all', async () => {
    const { port } = await open({ bodyMs: 600, pace: { bytes: 1, awaitedBytes: 1, everyMs: 100 } })
    const answer = await sendRaw(port, [headOf(10_000_000), ...Array<string>(60).fill('x'.repeat(1000))], 30)
    match(answer.body, /UPLOAD_SLOW/)
    deepEqual(await processes(), 0)
  })

  it('takes the place of a slow body for a form that waits, and leaves it to the slow one while none waits', async () => {
    const { port, outcomes, send } = await open({ atOnce: 1, pace: { bytes: 1, awaitedBytes: 100_000, everyMs: 200 } })
    const slow = connect(port, '127.0.0.1')
    slow.on('error', () => {}).resume()
    slow.write(headOf(10_000_000))
    let drips = 0
    const drip = setInterval(() => slow.write('x'.repeat(1000), () => drips++), 20)
    // Over several looks at its pace.
    await until(() => drips > 30)
    equal(running(), 1)
    deepEqual(outcomes, [])
    equal((await send([{ name: 'a.txt', body: 'first' }])).status, 200)
    deepEqual(outcomes, ['UPLOAD_SLOW', '200'])
    clearInterval(drip)
    slow.destroy()
    deepEqual(await processes(), 0)
  })

  it('takes no place of a body that comes in fast, whoever waits', async () => {
    const { outcomes, send } = await open({ atOnce: 1, pace: { bytes: 1, awaitedBytes: 100_000, everyMs: 250 } })
    const large = send([{ name: 'a.bin', body: 'x'.repeat(30_000_000) }])
    await until(() => running() === 1)
    const small = send([{ name: 'a.txt', body: 'first' }])
    deepEqual([(await large).status, (await small).status], [200, 200])
    deepEqual(outcomes, ['200', '200'])
  })

  it('ends the check of a client that has gone, and gives its place to the next', async () => {
    const { port, outcomes, send } = await open({ atOnce: 1 })
    const gone = request({ port, method: 'POST', headers: { 'content-type': TYPE, 'content-length': 10_000 } })
    gone.on('error', () => {})
    gone.write('--b\r\n')
    await until(() => running() === 1)
    gone.destroy()
    equal((await send([{ name: 'a.txt', body: 'first' }])).status, 200)
    deepEqual(outcomes, ['CHECK_CANCELLED', '200'])
    deepEqual(await processes(), 0)
  })

  it('takes no place and starts no process for a client that had gone before', async () => {
    const { ledger, policy } = world
    const checker = createChecker({ ledger, chain: [], policy })
    const outcome = new Promise<string>(done => {
      const server = createServer(asked => {
        asked.socket.once('close', async () => {
          await new Promise(setImmediate)
          const checked = checker.checkGiven(asked, { sha256: 'ab'.repeat(32) })
          checked.then(
            () => done('checked'),
            error => done(error.code),
          )
        })
      })
      opened.push({ close: () => stop(server) })
      listen(server).then(url => {
        const client = connect(Number(new URL(url).port), '127.0.0.1', () => client.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n'))
        server.once('request', () => client.destroy())
      })
    })
    equal(await outcome, 'CHECK_CANCELLED')
    equal(await processes(), 0)
  })

  it('lets a few wait for a place, and refuses all others at once', async () => {
    const { outcomes, send } = await open({ atOnce: 1, waiting: 2 })
    const answers = await Promise.all(Array.from({ length: 8 }, () => send([{ name: 'a.txt', body: 'first' }])))
    deepEqual(answers.map(({ status }) => status).sort(), [200, 200, 200, 503, 503, 503, 503, 503])
    deepEqual(outcomes.slice(0, 5), Array(5).fill('CHECK_BUSY'))
    equal((await send([{ name: 'a.txt', body: 'first' }])).status, 200)
  })

  it('does not let a form wait longer than it may', async () => {
    const { port, send } = await open({ atOnce: 1, waitMs: 200 })
    const slow = request({ port, method: 'POST', headers: { 'content-type': TYPE, 'content-length': 10_000 } })
    slow.on('error', () => {})
    slow.write('--b\r\n')
    await until(() => running() === 1)
    equal((await send([{ name: 'a.txt', body: 'first' }])).text, 'CHECK_BUSY')
    slow.destroy()
    await until(() => running() === 0)
  })

  it('asks the chain at most a fixed number of questions for one form, whatever it contains', async () => {
    const asked: string[] = []
    const ask = (name: string, answer: unknown) => async () => {
      asked.push(name)
      return answer as never
    }
    const chain: ChainReader = {
      chainId: ask('chainId', 1),
      codeSha256: ask('codeSha256', '0'.repeat(64)),
      anchoredAt: ask('anchoredAt', 0),
      lastGoodSize: ask('lastGoodSize', undefined),
      blockNumber: ask('blockNumber', 5),
    }
    const limits = { ledger: 5, perEndpoint: 3 }
    const answer = createAnswerer(world.ledger, [chain, chain], limits)
    const question = (id: number, asked: 'ledger' | number, method: string) => ({ id, asked, method, args: [id] })
    const all = [
      ...Array.from({ length: 10 }, (_, at) => question(at, at % 2, 'anchoredAt')),
      ...Array(9).fill(question(1, 'ledger', 'statement')),
    ]
    const replies = await Promise.all(all.map(answer))
    equal(asked.length, 6)
    equal(replies.filter(({ error }) => error?.code === 'CHECK_QUESTIONS').length, 4 + 4)
    const { send } = await open({ questions: { ledger: 100, perEndpoint: 1 } }, [chain])
    const { text } = await send([{ name: 'a.receipt.json', body: await world.ledger.receipt(1) }])
    match(text, /data-verdict="unchecked"/)
  })

  it('asks a question of many forms once within a few seconds, and each endpoint a limited number of times a minute', async () => {
    let calls = 0
    let now = 0
    const reader = { chainId: async () => ++calls, blockNumber: async () => Promise.reject(new OpenSealError('RPC_REFUSED', 'no')) }
    const [shared] = shareChain([reader as unknown as ChainReader], () => now)
    deepEqual(await Promise.all([1, 2, 3].map(() => shared!.chainId())), [1, 1, 1])
    now = 10_001
    equal(await shared!.chainId(), 2)
    await shared!.blockNumber().catch(({ code }) => equal(code, 'RPC_REFUSED'))
    const refused = async (size: number) =>
      (shared as unknown as { chainId(size: number): Promise<number> }).chainId(size).then(
        () => false,
        ({ code }) => code === 'CHAIN_BUSY',
      )
    const outcomes = await Promise.all(Array.from({ length: 400 }, (_, size) => refused(size)))
    equal(outcomes.filter(Boolean).length, 103)
    now = 80_000
    equal(await refused(1000), false)
  })

  it('takes a limited number of receipts in one form', async () => {
    const { send } = await open()
    const { status, text } = await send([{ name: 'a.receipts.ndjson', body: '{"type":"openseal/receipt@v1"}\n'.repeat(2001) }])
    equal(status, 413)
    match(text, /UPLOAD_TOO_MANY/)
  })

  it('answers everyone else while it checks', async () => {
    const { send } = await open()
    const receipts = manyReceipts(7_900_000)
    const longest = await longestRoundMs(MOST_MS, async () => {
      for (const { status } of await Promise.all([1, 2, 3, 4].map(() => send([receipts])))) ok([413, 503].includes(status), String(status))
    })
    ok(longest <= MOST_MS, `${longest} ms of processor time in one round of the loop`)
  })
})

type Part = { readonly name: string; readonly body: string }

function bodyOf(parts: readonly Part[]): Buffer {
  const texts = parts.map(
    ({ name, body }) => `--${BOUNDARY}\r\nContent-Disposition: form-data; name="files"; filename="${name}"\r\n\r\n${body}\r\n`,
  )
  return Buffer.from(`${texts.join('')}--${BOUNDARY}--\r\n`)
}

function post(port: number, parts: readonly Part[]): Promise<{ status: number; text: string }> {
  const body = bodyOf(parts)
  return new Promise((resolve, reject) => {
    const sent = request(
      { port, method: 'POST', agent: false, headers: { 'content-type': TYPE, 'content-length': body.length } },
      async answer => resolve({ status: answer.statusCode!, text: Buffer.concat(await answer.toArray()).toString() }),
    )
    sent.on('error', reject)
    sent.end(body)
  })
}

/** Receipts of nothing, each with a document of its own. */
function manyReceipts(bytes: number): Part {
  const lines: string[] = []
  for (let length = 0, at = 0; length < bytes; at++) {
    const line = `{"type":"openseal/receipt@v1","statement":{"documents":[{"sha256":"${hex(at)}"}]},"proof":"x","anchors":[]}`
    length += line.length + 1
    lines.push(line)
  }
  return { name: 'a.receipts.ndjson', body: lines.join('\n') }
}

function hex(number: number): string {
  return number.toString(16).padStart(64, '0')
}

function headOf(length: number): string {
  return `POST /verify HTTP/1.1\r\nHost: a\r\nContent-Type: ${TYPE}\r\nContent-Length: ${length}\r\n\r\n--b\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\n`
}

/** Processes that this one has started and that have not ended. */
function running(): number {
  return process.getActiveResourcesInfo().filter(name => name === 'ProcessWrap').length
}

async function processes(): Promise<number> {
  await until(() => running() === 0)
  return running()
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise(resolve => setTimeout(resolve, 10))
}

/**
 * The commands' client, and another copy of a ledger: what answers without end is given up, before
 * it fills any memory.
 */
import { deepEqual, rejects } from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import { createClient } from '../../src/cli/client.ts'
import { openCopy } from '../../src/cli/copy.ts'
import { listen, stop } from '../listen.ts'

describe('cli: client', () => {
  let server: Server
  let url: string
  let keys = ''
  const filling = Buffer.alloc(256 * 1024, 'x')
  const erased = Buffer.from('{"erased":9}\n'.repeat(10_000))
  before(async () => {
    server = createServer((request, response) => {
      if (request.url === '/lines') return void response.end('one\n\ntwo\nthree')
      if (request.url === '/v1/keys') return void response.end(keys)
      const chunk = request.url === '/v1/statements/7/9' ? erased : filling
      response.writeHead(request.url === '/refused' ? 500 : 200)
      const more = () => {
        response.write(chunk) ? setImmediate(more) : response.once('drain', more)
      }
      response.once('close', () => response.removeAllListeners('drain'))
      more()
    })
    url = await listen(server)
  })
  after(() => stop(server))

  const endless: [string, () => Promise<unknown>, string][] = [
    ['a text', () => createClient(url).readText('/checkpoint'), 'LEDGER_ANSWER'],
    ['JSON', () => createClient(url).readJson('/v1/status'), 'LEDGER_ANSWER'],
    ['a line', () => createClient(url).readLines('/v1/statements/0/1')[Symbol.asyncIterator]().next(), 'LEDGER_ANSWER'],
    ['a refusal', () => createClient(url).readText('/refused'), 'LEDGER_ANSWER'],
    ['a bundle', () => openCopy(url).bundle(0, 256), 'LEDGER_ANSWER'],
  ]
  for (const [what, read, code] of endless)
    it(`reads ${what} without end no further than its bound`, async () => {
      await rejects(read(), { code })
    })

  it('reads as many statements of a copy as it asked for, and no more', async () => {
    const one = { erased: 9, time: undefined, effects: undefined }
    deepEqual(await openCopy(url).statements(7, 9), [one, one])
  })

  it('refuses an answer of a copy that is no list of changes of the key', async () => {
    for (keys of ['[]', '{}', '{"changes":{}}', '{"changes":[null]}', '{"changes":["x"]}'])
      await rejects(openCopy(url).keyReceipts(), { code: 'LEDGER_ANSWER' })
    keys = '{"changes":[{"index":1}]}'
    deepEqual(await openCopy(url).keyReceipts(), ['null'])
  })

  it('reads lines, the last one without a newline too, and leaves blank ones out', async () => {
    const lines: string[] = []
    for await (const line of createClient(url).readLines('/lines')) lines.push(line)
    deepEqual(lines, ['one', 'two', 'three'])
  })
})

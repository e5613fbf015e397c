/** The JSON-RPC reader, against a real HTTP server. */

import { deepEqual, doesNotMatch, equal, rejects } from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import { AbiCoder, id } from 'ethers'
import { createJsonRpcReader } from '../../src/verifier/json-rpc.ts'

type Call = { readonly method: string; readonly params: readonly unknown[]; readonly authorization?: string | undefined }

const QUERY = { contract: `0x${'c0'.repeat(20)}`, logId: `0x${'1d'.repeat(32)}`, size: 2 ** 40 + 7, root: new Uint8Array(32).fill(0xab) }
const word = (hex: string) => `0x${hex.padStart(64, '0')}`

describe('verifier/json-rpc', () => {
  let server: Server
  let calls: Call[] = []
  let location: { status: number; url: string } | undefined
  let answer: (call: Call) => string | undefined

  before(done => {
    server = createServer(async (request, response) => {
      let body = ''
      for await (const part of request) body += part
      calls.push({ ...JSON.parse(body), authorization: request.headers.authorization })
      if (location !== undefined && request.url === '/')
        return void response.writeHead(location.status, { location: `${location.url}/elsewhere` }).end()
      if (request.method !== 'POST' || request.headers['content-type'] !== 'application/json') return void response.writeHead(415).end()
      const text = answer(JSON.parse(body))
      if (text !== undefined) response.end(text)
    }).listen(0, '127.0.0.1', done)
  })
  after(() => {
    server.closeAllConnections()
    server.close()
  })
  beforeEach(() => {
    calls = []
  })

  const url = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const rejectsWith = async (text: string, code: string, message: RegExp) => {
    answer = () => text
    await rejects(reader().chainId(), { code, message })
  }
  const reader = (timeoutMs = 2000) => createJsonRpcReader({ url: url(), fetch, timeoutMs })
  const result = (value: unknown) => {
    answer = () => JSON.stringify({ jsonrpc: '2.0', id: 1, result: value })
  }

  it('asks for chain id, block number and the hash of the code', async () => {
    result('0x7a69')
    deepEqual([await reader().chainId(), await reader().blockNumber()], [31337, 31337])
    result('0x6001')
    equal(await reader().codeSha256(QUERY.contract), createHash('sha256').update(Buffer.from('6001', 'hex')).digest('hex'))
    result('0x')
    equal(await reader().codeSha256(QUERY.contract), createHash('sha256').update('').digest('hex'))
    deepEqual(
      calls.map(({ method, params }) => [method, params]),
      [
        ['eth_chainId', []],
        ['eth_blockNumber', []],
        ['eth_getCode', [QUERY.contract, 'latest']],
        ['eth_getCode', [QUERY.contract, 'latest']],
      ],
    )
  })

  it('encodes logOf as ethers does, and reads how a log ended', async () => {
    const { contract, logId } = QUERY
    const types = ['address', 'address', 'address', 'bool', 'uint64', 'bytes32']
    const none = `0x${'00'.repeat(20)}`
    const logOf = (closed: boolean, lastGoodSize: number) =>
      result(AbiCoder.defaultAbiCoder().encode(types, [contract, none, contract, closed, lastGoodSize, word('ab')]))
    logOf(false, 0)
    equal(await reader().lastGoodSize({ contract, logId, block: 'finalized' }), undefined)
    for (const size of [0, 7, 2 ** 53 - 1]) {
      logOf(true, size)
      equal(await reader().lastGoodSize({ contract, logId, block: 255 }), size)
    }
    const data = id('logOf(bytes32)').slice(0, 10) + logId.slice(2)
    deepEqual(calls[0]?.params, [{ to: contract, data }, 'finalized'])
    deepEqual(calls.at(-1)?.params, [{ to: contract, data }, '0xff'])
    for (const broken of ['0x01', word('1'), 7]) {
      result(broken)
      await rejects(reader().lastGoodSize({ contract, logId, block: 1 }), { code: 'RPC_ANSWER_MALFORMED' })
    }
  })

  it('knows that a contract that was not there yet had anchored and closed nothing', async () => {
    result('0x')
    const { contract, logId } = QUERY
    equal(await reader().anchoredAt({ ...QUERY, block: 'finalized' }), 0)
    equal(await reader().lastGoodSize({ contract, logId, block: 3 }), undefined)
    await rejects(reader().anchoredAt({ ...QUERY, block: 'latest' }), { code: 'RPC_ANSWER_MALFORMED' })
  })

  it('encodes anchoredAt as ethers does, with the block it is asked for', async () => {
    result(word('6ab3c500'))
    for (const block of ['latest', 'finalized', 0, 255] as const) equal(await reader().anchoredAt({ ...QUERY, block }), 0x6ab3c500)
    const { contract, logId, size, root } = QUERY
    const words = AbiCoder.defaultAbiCoder().encode(['bytes32', 'uint64', 'bytes32'], [logId, size, root])
    const data = id('anchoredAt(bytes32,uint64,bytes32)').slice(0, 10) + words.slice(2)
    deepEqual([...new Set(calls.map(({ method }) => method))], ['eth_call'])
    deepEqual(
      calls.map(({ params }) => params),
      ['latest', 'finalized', '0x0', '0xff'].map(block => [{ to: contract, data }, block]),
    )
  })

  it('reads 0 as not anchored', async () => {
    result(word('0'))
    equal(await reader().anchoredAt({ ...QUERY, block: 'latest' }), 0)
  })

  for (const [what, text] of [
    ['is no JSON', '<html>'],
    ['is no object', '[]'],
    ['has no result', '{"jsonrpc":"2.0","id":1}'],
    ['has null for a result', '{"result":null}'],
    ['has a decimal for a quantity', '{"result":"12"}'],
    ['has a number for a quantity', '{"result":12}'],
    ['has a quantity beyond a safe integer', '{"result":"0xffffffffffffffff"}'],
    ['is larger than any answer may be', `{"result":"0x${'00'.repeat(2 ** 18)}"}`],
    ['refuses', '{"error":{"code":-32000,"message":"no"}}'],
    ['refuses without words', '{"error":"no"}'],
  ] as const) {
    it(`rejects with a code when the answer ${what}`, async () => {
      answer = () => text
      await rejects(reader().chainId(), /^(RpcError|JsonError)/)
      await rejects(reader().anchoredAt({ ...QUERY, block: 'latest' }), /^(RpcError|JsonError)/)
    })
  }

  it('says what is wrong with an answer by its code', async () => {
    await rejectsWith('[]', 'RPC_ANSWER_MALFORMED', /not an object/)
    await rejectsWith('{"jsonrpc":"2.0","id":1}', 'RPC_ANSWER_MALFORMED', /no result/)
    await rejectsWith('{"result":"x0x1"}', 'RPC_ANSWER_MALFORMED', /quantity/)
    await rejectsWith('{"result":"0x1x"}', 'RPC_ANSWER_MALFORMED', /quantity/)
    await rejectsWith('{"result":"0x20000000000000"}', 'RPC_ANSWER_MALFORMED', /too large/)
    await rejectsWith('{"error":{"message":"no"},"result":"0x1"}', 'RPC_REFUSED', /refused eth_chainId: no$/)
    await rejectsWith('{"error":"no"}', 'RPC_REFUSED', /an error without a message/)
    await rejectsWith(`{"result":"0x${'00'.repeat(2 ** 18)}"}`, 'RPC_ANSWER_TOO_LARGE', /more than 262144 bytes/)
    answer = () => '{"error":null,"result":"0x1fffffffffffff"}'
    equal(await reader().chainId(), Number.MAX_SAFE_INTEGER)
  })

  it('rejects a time of more than one word of 64 bits, and bytes that are not hex', async () => {
    for (const value of ['0x', '0x01', word(`1${'0'.repeat(16)}`), word('1000000000000001'), `${word('1')}00`, word('ffffffffffffffff')]) {
      result(value)
      await rejects(reader().anchoredAt({ ...QUERY, block: 'latest' }), { code: 'RPC_ANSWER_MALFORMED' })
    }
    for (const value of [`x${word('1')}`, `0x1${word('1')}`]) {
      result(value)
      await rejects(reader().anchoredAt({ ...QUERY, block: 'latest' }), { code: 'RPC_ANSWER_MALFORMED' })
    }
    result('x0x00')
    await rejects(reader().codeSha256(QUERY.contract), { code: 'RPC_ANSWER_MALFORMED' })
    result('0x0')
    await rejects(reader().codeSha256(QUERY.contract), { code: 'RPC_ANSWER_MALFORMED' })
  })

  it('says that an endpoint is unreachable when it is silent or gone', async () => {
    answer = () => undefined
    await rejects(reader(50).chainId(), { code: 'RPC_UNREACHABLE' })
    await rejects(createJsonRpcReader({ url: 'http://127.0.0.1:1', fetch, timeoutMs: 1000 }).chainId(), { code: 'RPC_UNREACHABLE' })
  })

  it('sends name and password of an endpoint in a header, and says them nowhere', async () => {
    result('0x1')
    const withSecret = (at: string) => createJsonRpcReader({ url: at.replace('//', '//us%20er:p%25%C3%A4ss@'), fetch, timeoutMs: 1000 })
    equal(await withSecret(url()).chainId(), 1)
    equal(calls.at(-1)?.authorization, `Basic ${Buffer.from('us er:p%äss').toString('base64')}`)
    const failure = await withSecret('http://127.0.0.1:1')
      .chainId()
      .catch(error => error)
    equal(withSecret(url()).name, new URL(url()).origin)
    doesNotMatch(inspect(failure, { depth: 9 }), /ss@|us%20er|us er/)
  })

  it('follows no redirect: the endpoint that was named is asked, and no other', async () => {
    result('0x1')
    for (const status of [301, 302, 307, 308]) {
      location = { status, url: url() }
      await rejects(reader().chainId(), { code: 'RPC_UNREACHABLE' })
    }
    location = undefined
    equal(calls.length, 4)
  })

  it('names the endpoint by its scheme, host and port, for a path may hold a key', () => {
    const nameOf = (url: string) => createJsonRpcReader({ url, fetch, timeoutMs: 1 }).name
    equal(nameOf('https://node.example/v3/secret'), 'https://node.example')
    equal(nameOf('http://user:secret@node.example:8545/'), 'http://node.example:8545')
  })
})

/** /mcp, asked by the official client, and by others. */
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { readConfig } from '../../src/config.ts'
import { startServer } from '../../src/server/server.ts'

type Answer = {
  readonly isError?: boolean
  readonly content: readonly { readonly text?: string }[]
  readonly structuredContent: { readonly verdict?: string; readonly page: string; readonly sentence: string; readonly size?: number }
}

const ABSENT = 'ab'.repeat(32)

describe('/mcp', function () {
  this.timeout(90_000)
  let folder: string
  let service: Awaited<ReturnType<typeof startServer>>
  let client: Client

  const call = async (name: string, args: Record<string, unknown> = {}): Promise<Answer> =>
    (await client.callTool({ name, arguments: args })) as unknown as Answer
  const post = (body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) =>
    fetch(`${service.url}/mcp`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...headers },
      body,
    })
  const ask = (id: number, method: string, params: object = {}) => JSON.stringify({ jsonrpc: '2.0', id, method, params })
  const check = (id: number) => ask(id, 'tools/call', { name: 'verify_file_hash', arguments: { sha256: ABSENT } })

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'openseal-mcp-'))
    const settings = { OPENSEAL_PORT: '0', OPENSEAL_CHAIN_PORT: '0', OPENSEAL_ANCHOR_INTERVAL: '200ms' }
    service = await startServer(readConfig({ ...settings, OPENSEAL_DATA: join(folder, 'data') }))
    client = new Client({ name: 'test', version: '1' })
    await client.connect(new StreamableHTTPClientTransport(new URL(`${service.url}/mcp`)))
  })
  after(async () => {
    await client?.close()
    await service?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  it('offers the tools that read, but none that reads a file of the server', async () => {
    const names = (await client.listTools()).tools.map(({ name }) => name).sort()
    deepEqual(names, ['explain_verdict', 'find_records', 'get_record', 'ledger_status', 'verify_file_hash', 'verify_receipt'])
  })

  it('checks in a process of its own, by the ledger’s policy', async () => {
    const { structuredContent, content } = await call('verify_file_hash', { sha256: ABSENT })
    deepEqual([structuredContent.verdict, structuredContent.page], ['unknown', `${service.url}/records?q=${ABSENT}`])
    ok(content[0]?.text?.startsWith('This is no proof.'))
    const receipt = await (await fetch(`${service.url}/v1/records/0/receipt`)).text()
    ok(['test-network', 'sealed'].includes((await call('verify_receipt', { receipt })).structuredContent.verdict ?? ''))
    equal((await call('verify_receipt', { receipt: '{"a":' })).structuredContent.verdict, 'unchecked')
  })

  it('lists, shows and tells the state', async () => {
    equal((await call('ledger_status')).structuredContent.size, 1)
    match((await call('find_records', { text: 'bridge' })).structuredContent.sentence, /^0 entries were found\./)
    const asked = await call('find_records', { record: 'x' })
    deepEqual([asked.isError, asked.content[0]?.text], [true, 'This cannot be looked up as it was asked.'])
    const { content } = await call('get_record', { index: 7 })
    equal(content[0]?.text, 'The ledger has no entry 7.')
  })

  it('refuses lists of calls, large bodies, other types and other methods, each with its code', async () => {
    const codeOf = async (answer: Response) => [answer.status, (await answer.json()).code]
    deepEqual(await codeOf(await post(`[${check(1)},${check(2)}]`)), [400, 'BODY_MALFORMED'])
    deepEqual(await codeOf(await post(` ${'x'.repeat(70_000)}`)), [413, 'BODY_TOO_LARGE'])
    deepEqual(await codeOf(await post(check(1), { 'content-type': 'text/plain' })), [415, 'BODY_TYPE'])
    for (const method of ['GET', 'DELETE', 'PUT']) equal((await fetch(`${service.url}/mcp`, { method })).status, 405)
    equal((await post('{')).status, 400)
    deepEqual(await codeOf(await post('\ufeff{}')), [400, 'BODY_MALFORMED'])
    deepEqual(await codeOf(await post(Uint8Array.of(0x22, 0xff, 0x22))), [400, 'BODY_MALFORMED'])
  })

  it('keeps nothing open: a subscription and an answer that nobody waits for end', async () => {
    const started = performance.now()
    const listened = await post(ask(1, 'subscriptions/listen', { notifications: { toolsListChanged: true } }), {
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'subscriptions/listen',
    })
    await listened.text()
    ok(performance.now() - started < 20_000)
  })

  it('needs no cookie and no key, and gives none', async () => {
    const plain = await post(check(1))
    const withBoth = await post(check(1), { cookie: 'session=stolen; __Host-session=stolen', authorization: 'Bearer stolen' })
    deepEqual([plain.status, withBoth.status], [200, 200])
    equal(await withBoth.text(), await plain.text())
    equal(withBoth.headers.get('set-cookie'), null)
    equal(withBoth.headers.get('cache-control'), 'no-store')
  })
})

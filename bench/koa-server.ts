/**
 * The comparison for the service: a bare Koa route that reads and answers the same JSON and does
 * nothing else, in its own process. With a folder as its argument it sends the files in there.
 */
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import Koa from 'koa'

const files = process.argv[2]
let answer = '{}'
const app = new Koa()
app.use(async ctx => {
  if (ctx.method === 'POST') {
    JSON.parse(await readText(ctx.req))
    ctx.status = 201
  }
  if (files !== undefined) return sendFile(ctx, join(files, ctx.path))
  ctx.type = 'application/json'
  ctx.body = answer
})
const server = createServer(app.callback()).listen(0, '127.0.0.1', () => {
  process.send?.({ port: (server.address() as AddressInfo).port })
})
process.on('message', (message: { answer: string }) => {
  answer = message.answer
  process.send?.({})
})
process.once('SIGTERM', () => process.exit(0))

async function sendFile(ctx: Koa.Context, path: string): Promise<void> {
  ctx.length = (await stat(path)).size
  ctx.type = 'application/octet-stream'
  ctx.body = createReadStream(path)
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

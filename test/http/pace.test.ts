/** Requests that come in for as long as their senders like: those that send next to nothing are cut off, the others are not. */
import { equal } from 'node:assert/strict'
import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { watchPace } from '../../src/http/pace.ts'

describe('http: pace', () => {
  const server = createServer()
  before(() => new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve)))
  after(() => {
    server.closeAllConnections()
    server.close()
  })

  /** Sends the head of a request, and calls `act` with the request as the server has it. */
  const begin = async (act: (request: IncomingMessage) => void, body = '') => {
    server.removeAllListeners('request')
    const begun = new Promise<void>(resolve =>
      server.once('request', request => {
        request.on('error', () => {})
        act(request)
        resolve()
      }),
    )
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
    socket.on('error', () => {}).resume()
    const closed = new Promise<string>(resolve => socket.on('close', () => resolve('cut')))
    socket.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n${body}`)
    await begun
    return { socket, closed }
  }

  it('cuts off who sends nothing, and who sends a byte now and then', async () => {
    const silent = await begin(request => watchPace(request.resume(), { bytes: 100, everyMs: 30 }))
    equal(await silent.closed, 'cut')
    const dripping = await begin(request => watchPace(request.resume(), { bytes: 100, everyMs: 30 }))
    const drip = setInterval(() => dripping.socket.write('x'), 10)
    equal(await dripping.closed, 'cut')
    clearInterval(drip)
  })

  it('waits for who has sent what we have not read yet', async () => {
    let request: IncomingMessage | undefined
    const waiting = await begin(begun => {
      request = begun
      watchPace(begun, { bytes: 100, everyMs: 30 })
    }, 'x'.repeat(1000))
    // Several looks later it is still there, and is cut only once it was read and nothing more came.
    equal(await Promise.race([waiting.closed, new Promise(resolve => setTimeout(() => resolve('there'), 200))]), 'there')
    request?.resume()
    equal(await waiting.closed, 'cut')
  })
})

/**
 * Streams last as long as their clients like: a client that sends or reads almost nothing is cut
 * off, the others are not.
 */
import { deepEqual, equal, throws } from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { createPlaces, watchPace } from '../../../src/http/guard/places.ts'

describe('http: places', () => {
  const refuse = (full: string) => new Error(full)

  it('frees a place once, however often it is given back, and whoever took it meanwhile', () => {
    const take = createPlaces({ each: 2, all: 2, refuse })
    const cut: string[] = []
    const leave = take('a', () => cut.push('a1'))
    take('a', () => cut.push('a2'))
    throws(() => take('a'), /each/)
    const other = take('b', () => cut.push('b'))
    deepEqual(cut, ['a1'])
    // The request that was cut ends, and says so.
    leave()
    leave()
    throws(() => take('b'), /all/)
    other()
    other()
    take('b')
    throws(() => take('c'), /all/)
  })

  it('takes no place from an owner with only one more, because that owner would take it back', () => {
    const take = createPlaces({ each: 9, all: 3, refuse })
    for (const owner of ['a', 'b', 'b']) take(owner)
    throws(() => take('a'), /all/)
    take('c')
    throws(() => take('c'), /all/)
  })
})

describe('http: pace', () => {
  const server = createServer()
  before(() => new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve)))
  after(() => {
    server.closeAllConnections()
    server.close()
  })

  /** Sends the head of a request, and calls `act` with the request as the server has it. */
  const begin = async (act: (request: IncomingMessage, response: ServerResponse) => void, body = '') => {
    server.removeAllListeners('request')
    const begun = new Promise<void>(resolve =>
      server.once('request', (request, response) => {
        request.on('error', () => {})
        act(request, response)
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

  it('cuts off clients that send nothing, or a byte now and then', async () => {
    const silent = await begin((request, response) => watchPace(request.resume(), response, { bytes: 100, everyMs: 30 }))
    equal(await silent.closed, 'cut')
    const dripping = await begin((request, response) => watchPace(request.resume(), response, { bytes: 100, everyMs: 30 }))
    const drip = setInterval(() => dripping.socket.write('x'), 10)
    equal(await dripping.closed, 'cut')
    clearInterval(drip)
  })

  it('does not cut a client whose data we have not read yet', async () => {
    let request: IncomingMessage | undefined
    const waiting = await begin((begun, response) => {
      request = begun
      watchPace(begun, response, { bytes: 100, everyMs: 30 })
    }, 'x'.repeat(1000))
    // Several looks later it is still there, and is cut only once it was read and nothing more
    // came.
    equal(await Promise.race([waiting.closed, new Promise(resolve => setTimeout(() => resolve('there'), 200))]), 'there')
    request?.resume()
    equal(await waiting.closed, 'cut')
  })

  it('cuts off a client that has sent all and reads almost nothing of the answer', async () => {
    const { socket, closed } = await begin((request, response) => {
      watchPace(request.resume(), response, { bytes: 100, everyMs: 30 })
      response.writeHead(200)
      response.write(Buffer.alloc(64 * 1024 * 1024))
    }, 'x'.repeat(1_000_000))
    socket.pause()
    // A paused socket notices its end only when it reads again, so the server's side is asked.
    for (;;) {
      const count = await new Promise<number>(resolve => server.getConnections((_, open) => resolve(open)))
      if (count === 0) break
      await new Promise(resolve => setTimeout(resolve, 10))
    }
    socket.resume()
    equal(await closed, 'cut')
  })

  it('does not cut off a client that has sent all and waits for our answer', async () => {
    const { closed } = await begin((request, response) => {
      watchPace(request.resume(), response, { bytes: 100, everyMs: 30 })
    }, 'x'.repeat(1_000_000))
    equal(await Promise.race([closed, new Promise(resolve => setTimeout(() => resolve('there'), 200))]), 'there')
  })
})

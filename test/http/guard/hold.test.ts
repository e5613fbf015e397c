/** Refusals held back, on real connections, until the test says that they are due. */
import { deepEqual, equal } from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { createHold, type Hold } from '../../../src/http/guard/admission.ts'

describe('http: refusals held back', () => {
  const clock = { nowMs: 0 }
  let hold: Hold
  /** The refusals that are due in a second, oldest first. */
  let later: (() => void)[]
  let server: Server
  let sockets: Socket[]
  /** The paths of the requests that were read, and of those that were answered. */
  let read: string[]
  let told: string[]

  beforeEach(async () => {
    ;[sockets, read, told, later] = [[], [], [], []]
    hold = createHold({ atOncePerSecond: 2, maxHeld: 3, nowMs: () => clock.nowMs, later: then => later.push(then) })
    server = createServer((request, response) => {
      const path = request.url!
      read.push(path)
      const answer = () => {
        told.push(path)
        response.end('told')
      }
      request.resume()
      if (path === '/other') response.end('other')
      else hold.refuse(request, answer)
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
  })
  afterEach(() => {
    hold.stop()
    for (const socket of sockets) socket.destroy()
    server.closeAllConnections()
    server.close()
  })

  const open = () => {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1').setEncoding('latin1')
    sockets.push(socket)
    return socket
  }
  const request = (path: string, body = '') => `POST ${path} HTTP/1.1\r\nHost: h\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  const until = async (reached: () => boolean) => {
    while (!reached()) await new Promise(resolve => setTimeout(resolve, 1))
  }
  /** A second passes. */
  const pass = () => {
    clock.nowMs += 1000
    for (const then of later.splice(0)) then()
  }
  /** One after the other, so that their order is known. */
  const send = async (...paths: string[]) => {
    for (const path of paths) {
      open().write(request(path, 'body'))
      await until(() => read.includes(path))
    }
  }
  /** By the time that others were asked and answered, what could have been read was read. */
  const others = async () => {
    const socket = open()
    for (let i = 0; i < 5; i++) {
      socket.write('GET /other HTTP/1.1\r\nHost: h\r\n\r\n')
      await once(socket, 'data')
    }
  }

  it('answers the first refusals of a second at once, holds the next ones until their time has come, and answers those beyond its room at once', async () => {
    await send('/1', '/2', '/3', '/4', '/5', '/6')
    deepEqual(told, ['/1', '/2', '/6'])
    await others()
    deepEqual(told, ['/1', '/2', '/6'])
    pass()
    deepEqual(told.slice(3), ['/3', '/4', '/5'])
    await send('/7')
    deepEqual(told.at(-1), '/7')
  })

  it('reads nothing more of a connection whose refusal is held, and goes on with it afterwards', async () => {
    await send('/1', '/2')
    const socket = open()
    socket.write(request('/held', 'the body is thrown away'))
    await until(() => read.includes('/held'))
    await others()
    socket.write(request('/next'))
    await others()
    deepEqual([read.includes('/next'), told], [false, ['/1', '/2']])
    pass()
    await until(() => told.includes('/next'))
    deepEqual(told, ['/1', '/2', '/held', '/next'])
  })

  it('copes with a client that leaves meanwhile', async () => {
    await send('/1', '/2', '/3')
    sockets.at(-1)!.destroy()
    await others()
    pass()
    equal(told.at(-1), '/3')
  })

  it('answers all held refusals when it ends, and holds none from then on', async () => {
    await send('/1', '/2', '/3', '/4')
    equal(told.length, 2)
    hold.stop()
    deepEqual(told, ['/1', '/2', '/3', '/4'])
    await send('/5', '/6')
    equal(told.length, 6)
  })
})

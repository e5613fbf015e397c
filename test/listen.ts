/** Servers of tests. */
import { randomInt } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Listens on a free port of this machine; returns the address. */
export async function listen(server: Server): Promise<string> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Stops it, even if clients are still connected. */
export function stop(server: Server): void {
  server.close()
  server.closeAllConnections()
}

/**
 * A port of this machine that nothing listens on. It is below those that systems give to clients
 * (from 32768 on), so that no connection takes it before the test listens there.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(10_000, 32_768)
    if (await isFree(port)) return port
  }
}

/** Whether nothing listens on a port of this machine. */
export async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  const hasIt = await new Promise<boolean>(resolve => {
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => resolve(true))
  })
  if (hasIt) await new Promise(resolve => server.close(resolve))
  return hasIt
}

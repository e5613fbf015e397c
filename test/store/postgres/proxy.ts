/** A proxy before a database, which loses what a test tells it to lose. */
import { connect, createServer, type Socket } from 'node:net'

export type LossyProxy = {
  readonly port: number
  /**
   * The fate of the next COMMIT: `pass`; `lose` it with its connection; `stop` at it, as a node
   * does that is frozen; lose the `answer` to it with the connection.
   */
  next(fate: Fate): void
  /** How many commits had a fate so far. */
  fated(): number
  /** The ports from which its connections reach the database. */
  ports(): ReadonlySet<number>
  /** From now on nothing comes through. The connections stay open. */
  cut(): void
  stop(): void
}

type Fate = 'pass' | 'lose' | 'stop' | 'answer'

/** How the client names the statement, and the server its answer. */
const COMMIT = Buffer.from('commit\0')
const COMMITTED = Buffer.from('COMMIT\0')

/** Starts a proxy to a port of this machine. */
export async function startProxy(to: number): Promise<LossyProxy> {
  let fate: Fate = 'pass'
  let fated = 0
  let isCut = false
  const ports = new Set<number>()
  const sockets = new Set<Socket>()
  const server = createServer(client => {
    const database = connect(to, '127.0.0.1')
    let isStopped = false
    database.on('connect', () => ports.add(database.localPort!))
    for (const socket of [client, database]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        if (!isStopped) for (const each of [client, database]) each.destroy()
      })
    }
    client.on('data', chunk => {
      if (isCut) return
      const isCommit = chunk.includes(COMMIT)
      if (isCommit && (fate === 'lose' || fate === 'stop')) fated++
      if (isCommit && fate === 'lose') {
        fate = 'pass'
        client.destroy()
        return
      }
      if (isCommit && fate === 'stop') {
        fate = 'pass'
        isStopped = true
      }
      if (!isStopped) database.write(chunk)
    })
    database.on('data', chunk => {
      if (isStopped || isCut) return
      if (chunk.includes(COMMITTED) && fate === 'answer') {
        fate = 'pass'
        fated++
        client.destroy()
      } else client.write(chunk)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as { port: number }).port,
    next(wanted) {
      fate = wanted
    },
    fated: () => fated,
    ports: () => ports,
    cut() {
      isCut = true
    },
    stop() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

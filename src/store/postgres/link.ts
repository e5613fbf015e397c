/**
 * The connections to the one server of a cluster that accepts writes: one for writing, a few for
 * reading. When one of them breaks, all are given up, and the next call looks for that server again.
 */
import type { Host } from '../../host.ts'
import { StoreError } from '../port/errors.ts'
import type { StoreHistory } from '../port/port.ts'
import { type DatabaseAddress, type DatabaseHost, nameOfHost } from './address.ts'
import { type Connection, type ConnectionLimits, connect, isConnectionError, prepare, type ServerState } from './connection.ts'
import { ensureSchema } from './schema.ts'

export type DatabaseLink = {
  readonly writer: Connection
  /** The reading connection with the fewest statements in flight. */
  reader(): Connection
  isOpen(): boolean
  /** Gives up all connections. The server goes on with what it was told. */
  drop(): void
  end(): Promise<void>
}

export type DatabaseLinks = {
  /**
   * The open link, or a new one.
   * @throws StoreError STORE_UNREACHABLE, STORE_NO_PRIMARY, STORE_TIMELINE, STORE_OTHER_DATABASE,
   * and what a connection and its schema can be refused for
   */
  get(): Promise<DatabaseLink>
  /** A connection of its own to the same server, whose statements may take as long as they need. */
  unbounded(): Promise<Connection>
  /** The history of the server that is used. Throws what `get` throws. */
  history(): Promise<StoreHistory>
  close(): Promise<void>
}

type Deps = {
  readonly address: DatabaseAddress
  readonly limits: ConnectionLimits
  readonly host: Pick<Host, 'steadyMs' | 'sleep' | 'randomBytes'>
  /** Called when another server has taken over. */
  readonly onMoved?: (() => void) | undefined
}
type Found = { readonly connection: Connection; readonly state: ServerState }

const READERS = 4
/** After a failed search, the next one waits this long, however many ask. */
const SEARCH_AGAIN_MS = 200

/** Finds the server, now and whenever a link is lost. */
export function createLinks({ address, limits, host, onMoved }: Deps): DatabaseLinks {
  let link: DatabaseLink | undefined
  let searching: Promise<DatabaseLink> | undefined
  let failed: { readonly error: unknown; readonly untilMs: number } | undefined
  let isClosed = false
  /** A later server must be of this database, and no earlier in its history. */
  let known: (StoreHistory & { readonly uid: string }) | undefined

  async function search(): Promise<DatabaseLink> {
    const { connection, state } = await findPrimary(address, limits, known?.timeline ?? 0)
    const opened = [connection]
    try {
      const uid = await ensureSchema(connection, host)
      if (known !== undefined && (known.uid !== uid || known.system !== state.system))
        throw new StoreError(
          'STORE_OTHER_DATABASE',
          `The database at ${nameOfHost(connection.at)} is not the one that this node began with. If it was replaced on purpose, restart the node.`,
        )
      const isMoved = known !== undefined && known.timeline !== state.timeline
      known = { uid, system: state.system, timeline: state.timeline }
      if (isMoved) onMoved?.()
      for (let i = 0; i < READERS; i++) {
        const reader = await connect(address, connection.at, limits)
        opened.push(reader)
        await prepare(reader, limits)
      }
    } catch (error) {
      for (const each of opened) each.drop()
      throw brokenOff(error, connection.at)
    }
    return createLink(connection, opened.slice(1))
  }

  return {
    async get() {
      if (isClosed) throw new StoreError('STORE_UNSETTLED', 'The store is closed.')
      if (link?.isOpen()) return link
      link?.drop()
      link = undefined
      if (failed !== undefined && host.steadyMs() < failed.untilMs) throw failed.error
      searching ??= search()
        .then(found => {
          failed = undefined
          if (isClosed) found.drop()
          link = found
          return found
        })
        .catch(error => {
          failed = { error, untilMs: host.steadyMs() + SEARCH_AGAIN_MS }
          throw error
        })
        .finally(() => {
          searching = undefined
        })
      return searching
    },
    async unbounded() {
      const { writer } = await this.get()
      return connect(address, writer.at, { ...limits, statementMs: 0, answerMs: 0 })
    },
    async history() {
      await this.get()
      const { system, timeline } = known!
      return { system, timeline }
    },
    async close() {
      isClosed = true
      await searching?.catch(() => {})
      await link?.end()
    },
  }
}

function createLink(writer: Connection, readers: readonly Connection[]): DatabaseLink {
  const all = [writer, ...readers]
  return {
    writer,
    reader: () => readers.reduce((least, each) => (each.waiting() < least.waiting() ? each : least)),
    isOpen: () => all.every(each => each.isOpen()),
    drop() {
      for (const each of all) each.drop()
    },
    async end() {
      await Promise.all(all.map(each => each.end()))
    },
  }
}

/**
 * A connection to the server that accepts writes. All hosts are asked. If several accept writes, a
 * standby was promoted and the old server is back: the newest history counts.
 */
async function findPrimary(address: DatabaseAddress, limits: ConnectionLimits, timeline: number): Promise<Found> {
  const asked = await Promise.allSettled(address.hosts.map(at => ask(address, at, limits)))
  const found = asked.flatMap(each => (each.status === 'fulfilled' ? [each.value] : []))
  const primaries = found.filter(({ state }) => state.isPrimary).sort((a, b) => b.state.timeline - a.state.timeline)
  const [newest] = primaries
  const usable = newest !== undefined && newest.state.timeline >= timeline ? newest : undefined
  for (const each of found) if (each !== usable) each.connection.drop()
  if (usable !== undefined) return usable
  if (newest !== undefined)
    throw new StoreError(
      'STORE_TIMELINE',
      `The database at ${nameOfHost(newest.connection.at)} is at an earlier history (timeline ${newest.state.timeline}) than the one that this node has used (${timeline}). It was replaced by a standby: shut it down.`,
    )
  if (found.length > 0)
    throw new StoreError(
      'STORE_NO_PRIMARY',
      `${nameHosts(found.map(({ connection }) => connection.at))} accepts no writes: it is a standby.`,
    )
  const reasons = asked.flatMap(each => (each.status === 'rejected' ? [each.reason as Error] : []))
  // Each host's own reason, of which the first has the code.
  const [first] = reasons
  if (reasons.length === 1 || !(first instanceof StoreError)) throw first
  throw new StoreError(first.code, reasons.map(reason => reason.message).join(' '), { cause: first })
}

async function ask(address: DatabaseAddress, at: DatabaseHost, limits: ConnectionLimits): Promise<Found> {
  const connection = await connect(address, at, limits)
  try {
    return { connection, state: await prepare(connection, limits) }
  } catch (error) {
    connection.drop()
    throw brokenOff(error, at)
  }
}

/** A server may end while a connection to it is being prepared. */
function brokenOff(cause: unknown, at: DatabaseHost): unknown {
  if (!isConnectionError(cause)) return cause
  return new StoreError('STORE_UNREACHABLE', `The database at ${nameOfHost(at)} has broken off the connection.`, { cause })
}

function nameHosts(hosts: readonly DatabaseHost[]): string {
  return hosts.map(nameOfHost).join(', ')
}

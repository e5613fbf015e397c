/**
 * One connection to one server: its bounds in time, its encryption, and what it says about the
 * server. Every failure becomes one sentence that holds no part of the password.
 */
import { readFile } from 'node:fs/promises'
import { isIP, type Socket } from 'node:net'
import { checkServerIdentity } from 'node:tls'
import pg from 'pg'
import { StoreError } from '../port/errors.ts'
import { type DatabaseAddress, type DatabaseHost, nameOfHost } from './address.ts'

export type Connection = {
  readonly at: DatabaseHost
  /** Whether it still works. It never works again. */
  isOpen(): boolean
  /** How many statements are not answered yet. */
  waiting(): number
  /**
   * Runs a statement, prepared under its name. Several may be sent before the first is answered;
   * they run in their order.
   */
  run(statement: DatabaseStatement, values?: readonly unknown[]): Promise<pg.QueryArrayResult>
  /** Sends what `send` sends in one piece. */
  together<T>(send: () => T): T
  /** Whether the server has said since `clear` that a commit may not be on its standby. */
  readonly doubts: { clear(): void; any(): boolean }
  /** Ends it, at once if it does not answer. */
  end(): Promise<void>
  /** Ends it without a word to the server, which goes on with what it was told. */
  drop(): void
}

/** SQL and the name under which each connection prepares it once. */
export type DatabaseStatement = { readonly name?: string; readonly text: string }

/** A server's answers about itself. */
export type ServerState = {
  /** Whether it accepts writes. */
  readonly isPrimary: boolean
  /** Grows with each promotion of a standby. */
  readonly timeline: number
  /**
   * The number of the cluster, which its servers share: another one has other timelines. Empty if
   * the user may not ask.
   */
  readonly system: string
}

/** The limits of a connection in time. */
export type ConnectionLimits = {
  /** For one host to accept it. */
  readonly connectMs: number
  /**
   * For the answer to a statement, before the connection is dropped. The server goes on with it. It
   * is longer than the server's own limits, so that it only ends what those cannot: a COMMIT, which
   * nothing may cancel, a server that has stopped, a broken line.
   */
  readonly answerMs: number
  /** The server ends a statement after this. COMMIT is not bound by it. */
  readonly statementMs: number
  /** For a locked row. Longer than `idleMs`, because a stopped node may hold the row until then. */
  readonly lockMs: number
  /** The server puts out a node that is in a transaction, holds the head and has stopped. */
  readonly idleMs: number
}

/** The limits of a service. Together they are less than what its callers wait. */
export const LIMITS: ConnectionLimits = { connectMs: 5000, answerMs: 20_000, statementMs: 15_000, lockMs: 8000, idleMs: 5000 }

const KEEPALIVE_MS = 10_000
/** The oldest PostgreSQL that has everything the store uses. */
const MIN_VERSION = 140_000

/** The server does not have what it was asked for, or does not let this user have it. */
const UNANSWERABLE = /^(42|0A)/
/** What a pooler answers to settings that it does not know. */
const PROTOCOL_VIOLATION = '08P01'

/** Notices that a COMMIT was answered although its standby may not have it. */
const DOUBTFUL = ['01000', '57P01']

/** What pg says when an answer takes longer than `query_timeout`. */
const READ_TIMEOUT = 'Query read timeout'

const BYTEA = 17
const INT8 = 20
const INT8_ARRAY = 1016

/** Bytes arrive as hex, numbers and arrays of numbers as digits. */
const TYPES: pg.CustomTypesConfig = {
  getTypeParser(oid: number) {
    if (oid === BYTEA) return readBytes
    if (oid === INT8) return readSafe
    if (oid === INT8_ARRAY)
      return (text: string) =>
        text === '{}'
          ? []
          : text
              .substring(1, text.length - 1)
              .split(',')
              .map(readSafe)
    return pg.types.getTypeParser(oid as never)
  },
}

/**
 * Connects to one host.
 * @throws StoreError STORE_UNREACHABLE, STORE_LOGIN, STORE_TLS, STORE_NO_DATABASE, STORE_RIGHTS,
 * STORE_POOLER
 */
export async function connect(address: DatabaseAddress, at: DatabaseHost, limits: ConnectionLimits): Promise<Connection> {
  const { user, database } = address
  const client = new pg.Client({
    ...{ user, database, password: address.password ?? '', host: at.host, port: at.port, ssl: await tlsOptions(address, at) },
    ...{ application_name: 'openseal', pipeline: true, types: TYPES, connectionTimeoutMillis: limits.connectMs },
    ...{ keepAlive: true, keepAliveInitialDelayMillis: KEEPALIVE_MS, lock_timeout: limits.lockMs },
    // 0 is no limit.
    ...{ statement_timeout: limits.statementMs, query_timeout: limits.answerMs, idle_in_transaction_session_timeout: limits.idleMs },
  })
  let isOpen = true
  let inDoubt = false
  let waiting = 0
  const close = () => {
    isOpen = false
  }
  client.on('error', close)
  client.on('end', close)
  client.on('notice', ({ code }) => {
    if (DOUBTFUL.includes(code ?? '')) inDoubt = true
  })
  try {
    await client.connect()
  } catch (cause) {
    throw connectError(cause, address, at)
  }
  // Another one after the connection is encrypted.
  const stream = () => (client as unknown as { connection: { stream: Socket } }).connection.stream
  const drop = () => {
    isOpen = false
    stream().destroy()
  }
  return {
    at,
    isOpen: () => isOpen,
    waiting: () => waiting,
    run({ name, text }, values = []) {
      waiting++
      const query = { ...(name !== undefined && { name }), text, values: values as unknown[], rowMode: 'array' as const }
      return client
        .query(query)
        .catch(cause => {
          // Only these are the line's. Anything else without a SQLSTATE is a mistake of ours.
          const isLost = sqlState(cause) === undefined && (!isOpen || cause.message === READ_TIMEOUT)
          throw isLost ? new LostConnection(cause.message, { cause }) : cause
        })
        .finally(() => {
          waiting--
        })
    },
    together(send) {
      const used = stream()
      used.cork()
      try {
        return send()
      } finally {
        used.uncork()
      }
    },
    doubts: {
      clear() {
        inDoubt = false
      },
      any: () => inDoubt,
    },
    async end() {
      if (!isOpen) return drop()
      await client.end().catch(() => {})
    },
    drop,
  }
}

const SERVER = `SELECT pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on',
  current_setting('server_version_num')::int, current_setting('fsync') = 'on', current_setting('full_page_writes') = 'on',
  CASE WHEN pg_is_in_recovery() THEN 0 ELSE ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::bigint END,
  has_function_privilege('pg_control_system()', 'EXECUTE'), (SELECT setting::int FROM pg_settings WHERE name = 'lock_timeout')`
const SYSTEM = 'SELECT system_identifier::text FROM pg_control_system()'

/**
 * Bytes arrive as hex. Commits wait for the disk, and for the standby if there is one. A server whose client is gone
 * notices that without waiting for the system's two hours.
 */
const SETTINGS = `SELECT set_config('bytea_output', 'hex', false), set_config('tcp_keepalives_idle', '10', false), set_config('tcp_keepalives_interval', '5', false),
  set_config('tcp_keepalives_count', '3', false), set_config('tcp_user_timeout', '15000', false),
  CASE WHEN current_setting('synchronous_commit') IN ('on', 'remote_apply') THEN '' ELSE set_config('synchronous_commit', 'on', false) END`

/**
 * Asks a server what it is, and tells it how this connection is used.
 * @throws StoreError STORE_VERSION, STORE_POOLER, STORE_UNSAFE
 */
export async function prepare({ run, at }: Connection, { lockMs }: ConnectionLimits): Promise<ServerState> {
  const { rows } = await run({ text: SERVER }).catch(cause => {
    throw UNANSWERABLE.test(sqlState(cause) ?? '') ? versionError(at, cause) : cause
  })
  const [[isReadOnly, version, fsync, fullPages, timeline, mayAsk, limitMs]] = rows as [
    [boolean, number, boolean, boolean, number, boolean, number],
  ]
  if (version < MIN_VERSION) throw versionError(at)
  // A pooler may drop what this connection asked for, and give its transactions to any connection.
  if (limitMs !== lockMs) throw poolerError(at)
  if (!fsync || !fullPages)
    throw new StoreError(
      'STORE_UNSAFE',
      `The database at ${nameOfHost(at)} runs with ${fsync ? 'full_page_writes' : 'fsync'} = off and can lose what it has confirmed. Set it to on.`,
    )
  await run({ text: SETTINGS })
  const system = mayAsk ? ((await run({ text: SYSTEM })).rows[0]?.[0] as string) : ''
  return { isPrimary: !isReadOnly, timeline, system }
}

/** Whether an error means that the connection, or the server behind it, is of no more use. */
export function isConnectionError(error: unknown): boolean {
  if (error instanceof LostConnection) return true
  const code = sqlState(error) ?? ''
  // 25006: the server has become a standby. 57P0x: it shuts down or has ended this connection.
  return code.startsWith('08') || code.startsWith('57P') || code === '25006' || code === '25P03'
}

/** A statement whose answer did not come, because the line broke or was too slow. */
class LostConnection extends Error {}

/** The SQLSTATE of an error; undefined if it is not from the server. */
export function sqlState(error: unknown): string | undefined {
  const { code, severity } = error as { code?: unknown; severity?: unknown }
  return severity !== undefined && typeof code === 'string' ? code : undefined
}

async function tlsOptions(address: DatabaseAddress, { host }: DatabaseHost) {
  const { tlsMode, rootCertificate, certificate, key } = address
  if (tlsMode === 'disable') return false
  const [ca, cert, privateKey] = await Promise.all([rootCertificate, certificate, key].map(readPem))
  return {
    rejectUnauthorized: tlsMode !== 'require',
    // Node would compare with another name than the one that was asked for if that is an address.
    checkServerIdentity: (_: string, shown: Parameters<typeof checkServerIdentity>[1]) =>
      tlsMode === 'verify-full' ? checkServerIdentity(host, shown) : undefined,
    ...(isIP(host) === 0 && { servername: host }),
    ...(ca && { ca }),
    ...(cert && { cert }),
    ...(privateKey && { key: privateKey }),
  }
}

async function readPem(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined
  return readFile(file, 'utf8').catch(cause => {
    throw new StoreError('STORE_TLS', `The file ${file}, which OPENSEAL_STORE names, cannot be read (${cause.code}).`, { cause })
  })
}

/** The error of a connection that was not made. */
function connectError(cause: unknown, { user, database }: DatabaseAddress, at: DatabaseHost): StoreError {
  const name = nameOfHost(at)
  const state = sqlState(cause)
  const { code, message } = cause as { code?: string; message: string }
  const error = (kind: string, sentence: string) => new StoreError(kind, sentence, { cause })
  if (state?.startsWith('28') && /no encryption/.test(message))
    return error('STORE_TLS', `The database at ${name} wants encrypted connections only: set sslmode in OPENSEAL_STORE to verify-full.`)
  if (state?.startsWith('28') || /password must be a|SASL|SCRAM/.test(message))
    return error(
      'STORE_LOGIN',
      `The database at ${name} does not let the user ${user} in: wrong or expired password, or no rule in pg_hba.conf.`,
    )
  if (state === '3D000') return error('STORE_NO_DATABASE', `The server at ${name} has no database ${database}: create it first.`)
  if (state === '42501') return error('STORE_RIGHTS', `The user ${user} may not connect to the database ${database} at ${name}.`)
  if (state === PROTOCOL_VIOLATION) return poolerError(at, cause)
  if (state === '53300') return error('STORE_UNREACHABLE', `The database at ${name} has no free connection.`)
  if (state !== undefined) return error('STORE_UNREACHABLE', `The database at ${name} accepts no connections now (${state}).`)
  if (/does not support SSL/.test(message))
    return error('STORE_TLS', `The database at ${name} does not speak TLS. Turn it on there, or set sslmode=disable in OPENSEAL_STORE.`)
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return error('STORE_TLS', `The certificate of the database at ${name} is for another name. Use that name in OPENSEAL_STORE.`)
  if (code === 'CERT_HAS_EXPIRED') return error('STORE_TLS', `The certificate of the database at ${name} has expired: renew it there.`)
  if (/CERT|SIGNATURE|SSL|TLS/.test(code ?? ''))
    return error('STORE_TLS', `The certificate of the database at ${name} is not trusted (${code}): set sslrootcert in OPENSEAL_STORE.`)
  const why = code ?? (/timeout/.test(message) ? 'no answer' : 'the connection was closed')
  return error('STORE_UNREACHABLE', `The database at ${name} cannot be reached (${why}).`)
}

function versionError(at: DatabaseHost, cause?: unknown): StoreError {
  return new StoreError('STORE_VERSION', `The database at ${nameOfHost(at)} is not PostgreSQL ${MIN_VERSION / 10_000} or newer.`, { cause })
}

function poolerError(at: DatabaseHost, cause?: unknown): StoreError {
  const advice = 'If that is a pooler such as pgbouncer, name the database itself in OPENSEAL_STORE.'
  return new StoreError('STORE_POOLER', `${nameOfHost(at)} does not take the settings of a connection. ${advice}`, { cause })
}

function readBytes(text: string): Uint8Array {
  if (!text.startsWith('\\x')) throw new Error('bug: the database does not send bytes as hex')
  return Buffer.from(text.substring(2), 'hex')
}

/** Sizes and indexes are safe integers. */
function readSafe(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new StoreError('STORE_CORRUPT', 'The database holds a number beyond what OpenSeal counts to.')
  return value
}

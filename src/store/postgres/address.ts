/**
 * The address of a database, as OPENSEAL_STORE gives it:
 * `postgres://USER:PASSWORD@HOST:PORT,HOST:PORT/DATABASE?sslmode=verify-full`. Several hosts are the
 * servers of one cluster, and the store uses the one that accepts writes.
 */
import { StoreError } from '../port/errors.ts'

export type DatabaseHost = { readonly host: string; readonly port: number }

/** How a connection is encrypted, and what is checked of the server's certificate. As in libpq. */
export type TlsMode = (typeof TLS_MODES)[number]

export type DatabaseAddress = {
  readonly hosts: readonly DatabaseHost[]
  readonly user: string
  readonly password: string | undefined
  readonly database: string
  readonly tlsMode: TlsMode
  /** Files in PEM: the roots that sign servers, and this client's own certificate and key. */
  readonly rootCertificate: string | undefined
  readonly certificate: string | undefined
  readonly key: string | undefined
}

const TLS_MODES = ['disable', 'require', 'verify-ca', 'verify-full'] as const
const DEFAULT_PORT = 5432
/** Scheme, user, password, hosts, database and parameters. */
const ADDRESS = /^postgres(?:ql)?:\/\/(?:([^:@/]*)(?::([^@/]*))?@)?([^/?#@]*)(?:\/([^/?#]*))?(?:\?([^#]*))?$/
/** A name or an IPv4 address, or an IPv6 address in brackets, and a port. */
const HOST = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+))(?::(\d{1,5}))?$/
const PARAMETERS = ['sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'target_session_attrs', 'host']
const LOOPBACK = /^(localhost|127\.[\d.]+|::1|\/.*)$/

/**
 * Parses the address. The messages of its errors never hold any part of it, because it may hold a
 * password.
 * @throws StoreError STORE_ADDRESS
 */
export function parseAddress(text: string): DatabaseAddress {
  const [, user, password, hostList, database, query] =
    ADDRESS.exec(text) ?? wrong('is not a postgres:// address such as postgres://USER:PASSWORD@HOST:PORT/DATABASE')
  const parameters = parseParameters(query ?? '')
  const hosts = parseHosts(hostList ?? '', parameters.get('host'))
  if (!user) wrong('names no user')
  if (!database) wrong('names no database')
  // Any host here also could be the address of a machine in another network.
  const byDefault = hosts.every(({ host }) => LOOPBACK.test(host)) ? 'disable' : 'verify-full'
  const tlsMode = TLS_MODES.find(mode => mode === (parameters.get('sslmode') ?? byDefault))
  if (tlsMode === undefined) wrong(`has an sslmode other than ${TLS_MODES.join(', ')}`)
  const [certificate, key] = [parameters.get('sslcert'), parameters.get('sslkey')]
  if ((certificate === undefined) !== (key === undefined)) wrong('has only one of sslcert and sslkey')
  return {
    hosts,
    user: decode(user!),
    password: password === undefined ? undefined : decode(password),
    database: decode(database!),
    tlsMode: tlsMode!,
    rootCertificate: parameters.get('sslrootcert'),
    certificate,
    key,
  }
}

/** A host and its port, as messages name them. */
export function nameOfHost({ host, port }: DatabaseHost): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

function parseHosts(list: string, socket: string | undefined): DatabaseHost[] {
  if (list === '' && socket?.startsWith('/')) return [{ host: socket, port: DEFAULT_PORT }]
  if (socket !== undefined) wrong('names hosts twice')
  return list.split(',').map(text => {
    const [, v6, name, digits] = HOST.exec(text) ?? wrong('has a host that is not a name or an address with a port')
    const port = Number(digits ?? DEFAULT_PORT)
    if (port === 0 || port > 65_535) wrong('has a port that is not from 1 to 65535')
    return { host: (v6 ?? name)!, port }
  })
}

function parseParameters(query: string): Map<string, string> {
  const pairs = new Map<string, string>()
  for (const pair of query === '' ? [] : query.split('&')) {
    const [name = '', ...rest] = pair.split('=')
    if (!PARAMETERS.includes(name)) wrong(`has a parameter other than ${PARAMETERS.join(', ')}`)
    if (pairs.has(name)) wrong(`has the parameter ${name} twice`)
    pairs.set(name, decode(rest.join('=')))
  }
  if (!['read-write', 'primary'].includes(pairs.get('target_session_attrs') ?? 'read-write'))
    wrong('has target_session_attrs other than read-write or primary: the store writes')
  return pairs
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return wrong('has a % that is not followed by two hex digits: write % as %25')
  }
}

function wrong(what: string): never {
  throw new StoreError('STORE_ADDRESS', `OPENSEAL_STORE ${what}.`)
}

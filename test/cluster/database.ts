/**
 * The database of a cluster: a primary and a synchronous standby. If the primary dies, the standby
 * is promoted, and a new standby is made from it.
 */
import { copyFileSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { type LossyProxy, startProxy } from '../store/postgres/proxy.ts'
import { startPostgres, type TestServer } from '../store/postgres/server.ts'

export type ClusterDatabase = {
  /** The addresses of both servers, as OPENSEAL_STORE takes them. They do not change. */
  readonly address: string
  primary(): TestServer
  standby(): TestServer | undefined
  /** How long each promotion took, in milliseconds, without the time until the death was noticed. */
  promotionsMs(): readonly number[]
  /**
   * From now on nothing of what the primary writes reaches its standby. Only with `onPromoted`: a
   * database for figures has no line between its servers.
   */
  cutStandby(): void
  stop(): Promise<void>
}

const WATCH_MS = 200
/** What a standby has no use for, and makes itself. */
const NOT_COPIED = ['pg_wal', 'pg_replslot', 'postmaster.pid', 'postmaster.opts', 'pg_stat_tmp']

/** Called after a promotion with the dead server, before a new standby takes its place. */
export type OnPromoted = (dead: TestServer) => Promise<void>

/** Starts both. `told` hears of a promotion and of a new standby. */
export async function startClusterDatabase(told: (what: string) => void, onPromoted?: OnPromoted): Promise<ClusterDatabase> {
  let primary = await startPostgres({ settings: ["wal_keep_size = '1GB'"] })
  const database = await primary.newDatabase()
  /** Through which the standby follows, where a test wants to cut it off. */
  const lineTo = async (server: TestServer) => (onPromoted === undefined ? undefined : startProxy(server.port))
  let line = await lineTo(primary)
  let standby: TestServer | undefined = await startStandby(primary, line)
  // Two servers at two ports, whichever of them is the primary.
  const ports = [primary.port, standby.port]
  const address = database.replace(`127.0.0.1:${primary.port}`, ports.map(port => `127.0.0.1:${port}`).join(','))
  const promotions: number[] = []
  let isOver = false

  const watching = (async () => {
    while (!isOver) {
      await sleep(WATCH_MS)
      if (isOver || isAlive(primary) || standby === undefined) continue
      const dead = primary
      primary = standby
      standby = undefined
      const began = performance.now()
      await primary.sql('SELECT pg_promote(true, 60)')
      promotions.push(performance.now() - began)
      told(`the standby was promoted: the primary is process ${primary.pid()} now`)
      await onPromoted?.(dead)
      await dead.stop().catch(() => {})
      line?.stop()
      line = await lineTo(primary)
      standby = await startStandby(primary, line, dead.port)
      told(`a new standby follows it: process ${standby.pid()}`)
    }
  })()

  return {
    address,
    primary: () => primary,
    standby: () => standby,
    promotionsMs: () => promotions,
    cutStandby: () => line!.cut(),
    async stop() {
      isOver = true
      await watching
      await standby?.stop()
      await primary.stop()
      line?.stop()
    },
  }
}

/** Copies the running primary, starts the copy as its standby, and waits until it is synchronous. */
async function startStandby(primary: TestServer, line: LossyProxy | undefined, port?: number): Promise<TestServer> {
  const client = new pg.Client({ host: primary.data, port: primary.port, user: 'postgres', database: 'postgres' })
  await client.connect()
  try {
    await client.query("SELECT pg_backup_start('standby', true)")
    const standby = await startPostgres({
      ...(port !== undefined && { port }),
      settings: [
        "wal_keep_size = '1GB'",
        `primary_conninfo = 'host=127.0.0.1 port=${(line ?? primary).port} user=postgres application_name=standby'`,
        "wal_retrieve_retry_interval = '200ms'",
      ],
      async fill(data) {
        copyFiles(primary.data, data)
        for (const folder of ['pg_wal', 'pg_replslot', 'pg_stat_tmp']) mkdirSync(join(data, folder), { mode: 0o700 })
        const { rows } = await client.query('SELECT labelfile FROM pg_backup_stop(false)')
        writeFileSync(join(data, 'backup_label'), rows[0].labelfile)
        writeFileSync(join(data, 'standby.signal'), '')
      },
    })
    await primary.set("synchronous_standby_names = 'FIRST 1 (standby)'")
    while ((await primary.sql("SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'")).length === 0) await sleep(WATCH_MS)
    return standby
  } finally {
    await client.end()
  }
}

/** Copies the files of a running server. What it removes meanwhile is in its log. */
function copyFiles(from: string, to: string): void {
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    if (NOT_COPIED.includes(entry.name)) continue
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    try {
      if (entry.isDirectory()) {
        mkdirSync(target, { mode: 0o700 })
        copyFiles(source, target)
      } else if (entry.isFile()) copyFileSync(source, target)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }
}

function isAlive(server: TestServer): boolean {
  try {
    process.kill(server.pid(), 0)
    return true
  } catch {
    return false
  }
}

/**
 * A ledger of many records is moved from Level to PostgreSQL and back. Each move is killed again
 * and again, each time later, while it copies and while it reads the copy back, until it ends.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fillStore } from '../../bench/fill.ts'
import { memoryOf } from '../../bench/processes.ts'
import { readMoveMark } from '../../src/care/move.ts'
import { openDatabasePlace, openFolderPlace } from '../../src/care/move-places.ts'
import { toHex } from '../../src/core/bytes.ts'
import { systemHost } from '../../src/host.ts'
import { silentLog } from '../../src/logger.ts'
import { openLevelStore } from '../../src/store/level/level.ts'
import { startAlone } from '../cli/commands.ts'
import { freePort } from '../listen.ts'
import { startPostgres } from '../store/postgres/server.ts'
import { addAgency, audit, createPhases, keepReceipt, type Told, untilAnchored, verifyReceipts } from './checks.ts'
import { startChain } from './cluster.ts'
import { send } from './load.ts'
import { startNode } from './nodes.ts'
import { statementOf } from './submitters.ts'

/** Settings of this run, the same for both stores. */
type Env = Readonly<Record<string, string>>
/** A store of the move: `name` as the command takes it, `data` the folder of the node on it. */
type Side = { readonly name: string; readonly data: string; readonly env: Env }

const RECEIPTS = 5
/** How long the first run of a move lives, and how many times longer each next one. */
const FIRST_LIFE_MS = 1500
const LONGER = 2
/** When a copy is read back, it is killed after about this part of the time that all its copying takes. */
const READING_PART = 0.1
const LOOK_MS = 100
const REFUSES_MS = 30_000
const SETTINGS = ["max_wal_size = '2GB'"]

/** Runs both moves. `done` hears of each phase. Rejects at the first thing that is not as promised. */
export async function runMove(records: number, { told, done, started }: Told): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'openseal-move-'))
  const ends: (() => Promise<void>)[] = [async () => rmSync(folder, { recursive: true, force: true })]
  const stop = async () => {
    for (const end of ends.splice(0).reverse()) await end()
  }
  started(stop)
  try {
    const postgres = await startPostgres({ settings: SETTINGS })
    ends.push(() => postgres.stop())
    const chain = await startChain(folder)
    ends.push(chain.stop)
    const shared = { ...chain.env, OPENSEAL_KEYS: join(folder, 'keys'), OPENSEAL_RATE_ADDRESS: '0', OPENSEAL_RATE_KEY: '0' }
    const onLevel = (name: string): Side => ({ name: join(folder, name, 'data'), data: join(folder, name), env: shared })
    const database: Side = {
      ...{ name: 'database', data: join(folder, 'database') },
      env: { ...shared, OPENSEAL_STORE: await postgres.newDatabase() },
    }
    await moveBoth(records, {
      sides: [onLevel('level'), database, onLevel('back')],
      folder,
      rpc: chain.url,
      end: stop => ends.push(stop),
      told,
      done,
    })
  } finally {
    await stop()
  }
}

type Parts = Omit<Told, 'started'> & {
  readonly sides: readonly [Side, Side, Side]
  readonly folder: string
  readonly rpc: string
  /** Called with what stops a node, for each node. */
  readonly end: (stop: () => Promise<void>) => void
}

async function moveBoth(records: number, { sides: [first, database, back], folder, rpc, end, told, done }: Parts): Promise<void> {
  const phase = createPhases(done)
  const chosen = Array.from({ length: RECEIPTS }, () => 1 + Math.floor(Math.random() * (records - 1)))
  let key = ''
  let size = records
  /** Serves the ledger of a side while `act` runs. */
  const serving = async <T>(side: Side, act: (url: string) => Promise<T>) => {
    const node = await startNode({ folder: side.data, port: await freePort(), env: side.env }, told)
    end(node.stop)
    try {
      return await act(node.url)
    } finally {
      await node.stop()
    }
  }
  /** Its root is that of the move, a record is known, one more gets the next index, receipts hold. */
  const check = async (ledger: string, root: string) => {
    const served = (await send(ledger, '/v1/status', '')).json
    if (served.size !== size || served.root !== root) throw new Error(`serves ${served.size} entries with root ${served.root}`)
    const [known] = chosen
    const again = await send(ledger, '/v1/records', key, statementOf(known!))
    const next = await send(ledger, '/v1/records', key, statementOf(size))
    const found = [again, next].map(({ status, json }) => `${status} ${json.index}`).join()
    if (found !== `200 ${known},201 ${size}`) throw new Error(`two records were answered ${found}`)
    await untilAnchored(ledger, size++)
    await verifyReceipts(folder, { ledger, rpc }, chosen)
    return { receipts: chosen.length }
  }

  await phase('a ledger is filled on Level', async () => {
    await serving(first, async ledger => {
      key = await addAgency(ledger, first.env.OPENSEAL_KEYS!)
    })
    const store = await openLevelStore(join(first.name, 'store'))
    await fillStore(store, records, statementOf)
    await store.close()
    return { entries: records }
  })
  await phase('it is served and anchored, and gives receipts', () =>
    serving(first, async ledger => {
      await untilAnchored(ledger, records - 1)
      for (const n of chosen) await keepReceipt(folder, ledger, n, n)
      return { receipts: chosen.length }
    }),
  )
  let root = ''
  const move = (from: Side, to: Side) => async () => {
    const moved = await moveThrough(from, to)
    root = moved.root
    return moved
  }
  await phase('it is moved to PostgreSQL', move(first, database))
  await phase('it is checked on PostgreSQL', () => serving(database, ledger => check(ledger, root)))
  await phase('it is moved back to Level', move(database, back))
  await phase('it is checked on Level, and audited', () =>
    serving(back, async ledger => ({ ...(await check(ledger, root)), ...(await audit({ ledger, rpc })) })),
  )
}

/** Kills a move, each time later and once while it reads back, until it ends by itself. */
async function moveThrough(from: Side, to: Side) {
  const whole = await look(from)
  let [movingMs, kills, killedReading, peakMiB, copied] = [0, 0, 0, 0, 0]
  for (let lifeMs = FIRST_LIFE_MS; ; ) {
    const began = performance.now()
    const ran = await moveFor(from, to, lifeMs)
    movingMs += performance.now() - began
    peakMiB = Math.max(peakMiB, ran.peakMiB)
    if (ran.moved !== undefined) {
      const { size, root } = ran.moved
      if (size !== whole.size || root !== whole.root)
        throw new Error(`moved ${size} entries to root ${root}, and not ${whole.size} to ${whole.root}`)
      await refuses(from)
      return { entries: size, root, movingSeconds: Math.round(movingMs / 1000), kills, killedReading, peakMiB }
    }
    kills++
    const { size, mark } = await look(to)
    if (size === whole.size) killedReading++
    const msOfOne = lifeMs / (size - copied)
    // Long enough for what is left to copy, and to begin reading back.
    const untilReading = (whole.size - size + whole.size * READING_PART) * msOfOne
    lifeMs = size < whole.size ? Math.min(lifeMs * LONGER, untilReading) : lifeMs * LONGER
    copied = size
    if (mark !== undefined) for (const side of [from, to]) await refuses(side)
  }
}

/** Runs `openseal move`, and kills it if it has not ended in time. */
async function moveFor(from: Side, to: Side, lifeMs: number) {
  const env = { ...from.env, ...to.env }
  const child = startAlone(['move', '--json', '--from', from.name, '--to', to.name], { env })
  let [out, peakMiB, isOver] = ['', 0, false]
  child.stdout!.setEncoding('utf8').on('data', chunk => (out += chunk))
  child.stderr!.setEncoding('utf8').on('data', chunk => (out += chunk))
  const ended = new Promise<number | null>(resolve => child.once('close', resolve)).finally(() => {
    isOver = true
  })
  for (const began = performance.now(); !isOver; await Promise.race([ended, sleep(LOOK_MS)])) {
    peakMiB = Math.max(peakMiB, memoryOf(child.pid!)?.peakMiB || 0)
    if (performance.now() - began > lifeMs) child.kill('SIGKILL')
  }
  const code = await ended
  if (code === null) return { peakMiB }
  // The run before was killed when all was moved, but for the last step.
  if (code === 1 && out.includes('[MOVE_DONE]')) return { peakMiB, moved: await look(to) }
  if (code !== 0) throw new Error(`openseal move ended with ${code}: ${out}`)
  return { peakMiB, moved: JSON.parse(out) as { readonly size: number; readonly root: string } }
}

/** The head and the mark of a store at rest. */
async function look({ name, env }: Side) {
  const { store } = await (name === 'database'
    ? openDatabasePlace(env.OPENSEAL_STORE!, systemHost(silentLog))
    : openFolderPlace(name, true))
  try {
    const { size, root } = (await store.readHead())?.head ?? { size: 0, root: new Uint8Array(0) }
    return { size, root: toHex(root), mark: await readMoveMark(store) }
  } finally {
    await store.close()
  }
}

/** Starts a service on a store, which must end at once and say that the ledger is not here. */
async function refuses({ data, env }: Side): Promise<void> {
  const own = { OPENSEAL_PORT: '0', OPENSEAL_DATA: join(data, 'data'), OPENSEAL_MARK: join(data, 'mark') }
  const child = startAlone(['serve'], { env: { ...env, ...own } })
  let said = ''
  child.stderr!.setEncoding('utf8').on('data', chunk => (said += chunk))
  const late = setTimeout(() => child.kill('SIGKILL'), REFUSES_MS)
  const code = await new Promise(resolve => child.once('close', resolve))
  clearTimeout(late)
  if (code !== 1 || !/\[(STORE_MOVED|SERVER_STORE)\]/.test(said)) throw new Error(`the store of ${data} was not refused: ${code} ${said}`)
}

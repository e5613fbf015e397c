/** The log of a service: its store, its key, its chain and its anchorer. */
import { statSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { createAnchoring } from '../anchor/anchoring.ts'
import type { AnchorChain } from '../anchor/chain.ts'
import { createLease } from '../anchor/lease.ts'
import { createWitnessClient } from '../anchor/witness-client.ts'
import { movedFolderOf, moveReason, readMoveMark } from '../care/move.ts'
import { readRestored, restoredReason } from '../care/restored.ts'
import { openAnchorChain } from '../chain/ethereum.ts'
import { toHex } from '../core/bytes.ts'
import { formatVkey, type Signer } from '../core/tlog/note.ts'
import { lockFolder } from '../folder-lock.ts'
import type { Alarm } from '../http/watched.ts'
import { endedKeyFile, ensureErasureKey, ensureLogKey, KeyFileError, readLogKey } from '../keys.ts'
import { openLedger } from '../ledger/ledger.ts'
import type { EndedKey } from '../log/grace.ts'
import { createLogSigner } from '../log/signer.ts'
import { silentLog } from '../logger.ts'
import { withDeadlines } from '../store/deadlines.ts'
import { type LevelStore, openLevelStore } from '../store/level/level.ts'
import { StoreError } from '../store/port/errors.ts'
import { isShared, type Store } from '../store/port/port.ts'
import { openPostgresStore } from '../store/postgres/postgres.ts'
import { isThere } from '../whole-file.ts'
import { openAuthorities } from './authorities.ts'
import { bindPlaces, type OpenChain, openChains, type PlacedChain, REQUEST_MS } from './chain.ts'
import { ServerError } from './errors.ts'
import { markFolderOf, openMarkKeeper, refuseReplaced } from './mark.ts'
import type { Start } from './parts.ts'
import { assertUsable, ruleOf } from './rule.ts'
import { NO_VOUCHERS, readVouchers } from './vouchers-file.ts'

/** The file of the log's key. */
export const logKeyFile = (keysDir: string) => join(keysDir, 'log.key')

/** How long a call of the store may take. A slow disk syncs within seconds. */
const STORE_MS = 30_000

/** The open store of a service. */
export type OpenStore = {
  readonly store: Store
  /** The same store if it is in the data folder: only then the service cares for its files. */
  readonly embedded: LevelStore | undefined
}

/**
 * Opens the store: in the data folder or, with OPENSEAL_STORE, in a database. Either way it takes
 * the lock of the data folder, which belongs to one node.
 */
export async function openStore(start: Start): Promise<OpenStore> {
  const { config, dataDir, host } = start
  const { storeUrl } = config
  await mkdir(dataDir, { recursive: true, mode: 0o700 }).catch(cause => {
    throw new ServerError(
      'SERVER_DATA',
      `The data folder ${dataDir} cannot be created (${cause.code}). Set OPENSEAL_DATA to another folder.`,
      {
        cause,
      },
    )
  })
  const folder = join(dataDir, 'store')
  if (storeUrl === undefined) {
    if (!(await isThere(folder)) && (await isThere(movedFolderOf(folder))))
      throw new ServerError('SERVER_STORE', `The ledger of ${dataDir} was moved to a database: name it in OPENSEAL_STORE.`)
    const embedded = withDeadlines(await openUnmoved(openLevelStore(folder)), host, STORE_MS)
    return { store: embedded, embedded }
  }
  if (await isThere(folder))
    throw new ServerError(
      'SERVER_STORE',
      `There is a ledger in ${folder}, and OPENSEAL_STORE names a database: unset it, or set OPENSEAL_DATA to another folder.`,
    )
  return { store: await openShared(storeUrl, start), embedded: undefined }
}

async function openShared(storeUrl: string, { dataDir, host, bells }: Start): Promise<Store> {
  const lock = await lockFolder(dataDir)
  if (lock === undefined)
    throw new StoreError('STORE_LOCKED', `The data folder ${dataDir} is in use by another OpenSeal service: each node needs its own.`)
  try {
    const opening = openPostgresStore(storeUrl, host, undefined, bells.moved.ring)
    const store = withDeadlines(await openUnmoved(opening), host, STORE_MS)
    return { ...store, close: () => store.close().finally(lock.release) }
  } catch (error) {
    await lock.release()
    throw error
  }
}

/** A store, unless a move has a part in it that is not over. */
async function openUnmoved<S extends Store>(opening: Promise<S>): Promise<S> {
  const store = await opening
  const found = await readMoveMark(store)
  if (found === undefined) return store
  await store.close()
  throw new StoreError('STORE_MOVED', `This store ${moveReason(found)}`)
}

/** An open log. */
export type OpenLog = Awaited<ReturnType<typeof openLog>>

/**
 * `url`: the address of the service's pages. `readSigner`: see `readKeyAgain`. `chains`: instead of
 * those of the settings, for a command that changes them and checks the policy that follows.
 */
type LogOptions = {
  readonly url?: string
  readonly readSigner?: () => Promise<Signer | undefined>
  readonly chains?: readonly OpenChain[]
}

/**
 * Reads the log's key again while a service waits for the next one. What cannot be read may be in
 * the middle of being copied.
 */
export function readKeyAgain({ config: { origin }, keysDir }: Start): () => Promise<Signer | undefined> {
  return async () => {
    try {
      return createLogSigner(origin, await readLogKey(logKeyFile(keysDir), silentLog))
    } catch (error) {
      if (error instanceof KeyFileError) return undefined
      throw error
    }
  }
}

/**
 * The old key of a change in its file, for the time in which it signs beside the new one. If the
 * file is missing or of another key, that is logged once, and is an alarm: this node signs with the
 * new key alone, until the file is there. An empty file says that the old key must not sign.
 */
function openEndedKey({ config: { origin }, keysDir, log }: Start): EndedKey & { alarm(): Alarm | undefined } {
  const fileOf = (lastSize: number) => endedKeyFile(logKeyFile(keysDir), lastSize)
  let lacking: number | undefined
  let isTold = false
  const isEmptied = (lastSize: number) => statSync(fileOf(lastSize), { throwIfNoEntry: false })?.size === 0
  return {
    alarm: () =>
      lacking === undefined
        ? undefined
        : {
            code: 'OLD_KEY_MISSING',
            message: `This node has no file ${basename(fileOf(lacking))}, so it signs with the new log key alone. Witnesses and readers who know only the old key cannot go on. Copy the file into its folder of keys.`,
          },
    async read(lastSize) {
      try {
        return createLogSigner(origin, await readLogKey(fileOf(lastSize), silentLog))
      } catch (cause) {
        if (cause instanceof KeyFileError) return undefined
        throw cause
      }
    },
    lacks(lastSize) {
      lacking = lastSize === undefined || isEmptied(lastSize) ? undefined : lastSize
      if (lacking === undefined || isTold) return
      isTold = true
      log.warn('old log key is missing', { path: fileOf(lacking), advice: 'copy it here until the grace of the change is over' })
    },
    done: lastSize =>
      log.info('old log key signs no more', { path: fileOf(lastSize), advice: 'remove it once the new one is in your backup' }),
  }
}

/** Opens the log with its key, its chain and its anchorer, which is not started yet. */
export async function openLog(start: Start, store: Store, { url, readSigner, chains: given }: LogOptions = {}) {
  const { config, dataDir, keysDir, host, log, parts, bells } = start
  const { origin, anchorMinBatch: minBatch } = config
  const markFolder = markFolderOf(config.markFolder, dataDir)
  const isNew = (await store.readHead()) === undefined
  const keyFile = logKeyFile(keysDir)
  const signer = createLogSigner(origin, isNew ? await ensureLogKey(keyFile, { host, log }) : await readLogKey(keyFile, log))
  const history = isShared(store) ? store.history : undefined
  await refuseReplaced(history, markFolder, { origin, vkey: formatVkey(signer.vkey) })
  const vouchers = config.vouchersFile === undefined ? NO_VOUCHERS : await readVouchers(config.vouchersFile)
  const { all: anchors, chains, unnamed } = await bindPlaces(start, given ?? (await openChains(start, vouchers, url)), store)
  const authorities = await openAuthorities(vouchers.timestamps, host)
  const rule = ruleOf(vouchers, chains, authorities)
  if (given === undefined) assertUsable({ origin, logKeys: () => [{ vkey: formatVkey(signer.vkey), fromSize: 0 }] }, rule)

  const erasureKey = await ensureErasureKey(join(keysDir, 'erasure.key'), { host, log })
  const erasure = { key: erasureKey, delayMs: config.erasureDelayMs, periodMs: config.suppressionMs }
  const told = { onSeal: bells.sealed.ring, onSigned: bells.signed.ring, onErased: bells.erased.ring }
  const endedKey = openEndedKey(start)
  const ledger = await openLedger({
    store,
    signer,
    ...(readSigner && { readSigner }),
    endedKey,
    origin,
    anchors,
    rule,
    host,
    erasure,
    ...told,
  })
  parts.ledger = ledger
  parts.store = undefined
  const restored = await readRestored(store)
  if (restored !== undefined) ledger.stop(restoredReason(restored, history === undefined), 'LEDGER_RESTORED')
  const mark = await openMarkKeeper({ ledger, history, folder: markFolder, isNew, host, log })
  parts.mark = mark
  bells.signed.listen(mark.note)
  bells.moved.listen(mark.note)

  const ledgerChains = chains.map(({ name, everyRounds, ...chain }) => ({
    ...{ name, everyRounds, fromSize: chain.place.fromSize, toSize: chain.place.toSize },
    chain: openPlaced(chain),
  }))
  const anchorChains = ledgerChains.map(({ chain }) => chain)
  parts.anchorChains = anchorChains
  const holder = toHex(host.randomBytes(16))
  const lease = isShared(store) ? createLease({ store, name: 'rounds', holder }) : undefined
  const intervalMs = vouchers.intervalMs ?? config.anchorIntervalMs
  const witnesses = vouchers.witnesses.map(witness => createWitnessClient({ ...witness, fetch, host }))
  const anchorer = createAnchoring({
    ...{ ledger, store, chains: ledgerChains, witnesses, authorities: authorities.map(({ client }) => client) },
    ...{ intervalMs, minBatch, host, log, lease },
  })
  return { ledger, chains, unnamed, rule, anchorChains, anchorer, mark, endedKey }
}

function openPlaced({ place, urls, signer, finality, ceiling }: Omit<PlacedChain, 'name' | 'everyRounds'>): AnchorChain {
  return openAnchorChain({ ...place, urls, signer, finality, limits: { timeoutMs: REQUEST_MS, ceiling } })
}

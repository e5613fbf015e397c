/** The log of a service: its store, its key, its chain and its anchorer. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createAnchorer } from '../anchor/anchorer.ts'
import { readRestored, restoredReason } from '../care/restored.ts'
import { openAnchorChain } from '../chain/ethereum.ts'
import type { Config } from '../config.ts'
import { ensureLogKey, readLogKey } from '../keys.ts'
import { type LedgerDeps, openLedger } from '../ledger/ledger.ts'
import { createLogSigner } from '../log/signer.ts'
import { type LevelStore, openLevelStore } from '../store/level/level.ts'
import type { Store } from '../store/port/port.ts'
import { bindAnchor, openChain, REQUEST_MS } from './chain.ts'
import { ServerError } from './errors.ts'
import { type MarkKeeper, markFolderOf, openMarkKeeper } from './mark.ts'
import type { Start } from './parts.ts'

/** The file of the log's key. */
export const logKeyFile = (dataDir: string) => join(dataDir, 'keys', 'log.key')

/** Opens the store of the data folder and takes its lock. */
export async function openStore({ storeUrl }: Config, dataDir: string): Promise<LevelStore> {
  if (storeUrl !== undefined)
    throw new ServerError(
      'SERVER_STORE',
      'OPENSEAL_STORE: the PostgreSQL store is not built yet. Omit it to keep the ledger in the data folder.',
    )
  await mkdir(dataDir, { recursive: true, mode: 0o700 }).catch(cause => {
    throw new ServerError(
      'SERVER_DATA',
      `The data folder ${dataDir} cannot be created (${cause.code}). Set OPENSEAL_DATA to another folder.`,
      {
        cause,
      },
    )
  })
  return openLevelStore(join(dataDir, 'store'))
}

/** The dependencies of opening the log. */
export type LogDeps = Start & {
  readonly store: Store
  /** The address of the service's pages; missing if it has none. */
  readonly url?: string
  readonly onSeal?: LedgerDeps['onSeal']
}

/** An open log. */
export type OpenLog = Awaited<ReturnType<typeof openLog>>

/** Opens the log with its key, its chain and its anchorer, which is not started yet. */
export async function openLog({ config, store, dataDir, host, log, parts, url, onSeal }: LogDeps) {
  const markFolder = markFolderOf(config.markFolder, dataDir)
  const isBegun = (await store.readHead()) !== undefined
  const keyFile = logKeyFile(dataDir)
  const seed = isBegun ? await readLogKey(keyFile, log) : await ensureLogKey(keyFile, { host, log })
  const chain = await openChain({ config, dataDir, host, log, parts }, url)
  const anchor = await bindAnchor(config, chain, dataDir, store, log)
  const { origin, anchorIntervalMs: intervalMs, anchorMinBatch: minBatch } = config
  const signer = createLogSigner(origin, seed)
  let mark: MarkKeeper | undefined
  const heard: LedgerDeps['onSeal'] = batch => {
    mark?.note()
    onSeal?.(batch)
  }
  const ledger = await openLedger({ store, signer, origin, anchors: [anchor], host, onSeal: heard })
  parts.ledger = ledger
  parts.store = undefined
  const restored = await readRestored(store)
  if (restored !== undefined) ledger.stop(restoredReason(restored), 'LEDGER_RESTORED')
  mark = await openMarkKeeper({ ledger, folder: markFolder, isNew: !isBegun, host, log })
  parts.mark = mark
  const limits = { timeoutMs: REQUEST_MS, ceiling: config.anchorCeiling }
  const anchorChain = openAnchorChain({ ...anchor, urls: chain.urls, signer: chain.signer, finality: chain.finality, limits })
  parts.anchorChain = anchorChain
  const anchorer = createAnchorer({ ledger, store, chain: anchorChain, intervalMs, minBatch, host, log })
  return { ledger, chain, anchor, anchorChain, anchorer, mark }
}

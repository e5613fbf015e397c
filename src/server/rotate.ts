/** Changes the log's key of a ledger at rest. */
import type { Config } from '../config.ts'
import { formatVkey } from '../core/tlog/note.ts'
import { ensureLogKey, readLogKey, replaceLogKey } from '../keys.ts'
import { resumeKeyChange } from '../log/log-keys.ts'
import { createLogSigner } from '../log/signer.ts'
import { type Log, silentLog } from '../logger.ts'
import { openMarkFile } from '../mark.ts'
import { isShared, type Store } from '../store/port/port.ts'
import { ServerError } from './errors.ts'
import { markFolderOf } from './mark.ts'
import { logKeyFile, openLog, openStore } from './open-log.ts'
import { beginStart, type Start, takeDown } from './parts.ts'

/** The result of `rotateLogKey`. */
export type Rotation = {
  readonly oldKey: string
  readonly newKey: string
  readonly index: number
  readonly fromSize: number
  readonly kept: string
}

/**
 * Ends the log's key and begins another, on a ledger at rest: no service may run on this folder. If
 * the old one was stolen, it does not sign beside the new one.
 * After an interruption, call it again to finish. Throws what `startServer` throws, and
 * LEDGER_STOPPED if the ledger is behind its own anchor or contradicts it.
 */
export async function rotateLogKey(
  config: Config,
  { log = silentLog, isStolen = false }: { log?: Log; isStolen?: boolean } = {},
): Promise<Rotation> {
  const start = beginStart(config, log)
  try {
    return await rotate(start, isStolen)
  } finally {
    await takeDown(start.parts, log)
  }
}

async function rotate(start: Start, isStolen: boolean): Promise<Rotation> {
  const { config, dataDir, keysDir, log, parts } = start
  const path = logKeyFile(keysDir)
  const next = `${path}.next`
  const { store } = await openStore(start)
  parts.store = store
  if ((await store.readHead()) === undefined)
    throw new ServerError('SERVER_DATA', `There is no ledger in ${dataDir} whose key could be changed.`)
  const oldKey = formatVkey(createLogSigner(config.origin, await readLogKey(path, log)).vkey)
  const newKey = formatVkey(createLogSigner(config.origin, await ensureLogKey(next, start)).vkey)
  const done = await resumeKeyChange(store, { oldKey, newKey, isStolen })
  const { index, change } = done ?? (await changeKey(start, store, newKey, isStolen))
  // The new key continues from what the old one signed, and its mark begins there.
  const { head } = (await store.readHead())!
  const begun = { ...head, ...(isShared(store) && { database: await store.history() }) }
  const folder = markFolderOf(config.markFolder, dataDir)
  await openMarkFile(folder, { origin: config.origin, vkey: newKey }).write(async found => (found === undefined ? begun : undefined))
  const kept = await replaceLogKey(path, next, change.fromSize - 1)
  const { fromSize } = change
  log.info('log key changed', { index, oldKey, newKey, fromSize })
  return { oldKey, newKey, index, fromSize, kept }
}

/** Only after the comparison with the chain: sealing on an old copy would be a fork. */
async function changeKey(start: Start, store: Store, newKey: string, isStolen: boolean) {
  const { ledger, anchorer } = await openLog(start, store)
  await anchorer.compareWithChain()
  const reason = ledger.stopped()
  if (reason !== undefined) throw new ServerError('LEDGER_STOPPED', reason)
  return ledger.changeKey(newKey, { isStolen })
}

/** Changes the chains of a log: adds those that the settings name, or retires one. Design §3.2. */

import { compareHeads } from '../anchor/compare.ts'
import { checkpointAnchor } from '../chain/artifact.ts'
import { ensureLog, findLog } from '../chain/deploy.ts'
import type { Config } from '../config.ts'
import { isChain, type PolicyAnchor } from '../core/policy-anchors.ts'
import type { LoggedAnchor } from '../core/statements/anchors-change.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { type Log, silentLog } from '../logger.ts'
import type { Store } from '../store/port/port.ts'
import { divideChains, type NewChain, openChains, readPlaces } from './chain.ts'
import { ServerError } from './errors.ts'
import { type OpenLog, openLog, openStore } from './open-log.ts'
import { beginStart, type Start, takeDown } from './parts.ts'
import type { BoundPlace } from './places.ts'
import { anchorsOf, assertUsable } from './rule.ts'
import { readVouchers } from './vouchers-file.ts'

/** A chain that a change adds or retires, under its name in the settings. */
export type NamedAnchor = LoggedAnchor & { readonly name: string }

/** What a change writes: the whole list of the log's anchors, and how it differs from the list before. */
export type AnchorsPlan = {
  readonly added: readonly NamedAnchor[]
  readonly retired: readonly NamedAnchor[]
  readonly anchors: readonly LoggedAnchor[]
  /** The names of the chains on which a transaction opens the log first. */
  readonly opens: readonly string[]
}

/** A change that is logged. */
export type AnchorsChanged = AnchorsPlan & { readonly index: number }

type Options = {
  /** Shown the plan before anything is written to chain or log. It throws to stop. */
  readonly confirm: (plan: AnchorsPlan) => Promise<void>
  readonly log?: Log
}

/**
 * Adds the chains of the settings that the log does not have. Undefined if it has all of them. After
 * an interruption, call it again: an opened log is found, and is not opened twice.
 * @throws what `startServer` throws; ServerError SERVER_ANCHORS, SERVER_VOUCHERS; LEDGER_STOPPED if
 * the ledger contradicts its own anchors
 */
export async function addAnchors(config: Config, { confirm, log = silentLog }: Options): Promise<AnchorsChanged | undefined> {
  return atRest(config, log, async (start, store) => {
    const settings = await readSettings(start, store)
    if (settings.added.length === 0) return undefined
    const found = await Promise.all(settings.added.map(chain => findPlace(start, chain)))
    const opened = await openCompared(start, store, settings)
    const added = found.map(({ place }) => place)
    const plan: AnchorsPlan = {
      added,
      retired: [],
      anchors: [...settings.open.map(loggedOf), ...added.map(withoutName)],
      opens: found.filter(({ isOpen }) => !isOpen).map(({ place }) => place.name),
    }
    const fromSize = opened.ledger.head().size + 2
    const news = settings.added.flatMap((chain, at) => anchorsOf({ ...chain, place: { ...withoutName(added[at]!), fromSize }, before: [] }))
    assertUsable(opened.ledger, { ...opened.rule, anchors: [...opened.rule.anchors, ...news] })
    await confirm(plan)
    // A crash after this leaves an open log without anchors, which nobody's policy names.
    for (const { urls: rpcUrls, signer, contract } of settings.added)
      await ensureLog({ rpcUrls, signer, log, contract, origin: config.origin })
    // One entry changes the whole list, so a crash leaves the list before it or the one after it.
    return { ...plan, index: await opened.ledger.changeAnchors(plan.anchors) }
  })
}

/**
 * Adds a retired chain again, by its name. Undefined if the log lists it. The log on that chain has
 * anchors already, which must be of this history.
 * @throws as `addAnchors`; chain errors if no endpoint of the chain answers
 */
export async function addAgain(config: Config, name: string, { confirm, log = silentLog }: Options): Promise<AnchorsChanged | undefined> {
  return atRest(config, log, async (start, store) => {
    const settings = await readSettings(start, store)
    const opened = await openCompared(start, store, settings)
    const { at, chain } = findNamed(opened, name)
    const { chainId, contract, logId } = chain.place
    if (settings.open.some(place => place.chainId === chainId)) return undefined
    // So far, the ledger may have been compared with other chains only.
    await compareHeads(opened.ledger, opened.anchorChains[at]!)
    assertNotStopped(opened.ledger)
    const place: BoundPlace = {
      type: 'evm',
      chainId,
      contract,
      codeSha256: checkpointAnchor.codeSha256,
      logId,
      fromSize: opened.ledger.head().size + 2,
    }
    const anchors = [...opened.rule.anchors, ...anchorsOf({ ...chain, place, before: [] })]
    assertUsable(opened.ledger, { ...opened.rule, anchors })
    const added = loggedOf(place)
    const plan: AnchorsPlan = { added: [{ name, ...added }], retired: [], anchors: [...settings.open.map(loggedOf), added], opens: [] }
    await confirm(plan)
    return { ...plan, index: await opened.ledger.changeAnchors(plan.anchors) }
  })
}

/**
 * Retires the chain of this name. Undefined if it was retired before.
 * @throws as `addAnchors`
 */
export async function retireAnchor(
  config: Config,
  name: string,
  { confirm, log = silentLog }: Options,
): Promise<AnchorsChanged | undefined> {
  return atRest(config, log, async (start, store) => {
    const settings = await readSettings(start, store)
    const opened = await openCompared(start, store, settings)
    const { chainId } = findNamed(opened, name).chain.place
    const ending = settings.open.find(place => place.chainId === chainId)
    if (ending === undefined) return undefined
    const rest = settings.open.filter(place => place !== ending)
    if (rest.length === 0)
      throw new ServerError('SERVER_ANCHORS', `${name} is the only chain of the log. Add another one first: openseal anchors add`)
    const toSize = opened.ledger.head().size + 1
    const isEnding = (anchor: PolicyAnchor) => isChain(anchor) && anchor.chainId === chainId && anchor.toSize === undefined
    const anchors = opened.rule.anchors.map(anchor => (isEnding(anchor) ? { ...anchor, toSize } : anchor))
    assertUsable(opened.ledger, { ...opened.rule, anchors })
    const plan: AnchorsPlan = { added: [], retired: [{ name, ...loggedOf(ending) }], anchors: rest.map(loggedOf), opens: [] }
    await confirm(plan)
    return { ...plan, index: await opened.ledger.changeAnchors(plan.anchors) }
  })
}

/** Opens the store for one change, and closes everything after it. */
async function atRest<T>(config: Config, log: Log, change: (start: Start, store: Store) => Promise<T>): Promise<T> {
  const start = beginStart(config, log)
  try {
    const { store } = await openStore(start)
    start.parts.store = store
    if ((await store.readHead()) === undefined)
      throw new ServerError('SERVER_DATA', `There is no ledger in ${start.dataDir} whose chains could be changed.`)
    return await change(start, store)
  } finally {
    await takeDown(start.parts, log)
  }
}

type Settings = Awaited<ReturnType<typeof readSettings>>

/** The chains of the settings, and the places of the log that are open. */
async function readSettings(start: Start, store: Store) {
  const { vouchersFile } = start.config
  const vouchers = vouchersFile === undefined ? undefined : await readVouchers(vouchersFile)
  if (vouchers?.chains === undefined)
    throw new ServerError(
      'SERVER_ANCHORS',
      'Name the chains, those of the log and the new ones, in the file of OPENSEAL_VOUCHERS, under "chains".',
    )
  const { known, added } = await divideChains(start, await openChains(start, vouchers, undefined), store)
  return { known, added, open: (await readPlaces(store)).filter(({ toSize }) => toSize === undefined) }
}

/** The log, compared with its chains: an entry on an old copy would be a fork. */
async function openCompared(start: Start, store: Store, { known, open }: Settings) {
  const opened = await openLog(start, store, { chains: known })
  const missing = open.find(({ chainId }) => !opened.chains.some(({ place }) => place.chainId === chainId))
  if (missing !== undefined)
    throw new ServerError(
      'SERVER_ANCHORS',
      `The log is anchored on chain ${missing.chainId}: name it in the file of OPENSEAL_VOUCHERS, too.`,
    )
  await opened.anchorer.compareWithChain()
  assertNotStopped(opened.ledger)
  return opened
}

function assertNotStopped({ stopped }: Pick<Ledger, 'stopped'>): void {
  const reason = stopped()
  if (reason !== undefined) throw new ServerError('LEDGER_STOPPED', reason)
}

/** A chain of the log, and its position, by its name in the settings. */
function findNamed({ chains }: Pick<OpenLog, 'chains'>, name: string) {
  const at = chains.findIndex(chain => chain.name === name)
  const chain = chains[at]
  if (chain === undefined)
    throw new ServerError(
      'SERVER_ANCHORS',
      `The log has no chain named ${JSON.stringify(name)}. Its chains are ${chains.map(each => JSON.stringify(each.name)).join(', ')}.`,
    )
  return { at, chain }
}

async function findPlace({ config: { origin } }: Start, { name, urls, signer, chainId, contract }: NewChain) {
  const { logId, codeSha256, isOpen } = await findLog({ rpcUrls: urls, signer, chainId, contract, origin })
  const place: NamedAnchor = { name, type: 'evm', chainId, contract, logId, codeSha256 }
  return { place, isOpen }
}

/** The founding entry names no code. The ledger's policy names that of the deployment, which it requires. */
function loggedOf({ type, chainId, contract, codeSha256 = checkpointAnchor.codeSha256, logId }: BoundPlace): LoggedAnchor {
  return { type, chainId, contract, codeSha256, logId }
}

function withoutName({ name: _name, ...anchor }: NamedAnchor): LoggedAnchor {
  return anchor
}

/** The chains of a service, configured or embedded, and where on them the log is anchored. */
import { join } from 'node:path'
import type { Finality } from '../anchor/chain.ts'
import { checkpointAnchor } from '../chain/artifact.ts'
import { deploymentFile, ensureDeployment, ensureLog, readDeployment } from '../chain/deploy.ts'
import { EMBEDDED_CHAIN_ID, EMBEDDED_KEY, startEmbeddedChain } from '../chain/embedded.ts'
import { readChainId } from '../chain/endpoints.ts'
import type { Fees } from '../chain/fees.ts'
import { createKeySigner, openSigner, type SignerOptions, type TxSigner } from '../chain/signer.ts'
import type { Access } from '../chain/transaction.ts'
import { fromUtf8 } from '../core/bytes.ts'
import { OpenSealError } from '../core/errors.ts'
import { parseJson } from '../core/json.ts'
import { GENESIS, type GenesisAnchor } from '../core/statements/genesis.ts'
import { parseAnyStatement } from '../core/statements/registry.ts'
import { readAnchorsChanges } from '../log/log-anchors.ts'
import type { Store } from '../store/port/port.ts'
import { ServerError } from './errors.ts'
import type { Start } from './parts.ts'
import { type BoundPlace, placesOf } from './places.ts'
import type { ChainSetting, VoucherSettings } from './vouchers-file.ts'

/** How long an endpoint may take for one answer. */
export const REQUEST_MS = 10_000

/**
 * The ids of development chains and public test networks. The operator says whether a chain is
 * production, but for these that can only be a mistake.
 */
const TEST_CHAINS = [5, 97, 1337, 17_000, 31_337, 43_113, 59_141, 80_002, 84_532, 421_614, 534_351, 560_048, 11_155_111, 11_155_420]

/** The id of each chain by its name, as documents. */
const CHAIN_IDS = 'chain-ids'

/** A chain that a service anchors on. */
export type OpenChain = {
  /** Missing: its name is made of its id. */
  readonly name?: string
  readonly urls: readonly string[]
  /** Endpoints that pages offer to readers' browsers. */
  readonly publicUrls: readonly string[]
  readonly signer: TxSigner
  readonly ceiling: Fees
  readonly finality: Finality
  readonly production: boolean
  readonly explorer?: string
  readonly everyRounds: number
  /** The contract's address; missing: the known one of the chain. */
  readonly contract?: string
  readonly embedded: boolean
  /** Writes the embedded chain's state to disk. */
  save(): Promise<void>
}

/** Opens the configured chains; without any, starts the embedded one. */
export async function openChains(start: Start, { chains }: VoucherSettings, pagesUrl: string | undefined): Promise<readonly OpenChain[]> {
  if (chains === undefined) return [await openShortForm(start, pagesUrl)]
  if (start.config.rpcUrls.length > 0 || start.config.anchorSigner !== undefined)
    throw new ServerError(
      'SERVER_VOUCHERS',
      'OPENSEAL_VOUCHERS names chains, so the variables of the one chain do nothing: unset OPENSEAL_RPC and OPENSEAL_ANCHOR_….',
    )
  return Promise.all(chains.map(async chain => openConfigured(chain, await openSigner(chain.signer))))
}

function openConfigured({ rpc, publicRpc = [], signer: _signer, ...chain }: ChainSetting, signer: TxSigner): OpenChain {
  return { ...chain, urls: rpc, publicUrls: publicRpc, signer, embedded: false, save: async () => {} }
}

/** The chain of the environment variables, or the embedded one. */
async function openShortForm({ config, dataDir, log, parts }: Start, pagesUrl: string | undefined): Promise<OpenChain> {
  const { rpcUrls, anchorSigner, chainPort, contract, explorer, finality, production, anchorCeiling: ceiling } = config
  const signer = await openShortSigner(anchorSigner)
  const shared = { signer, ceiling, production, everyRounds: 1, ...(explorer && { explorer }), ...(contract !== undefined && { contract }) }
  // An endpoint of the ledger may have a secret in its address, so it is not published.
  if (rpcUrls.length > 0)
    return { ...shared, urls: rpcUrls, publicUrls: config.publicRpcUrls ?? [], finality, embedded: false, save: async () => {} }
  const chain = await startEmbeddedChain({
    dataDir,
    port: chainPort,
    log,
    ...(pagesUrl !== undefined && { pages: new URL(pagesUrl).origin }),
  })
  parts.embedded = chain
  const urls = [chain.url]
  return {
    ...shared,
    urls,
    publicUrls: config.publicRpcUrls ?? urls,
    finality: { confirmations: 0 },
    embedded: true,
    save: () => chain.save(),
  }
}

function openShortSigner(options: SignerOptions | undefined): Promise<TxSigner> | TxSigner {
  return options === undefined ? createKeySigner(EMBEDDED_KEY) : openSigner(options)
}

/**
 * A chain of the service, and where on it the log is. On a place that has ended, only rounds up to
 * its last size are anchored. `before`: where it was until the chain was retired and added again.
 */
export type PlacedChain = OpenChain & { readonly name: string; readonly place: BoundPlace; readonly before: readonly BoundPlace[] }

/**
 * Where the log is anchored, one place on each chain, and the places on this service's chains.
 * `unnamed`: the ids of chains that the log has and the settings do not name.
 */
export type Places = {
  readonly all: readonly GenesisAnchor[]
  readonly chains: readonly PlacedChain[]
  readonly unnamed: readonly number[]
}

/**
 * The log's places. The genesis binds them, so later starts with one chain need no endpoint. At the
 * first start, sets up contract and log on each chain.
 */
export async function bindPlaces(start: Start, chains: readonly OpenChain[], store: Store): Promise<Places> {
  const first = await readFirstPlaces(store)
  const bound = first && (await readPlaces(store))
  if (bound !== undefined && chains[0]?.name !== undefined) await refuseLocal(start, bound)
  const placed: PlacedChain[] = []
  for (const chain of chains) {
    const place = bound === undefined ? await setUp(start, chain, store) : await placeOn(chain, bound, chains.length, store)
    requireNoTestChain(chain, place.chainId)
    const twice = placed.find(other => other.place.chainId === place.chainId)
    if (twice !== undefined)
      throw new ServerError(
        'SERVER_CONTRACT',
        `${twice.name} and ${nameOf(chain, place)} are the same chain, ${place.chainId}: anchors of one chain count once.`,
      )
    const before = (bound ?? []).filter(other => other.chainId === place.chainId && other !== place)
    placed.push({ ...chain, name: nameOf(chain, place), place: { ...place, contract: chain.contract ?? place.contract }, before })
  }
  const isPlaced = (chainId: number) => placed.some(({ place }) => place.chainId === chainId)
  const lost = bound?.find(({ chainId, toSize }) => toSize !== undefined && !isPlaced(chainId))
  if (lost !== undefined)
    throw new ServerError(
      'SERVER_CONTRACT',
      `This ledger was anchored on chain ${lost.chainId} up to size ${lost.toSize}: keep that chain in the file of OPENSEAL_VOUCHERS, so that the policy names it for older receipts.`,
    )
  const own = ({ type, chainId, contract, codeSha256, logId }: GenesisAnchor): GenesisAnchor => {
    const at = placed.find(chain => chain.place.chainId === chainId && chain.place.fromSize === 0)?.place
    return { type, chainId, contract: at?.contract ?? contract, ...(codeSha256 !== undefined && { codeSha256 }), logId }
  }
  const unnamed = (bound ?? []).filter(({ chainId, toSize }) => toSize === undefined && !isPlaced(chainId)).map(({ chainId }) => chainId)
  return { all: (first ?? placed.map(({ place }) => place)).map(own), chains: placed, unnamed }
}

/** The chain that a service starts itself is in its data folder, and in no file. */
async function refuseLocal({ dataDir }: Start, bound: readonly BoundPlace[]): Promise<void> {
  const isLocal = bound.some(({ chainId, toSize }) => chainId === EMBEDDED_CHAIN_ID && toSize === undefined)
  if (!isLocal || (await readDeployment(localDeployment(dataDir))) === undefined) return
  throw new ServerError(
    'SERVER_VOUCHERS',
    'This ledger is on its own local chain, which a file with "chains" cannot name. Remove "chains": witnesses and authorities work beside the local chain. For other chains, begin a new ledger, because a local chain is no evidence.',
  )
}

function localDeployment(dataDir: string): string {
  return join(dataDir, 'chain', 'deployment.json')
}

/** The places of the log in a store, in the order in which they were bound. */
export async function readPlaces(store: Store): Promise<readonly BoundPlace[]> {
  return placesOf((await readFirstPlaces(store)) ?? [], await readAnchorsChanges(store))
}

/** A chain that the log does not have yet: its id, and its contract, without asking for the log. */
export type NewChain = OpenChain & { readonly name: string; readonly chainId: number; readonly contract: string }

/**
 * Divides the chains of the settings into those that the log has or had, and new ones.
 * @throws ServerError SERVER_CONTRACT, SERVER_PRODUCTION
 */
export async function divideChains({ dataDir, log }: Start, chains: readonly OpenChain[], store: Store) {
  const places = await readPlaces(store)
  const known: OpenChain[] = []
  const added: NewChain[] = []
  for (const chain of chains) {
    const chainId = await chainIdOf(chain, store)
    if (places.some(place => place.chainId === chainId)) known.push(chain)
    else {
      requireNoTestChain(chain, chainId)
      const access = { rpcUrls: chain.urls, signer: chain.signer, log }
      const contract = (chain.contract ?? (await findContract(chainId, chain, dataDir, access))).toLowerCase()
      added.push({ ...chain, name: chain.name ?? `chain ${chainId}`, chainId, contract })
    }
  }
  const twice = added.find((chain, at) => added.findIndex(({ chainId }) => chainId === chain.chainId) < at)
  if (twice !== undefined)
    throw new ServerError(
      'SERVER_CONTRACT',
      `The file of OPENSEAL_VOUCHERS names chain ${twice.chainId} twice: anchors of one chain count once.`,
    )
  return { known, added }
}

function nameOf({ name }: OpenChain, { chainId }: GenesisAnchor): string {
  return name ?? `chain ${chainId}`
}

/** Sets up contract and log on a chain. */
async function setUp({ config, dataDir, log }: Start, chain: OpenChain, store: Store): Promise<BoundPlace> {
  const chainId = await chainIdOf(chain, store)
  requireNoTestChain(chain, chainId)
  const access = { rpcUrls: chain.urls, signer: chain.signer, log }
  const contract = chain.contract ?? (await findContract(chainId, chain, dataDir, access))
  const { codeSha256 } = checkpointAnchor
  const logId = await ensureLog({ ...access, contract, origin: config.origin })
  await chain.save() // the genesis is about to bind it forever
  return { type: 'evm', chainId, contract, codeSha256, logId, fromSize: 0 }
}

/** If both are single, the chain is not asked, so that a start needs no endpoint. */
async function placeOn(chain: OpenChain, places: readonly BoundPlace[], chains: number, store: Store): Promise<BoundPlace> {
  const [first, second] = places
  if (first !== undefined && second === undefined && chains === 1) return first
  const chainId = await chainIdOf(chain, store)
  // The newest one: a place that was left may have been taken again.
  const found = places.findLast(place => place.chainId === chainId)
  if (found !== undefined) return found
  const known = places.map(place => place.chainId).join(', ')
  const setting = chain.name === undefined ? 'OPENSEAL_RPC' : chain.name
  throw new ServerError(
    'SERVER_CONTRACT',
    `This ledger is anchored on chain ${known}, but ${setting} names chain ${chainId}. A chain is added with "openseal anchors add".`,
  )
}

/**
 * The chain's id. A chain that has answered before is known by its name, so that a ledger of several
 * chains starts while one of them is down. An endpoint that serves another chain is refused later.
 */
async function chainIdOf({ embedded, name, urls }: OpenChain, store: Store): Promise<number> {
  if (embedded) return EMBEDDED_CHAIN_ID
  const known = name === undefined ? undefined : await store.readDocument(CHAIN_IDS, name)
  try {
    const chainId = await readChainId(urls, REQUEST_MS)
    if (name !== undefined && known !== String(chainId))
      await store.writeDocuments([{ collection: CHAIN_IDS, key: name, value: String(chainId) }])
    return chainId
  } catch (error) {
    if (known === undefined || !(error instanceof OpenSealError && error.code === 'CHAIN_UNREACHABLE')) throw error
    return Number(known)
  }
}

function requireNoTestChain({ name, production }: OpenChain, chainId: number): void {
  if (!production || !TEST_CHAINS.includes(chainId)) return
  const advice = name === undefined ? 'Remove OPENSEAL_PRODUCTION.' : `Remove "production" of ${name} in the file of OPENSEAL_VOUCHERS.`
  throw new ServerError('SERVER_PRODUCTION', `Chain ${chainId} is a test network and no evidence. ${advice}`)
}

async function readFirstPlaces(store: Store): Promise<readonly GenesisAnchor[] | undefined> {
  const bytes = await store.readStatement(0)
  const genesis = bytes === undefined ? undefined : parseAnyStatement(parseJson(fromUtf8(bytes)))
  return genesis?.type === GENESIS ? genesis.anchors : undefined
}

async function findContract(chainId: number, chain: OpenChain, dataDir: string, access: Access): Promise<string> {
  if (chain.embedded) return (await ensureDeployment(localDeployment(dataDir), access)).address
  const deployment = await readDeployment(deploymentFile(chainId))
  if (deployment === undefined)
    throw new ServerError(
      'SERVER_CONTRACT',
      `No contract is known on chain ${chainId}: deploy it with "openseal deploy", or name it (OPENSEAL_CONTRACT).`,
    )
  return deployment.address
}

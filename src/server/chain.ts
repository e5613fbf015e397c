/** The chain of a service, configured or embedded, and where on it the log is anchored. */
import { join } from 'node:path'
import type { Finality } from '../anchor/chain.ts'
import { type Access, deploymentFile, ensureDeployment, ensureLog, readDeployment } from '../chain/deploy.ts'
import { EMBEDDED_CHAIN_ID, EMBEDDED_KEY, startEmbeddedChain } from '../chain/embedded.ts'
import { readChainId } from '../chain/endpoints.ts'
import { createKeySigner, openSigner, type TxSigner } from '../chain/signer.ts'
import type { Config } from '../config.ts'
import { fromUtf8 } from '../core/bytes.ts'
import { parseJson } from '../core/json.ts'
import { GENESIS, type GenesisAnchor } from '../core/statements/genesis.ts'
import { parseAnyStatement } from '../core/statements/registry.ts'
import type { Store } from '../store/port/port.ts'
import { ServerError } from './errors.ts'
import type { Start } from './parts.ts'

/** How long an endpoint may take for one answer. */
export const REQUEST_MS = 10_000

/**
 * The ids of development chains and public test networks. The operator says whether a chain is
 * production, but for these that can only be a mistake.
 */
const TEST_CHAINS = [5, 97, 1337, 17_000, 31_337, 43_113, 59_141, 80_002, 84_532, 421_614, 534_351, 560_048, 11_155_111, 11_155_420]

/** The chain that a service anchors on. */
export type OpenChain = {
  readonly urls: readonly string[]
  readonly signer: TxSigner
  readonly finality: Finality
  readonly embedded: boolean
  /** Writes the embedded chain's state to disk. */
  save(): Promise<void>
}

/** Opens the configured endpoints, or starts the embedded chain. */
export async function openChain({ config, dataDir, log, parts }: Start, pagesUrl: string | undefined): Promise<OpenChain> {
  const { rpcUrls, anchorSigner, chainPort } = config
  const signer = anchorSigner === undefined ? createKeySigner(EMBEDDED_KEY) : await openSigner(anchorSigner)
  if (rpcUrls.length > 0) return { urls: rpcUrls, signer, finality: config.finality, embedded: false, save: async () => {} }
  const chain = await startEmbeddedChain({
    dataDir,
    port: chainPort,
    log,
    ...(pagesUrl !== undefined && { pages: new URL(pagesUrl).origin }),
  })
  parts.embedded = chain
  return { urls: [chain.url], signer, finality: { confirmations: 0 }, embedded: true, save: () => chain.save() }
}

/** Where the log is anchored, one place on each chain, and the place on this service's chain. */
export type Places = { readonly all: readonly GenesisAnchor[]; readonly own: GenesisAnchor }

/**
 * The log's places. The genesis binds them, so later starts need no chain. At the first start, sets
 * up contract and log on the chain.
 */
export async function bindPlaces({ config, dataDir, log }: Start, chain: OpenChain, store: Store): Promise<Places> {
  const bound = await readBoundPlaces(store)
  if (bound !== undefined) {
    const found = await placeOn(chain, bound)
    requireNoTestChain(config, found.chainId)
    const own = { ...found, contract: config.contract ?? found.contract }
    return { all: bound.map(place => (place === found ? own : place)), own }
  }
  const chainId = await chainIdOf(chain)
  requireNoTestChain(config, chainId)
  const access = { rpcUrls: chain.urls, signer: chain.signer, log }
  const contract = config.contract ?? (await findContract(chainId, chain, dataDir, access))
  const logId = await ensureLog({ ...access, contract, origin: config.origin })
  await chain.save() // the genesis is about to bind it forever
  const own = { type: 'evm', chainId, contract, logId } as const
  return { all: [own], own }
}

/** A single place is taken without asking the chain, so that a start needs no endpoint. */
async function placeOn(chain: OpenChain, places: readonly GenesisAnchor[]): Promise<GenesisAnchor> {
  const [first, second] = places
  if (first !== undefined && second === undefined) return first
  const chainId = await chainIdOf(chain)
  const found = places.find(place => place.chainId === chainId)
  if (found !== undefined) return found
  const known = places.map(place => place.chainId).join(', ')
  throw new ServerError('SERVER_CONTRACT', `This ledger is anchored on chain ${known}, but OPENSEAL_RPC names chain ${chainId}.`)
}

async function chainIdOf({ embedded, urls }: OpenChain): Promise<number> {
  return embedded ? EMBEDDED_CHAIN_ID : readChainId(urls, REQUEST_MS)
}

function requireNoTestChain({ production }: Config, chainId: number): void {
  if (production && TEST_CHAINS.includes(chainId))
    throw new ServerError('SERVER_PRODUCTION', `Chain ${chainId} is a test network and no evidence. Remove OPENSEAL_PRODUCTION.`)
}

async function readBoundPlaces(store: Store): Promise<readonly GenesisAnchor[] | undefined> {
  const bytes = await store.readStatement(0)
  const genesis = bytes === undefined ? undefined : parseAnyStatement(parseJson(fromUtf8(bytes)))
  return genesis?.type === GENESIS ? genesis.anchors : undefined
}

async function findContract(chainId: number, chain: OpenChain, dataDir: string, access: Access): Promise<string> {
  if (chain.embedded) return (await ensureDeployment(join(dataDir, 'chain', 'deployment.json'), access)).address
  const deployment = await readDeployment(deploymentFile(chainId))
  if (deployment === undefined)
    throw new ServerError(
      'SERVER_CONTRACT',
      `No contract is known on chain ${chainId}: deploy it with "openseal deploy", or set OPENSEAL_CONTRACT.`,
    )
  return deployment.address
}

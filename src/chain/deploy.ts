/** Deploys the contract, opens a ledger's log in it, and records where it is in a file. */
import { createHash } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SHARED, writeWhole } from '../whole-file.ts'
import { anchorInterface, checkpointAnchor } from './artifact.ts'
import { type ChainEndpoints, readChainId } from './endpoints.ts'
import { ChainError } from './errors.ts'
import { type Access, codeSha256At, POLL, REQUEST_MS, readerOf, send, withEndpoints } from './transaction.ts'

/** A deployment, as in `contracts/deployments/<chainId>.json`. A verifier pins it. */
export type Deployment = {
  readonly chainId: number
  readonly address: string
  /** The number of the deployment's block. */
  readonly block: number
  /** Hex SHA-256 of the runtime code. */
  readonly codeSha256: string
  readonly transaction: string
}

/** How often to look whether another node has opened the log. */
const OTHERS_TRIES = 30

/**
 * Deploys CheckpointAnchor and waits until it is in a block. @throws ChainError CHAIN_UNREACHABLE,
 * CHAIN_FUNDS, CHAIN_REJECTED, CHAIN_OTHER_CODE
 */
export async function deployContract({ rpcUrls, signer, log }: Access): Promise<Deployment> {
  const chainId = await readChainId(rpcUrls, REQUEST_MS)
  return withEndpoints(rpcUrls, chainId, async endpoints => {
    const { hash, receipt } = await send(endpoints, chainId, signer, { to: null, data: checkpointAnchor.bytecode })
    const address = String(receipt.contractAddress).toLowerCase()
    const codeSha256 = await codeSha256At(endpoints, address)
    if (codeSha256 !== checkpointAnchor.codeSha256)
      throw new ChainError('CHAIN_OTHER_CODE', `The code at ${address} is not that of contracts/CheckpointAnchor.json.`)
    const deployment = { chainId, address, block: receipt.blockNumber, codeSha256, transaction: hash }
    log.info('contract deployed', deployment)
    return deployment
  })
}

/** Whether a deployment's contract is on its chain with the code it was deployed with. */
export async function isDeployed(rpcUrls: readonly string[], { chainId, address, codeSha256 }: Deployment): Promise<boolean> {
  return withEndpoints(rpcUrls, chainId, async endpoints => (await codeSha256At(endpoints, address)) === codeSha256)
}

/**
 * The deployment in a file. Deploys anew and writes the file if the file or the contract is
 * missing. For the embedded chain.
 */
export async function ensureDeployment(file: string, access: Access): Promise<Deployment> {
  const kept = await readDeployment(file)
  if (kept !== undefined && (await isDeployed(access.rpcUrls, kept))) return kept
  const deployment = await deployContract(access)
  await writeDeployment(file, deployment)
  return deployment
}

/** Whether a transaction failed for one that another process sent with the same key. */
function isOvertaken(cause: unknown): boolean {
  return cause instanceof ChainError && ['CHAIN_REJECTED', 'CHAIN_NONCE_TOO_LOW', 'CHAIN_UNDERPRICED'].includes(cause.code)
}

/** The project's deployment file for a chain. */
export function deploymentFile(chainId: number): string {
  return fileURLToPath(new URL(`../../contracts/deployments/${chainId}.json`, import.meta.url))
}

/** Reads a deployment file; undefined if there is none. */
export async function readDeployment(file: string): Promise<Deployment | undefined> {
  const text = await readFile(file, 'utf8').catch(cause => {
    if ((cause as { code?: string }).code === 'ENOENT') return undefined
    throw cause
  })
  return text === undefined ? undefined : (JSON.parse(text) as Deployment)
}

/** Writes a deployment file atomically. */
export async function writeDeployment(file: string, deployment: Deployment): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  await writeWhole(file, `${JSON.stringify(deployment, null, 2)}\n`, SHARED)
}

/**
 * Opens the log of `origin` for this key unless it is open already, with the key's own address as
 * publisher. Returns the log's id, keccak256(abi.encode(address, origin)).
 * @throws ChainError CHAIN_NO_CONTRACT, CHAIN_OTHER_CODE, CHAIN_REJECTED, CHAIN_UNREACHABLE
 */
export async function ensureLog({
  rpcUrls,
  signer,
  log,
  contract,
  origin,
}: Access & { contract: string; origin: string }): Promise<string> {
  const chainId = await readChainId(rpcUrls, REQUEST_MS)
  const address = await signer.address()
  return withEndpoints(rpcUrls, chainId, async endpoints => {
    // The founding entry is about to bind this code forever.
    await requireCode(endpoints, contract, chainId)
    const read = readerOf(endpoints, contract)
    const logId = String((await read('logIdOf', [address, origin]))[0])
    const isOpen = async () => BigInt((await read('logOf', [logId])).toObject().owner) !== 0n
    if (await isOpen()) return logId
    try {
      await send(endpoints, chainId, signer, { to: contract, data: anchorInterface.encodeFunctionData('openLog', [origin, address]) })
    } catch (cause) {
      // Another node of this ledger opens it at the same time, with the same key.
      for (let tries = 0; !(await isOpen()); tries++) {
        if (tries === OTHERS_TRIES || !isOvertaken(cause)) throw cause
        await new Promise(done => setTimeout(done, POLL.slowlyMs))
      }
      return logId
    }
    log.info('log opened on chain', { chainId, contract, logId, origin, publisher: address })
    return logId
  })
}

/** The log that this key has, or would open, for an origin. */
export type FoundLog = { readonly logId: string; readonly codeSha256: string; readonly isOpen: boolean }

/**
 * Looks up the log that this key has for an origin, and sends nothing.
 * @throws ChainError CHAIN_NO_CONTRACT; CHAIN_OTHER_CODE for another contract; CHAIN_REJECTED if the
 * log is closed, has another publisher, or has anchors already
 */
export async function findLog({
  rpcUrls,
  signer,
  chainId,
  contract,
  origin,
}: Omit<Access, 'log'> & { chainId: number; contract: string; origin: string }): Promise<FoundLog> {
  const address = await signer.address()
  return withEndpoints(rpcUrls, chainId, async endpoints => {
    // Another contract could answer anything.
    await requireCode(endpoints, contract, chainId)
    const { codeSha256 } = checkpointAnchor
    const read = readerOf(endpoints, contract)
    const logId = String((await read('logIdOf', [address, origin]))[0])
    const { owner, publisher, closed } = (await read('logOf', [logId])).toObject()
    const isOpen = BigInt(owner) !== 0n
    if (!isOpen) return { logId, codeSha256, isOpen }
    const [size] = await read('latest', [logId])
    const trouble =
      closed === true
        ? 'is closed'
        : String(publisher).toLowerCase() !== address.toLowerCase()
          ? `has the publisher ${publisher}, but this key has the address ${address}`
          : BigInt(size) > 0n
            ? `has an anchor of size ${size} already`
            : undefined
    if (trouble !== undefined) throw new ChainError('CHAIN_REJECTED', `Log ${logId} at ${contract} on chain ${chainId} ${trouble}.`)
    return { logId, codeSha256, isOpen }
  })
}

/** The SHA-256 of no bytes. */
const NO_CODE = createHash('sha256').digest('hex')

async function requireCode(endpoints: ChainEndpoints, contract: string, chainId: number): Promise<void> {
  const code = await codeSha256At(endpoints, contract)
  if (code === checkpointAnchor.codeSha256) return
  if (code === NO_CODE)
    throw new ChainError('CHAIN_NO_CONTRACT', `There is no contract at ${contract} on chain ${chainId}: deploy it first.`)
  throw new ChainError('CHAIN_OTHER_CODE', `The code at ${contract} on chain ${chainId} is not that of contracts/CheckpointAnchor.json.`)
}

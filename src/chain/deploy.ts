/** Deploys the contract, opens a ledger's log in it, and keeps on file where it is. */
import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { getBytes, Transaction, Wallet } from 'ethers'
import type { Log } from '../log.ts'
import { anchorInterface, checkpointAnchor } from './artifact.ts'
import { ChainError, type Endpoints, openEndpoints, readChainId } from './endpoints.ts'

/** A deployment, as `contracts/deployments/<chainId>.json` holds it: what a verifier pins. */
export type Deployment = {
  readonly chainId: number
  readonly address: string
  /** Number of the block that holds the deployment. */
  readonly block: number
  /** Hex SHA-256 of the runtime code. */
  readonly codeSha256: string
  readonly transaction: string
}

type Access = { readonly rpcUrl: string; readonly key: string; readonly log: Log }

const REQUEST_MS = 10_000
const POLL = { everyMs: 100, slowlyMs: 2_000, mostMs: 300_000 }

/** Deploys CheckpointAnchor and waits until it is in a block. @throws ChainError CHAIN_UNREACHABLE, CHAIN_FUNDS, CHAIN_REJECTED, CHAIN_OTHER_CODE */
export async function deployContract({ rpcUrl, key, log }: Access): Promise<Deployment> {
  const chainId = await readChainId([rpcUrl], REQUEST_MS)
  return withEndpoints(rpcUrl, chainId, async endpoints => {
    const { hash, receipt } = await send(endpoints, chainId, key, { to: null, data: checkpointAnchor.bytecode })
    const address = String(receipt.contractAddress).toLowerCase()
    const codeSha256 = await codeSha256At(endpoints, address)
    if (codeSha256 !== checkpointAnchor.codeSha256)
      throw new ChainError('CHAIN_OTHER_CODE', `The code at ${address} is not that of contracts/CheckpointAnchor.json.`)
    const deployment = { chainId, address, block: Number(receipt.blockNumber), codeSha256, transaction: hash }
    log.info('contract deployed', deployment)
    return deployment
  })
}

/** Whether the contract of a deployment stands on its chain with the code it was deployed with. */
export async function isDeployed(rpcUrl: string, { chainId, address, codeSha256 }: Deployment): Promise<boolean> {
  return withEndpoints(rpcUrl, chainId, async endpoints => (await codeSha256At(endpoints, address)) === codeSha256)
}

/** The deployment in a file; deployed anew, and kept there, when the file or the contract is missing. For the embedded chain. */
export async function ensureDeployment(file: string, access: Access): Promise<Deployment> {
  const kept = await readDeployment(file)
  if (kept !== undefined && (await isDeployed(access.rpcUrl, kept))) return kept
  const deployment = await deployContract(access)
  await writeDeployment(file, deployment)
  return deployment
}

/** Reads a deployment file, undefined where there is none. */
export async function readDeployment(file: string): Promise<Deployment | undefined> {
  const text = await readFile(file, 'utf8').catch(cause => {
    if ((cause as { code?: string }).code === 'ENOENT') return undefined
    throw cause
  })
  return text === undefined ? undefined : (JSON.parse(text) as Deployment)
}

/** Writes a deployment file, whole or not at all. */
export async function writeDeployment(file: string, deployment: Deployment): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  await writeFile(`${file}.new`, `${JSON.stringify(deployment, null, 2)}\n`, { flush: true })
  await rename(`${file}.new`, file)
}

/**
 * Opens the log of `origin` for this key if it is not open yet, with the key's own address as publisher. Returns the log's id,
 * keccak256(abi.encode(address, origin)).
 */
export async function ensureLog({ rpcUrl, key, log, contract, origin }: Access & { contract: string; origin: string }): Promise<string> {
  const chainId = await readChainId([rpcUrl], REQUEST_MS)
  const { address } = new Wallet(key)
  return withEndpoints(rpcUrl, chainId, async endpoints => {
    const read = async (name: string, args: readonly unknown[]) => {
      const data = anchorInterface.encodeFunctionData(name, [...args])
      const answer = String(await endpoints.request('eth_call', [{ to: contract, data }, 'latest']))
      if (answer === '0x')
        throw new ChainError('CHAIN_NO_CONTRACT', `There is no contract at ${contract} on chain ${chainId}: deploy it first.`)
      return anchorInterface.decodeFunctionResult(name, answer)
    }
    const logId = String((await read('logIdOf', [address, origin]))[0])
    const { owner } = (await read('logOf', [logId])).toObject()
    if (BigInt(owner) !== 0n) return logId
    await send(endpoints, chainId, key, { to: contract, data: anchorInterface.encodeFunctionData('openLog', [origin, address]) })
    log.info('log opened on chain', { chainId, contract, logId, origin, publisher: address })
    return logId
  })
}

async function withEndpoints<T>(rpcUrl: string, chainId: number, act: (endpoints: Endpoints) => Promise<T>): Promise<T> {
  const endpoints = openEndpoints([rpcUrl], chainId, REQUEST_MS)
  try {
    return await act(endpoints)
  } finally {
    endpoints.close()
  }
}

async function codeSha256At({ request }: Endpoints, address: string): Promise<string> {
  const code = String(await request('eth_getCode', [address, 'latest']))
  return createHash('sha256').update(getBytes(code)).digest('hex')
}

type RpcReceipt = { contractAddress: string | null; blockNumber: string; status: string }

/** Sends one transaction and waits until it is in a block. For set-up only: anchors go through the anchorer, which survives a crash. */
async function send({ request }: Endpoints, chainId: number, key: string, { to, data }: { to: string | null; data: string }) {
  const wallet = new Wallet(key)
  const from = wallet.address
  const big = async (method: string, params: readonly unknown[]) => BigInt(String(await request(method, params)))
  const nonce = Number(await big('eth_getTransactionCount', [from, 'latest']))
  const gasLimit = ((await big('eth_estimateGas', [to === null ? { from, data } : { from, to, data }])) * 6n) / 5n
  const tip = await big('eth_maxPriorityFeePerGas', []).catch(() => 1_000_000_000n)
  const { baseFeePerGas } = (await request('eth_getBlockByNumber', ['latest', false])) as { baseFeePerGas?: string }
  const fees = { maxFeePerGas: 2n * BigInt(baseFeePerGas ?? 0) + tip, maxPriorityFeePerGas: tip }
  const raw = await wallet.signTransaction({ type: 2, chainId, to, data, nonce, gasLimit, ...fees })
  const hash = String(Transaction.from(raw).hash)
  await request('eth_sendRawTransaction', [raw]).catch(cause => {
    if (cause?.code !== 'CHAIN_ALREADY_KNOWN') throw cause
  })
  const startMs = Date.now()
  for (let pauseMs = POLL.everyMs; Date.now() - startMs < POLL.mostMs; pauseMs = Math.min(pauseMs * 1.5, POLL.slowlyMs)) {
    const receipt = (await request('eth_getTransactionReceipt', [hash])) as RpcReceipt | null
    if (receipt?.status === '0x1') return { hash, receipt }
    if (receipt !== null) throw new ChainError('CHAIN_REJECTED', `Transaction ${hash} was executed and failed.`)
    await new Promise(done => setTimeout(done, pauseMs))
  }
  throw new ChainError('CHAIN_UNREACHABLE', `Transaction ${hash} is in no block yet: look for it, then run this again.`)
}

/**
 * Single transactions and questions of commands and of a start. Anchors go through the anchorer,
 * which survives a crash.
 */
import { createHash } from 'node:crypto'
import { formatEther, getBytes, Transaction } from 'ethers'
import type { Log } from '../logger.ts'
import { anchorInterface } from './artifact.ts'
import { type ChainEndpoints, openEndpoints, readBig, readHex, readQuantity } from './endpoints.ts'
import { ChainError } from './errors.ts'
import { signChecked, type TxSigner } from './signer.ts'

/** How to reach the chain, and the key that signs and pays. */
export type Access = { readonly rpcUrls: readonly string[]; readonly signer: TxSigner; readonly log: Log }

/** How long an endpoint may take to answer. */
export const REQUEST_MS = 10_000
/** How often to look for a transaction, and for how long. */
export const POLL = { everyMs: 100, slowlyMs: 2_000, mostMs: 300_000 }

/** Calls view functions of the contract. */
export function readerOf({ request }: ChainEndpoints, contract: string) {
  return (name: string, args: readonly unknown[]) => {
    const data = anchorInterface.encodeFunctionData(name, [...args])
    return request('eth_call', [{ to: contract, data }, 'latest'], answer => {
      return anchorInterface.decodeFunctionResult(name, readHex(answer))
    })
  }
}

/** Opens the endpoints of a chain for one task, and closes them afterwards. */
export async function withEndpoints<T>(
  rpcUrls: readonly string[],
  chainId: number,
  act: (endpoints: ChainEndpoints) => Promise<T>,
): Promise<T> {
  const endpoints = openEndpoints(rpcUrls, chainId, REQUEST_MS)
  try {
    return await act(endpoints)
  } finally {
    endpoints.close()
  }
}

/** Hex SHA-256 of the code at an address. */
export async function codeSha256At({ request }: ChainEndpoints, address: string): Promise<string> {
  const code = await request('eth_getCode', [address, 'latest'], readHex)
  return createHash('sha256').update(getBytes(code)).digest('hex')
}

/** Sends one transaction and waits until it is in a block. */
export async function send(
  endpoints: ChainEndpoints,
  chainId: number,
  signer: TxSigner,
  { to, data }: { to: string | null; data: string },
) {
  const { request, each } = endpoints
  const { serialized, hash } = await signChecked(signer, await fill(endpoints, chainId, await signer.address(), { to, data }))
  await each(ask => ask('eth_sendRawTransaction', [serialized], () => {})).catch(cause => {
    if (cause?.code !== 'CHAIN_ALREADY_KNOWN') throw cause
  })
  const startMs = performance.now()
  for (let pauseMs = POLL.everyMs; performance.now() - startMs < POLL.mostMs; pauseMs = Math.min(pauseMs * 1.5, POLL.slowlyMs)) {
    const receipt = await request('eth_getTransactionReceipt', [hash], readReceipt)
    if (receipt?.succeeded) return { hash, receipt }
    if (receipt !== null) throw new ChainError('CHAIN_REJECTED', `Transaction ${hash} was executed and failed.`)
    await new Promise(done => setTimeout(done, pauseMs))
  }
  throw new ChainError('CHAIN_UNREACHABLE', `Transaction ${hash} is not in a block yet: look for it, then run this again.`)
}

/**
 * The transaction, ready to sign.
 * @throws ChainError CHAIN_FUNDS, with the missing amount, before anything is signed
 */
async function fill({ request }: ChainEndpoints, chainId: number, from: string, { to, data }: { to: string | null; data: string }) {
  const nonce = await request('eth_getTransactionCount', [from, 'latest'], readQuantity)
  const tip = await request('eth_maxPriorityFeePerGas', [], readBig).catch(() => 1_000_000_000n)
  const base = await request('eth_getBlockByNumber', ['latest', false], block => {
    const { baseFeePerGas } = block as { baseFeePerGas?: string }
    return baseFeePerGas === undefined ? 0n : readBig(baseFeePerGas)
  })
  const maxFeePerGas = 2n * base + tip
  const gasLimit = ((await request('eth_estimateGas', [to === null ? { from, data } : { from, to, data }], readBig)) * 6n) / 5n
  const balance = await request('eth_getBalance', [from, 'latest'], readBig)
  const needed = gasLimit * maxFeePerGas
  if (balance < needed)
    throw new ChainError('CHAIN_FUNDS', `${from} cannot pay: it has ${formatEther(balance)} ether and needs up to ${formatEther(needed)}.`)
  return Transaction.from({ type: 2, chainId, to, data, nonce, gasLimit, maxFeePerGas, maxPriorityFeePerGas: tip })
}

function readReceipt(value: unknown) {
  const { blockNumber, contractAddress, status } = (value ?? {}) as { [name: string]: unknown }
  if (value === null || blockNumber === null) return null
  return { blockNumber: readQuantity(blockNumber), contractAddress, succeeded: status === '0x1' }
}

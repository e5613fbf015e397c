/** What the owner of a log does on its chain: name another publisher, or close the log for good. */
import { hexlify, ZeroHash } from 'ethers'
import type { Closing } from '../anchor/chain.ts'
import type { Checkpoint } from '../core/tlog/checkpoint.ts'
import { anchorInterface } from './artifact.ts'
import type { ChainEndpoints } from './endpoints.ts'
import { ChainError } from './errors.ts'
import { readClosing } from './log-contract.ts'
import { type Access, codeSha256At, readerOf, send, withEndpoints } from './transaction.ts'

/**
 * A log and its contract with the code expected there. The id defaults to that of the log that this
 * key opened for the origin.
 */
export type LogToRotate = { readonly contract: string; readonly codeSha256: string } & (
  | { readonly logId: string }
  | { readonly origin: string }
)

/** A log that its owner closes. */
export type LogToClose = { readonly chainId: number; readonly contract: string; readonly codeSha256: string; readonly logId: string }

/** The state of a log before it is closed: anchored up to `size`, or closed before. */
export type Closable = { readonly owner: string; readonly size: number; readonly closing?: Closing }

/**
 * Names another publisher for a log, as its owner. Before it signs anything, checks that the
 * contract has the deployed code and names this key as the owner.
 * @throws ChainError CHAIN_OTHER_CODE, CHAIN_NO_CONTRACT, CHAIN_REJECTED if the key is not the
 * owner's
 */
export async function setPublisher({
  rpcUrls,
  signer,
  log,
  chainId,
  of,
  publisher,
}: Access & { chainId: number; of: LogToRotate; publisher: string }): Promise<{ logId: string; transaction: string }> {
  const { contract, codeSha256 } = of
  const address = await signer.address()
  return withEndpoints(rpcUrls, chainId, async endpoints => {
    await requireDeployed(endpoints, { chainId, contract, codeSha256 })
    const read = readerOf(endpoints, contract)
    const logId = 'logId' in of ? of.logId : String((await read('logIdOf', [address, of.origin]))[0])
    const { owner } = (await read('logOf', [logId])).toObject()
    requireOwner(address, { owner, contract, logId })
    const data = anchorInterface.encodeFunctionData('setPublisher', [logId, publisher])
    const { hash } = await send(endpoints, chainId, signer, { to: contract, data })
    log.info('publisher changed', { chainId, contract, logId, publisher })
    return { logId, transaction: hash }
  })
}

/**
 * Checks that this address can close a log at the size of a checkpoint, and sends nothing. Without
 * an address, any owner will do; without a checkpoint, the size is 0.
 * @throws ChainError CHAIN_OTHER_CODE; CHAIN_NO_ANCHOR if the log does not hold the checkpoint;
 * CHAIN_REJECTED if there is no such log, it has another owner, or the successor is not open
 */
export async function readClosable(
  rpcUrls: readonly string[],
  { chainId, contract, codeSha256, logId }: LogToClose,
  { address, checkpoint, successor }: { address?: string; checkpoint?: Checkpoint; successor?: string },
): Promise<Closable> {
  return withEndpoints(rpcUrls, chainId, async endpoints => {
    await requireDeployed(endpoints, { chainId, contract, codeSha256 })
    const read = readerOf(endpoints, contract)
    const standing = await read('logOf', [logId])
    const owner = String(standing.toObject().owner).toLowerCase()
    if (BigInt(owner) === 0n) throw refused(`There is no log ${logId} at ${contract} on chain ${chainId}.`)
    const size = Number((await read('latest', [logId]))[0])
    const closing = readClosing(standing)
    if (closing !== undefined) return { owner, size, closing }
    if (address !== undefined) requireOwner(address, { owner, contract, logId })
    if (checkpoint !== undefined && (await read('anchoredAt', [logId, checkpoint.size, hexlify(checkpoint.root)]))[0] === 0n)
      throw new ChainError(
        'CHAIN_NO_ANCHOR',
        `Log ${logId} on chain ${chainId} has no anchor of the ledger's tree of size ${checkpoint.size}. Nothing was signed.`,
      )
    if (successor !== undefined) {
      const next = (await read('logOf', [successor])).toObject()
      if (BigInt(next.owner) === 0n || next.closed === true || successor === logId)
        throw refused(`The successor ${successor} is not another open log at ${contract} on chain ${chainId}.`)
    }
    return { owner, size }
  })
}

/**
 * Closes a log for good, as its owner. Call `readClosable` first.
 * @throws ChainError CHAIN_REJECTED, CHAIN_FUNDS, CHAIN_UNREACHABLE
 */
export async function closeLog({
  rpcUrls,
  signer,
  log,
  of: { chainId, contract, logId },
  closing: { lastGoodSize, successor },
}: Access & { of: LogToClose; closing: Closing }): Promise<{ transaction: string }> {
  return withEndpoints(rpcUrls, chainId, async endpoints => {
    const data = anchorInterface.encodeFunctionData('closeLog', [logId, lastGoodSize, successor ?? ZeroHash])
    const { hash } = await send(endpoints, chainId, signer, { to: contract, data })
    log.info('log closed', { chainId, contract, logId, lastGoodSize, successor })
    return { transaction: hash }
  })
}

async function requireDeployed(endpoints: ChainEndpoints, { chainId, contract, codeSha256 }: Omit<LogToClose, 'logId'>): Promise<void> {
  if ((await codeSha256At(endpoints, contract)) === codeSha256) return
  throw new ChainError('CHAIN_OTHER_CODE', `The code at ${contract} on chain ${chainId} is not that of the deployment. Nothing was signed.`)
}

function requireOwner(address: string, { owner, contract, logId }: { owner: unknown; contract: string; logId: string }): void {
  if (String(owner).toLowerCase() !== address.toLowerCase())
    throw refused(`The owner of log ${logId} at ${contract} is ${owner}, but this key has the address ${address}.`)
}

function refused(why: string): ChainError {
  return new ChainError('CHAIN_REJECTED', `${why} Nothing was signed.`)
}

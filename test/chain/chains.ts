/**
 * Two real chains to test on, anvil and Hardhat's network, each behind HTTP and with its pool and
 * its mining in the test's hands.
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import hre from 'hardhat'
import { deployContract } from '../../src/chain/deploy.ts'
import { EMBEDDED_KEY, startEmbeddedChain } from '../../src/chain/embedded.ts'
import { createKeySigner } from '../../src/chain/signer.ts'
import { silentLog } from '../../src/logger.ts'

export const CHAIN_ID = 31337

/**
 * A chain, the contract on it, and what a test does to it. Transactions are executed when they
 * arrive unless `mining` is off.
 */
export type TestChain = {
  readonly url: string
  readonly contract: string
  rpc<T = unknown>(method: string, params?: readonly unknown[]): Promise<T>
  mine(blocks?: number): Promise<void>
  mining(isOn: boolean): Promise<void>
  setBalance(address: string, wei: bigint): Promise<void>
  /** Takes a transaction out of the pool. */
  drop(hash: string): Promise<void>
  /** Is it in the pool or in a block? */
  knows(hash: string): Promise<boolean>
  baseFee(wei: bigint): Promise<void>
  close(): Promise<void>
}

/** The chains, for `describe`: the name of each, and a function that starts it. */
export const CHAINS: readonly (readonly [string, () => Promise<TestChain>])[] = [
  ['anvil', startAnvil],
  ["Hardhat's network", startHardhat],
]

async function startAnvil(): Promise<TestChain> {
  const dataDir = await mkdtemp(join(tmpdir(), 'openseal-anvil-'))
  const chain = await startEmbeddedChain({ dataDir, port: 0, log: silentLog })
  return control(chain.url, async () => {
    await chain.stop()
    await rm(dataDir, { recursive: true, force: true })
  })
}

async function startHardhat(): Promise<TestChain> {
  const server = await hre.network.createServer({ override: { chainId: CHAIN_ID } }, '127.0.0.1', 0)
  const { address, port } = await server.listen()
  return control(`http://${address}:${port}`, () => server.close())
}

async function control(url: string, close: () => Promise<void>): Promise<TestChain> {
  const rpc = async <T>(method: string, params: readonly unknown[] = []): Promise<T> => {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
    const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    const answer = (await response.json()) as { result: T; error?: { message: string } }
    assert.equal(answer.error, undefined, `${method}: ${answer.error?.message}`)
    return answer.result
  }
  const hex = (value: bigint | number) => `0x${value.toString(16)}`
  const { address: contract } = await deployContract({ rpcUrls: [url], signer: createKeySigner(EMBEDDED_KEY), log: silentLog })
  return {
    url,
    contract,
    rpc,
    async mine(blocks = 1) {
      for (let block = 0; block < blocks; block++) await rpc('evm_mine')
    },
    mining: async isOn => void (await rpc('evm_setAutomine', [isOn])),
    setBalance: async (address, wei) => void (await rpc('hardhat_setBalance', [address, hex(wei)])),
    drop: async hash => void (await rpc('hardhat_dropTransaction', [hash])),
    knows: async hash => (await rpc('eth_getTransactionByHash', [hash])) !== null,
    baseFee: async wei => void (await rpc('hardhat_setNextBlockBaseFeePerGas', [hex(wei)])),
    close,
  }
}

// The contract on a fresh in-process chain, deployed from the committed artifact, and what its
// tests ask of it.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { Contract, ContractFactory, Interface, type Signer } from 'ethers'
import hre from 'hardhat'
import type { ContractArtifact } from '../../scripts/compile.ts'
import type { Hex } from './tree.ts'

/** The committed artifact. */
export const ARTIFACT = JSON.parse(
  readFileSync(new URL('../../contracts/CheckpointAnchor.json', import.meta.url), 'utf8'),
) as ContractArtifact

/** The zero word and the zero address. */
export const ZERO_WORD: Hex = `0x${'00'.repeat(32)}`
export const ZERO_ADDRESS: Hex = `0x${'00'.repeat(20)}`

const INTERFACE = new Interface([...ARTIFACT.abi] as never)

/** A signer with its address at hand. */
export type Account = { readonly address: Hex; readonly signer: Signer }

/**
 * A deployed contract, and accounts that have ether. `as` is the contract as an account sends to
 * it.
 */
export type Deployment = {
  readonly contract: Contract
  readonly accounts: readonly Account[]
  as(account: Account): Contract
  openLog(account: Account, origin: string, publisher?: Account): Promise<Hex>
  runtimeCode(): Promise<Hex>
  close(): Promise<void>
}

/** Deploys the contract on a chain of its own. */
export async function deploy(): Promise<Deployment> {
  const network = await hre.network.create()
  const signers = await network.ethers.getSigners()
  const accounts = signers.map(signer => ({ address: signer.address, signer: signer as unknown as Signer }))
  const deployed = await new ContractFactory(INTERFACE, ARTIFACT.bytecode, accounts[0]!.signer).deploy()
  const contract = new Contract(await deployed.getAddress(), INTERFACE, accounts[0]!.signer)
  const as = (account: Account) => contract.connect(account.signer) as Contract
  return {
    contract,
    accounts,
    as,
    openLog: async (account, origin, publisher = account) => {
      await as(account).openLog!(origin, publisher.address)
      return contract.logIdOf!(account.address, origin)
    },
    runtimeCode: async () => network.ethers.provider.getCode(await contract.getAddress()),
    close: () => network.close(),
  }
}

/**
 * Name and values of the contract's error that a call ends in. Fails when the call succeeds or ends
 * in anything else.
 */
export async function errorOf(call: Promise<unknown>): Promise<unknown[]> {
  const failure = await call.then(
    () => assert.fail('the contract accepted the call'),
    (error: { data?: unknown }) => error,
  )
  const parsed = typeof failure.data === 'string' ? INTERFACE.parseError(failure.data) : null
  if (!parsed) throw failure
  return [parsed.name, ...parsed.args]
}

/** The events of a sent transaction, each with its name and values, and the time of its block. */
export async function eventsOf(sent: Promise<{ wait(): Promise<unknown> }>): Promise<{ events: unknown[][]; time: bigint }> {
  const txReceipt = (await (await sent).wait()) as {
    logs: { topics: string[]; data: string }[]
    getBlock(): Promise<{ timestamp: number }>
  }
  const events = txReceipt.logs.map(log => {
    const parsed = INTERFACE.parseLog(log)
    if (!parsed) throw new Error('bug: an event that the ABI does not have')
    return [parsed.name, ...parsed.args]
  })
  return { events, time: BigInt((await txReceipt.getBlock()).timestamp) }
}

/** Looking up the log that a key has for an origin, before a ledger takes another chain. */
import { deepEqual, rejects } from 'node:assert/strict'
import { Wallet } from 'ethers'
import { anchorInterface, checkpointAnchor } from '../../src/chain/artifact.ts'
import { ensureLog, findLog } from '../../src/chain/deploy.ts'
import { EMBEDDED_KEY } from '../../src/chain/embedded.ts'
import { setPublisher } from '../../src/chain/owner.ts'
import { createKeySigner } from '../../src/chain/signer.ts'
import { silentLog } from '../../src/logger.ts'
import { CHAIN_ID, CHAINS, type TestChain } from './chains.ts'

const ORIGIN = 'found.example/log'
const signer = createKeySigner(EMBEDDED_KEY)
const address = new Wallet(EMBEDDED_KEY).address

describe('chain/findLog', () => {
  let chain: TestChain
  before(async () => {
    chain = await CHAINS[0]![1]()
  })
  after(() => chain.close())

  const find = (change: { contract?: string; origin?: string } = {}) =>
    findLog({ rpcUrls: [chain.url], signer, chainId: CHAIN_ID, contract: chain.contract, origin: ORIGIN, ...change })
  const access = () => ({ rpcUrls: [chain.url], signer, log: silentLog })
  const open = (origin: string) => ensureLog({ ...access(), contract: chain.contract, origin })

  it('names the log that it would open, and the same one once that is open', async () => {
    const before = await find()
    deepEqual([before.isOpen, before.codeSha256], [false, checkpointAnchor.codeSha256])
    deepEqual(await open(ORIGIN), before.logId)
    deepEqual(await find(), { ...before, isOpen: true })
  })

  it('refuses other code at the address, whatever it answers, and an address without code', async () => {
    const other = `0x${'77'.repeat(20)}`
    await rejects(find({ contract: other }), { code: 'CHAIN_NO_CONTRACT' })
    // It stops without an answer; it answers one word; it ends in an error.
    for (const code of ['0x00', '0x600160005260206000f3', '0xfe']) {
      await chain.rpc('hardhat_setCode', [other, code])
      await rejects(find({ contract: other }), { code: 'CHAIN_OTHER_CODE' }, code)
      await rejects(ensureLog({ ...access(), contract: other, origin: ORIGIN }), { code: 'CHAIN_OTHER_CODE' }, code)
    }
  })

  it('refuses a log that its owner has closed', async () => {
    const origin = 'closed.example/log'
    const data = anchorInterface.encodeFunctionData('closeLog', [await open(origin), 0, `0x${'0'.repeat(64)}`])
    await chain.rpc('eth_sendTransaction', [{ from: address, to: chain.contract, data }])
    await rejects(find({ origin }), { code: 'CHAIN_REJECTED', message: / is closed\.$/ })
  })

  it('refuses a log for which another key publishes, and names that key', async () => {
    const origin = 'rotated.example/log'
    await open(origin)
    const publisher = `0x${'99'.repeat(20)}`
    const of = { contract: chain.contract, codeSha256: checkpointAnchor.codeSha256, origin }
    await setPublisher({ ...access(), chainId: CHAIN_ID, of, publisher })
    await rejects(find({ origin }), {
      code: 'CHAIN_REJECTED',
      message: new RegExp(`has the publisher ${publisher}, but .* ${address}`, 'i'),
    })
  })
})

/**
 * `openseal deploy` and `scripts/deploy.ts` as a user runs them, on anvil and on Hardhat's network:
 * what they write, and what they refuse.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Wallet } from 'ethers'
import { checkpointAnchor } from '../../src/chain/artifact.ts'
import { deploymentFile } from '../../src/chain/deploy.ts'
import { CHAIN_ID, CHAINS, type TestChain } from '../chain/chains.ts'
import { type Commands, openCommands, type Ran, runAlone } from './commands.ts'

/** Arguments, environment, exit code and sentence. */
type Case = readonly [readonly string[], { readonly [name: string]: string }, number, RegExp]

const at = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url))

describe('openseal deploy', () => {
  it('keeps deployments where the service and the audit look for them: beside the contract', () => {
    assert.equal(deploymentFile(11_155_111), at('contracts/deployments/11155111.json'))
    assert.ok(existsSync(dirname(deploymentFile(1))))
  })
})

for (const [name, start] of CHAINS) {
  describe(`openseal deploy on ${name}`, function () {
    this.timeout(60_000)
    let chain: TestChain
    let folder: string
    let commands: Commands
    const key = `0x${randomBytes(32).toString('hex')}`

    before(async () => {
      commands = openCommands()
      chain = await start()
      folder = mkdtempSync(join(tmpdir(), 'openseal-deploy-'))
      writeFileSync(join(folder, 'anchor.key'), `${key}\n`)
      await chain.setBalance(new Wallet(key).address, 10n ** 18n)
    })
    after(async () => {
      await commands.close()
      rmSync(folder, { recursive: true, force: true })
      await chain.close()
    })

    type Env = { readonly [name: string]: string }
    const placeOf = (env: Env) => ({
      cwd: folder,
      env: { OPENSEAL_RPC: chain.url, OPENSEAL_ANCHOR_KEY_FILE: 'anchor.key', ...env },
    })
    const told = ({ code, out, err }: Ran) => {
      assert.ok(!(out + err).includes(key.slice(2)), 'a key was shown')
      return { code, text: out + err }
    }
    const run = async (args: readonly string[], env: Env = {}) => told(await commands.run(['deploy', ...args], placeOf(env)))
    const read = (file: string) => JSON.parse(readFileSync(join(folder, file), 'utf8'))

    it('writes where the contract is, with the code that verifiers pin, and refuses to do so twice', async () => {
      const { code, text } = await run(['--out', 'first.json', '--chain-id', String(CHAIN_ID)])
      assert.equal(code, 0, text)
      const { chainId, address, block, codeSha256, transaction } = read('first.json')
      assert.deepEqual([chainId, codeSha256], [CHAIN_ID, checkpointAnchor.codeSha256])
      assert.equal(await chain.rpc('eth_getCode', [address, 'latest']), checkpointAnchor.deployedBytecode)
      const receipt = await chain.rpc<{ blockNumber: string }>('eth_getTransactionReceipt', [transaction])
      assert.equal(Number(receipt.blockNumber), block)
      assert.match(text, new RegExp(`OPENSEAL_CONTRACT=${address}`))

      const again = await run(['--out', 'first.json'])
      assert.equal(again.code, 1)
      assert.match(again.text, new RegExp(`is on chain ${CHAIN_ID} already, at ${address}.*\\[FILE_EXISTS\\]`))
      assert.equal(read('first.json').address, address)
    })

    it('deploys anew if the file names a contract that is not there, as scripts/deploy does', async () => {
      const gone = { chainId: CHAIN_ID, address: `0x${'99'.repeat(20)}`, block: 1, codeSha256: '00'.repeat(32), transaction: '0x' }
      writeFileSync(join(folder, 'gone.json'), JSON.stringify(gone))
      const place = placeOf({ OPENSEAL_ANCHOR_KEY_FILE: '', OPENSEAL_ANCHOR_KEY: key })
      const { code, text } = told(await runAlone(['--out', 'gone.json', '--json'], place, 'scripts/deploy.ts'))
      assert.equal(code, 0, text)
      assert.notEqual(read('gone.json').address, gone.address)
      assert.equal(JSON.parse(text).address, read('gone.json').address)
    })

    it('refuses a wrong key, an empty account, another chain and a wrong endpoint, and then writes nothing', async () => {
      const poor = { OPENSEAL_ANCHOR_KEY_FILE: '', OPENSEAL_ANCHOR_KEY: `0x${'21'.repeat(32)}` }
      const cases: readonly Case[] = [
        [[], poor, 1, /0x[0-9a-f]{40} cannot pay: it has 0\.0 ether and needs up to 0\.\d+\. \[CHAIN_FUNDS\]/],
        [[], { ...poor, OPENSEAL_ANCHOR_KEY: '0x12' }, 1, /OPENSEAL_ANCHOR_KEY is not a private key.*\[CONFIG_MALFORMED\]/],
        [[], { OPENSEAL_ANCHOR_KEY_FILE: '' }, 2, /set OPENSEAL_ANCHOR_KEY_FILE/],
        [[], { OPENSEAL_ANCHOR_KEY_FILE: 'none.key' }, 1, /none\.key, which cannot be read \(ENOENT\)\. \[CHAIN_KEY_UNREADABLE\]/],
        [['--chain-id', '1'], {}, 2, new RegExp(`the endpoint serves chain ${CHAIN_ID}, not 1: nothing was sent`)],
        [['--chain-id', '0x1'], {}, 2, /A chain id is a number from 1 on/],
        [['--rpc', 'localhost:8545'], {}, 2, /--rpc must be the address of an endpoint/],
        [['--rpc', 'http://127.0.0.1:9'], {}, 1, /No endpoint of the chain answers: 127\.0\.0\.1:9\. \[CHAIN_UNREACHABLE\]/],
      ]
      // Mistakes that do not involve the chain are refused alike on every one.
      const asked = name === 'anvil' ? cases : cases.slice(0, 1)
      const nonce = await chain.rpc('eth_getTransactionCount', [new Wallet(key).address, 'latest'])
      const ran = await Promise.all(asked.map(([args, env]) => run([...args, '--out', 'refused.json'], env)))
      for (const [index, [, , expected, sentence]] of asked.entries()) {
        assert.equal(ran[index]?.code, expected, ran[index]?.text)
        assert.match(ran[index]?.text ?? '', sentence)
      }
      assert.equal(existsSync(join(folder, 'refused.json')), false)
      assert.equal(await chain.rpc('eth_getTransactionCount', [new Wallet(key).address, 'latest']), nonce)
    })
  })
}

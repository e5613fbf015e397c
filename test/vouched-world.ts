/**
 * Everyone who can vouch for a ledger, as real parts: two chains (anvil), two time-stamp
 * authorities, and witnesses as processes (`openseal witness`).
 */
import { X509Certificate } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { deployContract } from '../src/chain/deploy.ts'
import { EMBEDDED_KEY, startEmbeddedChain } from '../src/chain/embedded.ts'
import { createKeySigner } from '../src/chain/signer.ts'
import { silentLog } from '../src/logger.ts'
import { type AuthorityServer, listOf, serveAuthority } from './timestamp/server.ts'
import { runWitness, type WitnessProcess } from './witness/process.ts'

export const CHAIN_IDS = [31_337, 424_243] as const
const HOUR_MS = 3_600_000

/** Members of a file of OPENSEAL_VOUCHERS. */
type VoucherFile = { readonly [member: string]: unknown }

export type VouchedWorld = {
  readonly chains: readonly { readonly url: string; readonly contract: string }[]
  readonly authorities: readonly AuthorityServer[]
  /** Chains and authorities as members of a file of vouchers in the world's folder. */
  readonly members: VoucherFile
  /**
   * Starts witnesses by the policy that the ledger at this address serves. Their keys and addresses,
   * as members of the file too.
   */
  addWitnesses(count: number, ledger: string): Promise<{ readonly witnesses: readonly { readonly vkey: string; readonly url: string }[] }>
  /** Writes a file of vouchers and returns its path. */
  write(name: string, file: VoucherFile): string
  stop(): Promise<void>
}

/** Starts the chains, each with the contract, and the authorities. */
export async function openVouchedWorld(folder: string): Promise<VouchedWorld> {
  const ends: (() => unknown)[] = []
  const stop = async () => {
    for (const end of ends.splice(0).reverse()) await end()
  }
  try {
    const chains = []
    for (const [at, chainId] of CHAIN_IDS.entries()) chains.push(await openChain(join(folder, `chain-${at}`), chainId, ends))
    writeFileSync(join(folder, 'anchor.key'), EMBEDDED_KEY, { mode: 0o600 })
    const authorities = await Promise.all(['One', 'Two'].map(name => openAuthority(folder, name, ends)))
    const members = {
      chains: chains.map(({ url, contract }, at) => {
        return { name: `chain-${at}`, rpc: [url], contract, keyFile: 'anchor.key', finality: { confirmations: 0 } }
      }),
      timestamps: authorities.map(({ url }, at) => ({ name: ['One', 'Two'][at], url, certificates: [`${['One', 'Two'][at]}.pem`] })),
    }
    return {
      chains,
      authorities,
      members,
      async addWitnesses(count, ledger) {
        const policyFile = join(folder, 'policy.json')
        writeFileSync(policyFile, await (await fetch(`${ledger}/policy.json`)).text())
        const started = Array.from({ length: count }, (_, at) => runOne(folder, at, policyFile, ends))
        return { witnesses: await Promise.all(started) }
      },
      write(name, file) {
        const path = join(folder, name)
        writeFileSync(path, JSON.stringify(file))
        return path
      },
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

async function openChain(dataDir: string, chainId: number, ends: (() => unknown)[]) {
  const { url, stop } = await startEmbeddedChain({ dataDir, port: 0, log: silentLog })
  ends.push(stop)
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'anvil_setChainId', params: [chainId] })
  await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  const { address } = await deployContract({ rpcUrls: [url], signer: createKeySigner(EMBEDDED_KEY), log: silentLog })
  return { url, contract: address }
}

/** An authority whose list of revoked certificates is asked for, too. */
async function openAuthority(folder: string, name: string, ends: (() => unknown)[]): Promise<AuthorityServer> {
  const authority = await serveAuthority({ nowMs: Date.now })
  ends.push(() => authority.close())
  const seconds = (fromNowMs: number) => Math.floor((Date.now() + fromNowMs) / 1000)
  authority.list = listOf(authority.root, [], { from: seconds(-HOUR_MS), until: seconds(24 * HOUR_MS) })
  writeFileSync(join(folder, `${name}.pem`), new X509Certificate(authority.root.der).toString())
  return authority
}

async function runOne(folder: string, at: number, policyFile: string, ends: (() => unknown)[]) {
  const data = join(folder, `witness-${at}`)
  const marks = join(folder, `witness-marks-${at}`)
  mkdirSync(marks)
  const args = ['--data', data, '--policy', policyFile, '--port', '0', '--name', `witness-${at}.example`]
  const witness: WitnessProcess = runWitness(args, { marks })
  ends.push(async () => {
    witness.child.kill('SIGTERM')
    await witness.ended
  })
  const url = await witness.url
  if (url === undefined) throw new Error(`a witness did not start: ${(await witness.ended).err}`)
  return { vkey: readFileSync(join(data, 'witness.vkey'), 'utf8').trim(), url }
}

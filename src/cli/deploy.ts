/** `openseal deploy`: puts the contract on a chain, and keeps on file where it is. */
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { addCommand, UsageError } from './command.ts'
import { FileError } from './hash-file.ts'
import { print, printJson, remark } from './output.ts'
import { readSecret } from './secret.ts'

const CHAIN_TIMEOUT_MS = 15_000

/** Adds the command. */
export function addDeploy(program: Command): void {
  const example = 'OPENSEAL_ANCHOR_KEY_FILE=anchor.key openseal deploy --rpc https://rpc.example'
  addCommand(
    program,
    'deploy',
    'put the contract on a chain, paid for by the key in OPENSEAL_ANCHOR_KEY (or OPENSEAL_ANCHOR_KEY_FILE)',
    example,
  )
    .option('--rpc <url>', 'an endpoint of the chain (or OPENSEAL_RPC)')
    .option('--out <file>', 'where to keep the result (default: contracts/deployments/<chainId>.json)')
    .action(async (options: { json?: boolean; rpc?: string; out?: string }) => {
      const rpcUrl = options.rpc ?? process.env.OPENSEAL_RPC?.split(',')[0]?.trim()
      if (!rpcUrl || !/^https?:\/\//.test(rpcUrl) || !URL.canParse(rpcUrl))
        throw new UsageError('--rpc wants the address of an endpoint, like https://rpc.example')
      const key = await readSecret('OPENSEAL_ANCHOR_KEY', 'the private key that pays for the deployment')
      if (!/^0x[0-9a-fA-F]{64}$/.test(key)) throw new UsageError('OPENSEAL_ANCHOR_KEY is no private key: 0x and 64 hex digits')
      // Loaded here only: the other commands start in a fraction of the time without ethers.
      const { deployContract, isDeployed, readDeployment, writeDeployment } = await import('../chain/deploy.ts')
      const { readChainId } = await import('../chain/endpoints.ts')
      const chainId = await readChainId([rpcUrl], CHAIN_TIMEOUT_MS)
      const file = options.out ?? fileURLToPath(new URL(`../../contracts/deployments/${chainId}.json`, import.meta.url))
      const before = await readDeployment(file)
      if (before !== undefined && (await isDeployed(rpcUrl, before))) {
        throw new FileError(
          'FILE_EXISTS',
          `the contract stands on chain ${chainId} already, at ${before.address}: see ${file}. Another one needs --out.`,
        )
      }
      const deployment = await deployContract({
        rpcUrl,
        key,
        log: { info: () => {}, warn: event => remark(event), error: event => remark(event) },
      })
      await writeDeployment(file, deployment)
      if (options.json) return printJson({ ...deployment, file })
      print(
        `CheckpointAnchor is at ${deployment.address} on chain ${chainId}, in block ${deployment.block}.`,
        `Kept in ${file}; its code's SHA-256 is ${deployment.codeSha256}.`,
      )
    })
}

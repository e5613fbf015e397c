/** `openseal deploy`: puts the contract on a chain, and records its address in a file. */
import { type Command, InvalidArgumentError } from 'commander'
import { UsageError, withExample } from './command.ts'
import { FileError } from './hash-file.ts'
import { print, printJson, remark } from './output.ts'

type Options = { json?: boolean; rpc?: string; chainId?: number; out?: string }

const CHAIN_TIMEOUT_MS = 15_000

/** Fills the command. */
export function addDeploy(command: Command): void {
  const example = 'OPENSEAL_ANCHOR_KEY_FILE=anchor.key \\\n  openseal deploy --rpc https://rpc.example --chain-id 1'
  withExample(command, example)
    .option('--rpc <url>', 'one or more endpoints of the chain, separated by commas (or OPENSEAL_RPC)')
    .option('--chain-id <id>', 'refuse any other chain', readChainIdOption)
    .option('--out <file>', 'where to keep the result (default: contracts/deployments/<chainId>.json)')
    .action(deploy)
}

async function deploy({ json, rpc, chainId: wanted, out }: Options): Promise<void> {
  const rpcUrls = (rpc ?? process.env.OPENSEAL_RPC ?? '').split(',').map(url => url.trim())
  if (!rpcUrls.every(url => /^https?:\/\//.test(url) && URL.canParse(url)))
    throw new UsageError('--rpc must be the address of an endpoint, such as https://rpc.example')
  const { readSignerConfig } = await import('../config.ts')
  const signing = readSignerConfig(process.env)
  if (signing === undefined)
    throw new UsageError('set OPENSEAL_ANCHOR_KEY_FILE (or _KEY, _KEYSTORE, _SIGNER): the key that pays for the deployment')
  // Imported only here: without ethers, the other commands start in a fraction of the time.
  const { deployContract, deploymentFile, isDeployed, readDeployment, writeDeployment } = await import('../chain/deploy.ts')
  const { readChainId } = await import('../chain/endpoints.ts')
  const { openSigner } = await import('../chain/signer.ts')

  const chainId = await readChainId(rpcUrls, CHAIN_TIMEOUT_MS)
  if (wanted !== undefined && wanted !== chainId)
    throw new UsageError(`the endpoint serves chain ${chainId}, not ${wanted}: nothing was sent`)
  const file = out ?? deploymentFile(chainId)
  const before = await readDeployment(file)
  if (before !== undefined && before.chainId === chainId && (await isDeployed(rpcUrls, before)))
    throw new FileError(
      'FILE_EXISTS',
      `the contract is on chain ${chainId} already, at ${before.address}: see ${file}. Another one needs --out.`,
    )
  const log = { info: () => {}, warn: (event: string) => remark(event), error: (event: string) => remark(event) }
  const deployment = await deployContract({ rpcUrls, signer: await openSigner(signing), log })
  await writeDeployment(file, deployment)
  if (json) return printJson({ ...deployment, file })
  print(
    `CheckpointAnchor is at ${deployment.address} on chain ${chainId}, in block ${deployment.block}.`,
    `Kept in ${file}; its code's SHA-256 is ${deployment.codeSha256}.`,
    `To start a ledger on this chain, set OPENSEAL_RPC, a key with funds there, and OPENSEAL_CONTRACT=${deployment.address}`,
    'For a ledger on several chains, name them all in the file of OPENSEAL_VOUCHERS instead.',
  )
}

function readChainIdOption(text: string): number {
  const id = Number(text)
  if (!Number.isSafeInteger(id) || id < 1 || String(id) !== text) throw new InvalidArgumentError('A chain id is a number from 1 on.')
  return id
}

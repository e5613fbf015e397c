/**
 * Deploys the contract to a network and writes `contracts/deployments/<chainId>.json`.
 * OPENSEAL_RPC (one endpoint) and OPENSEAL_ANCHOR_KEY (pays for it) come from the environment: secrets never stand on a command line.
 */
import { fileURLToPath } from 'node:url'
import { deployContract, writeDeployment } from '../src/chain/deploy.ts'
import { createLog } from '../src/log.ts'

const { OPENSEAL_RPC: rpcUrl, OPENSEAL_ANCHOR_KEY: key } = process.env
if (!rpcUrl || !key) {
  console.error('Set OPENSEAL_RPC to the endpoint of the network and OPENSEAL_ANCHOR_KEY to the private key that pays.')
  process.exit(2)
}
try {
  const log = createLog({ write: line => process.stderr.write(line), nowMs: Date.now })
  const deployment = await deployContract({ rpcUrl, key, log })
  const file = fileURLToPath(new URL(`../contracts/deployments/${deployment.chainId}.json`, import.meta.url))
  await writeDeployment(file, deployment)
  console.log(`CheckpointAnchor is at ${deployment.address} on chain ${deployment.chainId}: written to ${file}`)
} catch (cause) {
  console.error(cause instanceof Error ? cause.message : cause)
  process.exit(1)
}

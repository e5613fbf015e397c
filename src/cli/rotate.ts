/**
 * `openseal rotate`: replaces keys. API keys are changed with `openseal agency key` and `revoke`.
 */
import { basename, join } from 'node:path'
import type { Command } from 'commander'
import type { LogToRotate } from '../chain/owner.ts'
import { isChain } from '../core/policy-anchors.ts'
import { addCommand, keepFilesPrivate, UsageError } from './command.ts'
import { print, printJson } from './output.ts'
import { readPinnedPolicy } from './policy-file.ts'
import { COMMAND } from './program.ts'
import { warningLog } from './warning-log.ts'

type Options = { json?: boolean }
type LogKeyOptions = Options & { stolen?: boolean }
type PublisherOptions = Options & { policy?: string; rpc?: string; to: string }

const CHAIN_TIMEOUT_MS = 15_000

/** Fills the command with log-key and publisher. */
export function addRotate(rotate: Command): void {
  const logKey = 'replace the key that signs the log, with the settings of the service; if the log is in the data folder, stop it first'
  addCommand(rotate, 'log-key', logKey, LOG_KEY_EXAMPLE)
    .option('--stolen', 'somebody else has the old key: it signs nothing more, and the command says whom to tell')
    .action(changeLogKey)

  const publisher =
    "name another publisher for the log on its chain; signed by the log's owner (OPENSEAL_ANCHOR_KEY_FILE, or _KEY, _KEYSTORE, _SIGNER)"
  addCommand(rotate, 'publisher', publisher, PUBLISHER_EXAMPLE)
    .requiredOption('--to <address>', 'address of the new publisher')
    .option('--rpc <url>', 'one or more endpoints of the chain, separated by commas (or OPENSEAL_RPC)')
    .option(
      '--policy <file>',
      'your copy of the policy, which names the log (default: the settings of the service, such as OPENSEAL_CONTRACT)',
    )
    .action(rotatePublisher)
}

async function changeLogKey({ json, stolen }: LogKeyOptions): Promise<void> {
  keepFilesPrivate()
  // Imported only here: without the service, the other commands start in a fraction of the time.
  const [{ readConfig }, { rotateLogKey }] = await Promise.all([import('../config.ts'), import('../server/rotate.ts')])
  const config = readConfig(process.env)
  const done = await rotateLogKey(config, { log: warningLog, isStolen: stolen === true })
  if (json) return printJson(done)
  print(
    `A new key signs the log from tree size ${done.fromSize} on. Entry ${done.index} records the change.`,
    `old ${done.oldKey}`,
    `new ${done.newKey}`,
    stolen
      ? `The old key is in ${done.kept}. It is no longer needed: remove it once the new one is in your backup.`
      : `The old key is in ${done.kept}, and signs beside the new one until a round of size ${done.fromSize} or more is final.`,
    ...(stolen
      ? []
      : [
          'Witnesses that know only the old key go on until then. Remove that file once the log of the service says: old log key signs no more.',
        ]),
    config.storeUrl === undefined
      ? 'Start the service again.'
      : `Nodes that share this folder of keys go on by themselves. Copy ${stolen ? '' : `${basename(done.kept)} and then `}log.key to every other folder: its node waits for that.`,
    `Publish the new key where you published the old one, and tell readers who pinned a policy: ${COMMAND} policy --extend FILE`,
    ...(stolen ? aboutTheThief(done.fromSize - 1) : []),
  )
}

/** The old key counts up to a size; what a thief signs above it deceives only those who have not followed. */
function aboutTheThief(lastSize: number): string[] {
  return [
    `The old key was stolen. If it signs a larger tree than size ${lastSize}, that counts for nothing to those who know the new key.`,
    'To all others a false continuation looks genuine. Tell every witness operator, auditor, mirror and reader at once.',
    `They can follow once the round of size ${lastSize} is final. Its page is /v1/rounds/${lastSize} of the ledger.`,
    `A checkpoint that you did not publish is evidence. Those who find one can check it: ${COMMAND} evidence FILE`,
  ]
}

/** The operator's own policy file decides what is signed: no ledger is asked. */
async function rotatePublisher({ policy, json, rpc, to }: PublisherOptions): Promise<void> {
  if (!/^0x[0-9a-fA-F]{40}$/.test(to)) throw new UsageError('--to must be an address: 0x and 40 hex digits')
  const rpcUrls = (rpc ?? process.env.OPENSEAL_RPC ?? '').split(',').map(url => url.trim())
  if (!rpcUrls.every(url => /^https?:\/\//.test(url) && URL.canParse(url)))
    throw new UsageError('--rpc must be the address of an endpoint, such as https://rpc.example')
  const { readSignerConfig } = await import('../config.ts')
  const signing = readSignerConfig(process.env)
  if (signing === undefined) throw new UsageError("set OPENSEAL_ANCHOR_KEY_FILE (or _KEY, _KEYSTORE, _SIGNER): the key of the log's owner")
  const [{ setPublisher }, { readChainId }, { openSigner }] = await Promise.all([
    import('../chain/owner.ts'),
    import('../chain/endpoints.ts'),
    import('../chain/signer.ts'),
  ])
  const chainId = await readChainId(rpcUrls, CHAIN_TIMEOUT_MS)
  const of = policy === undefined ? await readOwnLog(chainId) : await readPinnedLog(policy, chainId)
  const publisher = to.toLowerCase()
  const done = await setPublisher({ rpcUrls, signer: await openSigner(signing), log: warningLog, chainId, of, publisher })
  if (json) return printJson({ chainId, contract: of.contract, ...done, publisher })
  print(`The publisher of the log is ${to} from transaction ${done.transaction} on.`, 'Start the service again with its key.')
}

/** The log of a pinned policy on this chain. */
async function readPinnedLog(file: string, chainId: number): Promise<LogToRotate> {
  const [anchor, ...more] = (await readPinnedPolicy(file)).anchors.filter(isChain).filter(each => each.chainId === chainId)
  if (anchor === undefined || more.length > 0)
    throw new UsageError(`${file} names ${anchor === undefined ? 'no log' : 'several logs'} on chain ${chainId}, which the endpoint serves`)
  return anchor
}

/** The log that this key opened for OPENSEAL_ORIGIN, in the contract that the service would use. */
async function readOwnLog(chainId: number): Promise<LogToRotate> {
  const [{ readConfig }, { deploymentFile, readDeployment }, { checkpointAnchor }] = await Promise.all([
    import('../config.ts'),
    import('../chain/deploy.ts'),
    import('../chain/artifact.ts'),
  ])
  const { contract, dataDir, origin } = readConfig(process.env)
  if (contract !== undefined) return { contract, codeSha256: checkpointAnchor.codeSha256, origin }
  for (const file of [join(dataDir, 'chain', 'deployment.json'), deploymentFile(chainId)]) {
    const deployment = await readDeployment(file)
    if (deployment?.chainId === chainId) return { contract: deployment.address, codeSha256: deployment.codeSha256, origin }
  }
  throw new UsageError(`no contract is known on chain ${chainId}: set OPENSEAL_CONTRACT, or name a policy that you keep with --policy FILE`)
}

const LOG_KEY_EXAMPLE = `OPENSEAL_DATA=/srv/openseal openseal rotate log-key
OPENSEAL_DATA=/srv/openseal openseal rotate log-key --stolen`

const PUBLISHER_EXAMPLE = `export OPENSEAL_ANCHOR_KEY_FILE=owner.key
openseal rotate publisher --to 0x… --rpc https://rpc.example
openseal rotate publisher --to 0x… --rpc https://rpc.example \\
  --policy openseal.policy.json`

/** `openseal rotate`: other keys in the place of old ones. API keys are changed with `openseal agency key` and `revoke`. */
import type { Command } from 'commander'
import { parsePolicy } from '../core/policy.ts'
import { createClient } from './client.ts'
import { addCommand, UsageError, withLedger } from './command.ts'
import { print, printJson, remark } from './output.ts'

type Options = { json?: boolean }
type PublisherOptions = Options & { ledger: string; rpc?: string; to: string }

/** Adds the command with log-key and publisher. */
export function addRotate(program: Command): void {
  const rotate = program.command('rotate').description('change the key that signs the log, or the one that anchors it')

  const logKey = 'end the key that signs the log, and begin another; the service must be stopped, and its settings be those of "serve"'
  addCommand(rotate, 'log-key', logKey, 'OPENSEAL_DATA=/srv/openseal openseal rotate log-key').action(async ({ json }: Options) => {
    // Loaded here only: the other commands start in a fraction of the time without the service.
    const [{ readConfig }, { rotateLogKey }] = await Promise.all([import('../config.ts'), import('../server/rotate.ts')])
    const done = await rotateLogKey(readConfig(process.env), { log: quiet })
    if (json) return printJson(done)
    print(
      `The log's key is another from tree size ${done.fromSize} on; entry ${done.index} says so.`,
      `old ${done.oldKey}`,
      `new ${done.newKey}`,
      `The old one is in ${done.kept}. Nothing needs it any more: remove it once the new one is in your backup.`,
      'Start the service again, publish the new key where you published the old one, and tell who pinned a policy: openseal policy --extend FILE',
    )
  })

  const publisher =
    "name another publisher for the log on its chain; signed by the log's owner (OPENSEAL_ANCHOR_KEY_FILE, or _KEY, _KEYSTORE, _SIGNER)"
  withLedger(
    addCommand(
      rotate,
      'publisher',
      publisher,
      'OPENSEAL_ANCHOR_KEY_FILE=owner.key openseal rotate publisher --to 0x… --rpc https://rpc.example',
    ),
  )
    .requiredOption('--to <address>', 'address of the new publisher')
    .option('--rpc <url>', 'an endpoint of the chain, or several by commas (or OPENSEAL_RPC)')
    .action(rotatePublisher)
}

async function rotatePublisher({ ledger, json, rpc, to }: PublisherOptions): Promise<void> {
  if (!/^0x[0-9a-fA-F]{40}$/.test(to)) throw new UsageError('--to wants an address: 0x and 40 hex digits')
  const rpcUrls = (rpc ?? process.env.OPENSEAL_RPC ?? '').split(',').map(url => url.trim())
  if (!rpcUrls.every(url => /^https?:\/\//.test(url) && URL.canParse(url)))
    throw new UsageError('--rpc wants the address of an endpoint, like https://rpc.example')
  const { readSignerConfig } = await import('../config.ts')
  const signing = readSignerConfig(process.env)
  if (signing === undefined) throw new UsageError("set OPENSEAL_ANCHOR_KEY_FILE (or _KEY, _KEYSTORE, _SIGNER): the key of the log's owner")
  const [anchor] = parsePolicy(await createClient(ledger).readText('/policy.json')).anchors
  if (anchor === undefined) throw new UsageError('this ledger is anchored nowhere')
  const [{ setPublisher }, { openSigner }] = await Promise.all([import('../chain/deploy.ts'), import('../chain/signer.ts')])
  const transaction = await setPublisher({ rpcUrls, signer: await openSigner(signing), log: quiet, ...anchor, publisher: to.toLowerCase() })
  if (json) return printJson({ ...anchor, publisher: to.toLowerCase(), transaction })
  print(`The publisher of the log is ${to} from transaction ${transaction} on.`, 'Start the service again with its key.')
}

const quiet = { info: () => {}, warn: (event: string) => remark(event), error: (event: string) => remark(event) }

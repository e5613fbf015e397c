/**
 * `openseal witness`: cosigns the checkpoints of the ledgers whose policies it is given. The first
 * Ctrl-C ends it in order, the second at once.
 */
import { resolve } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import type { Policy } from '../core/policy.ts'
import { systemHost } from '../host.ts'
import { createLog, type Log } from '../logger.ts'
import { defaultMarkFolder } from '../mark.ts'
import { serveWitness } from '../witness/http.ts'
import { openWitness } from '../witness/open.ts'
import { type ChainWatch, createChainWatch } from '../witness/watch.ts'
import { endpointsFor } from './chain-readers.ts'
import { collect, keepFilesPrivate, UsageError, waitForSignal, withExample } from './command.ts'
import { print, printJson } from './output.ts'
import { readPinnedPolicies } from './policy-file.ts'

type Options = {
  readonly data?: string
  readonly policy?: readonly string[]
  readonly port: number
  readonly name?: string
  readonly watchChain?: boolean
  readonly rpc?: readonly string[]
  readonly json?: boolean
}

const HOST = '127.0.0.1'
const PORT = 8090
const EXAMPLE =
  'openseal policy --ledger https://ledger.example --out ledger.policy.json\n' +
  'openseal witness --data ./witness --policy ledger.policy.json'
const MORE = `
The first line that it prints is its key, for the policies of the ledgers. It
listens on this machine only: a web server in front of it takes requests from
outside. Its log goes to stderr. OPENSEAL_MARK is the folder of its mark, which
must not be in --data. docs/run-a-witness.md says more.`

/** Fills the command. */
export function addWitness(command: Command): void {
  withExample(command, EXAMPLE)
    .option('--data <dir>', 'the folder of this witness, made at the first start')
    .option('--policy <file>', 'policy of a ledger to cosign, or a trust list; repeatable', collect)
    .option('--port <number>', 'where it listens', readPort, PORT)
    .option('--name <name>', 'name of its key, at the first start: witness.example.org')
    .option('--watch-chain', "refuse a ledger whose policy's contract holds another root")
    .option('--rpc <url>', 'an endpoint of such a chain, or CHAIN=URL; may be repeated', collect)
    .addHelpText('after', MORE)
    .action(run)
}

async function run(options: Options): Promise<void> {
  const { data, policy: files = [], port, name, json } = options
  if (data === undefined) throw new UsageError('--data DIR is required: the key and the state of this witness are kept there')
  if (files.length === 0) throw new UsageError('--policy FILE is required: a witness cosigns the ledgers of its policies')
  keepFilesPrivate()
  const policies: Policy[] = []
  for (const file of files) policies.push(...(await readPinnedPolicies(file)))
  const log = createLog({ write: line => process.stderr.write(line), nowMs: Date.now })
  const host = systemHost(log)
  const watch = watchOf(options, policies, log)
  const markFolder = resolve(process.env.OPENSEAL_MARK || defaultMarkFolder())
  const stopping = waitForSignal()
  const opened = await openWitness({ data: resolve(data), markFolder, name, policies, watch, host, log })
  const { vkey, witness } = opened
  try {
    const server = await serveWitness({ witness, host: HOST, port, log })
    const logs = witness.origins.map(origin => ({ origin, size: witness.sizeOf(origin) }))
    if (json) printJson({ vkey, url: server.url, logs })
    else {
      print(vkey, '', `This witness cosigns at ${server.url}:`)
      print(...logs.map(({ origin, size }) => `  ${origin} (${size === 0 ? 'nothing cosigned yet' : `${size} entries cosigned`})`))
      print('', 'Give the key above, and the public address of this witness, to the operators of these ledgers.', 'Ctrl-C stops it.')
    }
    await stopping
    await server.close()
  } finally {
    await opened.close()
  }
}

function watchOf({ watchChain, rpc }: Options, policies: readonly Policy[], log: Log): ChainWatch | undefined {
  if (!watchChain) {
    if (rpc !== undefined) throw new UsageError('--rpc is for --watch-chain: give both, or neither')
    return undefined
  }
  const urls = [...new Set(policies.flatMap(policy => endpointsFor(rpc, policy).map(({ url }) => url)))]
  if (urls.length === 0) throw new UsageError('--watch-chain needs an endpoint of each chain to watch: give --rpc URL')
  return createChainWatch({ urls, fetch, steadyMs: () => performance.now(), log })
}

function readPort(text: string): number {
  const port = Number(text)
  if (!/^\d{1,5}$/.test(text) || port > 65_535) throw new InvalidArgumentError('A port is a number up to 65535; 0 is any free one.')
  return port
}

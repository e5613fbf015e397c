/**
 * `openseal serve`: the service, from the configuration in the environment. The first Ctrl-C ends
 * it in order, the second at once.
 */
import { relative } from 'node:path'
import type { Command } from 'commander'
import { createLog } from '../logger.ts'
import type { startServer } from '../server/server.ts'
import { keepFilesPrivate, waitForSignal, withExample } from './command.ts'
import { print, printJson } from './output.ts'
import { COMMAND } from './program.ts'

type Service = Awaited<ReturnType<typeof startServer>>

const STOP = 'Ctrl-C stops it.'

/** Fills the command. */
export function addServe(command: Command): void {
  const example = 'openseal serve\nOPENSEAL_PORT=9000 OPENSEAL_DATA=/srv/openseal openseal serve'
  withExample(command, example).action(async (options: { json?: boolean }) => {
    keepFilesPrivate()
    const stopping = waitForSignal()
    // Imported only here: without the service, the other commands start in a fraction of the
    // time.
    const [{ readConfig }, { startServer }] = await Promise.all([import('../config.ts'), import('../server/server.ts')])
    const service = await startServer(readConfig(process.env), {
      log: createLog({ write: line => process.stderr.write(line), nowMs: Date.now }),
    })
    if (options.json) printJson({ url: service.url, origin: service.origin, vkey: service.vkey, chain: service.chain })
    else print(...nextSteps(service))
    await stopping
    if (!options.json) print('', 'Stopping: current requests are answered first. Ctrl-C again ends at once.')
    await service.close()
  })
}

/** The next commands to type, as they work from the folder in which the service was started. */
function nextSteps({ url, origin, operatorKeyFile, chain, status }: Service): string[] {
  const ledger = url === 'http://localhost:8080' ? '' : ` --ledger ${url}`
  const isUsual = chain.urls.length === 1 && /^http:\/\/(localhost|127\.0\.0\.1):8545\/?$/.test(chain.urls[0]!)
  const rpc = isUsual ? '' : ` --rpc ${chain.embedded ? chain.urls[0] : '<endpoint of each chain>'}`
  const { accepting, alarms } = status()
  const told = [
    `OpenSeal serves ${origin} at ${url}`,
    ...(chain.embedded ? ['Anchored on a chain on this machine: good for trying out, but no evidence.'] : []),
    '',
    ...alarms.flatMap(message => [`ALARM: ${message}`, '']),
  ]
  // The steps below would fail, and look as if all were well.
  if (!accepting) return [...told, 'It accepts no record at the moment. docs/alarms.md says what to do.', STOP]
  return [
    ...told,
    'In another terminal, in this folder:',
    '',
    '# register an agency, its key in a file for you alone',
    ...(operatorKeyFile === undefined ? [] : [`export OPENSEAL_OPERATOR_KEY_FILE=${quote(shortest(operatorKeyFile))}`]),
    `${COMMAND} agency add demo.gov.example --name "Demo agency" --key-file demo.key${ledger}`,
    '',
    '# submit a file: only its hash leaves this machine',
    'export OPENSEAL_API_KEY_FILE=demo.key',
    'echo "The bridge is to be built." > decision.txt',
    `${COMMAND} submit decision.txt --agency demo.gov.example --kind decision --record 2026/1 --wait${rpc}${ledger}`,
    '',
    '# fetch its receipt again, and verify',
    `${COMMAND} receipt --upgrade decision.txt${rpc}${ledger}`,
    `${COMMAND} policy --out openseal.policy.json${ledger}`,
    `${COMMAND} verify decision.txt --policy openseal.policy.json${rpc}${ledger}`,
    '',
    STOP,
  ]
}

function shortest(path: string): string {
  const fromHere = relative(process.cwd(), path)
  return fromHere.startsWith('..') ? path : fromHere
}

function quote(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`
}

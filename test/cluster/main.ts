/**
 * `npm run cluster`: a ledger of several nodes on this machine, to try out what happens when one of
 * them dies. Ctrl-C ends all of it. `--nodes N` (3). With `--drill RECORDS` it does all of that by
 * itself, and ends with 1 if a record that was acknowledged is lost or logged twice. With
 * `--move RECORDS` it moves a ledger from Level to PostgreSQL and back, and kills each move several
 * times. `--write` writes docs/results/drill.md, or move.md.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { numberOption, readOptions } from '../../scripts/options.ts'
import { writeResults } from '../../scripts/results.ts'
import { isFree } from '../listen.ts'
import { formatPhases, type PhaseResult, type Told } from './checks.ts'
import { startCluster } from './cluster.ts'
import { runDrill } from './drill.ts'
import { runMove } from './move.ts'

const tell = (line: string) => process.stderr.write(`${line}\n`)
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
/** The last port is nine more. */
const LAST_PORT = 65_526

const { values } = readOptions('cluster', {
  options: { nodes: { type: 'string' }, drill: { type: 'string' }, move: { type: 'string' }, write: { type: 'boolean' } },
})
const count = Math.floor(numberOption('cluster', 'nodes', values.nodes, 3))
if (count < 1 || count > 9) {
  tell('cluster: --nodes must be a number from 1 to 9.')
  process.exit(2)
}

if (values.drill !== undefined) {
  const records = Math.floor(numberOption('cluster', 'drill', values.drill, 1))
  await runPhases('drill', records, runDrill, {
    title: 'Drill',
    about: `${records.toLocaleString('en')} records, submitted in bulk over three nodes while nodes are killed and paused and the database fails over twice. Nothing that was acknowledged was lost or logged twice.`,
  })
}
if (values.move !== undefined) {
  const records = Math.floor(numberOption('cluster', 'move', values.move, 1))
  await runPhases('move', records, runMove, {
    title: 'Move',
    about: `A ledger of ${records.toLocaleString('en')} entries, moved from Level to PostgreSQL and back by \`openseal move\`. Each move is killed and started again, and gets more time at each start, until it ends. \`killedReading\` counts the kills while the copy was read back. After each kill, neither store can be started. Nor can a source that was moved. Each check compares the root, verifies receipts from before the moves, and submits a known record and a new one.`,
  })
}

const port = Number(process.env.OPENSEAL_PORT || 8080)
if (!Number.isInteger(port) || port < 1 || port > LAST_PORT) {
  tell(`cluster: OPENSEAL_PORT must be a number from 1 to ${LAST_PORT}.`)
  process.exit(2)
}
for (const each of [...Array.from({ length: count }, (_, i) => port + i), port + 9])
  if (!(await isFree(each))) {
    tell(`cluster: port ${each} is in use. Set OPENSEAL_PORT to another one: the first node gets it, the proxy one that is 9 more.`)
    process.exit(1)
  }

let isStopped = false
const stopped = new Promise<void>(resolve => {
  for (const signal of SIGNALS)
    process.once(signal, () => {
      isStopped = true
      resolve()
    })
})
tell('Starting PostgreSQL with a standby, a chain and the nodes …')
const { data, chain, database, nodes, proxy, stop } = await startCluster({ nodes: count, port, told: tell }).catch(error => {
  tell(`cluster: it could not be started. ${error.message}`)
  process.exit(1)
})
if (isStopped) {
  await stop()
  process.exit(0)
}
const standby = database.standby()
process.stdout.write(
  `${JSON.stringify({
    nodes: nodes.map(({ url, pid }) => ({ url, pid: pid() })),
    proxy,
    primary: { pid: database.primary().pid() },
    ...(standby && { standby: { pid: standby.pid() } }),
    data,
  })}\n`,
)
writeFileSync(join(data, 'record.txt'), 'A decision.\n')
tell(`
The ledger is at ${proxy}. The operator's commands go to a node:

export OPENSEAL_OPERATOR_KEY_FILE=${data}/keys/operator.key
./openseal agency add demo.gov.example --name "Demo agency" --key-file ${data}/demo.key --ledger ${nodes[0]?.url}
export OPENSEAL_API_KEY_FILE=${data}/demo.key
./openseal submit ${data}/record.txt --agency demo.gov.example --kind decision --record r-1 --ledger ${proxy}
./openseal audit --trust-ledger --ledger ${proxy} --rpc ${chain.url}

Kill or pause a node or the primary by its process id, and go on submitting. A node that ends is
started again, and the standby takes the place of a primary that dies. The audit shows that nothing
is lost and nothing twice. Ctrl-C ends everything.`)
await stopped
tell('Stopping …')
await stop()

/** Runs one of them, prints each phase and then all of them as a table, and ends this process. */
async function runPhases(
  name: string,
  records: number,
  run: (records: number, told: Told) => Promise<void>,
  page: { readonly title: string; readonly about: string },
): Promise<never> {
  let stop = async () => {}
  for (const signal of SIGNALS) process.once(signal, () => stop().finally(() => process.exit(1)))
  const results: PhaseResult[] = []
  const done = (result: PhaseResult) => {
    results.push(result)
    process.stdout.write(`${JSON.stringify(result)}\n`)
  }
  const started = (end: () => Promise<void>) => {
    stop = end
  }
  const failure = await run(records, { told: tell, done, started }).then(
    () => undefined,
    (error: Error) => error,
  )
  const body = formatPhases(results)
  process.stdout.write(`\n${body}\n`)
  if (failure === undefined && values.write)
    writeResults(name, { ...page, command: `npm run cluster -- --${name} ${records} --write`, body })
  if (failure !== undefined) tell(`The ${name} has failed: ${failure.message}`)
  process.exit(failure === undefined ? 0 : 1)
}

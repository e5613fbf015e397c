/**
 * `npm run cluster`: a ledger of several nodes on this machine, to try out what happens when one of
 * them dies. Ctrl-C ends all of it. `--nodes N` (3). With `--drill RECORDS` it does all of that by
 * itself, and ends with 1 if a record that was acknowledged is lost or logged twice; `--write`
 * writes docs/results/drill.md.
 */
import { numberOption, readOptions } from '../../scripts/options.ts'
import { writeResults } from '../../scripts/results.ts'
import { startCluster } from './cluster.ts'
import { formatPhases, type PhaseResult, runDrill } from './drill.ts'

const tell = (line: string) => process.stderr.write(`${line}\n`)

const { values } = readOptions('cluster', {
  options: { nodes: { type: 'string' }, drill: { type: 'string' }, write: { type: 'boolean' } },
})
const count = Math.floor(numberOption('cluster', 'nodes', values.nodes, 3))
if (count < 1 || count > 9) {
  tell('cluster: --nodes must be a number from 1 to 9.')
  process.exit(2)
}

if (values.drill !== undefined) await drill(Math.floor(numberOption('cluster', 'drill', values.drill, 1)))

const stopped = new Promise<void>(resolve => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
})
tell('Starting PostgreSQL with a standby, a chain and the nodes …')
const { data, database, nodes, proxy, stop } = await startCluster({
  nodes: count,
  port: Number(process.env.OPENSEAL_PORT || 8080),
  told: tell,
})
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
tell(`
The ledger is at ${proxy}. The operator's commands go to a node:

export OPENSEAL_OPERATOR_KEY_FILE=${data}/keys/operator.key
./openseal agency add demo.gov.example --name "Demo agency" --key-file demo.key --ledger ${nodes[0]?.url}
export OPENSEAL_API_KEY_FILE=demo.key
./openseal submit README.md --agency demo.gov.example --kind decision --record r-1 --ledger ${proxy}

Kill or pause a node or the primary by its process id, and go on submitting. A node that ends is
started again, and the standby takes the place of a primary that dies. Ctrl-C ends everything.`)
await stopped
tell('Stopping …')
await stop()

/** Runs the drill, prints each phase and then all of them as a table, and ends this process. */
async function drill(records: number): Promise<never> {
  const results: PhaseResult[] = []
  const done = (result: PhaseResult) => {
    results.push(result)
    process.stdout.write(`${JSON.stringify(result)}\n`)
  }
  const failure = await runDrill(records, { told: tell, done }).then(
    () => undefined,
    (error: Error) => error,
  )
  process.stdout.write(`\n${formatPhases(results)}\n`)
  if (failure === undefined && values.write)
    writeResults('drill', {
      title: 'Drill',
      command: `npm run cluster -- --drill ${records} --write`,
      about: `${records.toLocaleString('en')} records, submitted in bulk over three nodes while nodes are killed and paused and the database fails over twice. Nothing that was acknowledged was lost or logged twice.`,
      body: formatPhases(results),
    })
  if (failure !== undefined) tell(`The drill has failed: ${failure.message}`)
  process.exit(failure === undefined ? 0 : 1)
}

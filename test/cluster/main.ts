/**
 * `npm run cluster`: a ledger of several nodes on this machine, to try out what happens when one of
 * them dies. Ctrl-C ends all of it. `--nodes N` (3).
 */
import { numberOption, readOptions } from '../../scripts/options.ts'
import { startCluster } from './cluster.ts'

const tell = (line: string) => process.stderr.write(`${line}\n`)

const { values } = readOptions('cluster', { options: { nodes: { type: 'string' } } })
const count = Math.floor(numberOption('cluster', 'nodes', values.nodes, 3))
if (count < 1 || count > 9) {
  tell('cluster: --nodes must be a number from 1 to 9.')
  process.exit(2)
}

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

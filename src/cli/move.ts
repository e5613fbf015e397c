/** `openseal move`: carries a ledger at rest from its data folder to a database, or back. */
import { mkdir, rename, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import { abortMove, type Moved, movedFolderOf, moveLedger, type NamedStore } from '../care/move.ts'
import { toHex } from '../core/bytes.ts'
import { type Host, systemHost } from '../host.ts'
import { silentLog } from '../logger.ts'
import { openLevelStore } from '../store/level/level.ts'
import { parseAddress } from '../store/postgres/address.ts'
import { openPostgresStore } from '../store/postgres/postgres.ts'
import { syncFolder } from '../whole-file.ts'
import { keepFilesPrivate, UsageError, withExample } from './command.ts'
import { print, printJson, startProgress } from './output.ts'

type Options = { from: string; to?: string; abort?: boolean; json?: boolean }

/** A store that this command has open. `folder`: where it is, if it is on this machine. */
type Opened = NamedStore & { readonly folder?: string }

/** Names the database of OPENSEAL_STORE. Its address may hold a password, so it is no argument. */
const DATABASE = 'database'
const EXAMPLE = `export OPENSEAL_STORE=postgres://ledger:PASSWORD@db.example/ledger
openseal move --from ./data --to ${DATABASE}
openseal move --from ${DATABASE} --to ./data
openseal move --from ./data --abort`

/** Fills the command. */
export function addMove(command: Command): void {
  withExample(command, EXAMPLE)
    .requiredOption('--from <store>', `a data folder, or "${DATABASE}": the one that OPENSEAL_STORE names`)
    .option('--to <store>', 'the same, for an empty store')
    .option('--abort', 'take back a move that has not ended: the source starts again')
    .addHelpText('after', '\nStop every node first. After an interruption, run the same command again.')
    .action(run)
}

async function run({ from, to, abort = false, json }: Options): Promise<void> {
  keepFilesPrivate()
  if (abort === (to !== undefined)) throw new UsageError('give either --to STORE or --abort')
  if ((from === DATABASE) === (to === DATABASE)) throw new UsageError(`a ledger is moved from a folder to "${DATABASE}", or back`)
  const host = systemHost(silentLog)
  const source = await open(from, host)
  try {
    if (to === undefined) {
      await abortMove(source)
      return report(json, { from: source.name, aborted: true }, [`The ledger in ${inSentence(source.name)} starts again.`])
    }
    const moved = await moveTo(source, to, host).catch(async error => {
      // It had ended, but for the last step below.
      if (error.code === 'MOVE_DONE' && source.folder !== undefined) await source.store.close().then(() => setAside(source.folder!))
      throw error
    })
    await source.store.close()
    // The database opens already. From here on, the folder says at once that it was moved.
    if (source.folder !== undefined) await setAside(source.folder)
    const done = { from: source.name, to: moved.name, size: moved.size, root: toHex(moved.root), erased: moved.erased }
    report(json, { ...done, documents: moved.documents }, [
      `The ledger is in ${inSentence(moved.name)}: ${moved.size} entries, read back and hashed to the same root.`,
      to === DATABASE
        ? `Start it with OPENSEAL_STORE, and with the keys of ${from}.`
        : `Start it without OPENSEAL_STORE, with ${to} as the data folder.`,
    ])
  } finally {
    await source.store.close()
  }
}

async function moveTo(source: Opened, to: string, host: Host): Promise<Moved & { readonly name: string }> {
  const target = await open(to, host, true)
  let bar: ReturnType<typeof startProgress> | undefined
  let shown: string | undefined
  try {
    const moved = await moveLedger(source, target, ({ step, done, total }) => {
      if (shown !== step) {
        bar?.stop()
        bar = startProgress(step === 'copy' ? 'copying' : 'reading back', total)
        shown = step
      }
      bar?.update(done)
    })
    return { ...moved, name: target.name }
  } finally {
    bar?.stop()
    await target.store.close()
  }
}

/** Opens a store. A folder that is to be filled is made. */
async function open(name: string, host: Host, isTarget = false): Promise<Opened> {
  if (name === DATABASE) {
    const address = process.env.OPENSEAL_STORE
    if (!address) throw new UsageError('OPENSEAL_STORE does not name a database')
    const { database, hosts } = parseAddress(address)
    return { store: await openPostgresStore(address, host), name: `The database ${database} on ${hosts.map(each => each.host).join(', ')}` }
  }
  if (/^postgres/i.test(name)) throw new UsageError(`give the address of a database in OPENSEAL_STORE, and "${DATABASE}" here`)
  const folder = join(name, 'store')
  if (isTarget) await mkdir(name, { recursive: true, mode: 0o700 })
  else if (!(await isThere(folder)))
    throw new UsageError(
      (await isThere(movedFolderOf(folder))) ? `the ledger of ${name} was moved already` : `there is no ledger in ${name}`,
    )
  return { store: await openLevelStore(folder), name: `The folder ${resolve(name)}`, folder }
}

/** A store's name within a sentence. */
function inSentence(name: string): string {
  return name.replace(/^The/, 'the')
}

async function setAside(folder: string): Promise<void> {
  await rename(folder, movedFolderOf(folder))
  await syncFolder(join(folder, '..'))
}

function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

function report(json: boolean | undefined, value: object, lines: readonly string[]): void {
  if (json) printJson(value)
  else print(...lines)
}

/** `openseal move`: carries a ledger at rest from its data folder to a database, or back. */
import type { Command } from 'commander'
import { abortMove, type MovedLedger, moveLedger } from '../care/move.ts'
import { type OpenPlace, openDatabasePlace, openFolderPlace, setAside } from '../care/move-places.ts'
import { toHex } from '../core/bytes.ts'
import { type Host, systemHost } from '../host.ts'
import { silentLog } from '../logger.ts'
import { keepFilesPrivate, UsageError, withExample } from './command.ts'
import { print, printJson, startProgress } from './output.ts'

type Options = { from: string; to?: string; abort?: boolean; json?: boolean }

/** The word for the database of OPENSEAL_STORE, whose address may hold a password. */
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
  if (to !== undefined && (from === DATABASE) === (to === DATABASE))
    throw new UsageError(`a ledger is moved from a folder to "${DATABASE}", or back`)
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

async function moveTo(source: OpenPlace, to: string, host: Host): Promise<MovedLedger & { readonly name: string }> {
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

/** Opens a store. */
async function open(name: string, host: Host, isTarget = false): Promise<OpenPlace> {
  if (/^postgres/i.test(name)) throw new UsageError(`give the address of a database in OPENSEAL_STORE, and "${DATABASE}" here`)
  if (name !== DATABASE) return openFolderPlace(name, isTarget)
  const address = process.env.OPENSEAL_STORE
  if (!address) throw new UsageError('OPENSEAL_STORE does not name a database')
  return openDatabasePlace(address, host)
}

/** A store's name within a sentence. */
function inSentence(name: string): string {
  return name.replace(/^The/, 'the')
}

function report(json: boolean | undefined, value: object, lines: readonly string[]): void {
  if (json) printJson(value)
  else print(...lines)
}
